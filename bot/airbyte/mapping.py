"""Mapping: wire models to the values of the domain."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from bot.airbyte import wire
from bot.domain.connection import (
    Connection,
    ConnectionId,
    ConnectionStatus,
    DestinationId,
    Endpoint,
    KnobValue,
    Manual,
    Schedule,
    SourceId,
    Stream,
    Workspace,
    WorkspaceId,
)
from bot.domain.cron import read_schedule
from bot.domain.knob import Knob
from bot.domain.sync import JobKind, Sync, SyncStatus
from bot.knobs import catalogue


def sync(job: wire.Job) -> Sync:
    """Map one job; what the API calls its start is when it was created."""
    updated = job.last_updated_at
    return Sync(
        id=job.job_id,
        connection_id=ConnectionId(job.connection_id),
        kind=JobKind(job.job_type),
        status=SyncStatus(job.status),
        created_at=job.start_time.astimezone(UTC),
        updated_at=None if updated is None else updated.astimezone(UTC),
        duration=job.duration,
        rows=job.rows_synced,
        bytes=job.bytes_synced,
    )


def workspace(read: wire.Workspace) -> Workspace:
    """Map one workspace."""
    return Workspace(WorkspaceId(read.workspace_id), read.name)


def connection(read: wire.ConnectionRead) -> Connection:
    """Map one connection."""
    streams = read.configurations.streams if read.configurations else []
    return Connection(
        id=ConnectionId(read.connection_id),
        name=read.name,
        source_id=SourceId(read.source_id),
        destination_id=DestinationId(read.destination_id),
        workspace_id=WorkspaceId(read.workspace_id),
        status=ConnectionStatus(read.status),
        schedule=schedule(read.schedule),
        streams=tuple(Stream(one.name, one.sync_mode, one.namespace) for one in streams),
        tags=frozenset(tag.name for tag in read.tags or ()),
        created_at=None if read.created_at is None else epoch(read.created_at),
    )


def source(read: wire.SourceRead) -> Endpoint:
    """Map one source, keeping nothing of its configuration but knobs."""
    connector = _connector("source", read.source_type, read.definition_id)
    knobs = knob_values(catalogue.load().of(connector), read.configuration or {})
    return Endpoint(read.source_id, read.name, connector, WorkspaceId(read.workspace_id), knobs)


def destination(read: wire.DestinationRead) -> Endpoint:
    """Map one destination, keeping nothing of its configuration but knobs."""
    connector = _connector("destination", read.destination_type, read.definition_id)
    knobs = knob_values(catalogue.load().of(connector), read.configuration or {})
    return Endpoint(
        read.destination_id, read.name, connector, WorkspaceId(read.workspace_id), knobs
    )


def schedule(read: wire.ScheduleRead | None) -> Schedule:
    """Read a schedule in any of the forms that releases have used."""
    if read is None:
        return Manual()
    return read_schedule(read.schedule_type, read.cron_expression, read.basic_timing)


def epoch(seconds: float) -> datetime:
    """Read seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def knob_values(knobs: Iterable[Knob], configuration: Mapping[str, Any]) -> dict[str, KnobValue]:
    """Keep the values of catalogue knobs; everything else in a configuration may be a secret."""
    found = {knob.path: _value(knob, configuration) for knob in knobs}
    return {path: value for path, value in found.items() if value is not None}


def _value(knob: Knob, configuration: Mapping[str, Any]) -> KnobValue | None:
    here: Any = configuration
    for key in knob.path.split("."):
        here = here.get(key) if isinstance(here, Mapping) else None
    if isinstance(here, str):
        # Text where the catalogue expects a number is not what we think it is.
        return here if knob.type == "string" else None
    return here if isinstance(here, bool | int | float) else None


def _connector(role: str, named: str, definition_id: str | None) -> str:
    known = catalogue.load().connector_of(definition_id) if definition_id else None
    return known or (named if named.startswith(f"{role}-") else f"{role}-{named}")
