"""Signals: what trimtab looks at beside the history, as time series with their freshness."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.connection import SourceId
from bot.domain.prices import HOURS_A_WEEK


@dataclass(frozen=True, slots=True)
class Reading:
    """One measurement: when, of what, how much, in which unit (`percent`, `connections`, `USD/h`)."""

    when: datetime
    what: str
    value: float
    unit: str


class Freshness(StrEnum):
    """How far a signal can be relied on."""

    FRESH = "fresh"
    PARTIAL = "partial"
    """It says something, and not all that it should."""
    STALE = "stale"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Signal:
    """One series under one name, oldest reading first, with what is wrong with it.

    `reason` is one sentence where it is not fresh, empty where it is. `about` holds what it speaks
    of: ids of sources, destinations and connections, names of warehouses; empty is nobody.
    """

    name: str
    freshness: Freshness
    readings: tuple[Reading, ...] = ()
    reason: str = ""
    age: timedelta | None = None
    about: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SourceLoad:
    """How busy a source system usually is, by hour of the week from Monday 00:00 UTC.

    `busy` has 168 shares of what the system can bear, 0 idle and 1 full; None where nothing was
    measured.
    """

    source_id: SourceId
    busy: tuple[float | None, ...]

    def __post_init__(self) -> None:
        if len(self.busy) != HOURS_A_WEEK:
            raise ValueError(f"{len(self.busy)} hours; a week has {HOURS_A_WEEK}")

    def at(self, instant: datetime) -> float | None:
        """Return the share at an aware UTC instant."""
        return self.busy[instant.weekday() * 24 + instant.hour]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything that was looked at, and what it says of sources."""

    signals: tuple[Signal, ...] = ()
    loads: Mapping[SourceId, SourceLoad] = field(default_factory=dict)
