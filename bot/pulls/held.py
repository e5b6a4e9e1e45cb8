"""Held: what is not done, always with its reason."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class HeldReason(StrEnum):
    """Why something is left as it is."""

    INCOMPLETE = "incomplete run"
    HANDS_OFF = "somebody works on it"
    REOPENED = "reopened by a person"
    SNOOZED = "snoozed"
    UNDONE = "undone by a person"
    REVERSAL = "too soon to turn round"
    FLIPPED = "turned round too often"
    TAKEN = "branch is taken"
    CARRIED = "in another pull request"
    FULL = "pull request is full"
    OPEN_LIMIT = "too many open"
    TEAM_LIMIT = "too many open for the team"
    NEW_LIMIT = "too many new in this run"
    WORKING_HOURS = "outside working hours"
    FREEZE = "change freeze"


@dataclass(frozen=True, slots=True)
class Held:
    """One proposal that is held back, or one pull request that is left alone.

    `detail` is one sentence for a person. `pull` is the pull request that it is about or that stands
    in its way; `until` is when the reason passes by itself, where that is known.
    """

    title: str
    reason: HeldReason
    detail: str
    connections: tuple[str, ...] = ()
    pull: int | None = None
    until: datetime | None = None

    @property
    def can_be_lifted(self) -> bool:
        """Tell whether a person may say on the dashboard that it is to be proposed again."""
        return self.pull is not None and self.reason in {
            HeldReason.SNOOZED,
            HeldReason.UNDONE,
            HeldReason.REVERSAL,
            HeldReason.FLIPPED,
        }
