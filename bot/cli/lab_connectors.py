"""`trimtab lab connectors`: the knob advisor in a closed loop with a real connector."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.lab.tuning_outcome import Outcome


@click.command("connectors")
@click.option("--command", "given", metavar="COMMAND",
              help="A source connector's command that takes source-faker's options.  "
              "[default: source-faker, installed with pip where it is not on PATH]")  # fmt: skip
@click.option("--days", type=click.IntRange(1, 730), default=46, show_default=True,
              help="Days of the lab to let pass, a run of each connection every other day.")  # fmt: skip
@click.option("--minutes", type=click.FloatRange(0, 600, min_open=True), default=4.5, show_default=True,
              help="End after so long in earnest, with what there is by then.")  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True)
def connectors(given: str | None, days: int, minutes: float, seed: int) -> None:
    """Tune a real connector in a closed loop, on this machine.

    Three connections read Airbyte's sample source with knobs that are set badly; each sync is a
    run of the connector's process. Every day of the lab the history is mined and the knob advisor
    asked, and what it recommends is done. At the end: knobs and run times, first and last.
    """
    from datetime import timedelta

    from bot.lab.real import Connector
    from bot.lab.sample_source import STREAMS, find_command
    from bot.lab.tuning import Trial, tune

    connector = Connector((find_command(given, lambda line: click.echo(line, err=True)),))
    trial = Trial(connector, STREAMS, days, seed, timedelta(minutes=minutes))
    outcome = tune(trial, click.echo)
    for line in _report(outcome, seed):
        click.echo(line)


def _report(outcome: "Outcome", seed: int) -> "Iterator[str]":
    from statistics import median

    from bot.lab.tuning_outcome import change_of

    yield ""
    yield (
        f"{'':<12}{'parallelism':>13}{'records/slice':>16}{'runs':>9}{'median s':>14}"
        f"{'change':>9}  90 % interval"
    )
    for course in outcome.courses:
        ends = (course.first_seconds, course.last_seconds)
        runs = " → ".join(str(len(each)) for each in ends)
        medians = " → ".join(f"{median(each):.2f}" if each else "-" for each in ends)
        change = change_of([course], seed)
        shown = (
            ""
            if change is None
            else f"{change.share:>+9.0%}  {change.low:+.0%} to {change.high:+.0%}"
        )
        yield (
            f"{course.name:<12}{_turned(course.first, course.last, 'parallelism'):>13}"
            f"{_turned(course.first, course.last, 'records_per_slice'):>16}"
            f"{runs:>9}{medians:>14}{shown}"
        )
    yield ""
    together = change_of(outcome.courses, seed)
    if together is None:
        yield "Too few runs at the first and the last knobs to compare them: give it more --days."
    else:
        told = "" if together.is_told_from_luck else ", which cannot be told from luck"
        yield (
            f"Runs at the last knobs take {together.share:+.0%} against those at the first, "
            f"between {together.low:+.0%} and {together.high:+.0%} (90 %){told}."
        )
    yield (
        f"{outcome.days} days of the lab, {outcome.runs} real runs ({outcome.failed} failed), "
        f"{len(outcome.steps)} steps, in {outcome.took.total_seconds():.0f} s. First and last runs "
        "lie minutes apart, so what else ran on this machine counts in."
    )


def _turned(first: "Mapping[str, int]", last: "Mapping[str, int]", path: str) -> str:
    return str(first[path]) if first[path] == last[path] else f"{first[path]} → {last[path]}"
