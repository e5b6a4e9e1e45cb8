"""The cycle: one day or one week that repeats, in minutes of UTC, in winter and in summer."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

DAY_MINUTES = 1440
_MINUTE = timedelta(minutes=1)
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Season:
    """A week at one of the two offsets of local time, from a Monday 00:00 UTC."""

    monday: datetime

    @property
    def end(self) -> datetime:
        """Return the Monday after it."""
        return self.monday + _WEEK


@dataclass(frozen=True, slots=True)
class Cycle:
    """`days` is 1 or 7; on a cycle of one day, every day of the week is the same."""

    days: int

    @property
    def minutes(self) -> int:
        """Return how long it is."""
        return self.days * DAY_MINUTES

    def position(self, moment: datetime, season: Season) -> int:
        """Return the minute of the cycle on which an instant falls."""
        return (moment - season.monday) // _MINUTE % self.minutes

    def positions(self, moments: Iterable[datetime], season: Season) -> tuple[int, ...]:
        """Return the minutes of the cycle on which instants fall, each once, ascending."""
        return tuple(sorted({self.position(moment, season) for moment in moments}))


def seasons(now: datetime) -> tuple[Season, Season]:
    """Return a week in January and one in July: every zone's two offsets are among them."""
    return Season(_monday(date(now.year, 1, 15))), Season(_monday(date(now.year, 7, 15)))


def _monday(day: date) -> datetime:
    first = day - timedelta(days=day.weekday())
    return datetime(first.year, first.month, first.day, tzinfo=UTC)
