"""Limits: how much is opened, and when."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bot.domain.manners import Manners
from bot.pulls.draft import Draft
from bot.pulls.held import HeldReason
from bot.pulls.snapshot import Pull

_LOOKED_AHEAD: Final = timedelta(days=14)

Limit = tuple[HeldReason, str, datetime | None]
"""Why something has to wait, in one sentence for a person, and until when where that is known."""


def quiet(manners: Manners, now: datetime) -> Limit | None:
    """Say why nothing may be opened and no branch may move now, or None when it may."""
    for window in manners.freezes:
        spans = list(window.spans(now, now + timedelta(microseconds=1)))
        if spans:
            ends = max(end for _start, end in spans)
            return HeldReason.FREEZE, f"nothing is changed during {window.name!r}", ends
    hours = manners.working_hours
    if not hours or any(window.covers(now) for window in hours):
        return None
    spans = [span for window in hours for span in window.spans(now, now + _LOOKED_AHEAD)]
    opens = min((start for start, _end in spans), default=None)
    return HeldReason.WORKING_HOURS, "it waits for the working hours of the team", opens


@dataclass(slots=True)
class Room:
    """How many more pull requests there is room for, counted down while a run is planned."""

    manners: Manners
    open: int = 0
    new: int = 0
    by_team: Counter[str] = field(default_factory=Counter)

    @classmethod
    def beside(cls, pulls: Iterable[Pull], manners: Manners) -> "Room":
        """Count the pull requests that are open and stay so."""
        room = cls(manners)
        for pull in pulls:
            room.open += 1
            if pull.metadata is not None and pull.metadata.team is not None:
                room.by_team[pull.metadata.team] += 1
        return room

    def without(self, pulls: Iterable[Pull]) -> "Room":
        """Return the room that there is once some pull requests are closed."""
        less = Room.beside(pulls, self.manners)
        return Room(self.manners, self.open - less.open, self.new, self.by_team - less.by_team)

    def objection(self, draft: Draft) -> Limit | None:
        """Say which limit a new pull request would exceed, or None when there is room."""
        manners = self.manners
        if self.open >= manners.open_limit:
            detail = f"{self.open} are open, and {manners.open_limit} may be"
            return HeldReason.OPEN_LIMIT, detail, None
        if draft.team is not None and self.by_team[draft.team] >= manners.per_team:
            detail = f"{self.by_team[draft.team]} of {draft.team}'s are open, and {manners.per_team} may be"
            return HeldReason.TEAM_LIMIT, detail, None
        if self.new >= manners.new_per_run:
            return HeldReason.NEW_LIMIT, f"one run opens {manners.new_per_run} at most", None
        return None

    def take(self, draft: Draft) -> None:
        """Count a new pull request."""
        self.open += 1
        self.new += 1
        if draft.team is not None:
            self.by_team[draft.team] += 1
