"""Lookouts: what watches one system, what it is told, and what it reports."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

from bot.domain.connection import Connection, ConnectionId, DestinationId, Endpoint, SourceId
from bot.domain.lineage import Downstream
from bot.domain.prices import WarehousePrice
from bot.domain.signal import Freshness, Signal, SourceLoad, Surroundings


@dataclass(frozen=True, slots=True)
class Scene:
    """What a lookout is told: the moment, the fleet, and where relative paths start.

    `endpoints` holds sources and destinations by id, where they are on record.
    """

    now: datetime
    connections: tuple[Connection, ...] = ()
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    folder: Path = Path()

    def sources_named(self, text: str) -> tuple[SourceId, ...]:
        """Return the sources that an id or a name means, each once."""
        found = {each.source_id for each in self.connections if self._is(each.source_id, text)}
        return tuple(sorted(found))

    def destinations_named(self, text: str) -> tuple[DestinationId, ...]:
        """Return the destinations that an id or a name means, each once."""
        return tuple(sorted({each.destination_id for each in self.writing_to(text)}))

    def writing_to(self, text: str | None) -> tuple[Connection, ...]:
        """Return the connections into a destination, by its id or name; all for None."""
        return tuple(
            each for each in self.connections if text is None or self._is(each.destination_id, text)
        )

    def _is(self, endpoint_id: str, text: str) -> bool:
        endpoint = self.endpoints.get(endpoint_id)
        return text == endpoint_id or (endpoint is not None and text == endpoint.name)


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen: the series themselves, and what they mean for the fleet.

    `loads` are how busy sources usually are, `lineage` what reads the data of each connection,
    `warehouses` prices by name, `wakes` the warehouse that syncs into a destination keep on,
    `holidays` days off by the name of their calendar.
    """

    signals: tuple[Signal, ...] = ()
    loads: Mapping[SourceId, SourceLoad] = field(default_factory=dict)
    lineage: Mapping[ConnectionId, Downstream] = field(default_factory=dict)
    warehouses: Mapping[str, WarehousePrice] = field(default_factory=dict)
    wakes: Mapping[DestinationId, str] = field(default_factory=dict)
    holidays: Mapping[str, frozenset[date]] = field(default_factory=dict)

    @classmethod
    def missing(cls, name: str, reason: str) -> "Sight":
        """Build what a lookout saw that could not look."""
        return cls((Signal(name, Freshness.MISSING, reason=reason),))

    @property
    def surroundings(self) -> Surroundings:
        """Return what advisors are given."""
        return Surroundings(self.signals, self.loads)


class Lookout(Protocol):
    """What watches one system; the settings of one are a pydantic model that looks.

    Installed ones are found under the entry-point group `trimtab.signals`, where each has the
    `type` by which `trimtab.yaml` names it.
    """

    @property
    def name(self) -> str:
        """Return the name that its signals carry."""
        ...

    @property
    def secrets(self) -> frozenset[str]:
        """Return what must never be shown."""
        ...

    def look(self, scene: Scene) -> Sight:
        """Report what is there at `scene.now`.

        Raises:
            SignalError: nothing at all can be read; a part of it is a signal with a reason.
        """
        ...


def merged(sights: Iterable[Sight]) -> Sight:
    """Put what several lookouts saw together.

    A source is as busy as its busiest measure; of prices and calendars of one name the later wins.
    """
    signals: list[Signal] = []
    loads: dict[SourceId, SourceLoad] = {}
    lineage: dict[ConnectionId, Downstream] = {}
    warehouses: dict[str, WarehousePrice] = {}
    wakes: dict[DestinationId, str] = {}
    holidays: dict[str, frozenset[date]] = {}
    for sight in sights:
        signals += sight.signals
        for source, load in sight.loads.items():
            loads[source] = busiest(loads[source], load) if source in loads else load
        for connection, below in sight.lineage.items():
            known = lineage.get(connection)
            lineage[connection] = joined(known, below) if known else below
        warehouses |= sight.warehouses
        wakes |= sight.wakes
        holidays |= sight.holidays
    return Sight(tuple(signals), loads, lineage, warehouses, wakes, holidays)


def busiest(one: SourceLoad, other: SourceLoad) -> SourceLoad:
    """Return the larger share of each hour; an hour that one did not measure is the other's."""
    pairs = zip(one.busy, other.busy, strict=True)
    return SourceLoad(
        one.source_id,
        tuple(max((a for a in pair if a is not None), default=None) for pair in pairs),
    )


def joined(one: Downstream, other: Downstream) -> Downstream:
    """Return what two projects read of one connection together."""
    tightest = [each for each in (one.max_staleness, other.max_staleness) if each is not None]
    return Downstream(
        models=tuple(sorted({*one.models, *other.models})),
        readers=tuple(dict.fromkeys((*one.readers, *other.readers))),
        max_staleness=min(tightest, default=None),
    )
