"""Promises and limits: what must hold, and how far trimtab may go."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum

from bot.domain.calendar import Days, instant


@dataclass(frozen=True, slots=True)
class Deadline:
    """Data has to be complete at a wall-clock time, on some days, with some probability.

    `after` is the earliest start that counts for it: a sync that began before, yesterday
    evening say, does not hold the day's data.
    """

    name: str
    finish_by: time
    zone: str
    days: Days = Days()
    after: time | None = None
    probability: Decimal = Decimal("0.95")

    def instants(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Yield the deadlines in [start, end), as aware UTC instants."""
        for day in self.days.between(_day_before(start), _day_after(end)):
            moment = instant(day, self.finish_by, self.zone)
            if start <= moment < end:
                yield moment


class WindowKind(StrEnum):
    """What may not happen inside a window."""

    BLACKOUT = "blackout"
    """No sync may run: a backup of the source, say."""
    FREEZE = "freeze"
    """Nothing may be changed: the month's close, say."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of wall-clock time that returns on some days.

    It starts at `start` local time and lasts `length`, across midnight where it is that long.
    `first` and `last` bound the days on which it starts; None is "no bound".
    """

    name: str
    kind: WindowKind
    start: time
    length: timedelta
    zone: str
    days: Days = Days()
    first: date | None = None
    last: date | None = None

    def spans(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the (start, end) instants that overlap [start, end), in UTC."""
        reach = _day_before(start) - timedelta(days=self.length.days + 1)
        for day in self.days.between(reach, _day_after(end)):
            if (self.first and day < self.first) or (self.last and day > self.last):
                continue
            opens = instant(day, self.start, self.zone)
            if opens < end and opens + self.length > start:
                yield opens, opens + self.length

    def covers(self, moment: datetime) -> bool:
        """Tell whether an aware instant lies inside."""
        return any(self.spans(moment, moment + timedelta(microseconds=1)))


class CapacityScope(StrEnum):
    """What is shared by the syncs that a capacity counts."""

    SOURCE = "source"
    """Syncs that read one source system."""
    POOL = "pool"
    """Syncs that run on one pool of workers."""
    GROUP = "group"
    """Syncs that a policy names."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much may run at once: a number of syncs, or of data workers, in `unit`."""

    name: str
    scope: CapacityScope
    limit: Decimal
    unit: str = "syncs"


@dataclass(frozen=True, slots=True)
class StepLimit:
    """How far one change, and all changes of a window together, may move a setting.

    `shift` bounds the distance that a start time moves; `ratio` the factor by which a number
    grows or, inverted, shrinks (1.5 allows ×1.5 and ÷1.5). None is "no limit".
    """

    setting: str
    shift: timedelta | None = None
    ratio: Decimal | None = None
    window: timedelta | None = None


@dataclass(frozen=True, slots=True)
class BlastLimit:
    """How much of a fleet one run may propose to change."""

    connections: int | None = None
    share: Decimal | None = None

    def of(self, fleet_size: int) -> int:
        """Return how many connections one run may touch in a fleet of `fleet_size`."""
        bounds = [fleet_size]
        if self.connections is not None:
            bounds.append(self.connections)
        if self.share is not None:
            bounds.append(int(self.share * fleet_size))
        return min(bounds)


def _day_before(moment: datetime) -> date:
    return (moment - timedelta(days=1)).date()


def _day_after(moment: datetime) -> date:
    return (moment + timedelta(days=1)).date()
