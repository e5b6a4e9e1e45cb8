"""The fleet as slowly changing history: which settings a connection had, and from when to when."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.domain.connection import (
    Basic,
    Connection,
    ConnectionId,
    ConnectionStatus,
    Cron,
    DestinationId,
    Endpoint,
    Manual,
    Schedule,
    SourceId,
    Stream,
    UnreadSchedule,
    WorkspaceId,
)
from bot.history.statements import statement
from bot.history.times import aware, to_the_second

if TYPE_CHECKING:
    import pyarrow as pa

    from bot.history.store import History


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything that one workspace held at one time; it has to be complete."""

    workspace_id: WorkspaceId
    connections: tuple[Connection, ...]
    sources: tuple[Endpoint, ...]
    destinations: tuple[Endpoint, ...]
    seen_at: datetime


def record(history: "History", listing: Listing) -> None:
    """Keep the settings of one complete listing of one workspace.

    What is as it was is seen once more, what changed begins a new version, and what the listing
    no longer holds ends; so never pass a partial one. A listing that is not later than the last
    one changes nothing. Times are kept to the second.

    Raises:
        HistoryError: the file cannot be written.
    """
    at = {"seen_at": to_the_second(listing.seen_at)}
    where = {"workspace_id": listing.workspace_id}
    with history.transaction():
        ((newer,),) = history.execute(statement("fleet_is_newer"), at | where)
        if newer:
            return
        with history.relation("incoming", _connection_table(listing.connections)):
            history.execute(statement("upsert_keys"), where)
            history.execute(statement("fleet_workspaces"), where)
            history.execute(statement("connections_extend"), at)
            history.execute(statement("connections_append"), at)
            history.execute(statement("connections_absent"), at | where)
        with history.relation("incoming", _endpoint_table(listing)):
            history.execute(statement("endpoints_extend"), at)
            history.execute(statement("endpoints_append"), at | where)
            history.execute(statement("endpoints_absent"), at | where)


def connections(
    history: "History", workspace_id: WorkspaceId | None = None, at: datetime | None = None
) -> tuple[Connection, ...]:
    """Return the connections as they were at a time (the last look when None), by id."""
    parameters = {"workspace_id": workspace_id, "at": to_the_second(at)}
    return tuple(
        _connection(row) for row in history.execute(statement("connections_at"), parameters)
    )


def sources(
    history: "History", workspace_id: WorkspaceId | None = None, at: datetime | None = None
) -> tuple[Endpoint, ...]:
    """Return the sources as they were at a time (the last look when None), by id."""
    return _endpoints(history, "source", workspace_id, at)


def destinations(
    history: "History", workspace_id: WorkspaceId | None = None, at: datetime | None = None
) -> tuple[Endpoint, ...]:
    """Return the destinations as they were at a time (the last look when None), by id."""
    return _endpoints(history, "destination", workspace_id, at)


def _endpoints(
    history: "History", role: str, workspace_id: WorkspaceId | None, at: datetime | None
) -> tuple[Endpoint, ...]:
    parameters = {"role": role, "workspace_id": workspace_id, "at": to_the_second(at)}
    return tuple(
        Endpoint(endpoint_id, name, connector, WorkspaceId(workspace), json.loads(knobs))
        for endpoint_id, name, connector, workspace, knobs in history.execute(
            statement("endpoints_at"), parameters
        )
    )


def _connection_table(rows: Iterable[Connection]) -> "pa.Table":
    import pyarrow as pa

    texts = (
        "connection_id name source_id destination_id status schedule_kind cron_expression "
        "cron_zone basic_unit schedule_text streams"
    )
    schema = pa.schema(
        [
            *((name, pa.string()) for name in texts.split()),
            ("basic_units", pa.int32()),
            ("tags", pa.list_(pa.string())),
            ("created_at", pa.timestamp("s")),
        ]
    )
    return pa.Table.from_pylist([_connection_row(row) for row in rows], schema)


def _connection_row(connection: Connection) -> dict[str, Any]:
    streams = sorted(connection.streams, key=lambda stream: (stream.namespace or "", stream.name))
    return {
        "connection_id": connection.id,
        "name": connection.name,
        "source_id": connection.source_id,
        "destination_id": connection.destination_id,
        "status": connection.status.value,
        "streams": json.dumps(
            [
                {"name": stream.name, "mode": stream.mode, "namespace": stream.namespace}
                for stream in streams
            ]
        ),
        "tags": sorted(connection.tags),
        "created_at": to_the_second(connection.created_at),
        **_schedule_columns(connection.schedule),
    }


def _schedule_columns(schedule: Schedule) -> dict[str, Any]:
    match schedule:
        case Manual():
            return {"schedule_kind": "manual"}
        case Basic(units, unit):
            return {"schedule_kind": "basic", "basic_units": units, "basic_unit": unit}
        case Cron(expression, zone):
            return {"schedule_kind": "cron", "cron_expression": expression, "cron_zone": zone}
        case UnreadSchedule(text):
            return {"schedule_kind": "unread", "schedule_text": text}


def _endpoint_table(listing: Listing) -> "pa.Table":
    import pyarrow as pa

    rows = [
        {
            "endpoint_id": endpoint.id,
            "role": role,
            "name": endpoint.name,
            "connector": endpoint.connector,
            "knobs": json.dumps(dict(endpoint.knobs), sort_keys=True),
        }
        for role, endpoints in (("source", listing.sources), ("destination", listing.destinations))
        for endpoint in endpoints
    ]
    columns = ("endpoint_id", "role", "name", "connector", "knobs")
    return pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in columns]))


def _connection(row: tuple[Any, ...]) -> Connection:
    key, name, source, destination, workspace, status, *schedule, streams, tags, created = row
    return Connection(
        id=ConnectionId(key),
        name=name,
        source_id=SourceId(source),
        destination_id=DestinationId(destination),
        workspace_id=WorkspaceId(workspace),
        status=ConnectionStatus(status),
        schedule=read_schedule(*schedule),
        streams=tuple(Stream(**stream) for stream in json.loads(streams)),
        tags=frozenset(tags),
        created_at=aware(created),
    )


def read_schedule(
    kind: str,
    expression: str | None,
    zone: str | None,
    units: int | None,
    unit: str | None,
    text: str | None,
) -> Schedule:
    """Read a schedule from its columns, in the order of the table."""
    if kind == "cron":
        assert expression is not None
        assert zone is not None
        return Cron(expression, zone)
    if kind == "basic":
        assert units is not None
        assert unit is not None
        return Basic(units, unit)
    return Manual() if kind == "manual" else UnreadSchedule(text or "")
