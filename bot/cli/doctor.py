"""`trimtab doctor`: one table of what works, what is missing, and the next step."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.connect import SETTINGS_FILE, Places, airbyte_options, history_option
from bot.domain.errors import ExitCode

if TYPE_CHECKING:
    from bot.cli.checks import Finding


@click.command("doctor")
@airbyte_options
@history_option
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to print the result.",
)
def command(config: Path | None, airbyte_url: str | None, history: str | None, output: str) -> int:
    """Say what works, what is missing, and what to do about it.

    Looks at the settings, Airbyte, our role there, the clock, the history, the Terraform roots
    and the repository, and changes none of them. Ends with 1 when something is missing.
    """
    from bot.cli.checks import State, examine

    findings = list(examine(Places(config, airbyte_url, history), config or SETTINGS_FILE))
    if output == "json":
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        _print(findings)
    missing = any(finding.state is State.MISSING for finding in findings)
    return ExitCode.EXPECTED_ERROR if missing else ExitCode.OK


def _print(findings: Sequence["Finding"]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in ("check", "state", "what was found", "next step"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        row = (finding.name, finding.state, finding.detail, finding.step)
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)
