"""Grouping: which changes go into one pull request together, and what it is called for good."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from bot.domain.edit import Edit
from bot.domain.manners import GroupBy
from bot.pulls.change import SettingChange, Target
from bot.pulls.digest import digest
from bot.pulls.held import Held, HeldReason
from bot.pulls.snapshot import PREFIX

T = TypeVar("T")

LARGEST: Final = 25
"""More changes than that nobody reviews; and their metadata has to fit into a body."""
_NOT_A_SLUG: Final = re.compile(r"[^a-z0-9]+")
_SLUG_LENGTH: Final = 40
_SHORT: Final = 8


@dataclass(frozen=True, slots=True)
class Candidate(Generic[T]):
    """One change that might be proposed.

    `name` and `workspace` are those of its connection; `team` answers for it, and `policy` is the
    rule that decided on it, None where there is neither. `risk` is the tier, as labels spell it.
    `carried` is whatever the body is written from.
    """

    change: SettingChange
    edit: Edit
    name: str
    workspace: str
    risk: str
    carried: T
    team: str | None = None
    policy: str | None = None


@dataclass(frozen=True, slots=True)
class Group(Generic[T]):
    """The changes of one pull request, the most urgent first, all of one risk tier.

    `name` is what they have in common, such as the connection's name or the team's; `team` is None
    where they belong to several.
    """

    identity: str
    branch: str
    by: GroupBy
    name: str
    risk: str
    candidates: tuple[Candidate[T], ...]

    @property
    def team(self) -> str | None:
        """Return the team of all changes, None where they have none in common."""
        teams = {candidate.team for candidate in self.candidates}
        return teams.pop() if len(teams) == 1 else None

    @property
    def changes(self) -> tuple[SettingChange, ...]:
        """Return what the pull request remembers of each."""
        return tuple(candidate.change for candidate in self.candidates)


def group(
    candidates: Iterable[Candidate[T]],
    by: GroupBy,
    objection: Callable[[SettingChange, str], Held | None],
) -> tuple[list[Group[T]], list[Held]]:
    """Sort changes into pull requests, in the order in which they come.

    By connection, each setting of a connection gets a pull request of its own, so that every change
    can be judged, undone and measured alone. Otherwise changes go together with those of the same
    team, policy or workspace *and* the same risk tier; what has no team or policy stays alone.
    `objection` says whether a change may be proposed at all (see `Recalled.objection`).
    """
    held: list[Held] = []
    taken: dict[Target | tuple[str, int], str] = {}
    grouped: dict[tuple[str, str, str], list[Candidate[T]]] = {}
    for each in candidates:
        reason = objection(each.change, _title(each)) or _twice(each, taken)
        members = grouped.setdefault(_key(each, by), [])
        if reason is None and len(members) >= LARGEST:
            detail = f"its pull request carries {LARGEST} changes already; it waits for the next"
            reason = _held(each, HeldReason.FULL, detail)
        if reason is not None:
            held.append(reason)
            continue
        taken |= dict.fromkeys(_places(each), each.name)
        members.append(each)
    groups = [_group(key, members) for key, members in grouped.items() if members]
    return groups, held


def rewrite(
    candidates: Iterable[Candidate[T]], read: Callable[[str], bytes]
) -> Mapping[str, bytes]:
    """Return the whole new contents of the files of a group; `read` gives those of the base."""
    by_file: dict[str, list[Edit]] = {}
    for each in candidates:
        by_file.setdefault(each.change.file, []).append(each.edit)
    return {file: _splice(read(file), edits) for file, edits in by_file.items()}


def _splice(content: bytes, edits: list[Edit]) -> bytes:
    for edit in sorted(edits, key=lambda edit: edit.site.start, reverse=True):
        site = edit.site
        content = content[: site.start] + edit.after_literal.encode() + content[site.end :]
    return content


def _key(each: Candidate[T], by: GroupBy) -> tuple[str, str, str]:
    shared = {
        GroupBy.TEAM: each.team,
        GroupBy.POLICY: each.policy,
        GroupBy.WORKSPACE: each.workspace,
    }
    name = shared.get(by)
    if name is None:
        return GroupBy.CONNECTION, each.change.connection, each.change.setting
    return by, name, each.risk


def _group(key: tuple[str, str, str], members: list[Candidate[T]]) -> Group[T]:
    by, name, last = GroupBy(key[0]), key[1], key[2]
    identity = "/".join(key)
    if by is GroupBy.CONNECTION:
        short = _NOT_A_SLUG.sub("", name.lower())[:_SHORT]
        name = members[0].name
        branch = f"{PREFIX}{_slug(name, 'connection')}-{short}/{_slug(last, 'setting')}"
    else:
        short = digest(identity).removeprefix("sha256:")[:_SHORT]
        branch = f"{PREFIX}{by}-{_slug(name, by)}-{short}/{_slug(last, 'risk')}"
    return Group(identity, branch, by, name, members[0].risk, tuple(members))


def _slug(text: str, otherwise: str) -> str:
    return _NOT_A_SLUG.sub("-", text.lower()).strip("-")[:_SLUG_LENGTH].strip("-") or otherwise


def _places(each: Candidate[T]) -> tuple[Target, tuple[str, int]]:
    """Return what only one change can have: the setting, and the literal behind it."""
    return each.change.target, (each.change.file, each.edit.site.start)


def _twice(each: Candidate[T], taken: Mapping[Target | tuple[str, int], str]) -> Held | None:
    first = next((taken[place] for place in _places(each) if place in taken), None)
    if first is None:
        return None
    detail = f"a recommendation for {first!r} that ranks higher changes the same literal"
    return _held(each, HeldReason.CARRIED, detail)


def _held(each: Candidate[T], reason: HeldReason, detail: str) -> Held:
    return Held(_title(each), reason, detail, (each.change.connection,))


def _title(each: Candidate[T]) -> str:
    return f"{each.name}: {each.change.setting} {each.change.before} → {each.change.after}"
