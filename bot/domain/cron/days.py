"""Day rules: which days of a month an expression means.

Weekdays count as in Quartz: 1 is Sunday, 7 is Saturday.
"""

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise

_SUNDAY, _SATURDAY = 1, 7
_SHORTEST_MONTH = 28


class _OneOfAMonth:
    """A rule that gives one day of a month at most."""

    __slots__ = ()
    has_neighbours = False


@dataclass(frozen=True, slots=True)
class MonthDays:
    """Days by their number; a month that lacks one of them is passed over."""

    days: tuple[int, ...]

    @property
    def has_neighbours(self) -> bool:
        """Tell whether two days in a row can match."""
        over_month_end = self.days[0] == 1 and self.days[-1] >= _SHORTEST_MONTH
        return over_month_end or any(b - a == 1 for a, b in pairwise(self.days))

    def of_month(self, year: int, month: int) -> tuple[int, ...]:
        """List the days that match, ascending."""
        length = monthrange(year, month)[1]
        return tuple(day for day in self.days if day <= length)


@dataclass(frozen=True, slots=True)
class Weekdays:
    """Every one of some weekdays."""

    weekdays: tuple[int, ...]

    @property
    def has_neighbours(self) -> bool:
        """Tell whether two days in a row can match."""
        return any(weekday % 7 + 1 in self.weekdays for weekday in self.weekdays)

    def of_month(self, year: int, month: int) -> tuple[int, ...]:
        """List the days that match, ascending."""
        length = monthrange(year, month)[1]
        first = _weekday(year, month, 1)
        return tuple(
            day for day in range(1, length + 1) if (first + day - 2) % 7 + 1 in self.weekdays
        )


@dataclass(frozen=True, slots=True)
class LastDay(_OneOfAMonth):
    """The last day of the month, `offset` days earlier, or the workday nearest to that."""

    offset: int
    to_workday: bool

    def of_month(self, year: int, month: int) -> tuple[int, ...]:
        """List the one day that matches, or none when the month is too short."""
        day = monthrange(year, month)[1] - self.offset
        if day < 1:
            return ()
        return (_nearest_workday(year, month, day),) if self.to_workday else (day,)


@dataclass(frozen=True, slots=True)
class NthWeekday(_OneOfAMonth):
    """The `nth` (1 to 5) of one weekday in the month, if there is one."""

    weekday: int
    nth: int

    def of_month(self, year: int, month: int) -> tuple[int, ...]:
        """List the one day that matches, or none."""
        if not _SUNDAY <= self.weekday <= _SATURDAY:
            return ()
        day = 1 + (self.weekday - _weekday(year, month, 1)) % 7 + 7 * (self.nth - 1)
        return (day,) if day <= monthrange(year, month)[1] else ()


@dataclass(frozen=True, slots=True)
class LastWeekday(_OneOfAMonth):
    """The last of one weekday in the month."""

    weekday: int

    def of_month(self, year: int, month: int) -> tuple[int, ...]:
        """List the one day that matches."""
        length = monthrange(year, month)[1]
        return (length - (_weekday(year, month, length) - self.weekday) % 7,)


@dataclass(frozen=True, slots=True)
class NearestWorkday(_OneOfAMonth):
    """The Monday-to-Friday day nearest to one day, without leaving the month.

    For 29 to 31 in a shorter month Quartz counts on into the next month: it fires only where
    that lands on a Saturday whose Friday is still in the month, and only if its search did not
    skip the month altogether (`Dates.after`).
    """

    day: int

    def of_month(self, year: int, month: int) -> tuple[int, ...]:
        """List the one day that matches, or none."""
        day = _nearest_workday(year, month, self.day)
        return (day,) if day <= monthrange(year, month)[1] else ()


DayRule = MonthDays | Weekdays | LastDay | NthWeekday | LastWeekday | NearestWorkday


@dataclass(frozen=True, slots=True)
class Dates:
    """The dates of an expression: a day rule, in some months, in some years.

    `months` and `years` are ascending.
    """

    days: DayRule
    months: tuple[int, ...]
    years: range | tuple[int, ...]

    def starting(self, first: date, last_year: int) -> Iterator[int]:
        """Yield the ordinals of the dates from `first` to the end of `last_year`, ascending."""
        if isinstance(self.days, NearestWorkday):
            yield from self._walk(self.days, first, last_year)
            return
        start = first.toordinal()
        for year in range(first.year, last_year + 1):
            if year not in self.years:
                continue
            for month in self.months:
                if (year, month) >= (first.year, first.month):
                    days = days_of_month(self.days, year, month)
                    yield from (day for day in days if day >= start)

    def ending(self, last: date, first_year: int) -> Iterator[int]:
        """Yield the ordinals of the dates from `last` back to `first_year`, descending."""
        end = last.toordinal()
        for year in range(last.year, first_year - 1, -1):
            if year not in self.years:
                continue
            for month in reversed(self.months):
                if (year, month) <= (last.year, last.month):
                    days = reversed(days_of_month(self.days, year, month))
                    yield from (day for day in days if day <= end)

    def _walk(self, rule: NearestWorkday, first: date, last_year: int) -> Iterator[int]:
        """Yield the dates with the omissions of Quartz.

        Having passed the day in one month, Quartz looks next at that same number in the next
        month, and thereby skips a month that is shorter.
        """
        floor = position = first
        while position.year <= last_year:
            day = _nearest_workday(position.year, position.month, rule.day)
            found = _date(position.year, position.month, day)
            if found < floor:
                position = _date(position.year, position.month + 1, rule.day)
            elif found != position:
                position = found
            elif position.month not in self.months:
                position = _next_month(position, self.months)
            elif position.year not in self.years:
                position = date(position.year + 1, 1, 1)
            else:
                yield position.toordinal()
                floor = position = date.fromordinal(position.toordinal() + 1)


@lru_cache(maxsize=16384)
def days_of_month(rule: DayRule, year: int, month: int) -> tuple[int, ...]:
    """List the days of one month that match `rule`, ascending, as day ordinals."""
    before = date(year, month, 1).toordinal() - 1
    return tuple(before + day for day in rule.of_month(year, month))


def _date(year: int, month: int, day: int) -> date:
    """Build a date as a lenient calendar does: month 13 and day 31 of April roll over."""
    years, month0 = divmod(month - 1, 12)
    return date.fromordinal(date(year + years, month0 + 1, 1).toordinal() + day - 1)


def _next_month(day: date, months: Sequence[int]) -> date:
    ahead = next(n for n in range(1, 13) if (day.month + n - 1) % 12 + 1 in months)
    return _date(day.year, day.month + ahead, 1)


def _weekday(year: int, month: int, day: int) -> int:
    return _date(year, month, day).isoweekday() % 7 + 1


def _nearest_workday(year: int, month: int, day: int) -> int:
    weekday = _weekday(year, month, day)
    if weekday == _SATURDAY:
        return day + 2 if day == 1 else day - 1
    if weekday == _SUNDAY:
        return day - 2 if day == monthrange(year, month)[1] else day + 1
    return day
