"""Connections and their two ends, as trimtab knows them (no secret is ever held here)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

ConnectionId = NewType("ConnectionId", str)
SourceId = NewType("SourceId", str)
DestinationId = NewType("DestinationId", str)
WorkspaceId = NewType("WorkspaceId", str)

KnobValue = int | float | str | bool
"""What a tuning option can hold in a connector's configuration."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """The scope in which connections live and roles are granted."""

    id: WorkspaceId
    name: str


class ConnectionStatus(StrEnum):
    """Airbyte's connection states; a state that we do not know reads as `UNKNOWN`."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    DEPRECATED = "deprecated"
    LOCKED = "locked"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> "ConnectionStatus":
        return cls.UNKNOWN


class SyncMode(StrEnum):
    """How a stream is read, as far as the cost arithmetic cares."""

    FULL_REFRESH = "full_refresh"
    INCREMENTAL = "incremental"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Manual:
    """Started by people or by an orchestrator; trimtab reports it and leaves it alone."""


@dataclass(frozen=True, slots=True)
class Basic:
    """An interval since the previous sync was created; it drifts and cannot be placed.

    `units` counts `unit`, one of minutes, hours, days, weeks, months (30 days each).
    """

    units: int
    unit: str


@dataclass(frozen=True, slots=True)
class Cron:
    """A Quartz expression without its zone, and the zone it is evaluated in."""

    expression: str
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class UnreadSchedule:
    """A schedule of a form that we do not know; it is kept as text and never edited."""

    text: str


Schedule = Manual | Basic | Cron | UnreadSchedule


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream of a connection; `mode` is Airbyte's own name for the sync mode."""

    name: str
    mode: str
    namespace: str | None = None

    @property
    def sync_mode(self) -> SyncMode:
        """Tell whether each sync re-reads everything or only what changed."""
        if self.mode.startswith("full_refresh"):
            return SyncMode.FULL_REFRESH
        if self.mode.startswith("incremental"):
            return SyncMode.INCREMENTAL
        return SyncMode.UNKNOWN


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A source or a destination: its connector, and its tuning options with their values.

    `knobs` maps a catalogue path (`num_workers`, `replication_method.queue_size`) to the value
    that is set; anything that is not in the knob catalogue never gets here.
    """

    id: str
    name: str
    connector: str
    workspace_id: WorkspaceId
    knobs: Mapping[str, KnobValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Connection:
    """One source→destination pairing; `id` is its identity, names may change and repeat."""

    id: ConnectionId
    name: str
    source_id: SourceId
    destination_id: DestinationId
    workspace_id: WorkspaceId
    status: ConnectionStatus
    schedule: Schedule
    streams: tuple[Stream, ...] = ()
    tags: frozenset[str] = frozenset()
    created_at: datetime | None = None
