"""Promises and limits: what must hold, and how far trimtab may go."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import IntEnum, StrEnum

from bot.domain.calendar import Days, instant
from bot.domain.connection import ConnectionId
from bot.domain.knob import Bounds


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
class SharedCapacity:
    """A capacity, and the connections whose syncs it counts."""

    capacity: Capacity
    members: frozenset[ConnectionId]


@dataclass(frozen=True, slots=True)
class StepLimit:
    """How far one change, and all changes of a window together, may move a setting.

    `setting` is `schedule` (when it starts), `frequency` (how often), `status` (pausing), or the
    kind of a knob: `batch_size`, `parallelism` and so on.
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
            # A share of a small fleet is at least one: otherwise nothing would ever begin.
            bounds.append(max(int(self.share * fleet_size), 1 if self.share else 0))
        return min(bounds)


class Phase(IntEnum):
    """How far a connection has been let in."""

    MONITOR = 0
    """Only reported on; the phase of whatever no policy speaks of."""
    DRY_RUN = 1
    """Changed through pull requests where it is a development or sandbox connection."""
    CANARY = 2
    """Changed in small steps, the lowest risk first."""
    LIVE = 3
    """Changed wherever policy allows it."""

    @property
    def label(self) -> str:
        """Spell the phase as policies do."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class Terms:
    """What policy says of one connection before anything is advised.

    `steps` maps a setting (see `StepLimit`) to how far it may move; a setting that is missing
    there may not be changed at all. `bounds` maps the path of a knob to what policy admits beside
    the catalogue's own bounds. `priority` decides who gets the better slot: more is more important.
    """

    phase: Phase = Phase.MONITOR
    steps: Mapping[str, StepLimit] = field(default_factory=dict)
    bounds: Mapping[str, Bounds] = field(default_factory=dict)
    deadlines: tuple[Deadline, ...] = ()
    windows: tuple[Window, ...] = ()
    max_staleness: timedelta | None = None
    min_success_rate: Decimal | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class FleetTerms:
    """What policy says of all connections together before anything is advised."""

    capacities: tuple[SharedCapacity, ...] = ()
    blast: BlastLimit = BlastLimit()


def _day_before(moment: datetime) -> date:
    return (moment - timedelta(days=1)).date()


def _day_after(moment: datetime) -> date:
    return (moment + timedelta(days=1)).date()
