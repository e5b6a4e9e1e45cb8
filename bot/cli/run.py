"""`trimtab run` and `trimtab plan`: the scheduled job, and what it would do."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from bot.cli.publishing import Publishing, publishing_options
from bot.domain.errors import ExitCode

_config = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Settings file.  [default: trimtab.yaml]",
)


def _span(_context: click.Context, _option: click.Parameter, text: str | None) -> timedelta | None:
    from bot.domain.spans import parse_span

    try:
        return None if text is None else parse_span(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command("plan")
@_config
@click.option(
    "--detailed-exitcode", is_flag=True, help="End with 4 when carrying the plan out does anything."
)
@publishing_options
def plan(config: Path | None, detailed_exitcode: bool, **publishing: Any) -> int:
    """Print what a run would do, and why; nothing but the history is written."""
    from bot.cli.opening import open_job
    from bot.cli.outline import summarise
    from bot.cli.surroundings import alone
    from bot.job import plan

    with alone(config) as log, open_job(config) as job:
        summary = summarise(plan(job))
        log.info("planned", pending=summary.pending, seconds=_rounded(job.stages.seconds))
    Publishing(**publishing).publish(summary, job.stages.seconds)
    if summary.unread:
        return ExitCode.EXPECTED_ERROR
    return ExitCode.CHANGES_PENDING if detailed_exitcode and summary.pending else ExitCode.OK


@click.command("run")
@_config
@click.option(
    "--budget",
    metavar="SPAN",
    callback=_span,
    help="Begin no further pull request after so long: 45m, 1h. The next run does the rest.",
)
@publishing_options
def run(config: Path | None, budget: timedelta | None, **publishing: Any) -> int:
    """Mine, advise, judge, edit, and open or update pull requests."""
    from bot.cli.opening import open_job
    from bot.cli.outline import summarise
    from bot.cli.surroundings import alone
    from bot.job import carry_out, plan

    with alone(config) as log, open_job(config) as job:
        job.stages.budget = budget
        made = plan(job)
        done = carry_out(job, made)
        summary = summarise(made, done)
        for _operation, error in done.failures:
            log.error("the forge refused", why=error.message)
        if done.left:
            log.warning("its time was over", left=len(done.left))
        log.info("run ended", seconds=_rounded(job.stages.seconds))
    Publishing(**publishing).publish(summary, job.stages.seconds)
    failed = bool(summary.unread or done.failures)
    return ExitCode.EXPECTED_ERROR if failed else ExitCode.OK


def _rounded(seconds: dict[str, float]) -> dict[str, float]:
    return {name: round(spent, 3) for name, spent in seconds.items()}
