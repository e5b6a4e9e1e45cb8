"""Tracking: a proposed change in the plain values by which it is recognised later."""

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from bot.domain.connection import ConnectionStatus
from bot.domain.cron import QuartzCron, cron_of
from bot.domain.forecast import Quantiles, Unknown
from bot.domain.money import Money
from bot.domain.proposal import ProposedChange
from bot.domain.recommendation import Change, Effect, KnobChange, ScheduleChange, StatusChange
from bot.domain.verdict import NeedsApproval, Verdict
from bot.pulls.change import Interval, Prediction, SettingChange
from bot.pulls.digest import digest

_MONDAY: Final = datetime(2024, 1, 1, tzinfo=UTC)
_HOUR_SECONDS: Final = 3600
_BUCKET_RATIO: Final = 1.25
"""Two numbers less than this factor apart are usually the same proposal to a person."""


def track(proposed: ProposedChange, file: str) -> SettingChange:
    """Describe a change for the metadata; `file` is where its literal is in the repository."""
    recommendation, edit = proposed.recommendation, proposed.edit
    change = recommendation.change
    return SettingChange(
        connection=recommendation.connection_id,
        setting=change.setting,
        before=edit.site.value,
        after=edit.after,
        file=file,
        address=edit.address,
        path=edit.path,
        fingerprint=digest(
            recommendation.connection_id, change.setting, bucket(change), _asked(proposed.verdict)
        ),
        direction=direction(change),
        prediction=_prediction(recommendation.effect),
        donors=tuple(recommendation.donors),
        advisor=recommendation.advisor,
    )


def bucket(change: Change) -> str:
    """Name the range of values that a person would call the same proposal.

    Numbers share one when they are within about a quarter of each other; schedules when they
    start in the same hours of the week.
    """
    match change:
        case KnobChange(knob=knob, after=after):
            number = knob.number(after)
            if number is None or number <= 0:
                return str(after)
            return f"{_BUCKET_RATIO}^{round(math.log(number, _BUCKET_RATIO))}"
        case ScheduleChange(after=after):
            cron = cron_of(after)
            if cron is None:
                return after.expression
            if not cron.repeats_weekly:
                return f"{cron.canonical} {cron.zone}"
            hours = sorted({at // _HOUR_SECONDS for at in cron.week_positions(_MONDAY)})
            return f"{_weekly(cron)} a week in {hours}"
        case StatusChange(after=status):
            return status.value


def direction(change: Change) -> int:
    """Tell whether a change asks for more (1), for less (-1), or for neither (0)."""
    before: float | None
    after: float | None
    match change:
        case KnobChange(knob=knob):
            before = None if change.before is None else knob.number(change.before)
            after = knob.number(change.after)
        case ScheduleChange():
            before, after = _weekly(cron_of(change.before)), _weekly(cron_of(change.after))
        case StatusChange():
            before = float(change.before is ConnectionStatus.ACTIVE)
            after = float(change.after is ConnectionStatus.ACTIVE)
    if before is None or after is None:
        return 0
    return (after > before) - (after < before)


def _weekly(cron: QuartzCron | None) -> int | None:
    """Count the starts of one week; a cron that rests in it says nothing."""
    if cron is None:
        return None
    return len(cron.week_positions(_MONDAY)) or None


def _asked(verdict: Verdict) -> str:
    """Say what policy asks: who approves, and which rules decided."""
    level = verdict.level.label if isinstance(verdict, NeedsApproval) else type(verdict).__name__
    return " ".join([level, *sorted({citation.policy for citation in verdict.citations})])


def _prediction(effect: Effect) -> Prediction:
    return Prediction(
        saving=_interval(effect.saving, "USD/month"),
        duration=_interval(effect.duration, "seconds/sync"),
        deadlines=_interval(effect.deadlines, "missed deadlines/month"),
    )


def _interval(
    value: Quantiles[Money] | Quantiles[timedelta] | Quantiles[Decimal] | Unknown, unit: str
) -> Interval | None:
    if isinstance(value, Unknown):
        return None
    low, middle, high = (_exact(each) for each in (value.p05, value.p50, value.p95))
    currency = value.p50.currency if isinstance(value.p50, Money) else "USD"
    return Interval(low, middle, high, unit.replace("USD", currency))


def _exact(value: Money | timedelta | Decimal) -> str:
    match value:
        case Money(amount):
            return str(amount)
        case timedelta():
            return str(value.total_seconds())
        case Decimal():
            return str(value)
