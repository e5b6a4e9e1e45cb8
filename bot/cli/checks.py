"""Checks: what trimtab needs to work, each looked at without changing anything."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Final

from bot.airbyte.client import Airbyte
from bot.airbyte.configuration import Configuration
from bot.cli.connect import DEFAULT_HISTORY, Places, history_in, read_places
from bot.cli.forges import open_github
from bot.domain.errors import AirbyteError, TrimtabError
from bot.domain.mine import MineOutcome
from bot.history import mines
from bot.history.location import opened
from bot.history.mining import MOST_SKEW
from bot.pulls.git import Git
from bot.settings.model import RootSettings
from bot.settings.reading import ReadSettings, read_settings
from bot.terraform.index import index
from bot.terraform.root import open_root

READER_ROLES: Final = frozenset({"workspace_reader", "organization_reader"})
FRESH: Final = timedelta(days=2)


class State(StrEnum):
    """How a check came out."""

    WORKS = "works"
    LIMITED = "limited"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, and the next step where there is one."""

    name: str
    state: State
    detail: str
    step: str = ""


def examine(places: Places, settings_file: Path) -> Iterator[Finding]:
    """Look at everything, one thing after the other; nothing raises and nothing is written."""
    read: ReadSettings | None = None
    try:
        read = read_settings(settings_file, os.environ)
        yield Finding("settings", State.WORKS, f"{settings_file} can be read")
    except TrimtabError as error:
        yield _missing("settings", error)
    yield from _guarded("airbyte", partial(_airbyte, places))
    url = places.history or (history_in(read) if read else DEFAULT_HISTORY)
    yield from _guarded("history", partial(_history, url))
    if read is not None:
        for root in read.settings.terraform.roots:
            yield from _guarded("terraform", partial(_root, read.folder, root))
        yield from _guarded("git", partial(_forge, read))


def _guarded(name: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except TrimtabError as error:
        yield _missing(name, error)


def _missing(name: str, error: TrimtabError) -> Finding:
    return Finding(name, State.MISSING, error.message, error.hint)


def _airbyte(places: Places) -> Iterator[Finding]:
    access, _ = read_places(places)
    with Airbyte(access) as airbyte:
        workspaces = airbyte.workspaces().items
        if not workspaces:
            step = "Give the application's user the reader role on a workspace."
            yield Finding(
                "airbyte", State.MISSING, f"no workspace is in sight at {access.root}", step
            )
            return
        count = _count(len(workspaces), "workspace")
        yield Finding("airbyte", State.WORKS, f"{access.root} answers; {count} in sight")
        yield _role(airbyte)
        yield _clock(airbyte.traffic.skew)
        absence = Configuration(airbyte.transport).absence(workspaces[0].id)
        if absence is None:
            yield Finding("details", State.WORKS, "attempts, failure reasons and settings changes")
        else:
            step = "Nothing to do: forecasts work without, failures are explained less well."
            yield Finding("details", State.LIMITED, f"no Configuration API ({absence})", step)


def _role(airbyte: Airbyte) -> Finding:
    try:
        roles = airbyte.roles()
    except AirbyteError as error:
        step = "See in Airbyte's settings that the application's user only reads."
        return Finding(
            "role", State.LIMITED, f"Airbyte does not tell our role ({error.message})", step
        )
    more = sorted(roles - READER_ROLES)
    if more:
        step = "Reading is enough: use an application of a user who is only workspace reader."
        return Finding("role", State.LIMITED, f"we may do more than read: {', '.join(more)}", step)
    return Finding("role", State.WORKS, ", ".join(sorted(roles)) or "none but what is in sight")


def _clock(skew: timedelta | None) -> Finding:
    if skew is None:
        return Finding("clock", State.LIMITED, "Airbyte does not tell the time")
    seconds = abs(round(skew.total_seconds()))
    if abs(skew) <= MOST_SKEW:
        return Finding("clock", State.WORKS, f"within {seconds + 1} s of Airbyte's")
    way = "behind" if skew > timedelta(0) else "ahead of"
    detail = f"this machine's clock is {timedelta(seconds=seconds)} {way} Airbyte's"
    return Finding("clock", State.LIMITED, detail, "Set the one that is wrong (NTP).")


def _history(url: str) -> Iterator[Finding]:
    if "://" not in url and not Path(url).exists():
        yield Finding(
            "history", State.MISSING, f"there is none at {url} yet", "Run `trimtab mine`."
        )
        return
    with opened(url, read_only=True) as history:
        ((syncs,),) = history.execute("select count(*) from syncs")
        ledger = mines.latest(history, limit=1)
    detail = f"{syncs:,} syncs in {url}"
    if not ledger:
        yield Finding("history", State.LIMITED, f"{detail}, never mined", "Run `trimtab mine`.")
        return
    [last] = ledger
    told = f"{detail}; last mine {last.started_at:%Y-%m-%d %H:%M} UTC, {last.outcome}"
    if last.outcome is not MineOutcome.COMPLETE or datetime.now(UTC) - last.started_at > FRESH:
        yield Finding("history", State.LIMITED, told, "Run `trimtab mine`, every night if you can.")
        return
    yield Finding("history", State.WORKS, told)


def _root(folder: Path, settings: RootSettings) -> Iterator[Finding]:
    root = open_root(folder / settings.path, settings.var_files)
    found = sum(one.address.type.startswith("airbyte_connection") for one in index(root).resources)
    if found == 0:
        step = "Name the folder that holds airbyte_connection under terraform.roots."
        yield Finding("terraform", State.MISSING, f"no connection in {settings.path}", step)
        return
    yield Finding("terraform", State.WORKS, f"{_count(found, 'connection')} in {settings.path}")


def _forge(read: ReadSettings) -> Iterator[Finding]:
    forge = read.settings.forge
    if forge.type == "github":
        from bot.cli.github_checks import github_findings

        yield from github_findings(open_github(read, datetime.now(UTC), os.environ))
        return
    git = Git(read.folder / forge.repository).at_top()
    if git.resolve(forge.base) is None:
        step = "Commit to it, or set forge.base in trimtab.yaml to the branch that is applied."
        detail = f"{git.folder}: there is no branch {forge.base!r} with a commit"
        yield Finding("git", State.MISSING, detail, step)
        return
    yield Finding("git", State.WORKS, f"{git.folder}, proposals against {forge.base}")
    yield Finding("token", State.WORKS, "none is needed: proposals stay in this repository")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
