"""`trimtab cron`: say what a schedule means, and when it fires."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from bot.domain.errors import CronError

if TYPE_CHECKING:
    from bot.domain.cron import CronFinding, Gaps, QuartzCron

_SHOWN_RUNS = 5
_MEASURED_RUNS = 10_000
_YEAR = timedelta(days=366)
_EPOCH_RANGE = (-62_000_000_000, 253_000_000_000)

_tz = click.option(
    "--tz",
    metavar="ZONE",
    help="An IANA zone, such as America/Toronto; default: the one at the end of EXPR, or UTC.",
)
_output = click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text")


class _Expression(click.Command):
    """Take an expression such as `-5 0 6 * * ?` for what it is: wrong, but no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put it behind the options."""
        odd = [argument for argument in args if argument.startswith("-") and " " in argument]
        if odd and "--" not in args:
            args = [*(argument for argument in args if argument not in odd), "--", *odd]
        return super().parse_args(ctx, args)


@click.group("cron")
def command() -> None:
    """Explain a Quartz cron, or list when it fires.

    EXPR has 6 or 7 fields: seconds minutes hours day-of-month month day-of-week [year]. Times are
    those of Quartz 2.3.2, which Airbyte runs: see docs/cron.md.
    """


@command.command("explain", cls=_Expression)
@click.argument("expr")
@_tz
@_output
def explain(expr: str, tz: str | None, output: str) -> None:
    """Say EXPR in words, its next runs, its gaps, and what Airbyte makes of it."""
    from bot.domain.cron.words import describe

    now = datetime.now(UTC)
    cron = _parse(expr, tz)
    runs = list(
        islice(takewhile(lambda run: run < now + _YEAR, cron.fires_after(now)), _MEASURED_RUNS)
    )
    skipped = cron.skipped_between(now, now + _YEAR)
    gaps = cron.gaps_between(runs[0], runs[-1] + timedelta(seconds=1)) if runs else None
    findings = _find(cron, now)
    if output == "json":
        report = {
            "expression": cron.text,
            "zone": cron.zone,
            "words": describe(cron),
            "canonical": cron.canonical,
            "fires": [int(run.timestamp()) for run in runs[:_SHOWN_RUNS]],
            "gaps_seconds": _gaps_as_json(gaps),
            "skipped_local_times": [time.isoformat() for time in skipped],
            "airbyte": [{"message": one.message, "refused": one.refused} for one in findings],
            "spelling": _spell(cron),
        }
        click.echo(json.dumps(report, indent=2))
        return
    click.echo(f"{cron.text}   ({cron.zone})")
    click.echo(f"{describe(cron)}.\n")
    _print_runs(cron, runs, gaps)
    for time in skipped:
        click.echo(f"No run on {time:%a %Y-%m-%d} at {time:%H:%M:%S}: the clock skips that time.")
    _print_findings(findings, _spell(cron))


@command.command("next", cls=_Expression)
@click.argument("expr")
@_tz
@click.option("--after", metavar="EPOCH_SECONDS", type=int, help="Default: now.")
@click.option("-n", "count", type=click.IntRange(min=1), default=_SHOWN_RUNS, show_default=True)
@_output
def show_next(expr: str, tz: str | None, after: int | None, count: int, output: str) -> None:
    """List the next runs of EXPR.

    This is Quartz alone, without Airbyte's own rules. With --tz, EXPR must not name a zone.
    """
    cron = _parse(expr, tz)
    fires = list(islice(cron.fires_after(_instant(after)), count))
    if output == "json":
        click.echo(json.dumps({"fires": [int(fire.timestamp()) for fire in fires]}))
        return
    for fire in fires:
        click.echo(fire.astimezone(ZoneInfo(cron.zone)).isoformat())
    if not fires:
        click.echo("it never fires again", err=True)


def _parse(expr: str, tz: str | None) -> "QuartzCron":
    """Take the zone from `tz`, or else from the end of the expression, or else UTC."""
    from bot.domain.cron import parse, split_zone

    text, zone = split_zone(expr)
    if tz is None:
        return parse(text if zone else expr, zone or "UTC")
    try:
        return parse(expr, tz)
    except CronError as error:
        if zone is None:
            raise
        hint = f"The expression ends in the zone {zone}: leave out either that or --tz."
        raise CronError(error.message, hint) from None


def _instant(after: int | None) -> datetime:
    if after is None:
        return datetime.now(UTC)
    low, high = _EPOCH_RANGE
    return datetime.fromtimestamp(min(max(after, low), high), UTC)


def _find(cron: "QuartzCron", now: datetime) -> "list[CronFinding]":
    """Check against Airbyte, and against the limit of its Cloud where only that objects."""
    from bot.domain.cron import CLOUD_FLOOR, check_airbyte

    spelled = f"{cron.text} {cron.zone}"
    findings = check_airbyte(spelled, at=now)
    only_cloud = [one for one in check_airbyte(spelled, CLOUD_FLOOR, now) if one not in findings]
    return findings + [replace(one, message=f"on Cloud: {one.message}") for one in only_cloud]


def _spell(cron: "QuartzCron") -> str | None:
    """Return the spelling that causes no drift, or None when this cannot be written."""
    from bot.domain.cron import to_airbyte

    try:
        return to_airbyte(f"{cron.text} {cron.zone}")
    except CronError:
        return None


def _gaps_as_json(gaps: "Gaps | None") -> dict[str, Any] | None:
    if gaps is None:
        return None
    return {
        "shortest": gaps.shortest.total_seconds(),
        "median": gaps.median.total_seconds(),
        "longest": gaps.longest.total_seconds(),
        "fires": gaps.fires,
    }


def _print_runs(cron: "QuartzCron", runs: list[datetime], gaps: "Gaps | None") -> None:
    from bot.domain.cron.words import say_duration

    if not runs:
        click.echo("It does not fire within a year.")
        return
    click.echo("Next runs:")
    for run in runs[:_SHOWN_RUNS]:
        local = (
            "" if cron.zone == "UTC" else f"   {run.astimezone(ZoneInfo(cron.zone)):%a %H:%M %Z}"
        )
        click.echo(f"  {run:%a %Y-%m-%d %H:%M:%S} UTC{local}")
    if gaps is not None:
        click.echo(
            f"Gaps over {gaps.fires:,} runs until {runs[-1]:%Y-%m-%d}: "
            f"shortest {say_duration(gaps.shortest)}, median {say_duration(gaps.median)}, "
            f"longest {say_duration(gaps.longest)}."
        )


def _print_findings(findings: "list[CronFinding]", spelling: str | None) -> None:
    click.echo("\nAirbyte:")
    for finding in findings:
        click.echo(f"  {'refused' if finding.refused else 'note'}: {finding.message}.")
    if spelling is not None:
        click.echo(f"  write it as: {spelling}")
