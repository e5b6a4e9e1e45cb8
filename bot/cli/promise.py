"""`trimtab promise`: what a pull request of trimtab's promises, for `trimtab check-plan`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.domain.errors import ExitCode, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.pulls.change import SettingChange
    from bot.pulls.github_api import Api


@click.command("promise")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--pull", type=int, help="Its number.  [default: that of the workflow's event]")
def command(file: Path, pull: int | None) -> int:
    """Write to FILE what a pull request of trimtab's promises to change.

    On a push, it is that of the merged pull request which the pushed commit came from. Where there is
    none, or it is not trimtab's, nothing is promised: FILE is removed, and the exit code is 0.
    Works on what GitHub Actions sets, like `trimtab comment`; the token has to read pull requests.
    Exit code 1: it is trimtab's, and its record is gone.
    """
    from bot.cli.workflow import connect_in_workflow
    from bot.pulls.metadata import split

    api = connect_in_workflow()
    found = _find(api, pull)
    file.unlink(missing_ok=True)
    if found is None or not _is_ours(api, found):
        click.echo("No pull request of trimtab's: nothing is promised.")
        return ExitCode.OK
    metadata = split(found["body"] or "").metadata
    if metadata is None:
        raise InputError(
            f"#{found['number']}: its description has lost trimtab's record",
            'Bring it back from the history of the description, where it says "edited"; no run does.',
        )
    file.write_text(_proposal(metadata.changes), encoding="utf-8")
    click.echo(f"#{found['number']} promises {len(metadata.changes)}: {file}")
    return ExitCode.OK


def _find(api: "Api", pull: int | None) -> dict[str, Any] | None:
    """Read the pull request anew: its description may be newer than the event."""
    from bot.cli.workflow import event, pull_of

    happened = event()
    number = pull if pull is not None else pull_of(happened)
    if number is not None:
        found: dict[str, Any] = api.get(f"pulls/{number}")
        return found
    if "after" not in happened:
        raise InputError("no pull request is named", "Name it with --pull NUMBER.")
    merged = [one for one in api.get(f"commits/{happened['after']}/pulls") if one["merged_at"]]
    return merged[0] if merged else None


def _is_ours(api: "Api", pull: dict[str, Any]) -> bool:
    """Tell whether it is one of trimtab's: a branch under `trimtab/`, and no fork's."""
    from bot.pulls.snapshot import PREFIX

    head = pull["head"]
    repository = (head["repo"] or {}).get("full_name")
    return bool(head["ref"].startswith(PREFIX) and repository == api.repository)


def _proposal(changes: "Sequence[SettingChange]") -> str:
    from bot.terraform.promise import Promise, Proposal

    promises = [
        Promise(address=each.address, path=each.path, before=each.before, after=each.after)
        for each in changes
    ]
    return Proposal(version=1, changes=promises).model_dump_json(indent=2) + "\n"
