"""`trimtab run` and `trimtab plan`: the scheduled job, and what it would do."""

from pathlib import Path

import click

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
def plan(config: Path | None, detailed_exitcode: bool) -> int:
    """Print what a run would do, and why; nothing but the history is written."""
    from bot.cli.opening import open_job
    from bot.cli.outline import summarise
    from bot.job import plan
    from bot.report.summary import render

    with open_job(config) as job:
        summary = summarise(plan(job))
    click.echo(render(summary))
    if summary.unread:
        return ExitCode.EXPECTED_ERROR
    return ExitCode.CHANGES_PENDING if detailed_exitcode and summary.pending else ExitCode.OK


@click.command("run")
@_config
def run(config: Path | None) -> int:
    """Mine, advise, judge, edit, and open or update pull requests."""
    from bot.cli.opening import open_job
    from bot.cli.outline import summarise
    from bot.job import carry_out, plan
    from bot.report.summary import render

    with open_job(config) as job:
        made = plan(job)
        carry_out(job, made)
        summary = summarise(made)
    click.echo(render(summary))
    return ExitCode.EXPECTED_ERROR if summary.unread else ExitCode.OK
