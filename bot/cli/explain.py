"""`trimtab explain`: everything that is known of one connection, and why it is advised so."""

from pathlib import Path

import click

from bot.cli.connect import config_option, history_option


@click.command("explain")
@click.argument("connection")
@config_option
@history_option
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print the result.",
)
def command(connection: str, config: Path | None, history: str | None, output: str) -> None:
    """Say what each advisor thinks of one connection, and why.

    CONNECTION is an id, or a unique name. With the evidence and its window, what speaks against, the predicted effect with its interval,
    what policy says, and how its tuning options changed.
    """
    import json

    from bot.advise.registry import installed
    from bot.cli.advice_json import as_json
    from bot.cli.advice_text import paragraph
    from bot.cli.survey import survey

    found = survey(config, history)
    subject = found.find(connection)
    advice = found.advice(installed())
    if output == "json":
        click.echo(json.dumps(as_json(found, [subject], advice), indent=2))
    else:
        click.echo(paragraph(found, subject, advice[subject.connection.id]))
