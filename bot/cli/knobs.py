"""`trimtab knobs`: print the catalogue of tuning options, or scan a connector's specification."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.domain.errors import InputError

if TYPE_CHECKING:
    from bot.domain.knob import Knob
    from bot.knobs.catalogue import Catalogue, Untouched

_team = click.option(
    "--team",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Rows of your own; default: trimtab.knobs.jsonl here, when it exists.",
)


class _ListByDefault(click.Group):
    """Take `knobs stripe` as `knobs list stripe`, since printing is what people come for."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the hidden verb in front unless another one, or help, is asked for."""
        if not args or (args[0] not in self.commands and args[0] not in {"-h", "--help"}):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(
    "knobs",
    cls=_ListByDefault,
    subcommand_metavar="[CONNECTOR] [-o table|json] | scan SPEC.json",
)
def command() -> None:
    """Print the tuning options that trimtab knows and may turn, with their limits.

    CONNECTOR is `source-stripe` or `stripe`; without one, all are printed. Nothing outside this
    list is ever turned. A team adds connectors in a file of its own, `trimtab.knobs.jsonl`, with
    rows that `trimtab knobs scan` writes.
    """


@command.command("list", hidden=True)
@click.argument("connector", required=False)
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table")
@_team
def show(connector: str | None, output: str, team: Path | None) -> None:
    """Print the knobs of CONNECTOR, or all."""
    catalogue = _load(team)
    knobs = list(catalogue if connector is None else catalogue.of(connector))
    kept = catalogue.untouched_of(connector)
    if connector is not None and not knobs and not kept:
        raise InputError(
            f"no tuning option of {connector!r} is known",
            "Most connectors have none. Feed its specification to `trimtab knobs scan`.",
        )
    if output == "json":
        click.echo(json.dumps(_as_json(knobs, kept), indent=2))
    else:
        _print_table(knobs, kept)


@command.command("scan")
@click.argument("spec", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--connector", help="Its name, such as source-stripe, where SPEC does not tell.")
@_team
def scan(spec: Path, connector: str | None, team: Path | None) -> None:
    """Find the tuning options in a connector's specification and print the rows to add.

    SPEC is what the connector prints for `spec`, what Airbyte's API returns for a definition, the
    provider's `connector_spec_json`, or the bare JSON schema. Rows go to stdout
    (`>> trimtab.knobs.jsonl`), what was left out and why to stderr.
    """
    from bot.knobs.rows import write
    from bot.knobs.scan import scan as scan_specification

    found = scan_specification(spec, connector)
    catalogue = _load(team)
    for row in found.rows:
        known = catalogue.find(row.connector, row.path)
        note = "" if known is None else "  (known already; this row would replace it)"
        click.echo(write(row))
        click.echo(f"{row.path}: {row.kind}{note}", err=True)
    for path, reason in found.left_out:
        click.echo(f"{path}: left out: {reason}", err=True)
    if not found.rows:
        click.echo(f"{found.connector} has no tuning option that trimtab recognises", err=True)


def _load(team: Path | None) -> "Catalogue":
    from bot.knobs import catalogue

    if team is None and catalogue.TEAM_FILE.exists():
        team = catalogue.TEAM_FILE
    return catalogue.load(team)


def _as_json(knobs: "list[Knob]", kept: "list[Untouched]") -> dict[str, Any]:
    return {
        "knobs": [
            {
                "connector": knob.connector,
                "path": knob.path,
                "typed_path": knob.typed_path,
                "type": knob.type,
                "kind": knob.kind.value,
                "default": knob.default,
                "min": knob.bounds.low,
                "max": knob.bounds.high,
                "spec": {"min": knob.spec.low, "max": knob.spec.high},
                "safe": {"min": knob.safe.low, "max": knob.safe.high},
                "direction": knob.direction.value,
                "caution": knob.caution,
                "enum": knob.enum,
                "pattern": knob.pattern,
                "requires": dict(knob.requires),
                "effect": knob.effect,
                "provenance": knob.provenance,
            }
            for knob in knobs
        ],
        "untouched": [
            {"connector": one.connector, "path": one.path, "reason": one.reason} for one in kept
        ],
    }


def _print_table(knobs: "list[Knob]", kept: "list[Untouched]") -> None:
    """Print a knob a line, never folded: the lines are for grep as much as for eyes."""
    header = ("CONNECTOR", "OPTION", "KIND", "DEFAULT", "ALLOWED")
    lines = [header] + [
        (
            knob.connector,
            knob.path,
            knob.kind.value,
            "-" if knob.default is None else str(knob.default),
            _allowed(knob),
        )
        for knob in knobs
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
    click.echo()
    if any(knob.caution for knob in knobs):
        click.echo("* trimtab's own limit, where the specification has none; -o json says why")
    for one in kept:
        click.echo(f"never touched: {one.connector} {one.path}: {one.reason}")


def _allowed(knob: "Knob") -> str:
    if knob.enum is not None:
        return ", ".join(map(str, knob.enum))
    arrow = {"both": "", "up": " up only", "down": " down only"}[knob.direction.value]
    return f"{knob.bounds}{'*' if knob.caution else ''}{arrow}"
