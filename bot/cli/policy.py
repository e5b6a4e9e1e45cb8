"""`trimtab policy`: check the team's rules, explain them, test them, and compare two sets of them."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bot.cli.connect import SETTINGS_FILE, config_option, history_option
from bot.domain.errors import ExitCode, HistoryError, PolicyError

if TYPE_CHECKING:
    from bot.advise.advisor import Situation
    from bot.policy.judging import Judge
    from bot.policy.rules import Rules

_DEFAULT: Final = Path("policies")

_folder = click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
_output = click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print the result.",
)


@click.group("policy")
def command() -> None:
    """Check, explain, test and compare the team's policies.

    FOLDER is the one that trimtab.yaml names, or `policies` here. docs/policies.md tells how
    to write them.
    """


@command.command("check")
@_folder
@config_option
@history_option
def check(folder: Path | None, config: Path | None, history: str | None) -> int:
    """Read every file, and look for rules that cannot all be kept.

    Where a history is named, or trimtab.yaml names one that exists, conflicts are looked for in
    every connection that it knows, with today's costs and durations. Exits with 1 where anything is
    wrong.
    """
    from bot.cases import conflicts_of
    from bot.cli.policy_text import overview
    from bot.knobs.catalogue import TEAM_FILE, load
    from bot.policy.conflicts import strangers
    from bot.policy.judging import Judge
    from bot.report.terminal import one_line

    rules = _rules(folder, config)
    click.echo(overview(rules))
    catalogue = load(TEAM_FILE if TEAM_FILE.exists() else None)
    unknown = strangers(rules, {knob.path for knob in catalogue})
    for each in unknown:
        click.echo(each)
    judge = Judge(rules)
    situation = _situation(judge, config, history)
    if situation is None:
        click.echo("No history yet: the rules were not held against connections.")
        return ExitCode.EXPECTED_ERROR if unknown else ExitCode.OK
    found = conflicts_of(judge, situation, situation.subjects)
    for conflict in found:
        click.echo(one_line(f"conflict: {conflict}"))
    if not found:
        click.echo(f"No conflicts in {len(situation.subjects)} connections.")
    return ExitCode.EXPECTED_ERROR if found or unknown else ExitCode.OK


@command.command("schema")
@click.option("--tests", is_flag=True, help="The schema of test files instead.")
def schema(*, tests: bool) -> None:
    """Print the JSON Schema of policy files, for editors.

    A first line `# yaml-language-server: $schema=policy.schema.json` makes most of them complete
    keys and mark mistakes.
    """
    from bot.policy.schema import of_fixtures, of_policies

    click.echo(of_fixtures() if tests else of_policies())


@command.command("explain")
@click.argument("connection")
@config_option
@history_option
@_output
def explain(connection: str, config: Path | None, history: str | None, output: str) -> None:
    """Print which rules speak of CONNECTION, what holds for it, and what they say of today's advice.

    CONNECTION is an id, or a unique name. Everything carries file:line.
    """
    from bot.cli.policy_text import explain_json, explain_text
    from bot.cli.survey import survey

    found = survey(config, history)
    subject = found.find(connection)
    if found.judge is None:
        raise PolicyError(
            "There are no policies to explain",
            "Copy the shipped policies/ folder, or set `policies:` in trimtab.yaml.",
        )
    click.echo((explain_text if output == "text" else explain_json)(found, found.judge, subject))


@command.command("test")
@_folder
@config_option
@click.option("--covered", is_flag=True, help="Fail where a clause is decided by no test.")
def test(folder: Path | None, config: Path | None, *, covered: bool) -> int:
    """Run the tests in the folder `tests` beside the policies.

    Exits with 1 when one fails, or there is none.
    """
    from bot.cli.policy_text import results
    from bot.policy.coverage import uncovered
    from bot.policy.fixtures import run_fixtures

    rules, place = _rules(folder, config), _place(folder, config)
    found = run_fixtures(rules, place)
    if not found:
        raise PolicyError(
            f"{place}/tests: there are no tests", "docs/policies.md shows how to write one."
        )
    left = uncovered(rules, place, found)
    click.echo(results(found, left))
    failed = any(each.failures for each in found) or (covered and left)
    return ExitCode.EXPECTED_ERROR if failed else ExitCode.OK


@command.command("diff")
@click.argument("base", type=click.Path(path_type=Path, file_okay=False))
@click.argument("head", type=click.Path(path_type=Path, file_okay=False))
@config_option
@history_option
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="How to print the result.",
)
def diff(base: Path, head: Path, config: Path | None, history: str | None, output: str) -> None:
    """Print what the policies in HEAD would change, against those in BASE.

    Both are folders. The same history and settings are advised on under each: the answer is
    which recommendations appear, vanish, get another value or another approval, with money and
    deadlines.
    """
    from bot.cli.policy_diff import compare, render

    click.echo(render(compare(base, head, config, history), output))


def _place(folder: Path | None, config: Path | None) -> Path:
    """Return the folder of policies: the one given, the one of the settings, or `policies` here."""
    from bot.settings.reading import read_settings

    if folder is not None:
        return folder
    if config is None and not SETTINGS_FILE.exists():
        return _DEFAULT
    read = read_settings(config or SETTINGS_FILE, os.environ)
    return read.folder / read.settings.policies


def _rules(folder: Path | None, config: Path | None) -> "Rules":
    from bot.policy.rules import read_rules

    return read_rules(_place(folder, config))


def _situation(judge: "Judge", config: Path | None, history: str | None) -> "Situation | None":
    """Look at the history under these rules; None where nobody named one and none is there."""
    from datetime import UTC, datetime

    from bot.cli.connect import history_url, price_book
    from bot.cli.survey import look
    from bot.history.location import opened

    try:
        with opened(history_url(config, history), read_only=True) as store:
            return look(store, judge, price_book(config), datetime.now(UTC))
    except HistoryError:
        if history is not None:
            raise
        return None
