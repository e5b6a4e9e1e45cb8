"""Calendars: wall-clock times of a team, turned into instants across daylight-saving changes."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEKDAYS: frozenset[int] = frozenset(range(5))
EVERY_DAY: frozenset[int] = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class Days:
    """Which days something applies to: weekdays (Monday is 0), less holidays.

    `months` and `month_days` narrow them down where they are not empty; of the days of a month, -1
    is the last one, -2 the one before.
    """

    weekdays: frozenset[int] = EVERY_DAY
    holidays: frozenset[date] = frozenset()
    months: frozenset[int] = frozenset()
    month_days: frozenset[int] = frozenset()

    def __contains__(self, day: date) -> bool:
        if day.weekday() not in self.weekdays or day in self.holidays:
            return False
        if self.months and day.month not in self.months:
            return False
        if not self.month_days:
            return True
        from_end = day.day - monthrange(day.year, day.month)[1] - 1
        return day.day in self.month_days or from_end in self.month_days

    def between(self, first: date, last: date) -> Iterator[date]:
        """Yield the days from `first` to `last`, both included."""
        day = first
        while day <= last:
            if day in self:
                yield day
            day += timedelta(days=1)


def instant(day: date, clock: time, zone: str) -> datetime:
    """Turn a wall-clock time into an aware UTC instant.

    A time that is skipped in spring reads as the moment the clocks jump over it; one that
    happens twice in autumn reads as the first, so that a deadline is never met too late.
    """
    local = datetime.combine(day, clock, ZoneInfo(zone))
    exact = local.astimezone(UTC)
    if exact.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local.replace(tzinfo=None):
        # PEP 495: in a gap, fold=0 uses the offset before the jump and lands after it; the
        # jump itself is where both readings meet.
        before = local.replace(fold=1).astimezone(UTC)
        return _jump(before, exact, zone)
    return exact


def _jump(low: datetime, high: datetime, zone: str) -> datetime:
    """Find the moment between `low` and `high` at which the offset of `zone` changes."""
    start = low.astimezone(ZoneInfo(zone)).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(ZoneInfo(zone)).utcoffset() == start:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)
