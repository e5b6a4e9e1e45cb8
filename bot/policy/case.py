"""Cases: what is known of one recommendation when policy is asked about it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from operator import sub
from typing import Final

from bot.domain.connection import Cron, KnobValue, Schedule
from bot.domain.cron import cron_of
from bot.domain.forecast import Forecast, Unknown
from bot.domain.knob import KnobKind
from bot.domain.recommendation import KnobChange, Recommendation, ScheduleChange
from bot.domain.subject import Subject
from bot.domain.tenure import Tenure
from bot.domain.verdict import Verdict

_AHEAD = timedelta(days=63)
UNBOUNDED: Final = Decimal("Infinity")
"""The increase from a value that is zero or not known."""
_KEPT = 4096
"""Fleets repeat their schedules: reading each of them once is what makes judging fast."""


@dataclass(frozen=True, slots=True)
class Case:
    """A recommendation with what policies may ask about it; None is "not known".

    `next_sync` is the forecast of one sync, `month` that of the calendar month to its end,
    `success_rate` the share of its syncs of the last weeks that succeeded. `schedules` and `knobs`
    are the settings that it (and the endpoint that is changed) had, and when.
    """

    subject: Subject
    recommendation: Recommendation
    now: datetime
    month: Forecast | None = None
    success_rate: Decimal | None = None
    schedules: tuple[Tenure[Schedule], ...] = ()
    knobs: tuple[Tenure[Mapping[str, KnobValue]], ...] = ()
    next_sync: Forecast | None = None

    @property
    def takes(self) -> timedelta:
        """Return how long a sync takes (p80); nothing where that is not known."""
        duration = None if self.next_sync is None else self.next_sync.duration
        return timedelta() if duration is None or isinstance(duration, Unknown) else duration.p80

    def changed_since(self, start: datetime) -> list[datetime]:
        """Return when the setting that is to change was changed before, from `start` on."""
        return _changes(self._values, start)

    def watched_since(self, start: datetime) -> bool:
        """Tell whether the setting that is to change was looked at from `start` on."""
        return bool(self._values) and self._values[0][0] <= start

    @property
    def _values(self) -> list[tuple[datetime, object]]:
        change = self.recommendation.change
        if isinstance(change, KnobChange):
            return [(each.first_seen, each.value.get(change.knob.path)) for each in self.knobs]
        if isinstance(change, ScheduleChange):
            return [(each.first_seen, each.value) for each in self.schedules]
        return []


@dataclass(frozen=True, slots=True)
class Ruling:
    """What policy says of a case; the recommendation is another one where a knob was clamped."""

    case: Case
    recommendation: Recommendation
    verdict: Verdict


@lru_cache(maxsize=_KEPT)
def shift_between(before: Schedule, after: Cron, now: datetime) -> timedelta | None:
    """Return how far starts move; None where they cannot be paired, or are not known.

    Starts are paired in their order; over a border of a day or week with the nearer one.
    """
    first, second = _starts(before, now), _starts(after, now)
    if not first or not second or abs(len(first) - len(second)) > 1:
        return None
    distances = [
        max(map(abs, map(sub, first[max(0, -turn) :], second[max(0, turn) :])), default=None)
        for turn in (-1, 0, 1)
    ]
    found = [each for each in distances if each is not None]
    return timedelta(seconds=min(found)) if found else None


@lru_cache(maxsize=_KEPT)
def starts_ratio(before: Schedule, after: Cron, now: datetime) -> Decimal | None:
    """Return by which factor the number of starts changes, 1 or more either way; None if unknown."""
    counts = [len(_starts(each, now)) for each in (before, after)]
    if not all(counts):
        return None
    return Decimal(max(counts)) / Decimal(min(counts))


def increase(case: Case, kind: KnobKind) -> Decimal | None:
    """Return by which share a knob of a kind grows; None where it is another change."""
    change = case.recommendation.change
    if not isinstance(change, KnobChange) or change.knob.kind is not kind:
        return None
    before = change.before if change.before is not None else change.knob.default
    old = None if before is None else change.knob.number(before)
    new = change.knob.number(change.after)
    if not old or new is None:
        return UNBOUNDED
    return Decimal(str(new)) / Decimal(str(old)) - 1


def starts_between(schedule: Schedule, start: datetime, end: datetime) -> Sequence[int]:
    """List when a schedule starts syncs, in seconds since 1970; empty where nobody can tell."""
    cron = cron_of(schedule)
    return [] if cron is None else cron.epochs_between(start, end)


@lru_cache(maxsize=_KEPT)
def _starts(schedule: Schedule, now: datetime) -> Sequence[int]:
    return starts_between(schedule, now, now + _AHEAD)


def _changes(values: Iterable[tuple[datetime, object]], start: datetime) -> list[datetime]:
    return [
        later
        for (_, before), (later, after) in pairwise(values)
        if before != after and later >= start
    ]
