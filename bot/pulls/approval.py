"""Approval: whether the people whom policy names have agreed to exactly what is there now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from bot.domain.subject import Subject
from bot.domain.verdict import ApprovalLevel

CONTEXT: Final = "trimtab/policy"
"""The name of the status that branch protection requires."""

OWNER: Final = "{owner}"
_DECISIVE: Final = frozenset({"APPROVED", "CHANGES_REQUESTED", "DISMISSED"})
_NEEDED: Final = {
    ApprovalLevel.AUTO: 0,
    ApprovalLevel.OWNER: 1,
    ApprovalLevel.TEAM: 1,
    ApprovalLevel.TWO_PERSON: 2,
}


class State(StrEnum):
    """The state of the status; only success lets a pull request merge."""

    SUCCESS = "success"
    PENDING = "pending"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What the status says, and why, in one sentence."""

    state: State
    sentence: str


@dataclass(frozen=True, slots=True)
class GivenReview:
    """One review in the order they were given; `state` is GitHub's own word, `head` what it was of."""

    login: str
    state: str
    head: str


class Authority(Protocol):
    """Whom the policies of the base branch name: `@login` and `@org/team`."""

    def approvers(self, level: ApprovalLevel, subject: Subject) -> frozenset[str]:
        """Name who may approve a change of one connection; empty where policies name nobody."""
        ...

    def level(self, subject: Subject) -> ApprovalLevel:
        """Return the level that policies ask for whatever is proposed for a connection."""
        ...

    def named(self, level: ApprovalLevel) -> frozenset[str]:
        """Name all who may approve at a level; `{owner}` stands for any connection's owner."""
        ...


class Directory(Protocol):
    """Who belongs to which team."""

    def is_member(self, team: str, login: str) -> bool | None:
        """Tell whether a login is in `org/team`; None where that cannot be read."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """Who approves the head as it is, and who asks for changes."""

    approving: frozenset[str]
    objecting: frozenset[str]


def standing(reviews: Iterable[GivenReview], head: str, excluded: Iterable[str]) -> Standing:
    """Work out where reviewers stand: the latest decisive review of each counts.

    An approval counts for the commit that it was given for and no other; a request for changes
    stands until it is dismissed or approved over. `excluded` are those whose word on their own
    work does not count.
    """
    own = {login.lower() for login in excluded}
    latest: dict[str, GivenReview] = {}
    for review in reviews:
        if review.state in _DECISIVE and review.login.lower() not in own:
            latest[review.login] = review
    return Standing(
        frozenset(
            login
            for login, review in latest.items()
            if review.state == "APPROVED" and review.head == head
        ),
        frozenset(login for login, r in latest.items() if r.state == "CHANGES_REQUESTED"),
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """What one change needs: the level, and who may give it."""

    level: ApprovalLevel
    approvers: frozenset[str]


def conclude(asked: Sequence[Asked], found: Standing, directory: Directory) -> Conclusion:
    """Say whether all changes of a pull request have the approvals that they need."""
    if any(each.level is ApprovalLevel.BLOCKED for each in asked):
        return Conclusion(State.FAILURE, "Policy blocks this change.")
    unread: set[str] = set()
    for each in asked:
        needed = _NEEDED[each.level]
        if needed == 0:
            continue
        if not each.approvers:
            what = f"Policy asks for {each.level.label} approval and names nobody who may give it."
            return Conclusion(State.FAILURE, what)
        members = _belonging(found.approving | found.objecting, each.approvers, directory, unread)
        objecting = sorted(members & found.objecting)
        if objecting:
            return Conclusion(State.PENDING, f"{', '.join(objecting)} asks for changes.")
        counted = members & found.approving
        if len(counted) < needed:
            return Conclusion(State.PENDING, _waiting(each, needed - len(counted), unread))
    return Conclusion(State.SUCCESS, _satisfied(asked, found))


def _belonging(
    logins: Iterable[str], approvers: Iterable[str], directory: Directory, unread: set[str]
) -> frozenset[str]:
    """Return those of the logins who may approve; teams that cannot be read go to `unread`."""
    people = {name[1:].lower() for name in approvers if "/" not in name}
    teams = [name[1:] for name in approvers if "/" in name]
    found = set()
    for login in logins:
        answers: Mapping[str, bool | None] = {}
        if login.lower() not in people:
            answers = {team: directory.is_member(team, login) for team in teams}
            unread |= {team for team, answer in answers.items() if answer is None}
        if login.lower() in people or any(answers.values()):
            found.add(login)
    return frozenset(found)


def _waiting(asked: Asked, missing: int, unread: set[str]) -> str:
    if unread:
        return (
            f"Who belongs to {', '.join(sorted(unread))} cannot be read with this token, so that "
            "no approval counts."
        )
    whom = ", ".join(sorted(asked.approvers))
    return f"Waits for {missing} approval{'s' if missing > 1 else ''} of this commit by {whom}."


def _satisfied(asked: Sequence[Asked], found: Standing) -> str:
    if all(each.level is ApprovalLevel.AUTO for each in asked):
        return "Policy asks for no approval."
    return f"Approved by {', '.join(sorted(found.approving))}, as policy asks."
