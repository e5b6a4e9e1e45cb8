"""Quartz cron: parse an expression, and answer when it fires.

Behaves as `org.quartz.CronExpression` 2.3.2, which is what Airbyte evaluates: clock changes as
in `clock`, tolerance as in `terms`; the few deliberate differences are listed in `docs/cron.md`.
"""

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise, product, takewhile
from math import ceil
from statistics import median
from zoneinfo import ZoneInfo

from bot.domain.cron.clock import DAY_SECONDS, clamp, find_zone, instant_of, local_time, midnight_of
from bot.domain.cron.days import (
    Dates,
    DayRule,
    LastDay,
    LastWeekday,
    MonthDays,
    NearestWorkday,
    NthWeekday,
    Weekdays,
)
from bot.domain.cron.spelling import spell_days, spell_values
from bot.domain.cron.terms import (
    HOURS,
    LAST_YEAR,
    MINUTES,
    MONTH_DAYS,
    MONTHS,
    SECONDS,
    SLOTS,
    YEARS,
    Field,
    Mark,
    read_field,
)
from bot.domain.errors import CronError

_LONGEST = 2000
_HORIZON_YEARS = 100
_EVERY_YEAR = range(YEARS.low, YEARS.high + 1)
_EVERY_WEEKDAY = (1, 2, 3, 4, 5, 6, 7)
_ONE_DAY = timedelta(days=1)
_CONTROL = "".join(map(chr, range(33)))


@dataclass(frozen=True, slots=True)
class Gaps:
    """The time between neighbouring fires; `fires` says how many fires it was taken from."""

    shortest: timedelta
    median: timedelta
    longest: timedelta
    fires: int


