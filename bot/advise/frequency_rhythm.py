"""Rhythms: schedules that start at the same times of a day, thinned out or made denser."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise, product
from operator import sub
from typing import Final

from bot.domain.connection import Basic, Cron, Schedule
from bot.domain.cron import QuartzCron, interval_of, parse
from bot.domain.cron.days import Weekdays
from bot.domain.errors import CronError

_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_MONDAY_TO_FRIDAY: Final = (2, 3, 4, 5, 6)
_EVERY_WEEKDAY: Final = (1, 2, 3, 4, 5, 6, 7)
_DENSER_HOURS: Final = (12, 8, 6, 4, 3, 2, 1)
_HOURS: Final = 24
DAY_SECONDS: Final = 86_400
WEEK_SECONDS: Final = 7 * DAY_SECONDS


@dataclass(frozen=True, slots=True)
class Rhythm:
    """A cron in UTC that starts at the same times of the same weekdays, every week."""

    cron: QuartzCron

    @classmethod
    def of(cls, schedule: Schedule, last_start: datetime | None) -> "Rhythm | str":
        """Read a schedule; a sentence says why it has no rhythm.

        An interval is read as the cron that goes on from `last_start`, where a cron can keep it.
        """
        if isinstance(schedule, Basic):
            return _of_interval(schedule, last_start)
        if not isinstance(schedule, Cron):
            return "it is started by hand or by another system"
        if schedule.zone != "UTC":
            return (
                f"its cron is kept in {schedule.zone}, and whatever Terraform writes is kept in UTC"
            )
        try:
            cron = parse(schedule.expression)
        except CronError as error:
            return f"its schedule cannot be read: {error.message}"
        if not cron.repeats_weekly or len(cron.seconds) > 1:
            return "its starts are not the same every week"
        return cls(cron)

    @property
    def weekdays(self) -> tuple[int, ...]:
        """Return the days of the week on which it starts, Sunday is 1."""
        days = self.cron.dates.days
        assert isinstance(days, Weekdays)
        return days.weekdays

    @property
    def per_week(self) -> int:
        """Return how often it starts in a week."""
        return len(self.cron.moments) * len(self.weekdays)

    @property
    def longest(self) -> timedelta:
        """Return the longest time between two starts."""
        starts = [
            day * DAY_SECONDS + moment for day in self.weekdays for moment in self.cron.moments
        ]
        following = [*starts[1:], starts[0] + WEEK_SECONDS]
        return timedelta(seconds=max(map(sub, following, starts)))

    def times_fewer(self, other: "Rhythm") -> Fraction:
        """Return how many times as often as `other` this one starts."""
        return Fraction(self.per_week, other.per_week)

    def schedule(self) -> Cron:
        """Write it as people do: steps and names of days where they fit."""
        second, minutes, hours, day, month, week_day = self.cron.canonical.split()
        steps = {later - earlier for earlier, later in pairwise(self.cron.hours)}
        if len(steps) == 1 and steps.pop() * len(self.cron.hours) == _HOURS and hours != "*":
            hours = f"{self.cron.hours[0]}/{_HOURS // len(self.cron.hours)}"
        if self.weekdays == _MONDAY_TO_FRIDAY:
            week_day = "MON-FRI"
        return Cron(f"{second} {minutes} {hours} {day} {month} {week_day}")

    def thinner(self) -> list["Rhythm"]:
        """Return rhythms that keep some of the starts and add none, in every phase there is."""
        moments = [divmod(moment // 60, 60) for moment in self.cron.moments]
        found = []
        for every in range(2, len(moments) + 1):
            if len(moments) % every:
                continue
            for phase in range(every):
                kept = moments[phase::every]
                hours = tuple(sorted({hour for hour, _ in kept}))
                minutes = tuple(sorted({minute for _, minute in kept}))
                if sorted(product(hours, minutes)) == kept:
                    found.append(Rhythm(replace(self.cron, hours=hours, minutes=minutes)))
        if len(self.weekdays) == len(_EVERY_WEEKDAY):
            found.append(self.on(_MONDAY_TO_FRIDAY))
        return found

    def denser(self) -> list["Rhythm"]:
        """Return rhythms that keep its first start and add others at even distances.

        None starts more often than hourly, which Airbyte Cloud may refuse.
        """
        first = self.cron.moments[0]
        hour, minute = divmod(first // 60, 60)
        closest = self.cron.closest or _DAY
        found = []
        for step in _DENSER_HOURS:
            if step * _HOUR >= closest:
                continue
            hours = tuple(range(hour % step, _HOURS, step))
            cron = replace(self.cron, hours=hours, minutes=(minute,))
            found += [Rhythm(cron), Rhythm(cron).on(_EVERY_WEEKDAY)]
        return list(dict.fromkeys(found))

    def on(self, weekdays: tuple[int, ...]) -> "Rhythm":
        """Return the same times on other days of the week."""
        dates = replace(self.cron.dates, days=Weekdays(weekdays))
        return Rhythm(replace(self.cron, dates=dates))


def _of_interval(schedule: Basic, last_start: datetime | None) -> Rhythm | str:
    interval = interval_of(schedule)
    hours, rest = divmod(interval, _HOUR)
    if rest or not 0 < hours <= _HOURS or _HOURS % hours:
        return "its interval does not fit into a day, so that no cron keeps it"
    if last_start is None:
        return "it has not started yet, so that nothing says when it would"
    start = last_start.astimezone(UTC)
    at = ",".join(map(str, range(start.hour % hours, _HOURS, hours)))
    return Rhythm(parse(f"0 {start.minute} {at} * * ?"))
