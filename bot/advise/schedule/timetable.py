"""Timetables: when a schedule starts syncs, and how the same schedule is written at other times.

A move shifts all starts by the same number of minutes. Only moves that one plain Quartz expression
can say are moves: numbers, lists, steps and `?`, in UTC.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.advise.schedule.cycle import DAY_MINUTES, Cycle
from bot.domain.connection import Basic, Cron, Schedule
from bot.domain.cron import QuartzCron, interval_of, parse
from bot.domain.cron.days import Weekdays
from bot.domain.cron.terms import HOURS
from bot.domain.errors import CronError
from bot.domain.forecast import Unknown

_HOUR: Final = 60
_DAY: Final = timedelta(days=1)
_YEAR: Final = timedelta(days=364)
_EVERY_DAY: Final = (0, 1, 2, 3, 4, 5, 6)
_QUARTZ_NAMES: Final = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")


@dataclass(frozen=True, slots=True)
class Timetable:
    """The minutes of the day on which a connection starts, and on which days.

    `dates` are the last fields of the expression, `weekdays` the days of a week (Monday is 0) on
    which it may start, `share` how many of those days really have it: 1, less for monthly jobs.
    """

    second: str
    times: tuple[int, ...]
    dates: str
    weekdays: tuple[int, ...] = _EVERY_DAY
    share: float = 1.0

    @property
    def is_daily(self) -> bool:
        """Tell whether all days are the same."""
        return self.weekdays == _EVERY_DAY and self.share == 1

    @property
    def period(self) -> int:
        """Return after how many minutes it starts again, a day where that varies."""
        gap = DAY_MINUTES // len(self.times)
        even = all(
            later - earlier == gap
            for earlier, later in zip(self.times, self.times[1:], strict=False)
        )
        if even and gap * len(self.times) == DAY_MINUTES and self.is_daily:
            return gap
        return DAY_MINUTES

    def starts(self, cycle: Cycle) -> tuple[int, ...]:
        """Return the minutes of a cycle on which it starts, ascending."""
        days = self.weekdays if cycle.days > 1 else (0,)
        return tuple(day * DAY_MINUTES + time for day in days for time in self.times)

    def can_shift(self, minutes: int) -> bool:
        """Tell whether all starts can move by so much and still be one expression.

        Over midnight only what runs every day may go: elsewhere it would change its day.
        """
        moved = [time + minutes for time in self.times]
        if not self.is_daily and not 0 <= moved[0] <= moved[-1] < DAY_MINUTES:
            return False
        return _crossed({time % DAY_MINUTES for time in moved})

    def shifted(self, minutes: int) -> "Timetable":
        """Return the timetable whose starts are later by so many minutes."""
        moved = sorted((time + minutes) % DAY_MINUTES for time in self.times)
        return Timetable(self.second, tuple(moved), self.dates, self.weekdays, self.share)

    def shift_to(self, other: "Timetable") -> int | None:
        """Return the shift that makes another timetable of it, the nearest; None where none does."""
        half = DAY_MINUTES // 2
        shifts = ((other.times[0] - time + half) % DAY_MINUTES - half for time in self.times)
        fitting = (each for each in shifts if self.can_shift(each) and self.shifted(each) == other)
        return min(fitting, key=abs, default=None)

    def without(self, times: frozenset[int]) -> "Timetable":
        """Return the timetable without some of its starts."""
        left = tuple(time for time in self.times if time not in times)
        return Timetable(self.second, left, self.dates, self.weekdays, self.share)

    @property
    def is_one_expression(self) -> bool:
        """Tell whether one expression says it: every minute in every hour."""
        return _crossed(set(self.times))

    def cron(self) -> Cron:
        """Write it as an expression in UTC."""
        minutes = sorted({time % _HOUR for time in self.times})
        hours = sorted({time // _HOUR for time in self.times})
        fields = (
            self.second,
            _spell(minutes, _HOUR),
            "*" if len(hours) == HOURS.size else _spell(hours, HOURS.size),
            self.dates,
        )
        return Cron(" ".join(fields), "UTC")


def read_timetable(schedule: Schedule, last: datetime | None, now: datetime) -> Timetable | Unknown:
    """Read when a schedule starts; an interval counts from the `last` sync, if there was one.

    Returns Unknown, with a sentence, where its starts cannot be placed.
    """
    match schedule:
        case Cron(expression, zone):
            return _read_cron(expression, zone, now)
        case Basic():
            return _read_interval(schedule, last)
    return Unknown("it has no schedule to move")


def _read_cron(  # noqa: PLR0911  one return a reason
    expression: str, zone: str, now: datetime
) -> Timetable | Unknown:
    try:
        cron = parse(expression, zone)
    except CronError as error:
        return Unknown(f"its schedule cannot be read: {error.message}")
    if zone != "UTC":
        return Unknown(
            f"its cron is kept in {zone}, and Airbyte's API writes UTC only: "
            "somebody has to say first which of the two is meant"
        )
    if len(cron.seconds) != 1:
        return Unknown("it starts more than once a minute")
    if not cron.has_every_year:
        return Unknown("its cron names years, and ends with them")
    times = tuple(moment // _HOUR for moment in cron.moments)
    dates = " ".join(expression.split()[3:6])
    second = str(cron.seconds[0])
    if cron.repeats_weekly and isinstance(cron.dates.days, Weekdays):
        weekdays = tuple(sorted((day - 2) % 7 for day in cron.dates.days.weekdays))
        return Timetable(second, times, dates, weekdays)
    days = _days_a_year(cron, now)
    if not days:
        return Unknown("its cron never fires again")
    return Timetable(second, times, dates, _EVERY_DAY, days / _YEAR.days)


def _days_a_year(cron: QuartzCron, now: datetime) -> int:
    return len({epoch // 86_400 for epoch in cron.epochs_between(now, now + _YEAR)})


def _read_interval(basic: Basic, last: datetime | None) -> Timetable | Unknown:
    try:
        interval = interval_of(basic)
    except CronError as error:
        return Unknown(error.message)
    if last is None:
        return Unknown("it has not run yet, and an interval counts from the last sync")
    anchor = last.hour * _HOUR + last.minute
    if interval == timedelta(days=7):
        weekday = last.weekday()
        return Timetable("0", (anchor,), f"? * {_QUARTZ_NAMES[weekday]}", (weekday,))
    step = interval // timedelta(minutes=1)
    if interval > _DAY or DAY_MINUTES % step or (step % _HOUR and _HOUR % step):
        return Unknown(f"no cron keeps an interval of {basic.units} {basic.unit}")
    times = tuple(sorted((anchor + step * run) % DAY_MINUTES for run in range(DAY_MINUTES // step)))
    return Timetable("0", times, "* * ?")


def _crossed(times: set[int]) -> bool:
    minutes, hours = {time % _HOUR for time in times}, {time // _HOUR for time in times}
    return len(minutes) * len(hours) == len(times)


def _spell(values: list[int], size: int) -> str:
    """Write values as one number, as a step through the whole range, or as a list."""
    step = values[1] - values[0] if len(values) > 1 else size
    if len(values) > 1 and values == list(range(values[0], size, step)) and values[0] < step:
        return f"{values[0]}/{step}" if step > 1 else "*"
    return ",".join(map(str, values))