@dataclass(frozen=True, slots=True)
class QuartzCron:
    """A parsed expression and the zone it is evaluated in.

    `text` is the expression as written. `ignored` lists what Quartz does not read of it.
    """

    text: str
    zone: str
    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    dates: Dates
    ignored: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text

    def next_after(self, after: datetime) -> datetime | None:
        """Return the first fire later than `after` (aware), in UTC; None when there is none.

        Fractions of a second are dropped, as Quartz does. Within an hour that the clock
        repeats, Quartz takes any `after` for the later pass; so does this.
        """
        return next(self.fires_after(after), None)

    def fires_after(self, after: datetime) -> Iterator[datetime]:
        """Yield the fires later than `after` (aware), in UTC, ascending.

        The search ends a hundred years ahead, as that of Quartz does.
        """
        zone = find_zone(self.zone)
        wall = local_time(clamp(after) + timedelta(seconds=1), zone).replace(microsecond=0)
        moments = self.moments
        second = wall.hour * 3600 + wall.minute * 60 + wall.second
        first = wall.date() if second <= moments[-1] else wall.date() + _ONE_DAY
        last_year = min(LAST_YEAR, max(YEARS.low, wall.year) + _HORIZON_YEARS)
        for ordinal in self.dates.starting(first, last_year):
            today = ordinal == wall.toordinal()
            due = moments[bisect_left(moments, second) :] if today else moments
            yield from map(_utc, _instants([ordinal], due, zone))

    def previous_before(self, before: datetime) -> datetime | None:
        """Return the last fire earlier than `before` (aware), in UTC; None when there is none.

        The search ends a hundred years back.
        """
        zone = find_zone(self.zone)
        before = clamp(before)
        # A clock that is put back over midnight shows one day earlier for a while.
        last = local_time(before, zone).date() + _ONE_DAY
        first_year = max(YEARS.low, last.year - _HORIZON_YEARS)
        for ordinal in self.dates.ending(last, first_year):
            for epoch in _instants([ordinal], reversed(self.moments), zone):
                if epoch < before.timestamp():
                    return _utc(epoch)
        return None

    def fires_between(self, start: datetime, end: datetime) -> list[datetime]:
        """List the fires from `start` on and before `end` (both aware), in UTC, ascending."""
        return [_utc(epoch) for epoch in self.epochs_between(start, end)]

    def epochs_between(self, start: datetime, end: datetime) -> "array[int]":
        """List the same fires as seconds since 1970: the form for whole fleets."""
        zone = find_zone(self.zone)
        start, end = clamp(start), clamp(end)
        low, high = ceil(start.timestamp()), ceil(end.timestamp())
        if low >= high:
            return array("q")
        first, last = local_time(start, zone).date(), local_time(end, zone).date()
        midnights, changing = split_days(self.dates, zone, first, last)
        moments = self.moments
        epochs = [midnight + moment for midnight in midnights for moment in moments]
        if changing:
            epochs = sorted([*epochs, *_instants(changing, moments, zone)])
        return array("q", epochs[bisect_left(epochs, low) : bisect_left(epochs, high)])

    def skipped_between(self, start: datetime, end: datetime) -> list[datetime]:
        """List the local times (naive) of a window that the clock skips, so that nothing fires."""
        zone = find_zone(self.zone)
        first, last = local_time(clamp(start), zone), local_time(clamp(end), zone)
        _, changing = split_days(self.dates, zone, first.date(), last.date())
        walls = (
            datetime.fromordinal(day) + timedelta(seconds=moment)
            for day, moment in product(changing, self.moments)
            if instant_of(day, moment, zone) is None
        )
        return [wall for wall in walls if first <= wall < last]

    def gaps_between(self, start: datetime, end: datetime) -> Gaps | None:
        """Measure the gaps between the fires of a window; None when it has fewer than two."""
        epochs = self.epochs_between(start, end)
        gaps = [later - earlier for earlier, later in pairwise(epochs)]
        if not gaps:
            return None
        return Gaps(
            timedelta(seconds=min(gaps)),
            timedelta(seconds=median(gaps)),
            timedelta(seconds=max(gaps)),
            len(epochs),
        )

    def week_positions(self, monday: datetime) -> tuple[int, ...]:
        """List the fires of the seven days from `monday` (aware) as seconds since then."""
        begin = int(monday.timestamp())
        epochs = self.epochs_between(monday, monday + timedelta(days=7))
        return tuple(epoch - begin for epoch in epochs)

    @property
    def closest(self) -> timedelta | None:
        """Return the shortest gap within a day or over midnight; None when it has neither.

        Clock changes are left out of account.
        """
        moments = self.moments
        gaps = [later - earlier for earlier, later in pairwise(moments)]
        if self.dates.days.has_neighbours:
            gaps.append(DAY_SECONDS - moments[-1] + moments[0])
        return timedelta(seconds=min(gaps)) if gaps else None

    @property
    def has_every_year(self) -> bool:
        """Tell whether the expression leaves the year open."""
        return self.dates.years == _EVERY_YEAR

    @property
    def repeats_weekly(self) -> bool:
        """Tell whether the fires of every week of UTC are the same."""
        dates = self.dates
        return (
            self.zone == "UTC"
            and isinstance(dates.days, Weekdays)
            and len(dates.months) == MONTHS.size
            and self.has_every_year
        )

    @property
    def moments(self) -> tuple[int, ...]:
        """Return the times of a day on which it fires, as seconds since midnight, ascending."""
        return _moments(self.seconds, self.minutes, self.hours)

    @property
    def canonical(self) -> str:
        """Return one spelling for all expressions that fire at the same local times."""
        day_of_month, day_of_week = spell_days(self.dates.days)
        fields = [
            spell_values(self.seconds, SECONDS),
            spell_values(self.minutes, MINUTES),
            spell_values(self.hours, HOURS),
            day_of_month,
            spell_values(self.dates.months, MONTHS),
            day_of_week,
            *([] if self.has_every_year else [spell_values(self.dates.years, YEARS)]),
        ]
        return " ".join(fields)


