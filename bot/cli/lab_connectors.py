"""`trimtab lab connectors`: the knob advisor in a closed loop with a real connector."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.lab.tuning_outcome import Change, Outcome


@click.command("connectors")
@click.option("--command", "given", metavar="COMMAND",
              help="A source connector's command that takes source-faker's options.  "
              "[default: source-faker, installed with pip where it is not on PATH]")  # fmt: skip
@click.option("--days", type=click.IntRange(1, 730), default=42, show_default=True,
              help="Days of the lab to let pass, a run of each connection every other day.")  # fmt: skip
@click.option("--minutes", type=click.FloatRange(0, 600, min_open=True), default=4.5, show_default=True,
              help="End after so long in earnest, with what there is by then.")  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True)
def connectors(given: str | None, days: int, minutes: float, seed: int) -> None:
    """Tune a real connector in a closed loop, on this machine.

    Three connections read Airbyte's sample source with knobs that are set badly; each sync is a
    run of the connector's process. Every day of the lab the history is mined and the knob advisor
    asked, and what it recommends is done. At the end the first and the last knobs are run in
    turns, and compared.
    """
    from datetime import timedelta

    from bot.lab.real import Connector
    from bot.lab.sample_source import STREAMS, find_command
    from bot.lab.tuning import Trial, tune

    connector = Connector((find_command(given, lambda line: click.echo(line, err=True)),))
    trial = Trial(connector, STREAMS, days, seed, timedelta(minutes=minutes))
    outcome = tune(trial, click.echo)
    for line in _report(outcome):
        click.echo(line)


def _report(outcome: "Outcome") -> "Iterator[str]":
    from statistics import median

    from bot.lab.tuning_outcome import change_of

    yield (
        f"\n{'':<12}{'parallelism':>13}{'records/slice':>16}{'pairs':>7}{'median s':>14}"
        f"{'change':>9}  90 % interval"
    )
    for course in outcome.courses:
        ends = zip(*course.pairs, strict=True)
        change = change_of([course])
        medians = " → ".join(f"{median(each):.2f}" for each in ends)
        shown = f"{change.share:>+9.0%}  {_interval(change)}" if change else ""
        line = (
            f"{course.name:<12}{_turned(course.first, course.last, 'parallelism'):>13}"
            f"{_turned(course.first, course.last, 'records_per_slice'):>16}"
            f"{len(course.pairs):>7}{medians:>14}{shown}"
        )
        yield line.rstrip()
    together = change_of(outcome.courses)
    if not outcome.steps:
        yield "\nNothing was turned in that time; more --days (and --minutes) may show more."
    elif together is None:
        yield "\nAll knobs are back where they began, or too few pairs of runs ended well to compare."
    else:
        told = "" if together.is_told_from_luck else ": not to be told from luck"
        yield (
            f"\nRuns at the last knobs take {together.share:+.0%} against those at the first, "
            f"{_interval(together)} (90 %){told}."
        )
    yield (
        f"{outcome.days} days of the lab, {outcome.runs} runs of the connector in them "
        f"({outcome.failed} failed), {len(outcome.steps)} steps, {outcome.took.total_seconds():.0f} s."
    )


def _interval(change: "Change") -> str:
    return f"{change.low:+.0%} to {change.high:+.0%}"


def _turned(first: "Mapping[str, int]", last: "Mapping[str, int]", path: str) -> str:
    return str(first[path]) if first[path] == last[path] else f"{first[path]} → {last[path]}"
