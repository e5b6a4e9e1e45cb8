"""`trimtab run` and `trimtab plan`: the scheduled job, and what it would do."""

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
@publishing_options
def run(config: Path | None, **publishing: Any) -> int:
    """Mine, advise, judge, edit, and open or update pull requests."""
    from bot.cli.opening import open_job
    from bot.cli.outline import summarise
    from bot.cli.surroundings import alone
    from bot.job import carry_out, plan

    with alone(config) as log, open_job(config) as job:
        made = plan(job)
        done = carry_out(job, made)
        summary = summarise(made)
        for _operation, error in done.failures:
            log.error("the forge refused", why=error.message)
        log.info("run ended", seconds=_rounded(job.stages.seconds))
    Publishing(**publishing).publish(summary, job.stages.seconds)
    failed = bool(summary.unread or done.failures)
    return ExitCode.EXPECTED_ERROR if failed else ExitCode.OK


def _rounded(seconds: dict[str, float]) -> dict[str, float]:
    return {name: round(spent, 3) for name, spent in seconds.items()}