@lru_cache(maxsize=16_384)
def parse(expression: str, zone: str = "UTC") -> QuartzCron:
    """Parse a Quartz expression of 6 or 7 fields; `zone` is an IANA name.

    Fleets have few expressions, and ask for each of them again and again.

    Raises:
        CronError: it is not a Quartz expression, or there is no such zone.
    """
    find_zone(zone)
    if len(expression) > _LONGEST:
        raise CronError(f"a cron expression has at most {_LONGEST} characters")
    texts = [part.strip(_CONTROL) for part in re.split("[ \t]+", expression.upper()) if part]
    if len(texts) < len(SLOTS) - 1:
        raise CronError(
            f"a Quartz expression has 6 or 7 fields, this one has {len(texts)}",
            "They are: seconds minutes hours day-of-month month day-of-week [year].",
        )
    texts, surplus = texts[: len(SLOTS)], texts[len(SLOTS) :]
    fields = [read_field(text, slot) for text, slot in zip(texts, SLOTS, strict=False)]
    seconds, minutes, hours, month_days, months, weekdays, *year = fields
    ignored = [part for one in fields for part in one.ignored]
    return QuartzCron(
        text=expression,
        zone=zone,
        seconds=seconds.ordered,
        minutes=minutes.ordered,
        hours=hours.ordered,
        dates=Dates(_day_rule(month_days, weekdays), months.ordered, _years(year)),
        ignored=(*ignored, *surplus),
    )


def _day_rule(month_days: Field, weekdays: Field) -> DayRule:
    if month_days.is_unset == weekdays.is_unset:
        raise CronError(
            "exactly one of the day-of-month and day-of-week fields must be ?",
            "Put ? in the one that does not decide, such as 0 0 6 * * ? or 0 0 6 ? * MON.",
        )
    if month_days.is_unset:
        return _weekday_rule(weekdays)
    if month_days.mark is Mark.NEAREST_WORKDAY:
        return NearestWorkday(month_days.ordered[0])
    if month_days.mark:
        return LastDay(month_days.number, to_workday=month_days.mark is Mark.LAST_WORKDAY)
    if len(month_days.values) == MONTH_DAYS.size:
        return Weekdays(_EVERY_WEEKDAY)
    return MonthDays(month_days.ordered)


def _weekday_rule(field: Field) -> DayRule:
    # Beside a mark, Quartz uses the smallest weekday of a list alone.
    if field.mark is Mark.LAST_OF_WEEKDAY:
        return LastWeekday(field.ordered[0])
    if field.mark is Mark.NTH_WEEKDAY:
        return NthWeekday(field.ordered[0] or _EVERY_WEEKDAY[-1], field.number)
    return Weekdays(field.ordered)


def _years(fields: list[Field]) -> range | tuple[int, ...]:
    if not fields or fields[0].values.issuperset(_EVERY_YEAR):
        return _EVERY_YEAR
    return tuple(year for year in fields[0].ordered if 0 < year <= LAST_YEAR)


@lru_cache(maxsize=4096)
def _moments(
    seconds: tuple[int, ...], minutes: tuple[int, ...], hours: tuple[int, ...]
) -> tuple[int, ...]:
    return tuple(h * 3600 + m * 60 + s for h in hours for m in minutes for s in seconds)


@lru_cache(maxsize=1024)
def split_days(
    dates: Dates, zone: ZoneInfo, first: date, last: date
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the midnights (epoch seconds) of plain days, and the days whose clock changes."""
    end = last.toordinal()
    if not isinstance(dates.days, NearestWorkday):
        # A clock that is put back over midnight returns to the day before.
        first -= _ONE_DAY
    days = list(takewhile(lambda day: day <= end, dates.starting(first, last.year)))
    midnights = {day: midnight_of(day, zone) for day in days}
    plain = tuple(epoch for epoch in midnights.values() if epoch is not None)
    return plain, tuple(day for day, epoch in midnights.items() if epoch is None)


def _instants(days: Iterable[int], moments: Iterable[int], zone: ZoneInfo) -> Iterator[int]:
    """Yield the epoch seconds of local times, without those that the clock skips."""
    for day, moment in product(days, moments):
        epoch = instant_of(day, moment, zone)
        if epoch is not None:
            yield epoch


def _utc(epoch: int) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)
