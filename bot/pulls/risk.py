"""Risk: how carefully a change wants to be looked at, by one rule that is stated in each body.

A change starts at its own tier: moving starts is low; other counts of syncs and connector options
are medium; a pause is high. Each of three things raises it by one: what it may break is read by
something critical, the evidence is thin, or more deadlines are expected to be missed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from typing import Final

from bot.domain.connection import ConnectionStatus
from bot.domain.forecast import Quantiles
from bot.domain.lineage import Downstream
from bot.domain.recommendation import (
    Change,
    Confidence,
    KnobChange,
    Recommendation,
    ScheduleChange,
    StatusChange,
)
from bot.pulls.body_words import WEEK, starts

_LARGE_STEP: Final = 2


class Risk(IntEnum):
    """The tiers; pull requests never mix them."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2

    @property
    def label(self) -> str:
        """Spell the tier as labels and bodies do."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Assessment:
    """A tier, and the reasons for it as parts of a sentence."""

    risk: Risk
    reasons: tuple[str, ...]


def assess(recommendation: Recommendation, downstream: Downstream) -> Assessment:
    """Say how risky a recommendation is."""
    tier, reason = _own(recommendation.change, recommendation.evidence.start)
    reasons = [reason]
    critical = next((reader for reader in downstream.readers if reader.critical), None)
    if critical is not None and tier is not Risk.LOW:
        reasons.append(f"{critical.name}, which is critical, reads it")
    if recommendation.confidence is Confidence.LOW:
        reasons.append("the evidence is thin")
    missed = recommendation.effect.deadlines
    if isinstance(missed, Quantiles) and missed.p50 > Decimal(0):
        reasons.append("more deadlines are expected to be missed")
    return Assessment(Risk(min(tier + len(reasons) - 1, Risk.HIGH)), tuple(reasons))


def weakest(recommendations: Iterable[Recommendation]) -> Confidence:
    """Return the confidence of the least certain of them."""
    return min((each.confidence for each in recommendations), key=list(Confidence).index)


def _own(change: Change, since: datetime) -> tuple[Risk, str]:
    match change:
        case StatusChange(after=ConnectionStatus.ACTIVE):
            return Risk.MEDIUM, "a connection starts to sync again"
        case StatusChange():
            return Risk.HIGH, "its data stops until somebody resumes it"
        case KnobChange():
            return _turn(change)
        case ScheduleChange():
            return _timing(change, since)


def _timing(change: ScheduleChange, since: datetime) -> tuple[Risk, str]:
    before = starts(change.before, since, WEEK)
    after = starts(change.after, since, WEEK) or ()
    if before is None:
        return Risk.MEDIUM, "how often it starts today is not written in a cron"
    if len(after) < len(before):
        return Risk.MEDIUM, "fewer syncs, so that its data gets older"
    if len(after) > len(before):
        return Risk.MEDIUM, "more syncs, so that source and destination work more"
    return Risk.LOW, "as many syncs as today, at other times"


def _turn(change: KnobChange) -> tuple[Risk, str]:
    after = change.knob.number(change.after)
    before = None if change.before is None else change.knob.number(change.before)
    reason = f"a connector option ({change.knob.kind.value.replace('_', ' ')})"
    if before and after and not 1 / _LARGE_STEP <= after / before <= _LARGE_STEP:
        return Risk.HIGH, f"{reason} moves by more than a factor of {_LARGE_STEP}"
    return Risk.MEDIUM, reason
