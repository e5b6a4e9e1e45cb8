"""`trimtab advise`: what every advisor says of every connection, from the history alone."""

from pathlib import Path

import click

from bot.cli.connect import config_option, history_option


@click.command("advise")
@config_option
@history_option
@click.option("--advisor", metavar="NAME", help="Ask this one alone.  [default: all]")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "markdown"]),
    default="table",
    show_default=True,
    help="How to print the result.",
)
def command(config: Path | None, history: str | None, advisor: str | None, output: str) -> None:
    """Say what should change, what should stay, and what is not known.

    Each advisor answers for each connection. It reads the history, and trimtab.yaml with its
    policies where there are any; Airbyte is not asked, and nothing is proposed. `trimtab explain
    CONNECTION` tells all about one.
    """
    import json

    from bot.advise.registry import chosen, installed
    from bot.cli.advice_json import as_json
    from bot.cli.advice_text import markdown, table
    from bot.cli.survey import survey

    advisors = installed() if advisor is None else (chosen(advisor),)
    found = survey(config, history)
    advice = found.advice(advisors)
    if output == "json":
        click.echo(json.dumps(as_json(found, found.situation.subjects, advice), indent=2))
    else:
        click.echo((table if output == "table" else markdown)(found, advice))
