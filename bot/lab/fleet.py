"""Who exists: workspaces, sources, destinations, tags and connections, as Airbyte keeps them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from bot.domain.connection import Basic, Cron, Manual, Schedule
from bot.lab.connectors import Connector
from bot.lab.noise import key_of, mix

EndpointKind = Literal["source", "destination"]


def uuid_of(seed: int, *parts: object) -> str:
    """Return a version-4-shaped UUID that depends on nothing but `seed` and `parts`."""
    key = key_of(seed, *parts)
    return str(UUID(int=(mix(key, 1) << 64) | mix(key, 2), version=4))


@dataclass(slots=True)
class Workspace:
    """A workspace."""

    id: str
    name: str
    notifications: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Tag:
    """A flat label of one workspace."""

    id: str
    name: str
    color: str
    workspace_id: str


@dataclass(slots=True)
class Endpoint:
    """A source or a destination; `created_at` in epoch seconds."""

    id: str
    kind: EndpointKind
    name: str
    connector: Connector
    workspace_id: str
    configuration: dict[str, Any]
    created_at: int
    resource_allocation: dict[str, Any] | None = None
    definition_id: str = ""

    def knob(self, path: str) -> float | None:
        """Return the number at the dotted `path` of the configuration, or None."""
        value: Any = self.configuration
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value)


@dataclass(slots=True)
class LabConnection:
    """A connection as Airbyte keeps it; `streams` are public-API stream objects.

    `index` is its place in the engine's arrays and never reused. `deadline` (second of the UTC
    day) and `freshness` (seconds) say when somebody needs its data; the lab knows, Airbyte does
    not. `rows_per_day` pins its size where a description gives it.
    """

    id: str
    index: int
    name: str
    source_id: str
    destination_id: str
    workspace_id: str
    status: str
    schedule: Schedule
    streams: list[dict[str, Any]]
    created_at: int
    tag_ids: list[str] = field(default_factory=list)
    non_breaking: str = "ignore"
    namespace_definition: str = "destination"
    namespace_format: str | None = None
    prefix: str = ""
    legacy_basic: bool = False
    deadline: int | None = None
    freshness: int | None = None
    orchestrated_at: int | None = None
    rows_per_day: float | None = None
    schema_change: str = "no_change"

    @property
    def full_refresh_share(self) -> float:
        """Return the share of its streams that are read whole every time."""
        if not self.streams:
            return 1.0
        full = sum(
            str(s.get("syncMode", "full_refresh_overwrite")).startswith("full_refresh")
            for s in self.streams
        )
        return full / len(self.streams)


class Fleet:
    """Everything that exists, by id; deleted things are kept aside, as Airbyte does."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.workspaces: dict[str, Workspace] = {}
        self.sources: dict[str, Endpoint] = {}
        self.destinations: dict[str, Endpoint] = {}
        self.tags: dict[str, Tag] = {}
        self.connections: dict[str, LabConnection] = {}
        self.deleted: dict[str, LabConnection] = {}
        self.by_index: list[LabConnection] = []
        self.hidden: set[str] = set()

    def fresh_id(self, kind: str, *parts: object) -> str:
        """Return an unused id for a new thing, stable for the same name in the same order."""
        taken: Mapping[str, object] = {
            **self.workspaces,
            **self.sources,
            **self.destinations,
            **self.tags,
            **self.connections,
            **self.deleted,
        }
        count = 0
        while (found := uuid_of(self.seed, kind, *parts, count)) in taken:
            count += 1
        return found

    def add(self, connection: LabConnection) -> None:
        """Take in a connection whose `index` is the next free one."""
        if connection.index != len(self.by_index):
            raise ValueError(f"index {connection.index} is not the next one")
        self.connections[connection.id] = connection
        self.by_index.append(connection)

    def remove(self, connection_id: str) -> None:
        """Delete a connection: it stays known as `deprecated`."""
        connection = self.connections.pop(connection_id)
        connection.status = "deprecated"
        self.deleted[connection_id] = connection

    def hide(self, endpoint_id: str) -> None:
        """Delete an endpoint: it is listed no more."""
        self.hidden.add(endpoint_id)

    def endpoints(self, kind: EndpointKind) -> dict[str, Endpoint]:
        """Return the sources or the destinations."""
        return self.sources if kind == "source" else self.destinations

    def users_of(self, endpoint_id: str) -> Iterable[LabConnection]:
        """Yield the connections that read from or write to an endpoint."""
        for connection in self.connections.values():
            if endpoint_id in (connection.source_id, connection.destination_id):
                yield connection


def runs_per_day(schedule: Schedule, cron_fires: int) -> float:
    """Return how often a schedule starts in a day, given the fires of its cron in 28 days."""
    match schedule:
        case Cron():
            return max(cron_fires / 28, 1 / 28)
        case Basic(units, unit):
            return 86_400 / basic_seconds(units, unit)
        case Manual():
            return 1.0
        case _:
            return 1.0


def basic_seconds(units: int, unit: str) -> int:
    """Return the length of a basic schedule's interval; months count 30 days."""
    size = {"minutes": 60, "hours": 3600, "days": 86_400, "weeks": 604_800, "months": 2_592_000}
    return units * size[unit.lower()]
