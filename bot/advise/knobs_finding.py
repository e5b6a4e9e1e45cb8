"""Findings: the one thing to say of a panel, before it is put into words for each connection."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from bot.advise.knobs_surface import Gain
from bot.domain.knob import Knob


class Move(StrEnum):
    """What kind of step a finding is."""

    KEEP = "keep"
    UNKNOWN = "unknown"
    BACK_OFF = "back off"
    TAKE_BACK = "take back"
    IMPROVE = "improve"
    TRY = "canary"


@dataclass(frozen=True, slots=True)
class Finding:
    """What to do with one dial of a panel, or why nothing; `best` holds what is optimal, by option."""

    move: Move
    reason: str
    knob: Knob | None = None
    value: float | None = None
    gain: Gain | None = None
    against: tuple[str, ...] = ()
    best: Mapping[str, str] = field(default_factory=dict)

    def knowing(self, best: Mapping[str, str]) -> "Finding":
        """Return the same with what is optimal."""
        return replace(self, best=best)
