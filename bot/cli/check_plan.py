"""`trimtab check-plan`: hold a real Terraform plan against what the pull request promises."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.domain.errors import ExitCode
from bot.report.terminal import one_line

if TYPE_CHECKING:
    from bot.terraform.guard import Report
    from bot.terraform.planfile import Plan

_STDIN = Path("-")
_plan = click.Path(path_type=Path, dir_okay=False, allow_dash=True)
_file = click.Path(path_type=Path, dir_okay=False)


@click.command("check-plan")
@click.argument("plan", type=_plan)
@click.option("--proposal", type=_file, required=True, help="What the pull request promises.")
@click.option("--base", type=_file, help="The plan of the target branch; its noise is not blamed.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text")
def command(plan: Path, proposal: Path, base: Path | None, output: str) -> int:
    """Check that a Terraform plan changes what was promised and nothing else.

    PLAN is the output of `terraform show -json tfplan`, or `-` for stdin, so that the plan, which
    holds secrets, need not touch a disk. The check names addresses and paths, never values of the
    plan. Exit code 0: only what was promised. Exit code 1: anything else.

    PROPOSAL is JSON: {"version": 1, "changes": [{"address": "airbyte_connection.c", "path":
    "schedule.cron_expression", "before": "0 0 0 * * ? UTC", "after": "0 20 0 * * ? UTC"}]}
    """
    from bot.terraform import guard, promise

    promises = promise.read(proposal)
    report = guard.check(_read(plan), promises, None if base is None else _read(base))
    if output == "json":
        click.echo(json.dumps(_as_json(report), indent=2))
    else:
        _print(report)
    return ExitCode.OK if report.ok else ExitCode.EXPECTED_ERROR


def _read(plan: Path) -> "Plan":
    from bot.terraform import planfile

    if plan == _STDIN:
        return planfile.parse(sys.stdin.buffer.read(), "stdin")
    return planfile.read(plan)


def _as_json(report: "Report") -> dict[str, Any]:
    return {
        "ok": report.ok,
        "kept": [one.model_dump(mode="json") for one in report.kept],
        "findings": [
            {
                "rule": one.rule.value,
                "address": one.address,
                "path": one.path,
                "message": one.message,
            }
            for one in report.findings
        ],
        "notes": list(report.notes),
    }


def _print(report: "Report") -> None:
    for kept in report.kept:
        click.echo(one_line(f"ok    {kept.address} {kept.path}: {kept.before} -> {kept.after}"))
    for found in report.findings:
        where = f"{found.address} {found.path}".strip()
        click.echo(one_line(f"FAIL  {where}: {found.message}"))
    for note in report.notes:
        click.echo(one_line(f"note  {note}"))
    count = len(report.findings)
    if count == 0:
        click.echo("The plan does what the pull request promises, and nothing else.")
    else:
        click.echo(
            f"The plan is not what the pull request promises: {count} "
            f"{'finding' if count == 1 else 'findings'}. Do not apply it."
        )
