"""Small fleets for tests of signals."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bot.domain.connection import (
    Connection,
    ConnectionId,
    ConnectionStatus,
    DestinationId,
    Endpoint,
    Manual,
    SourceId,
    Stream,
    WorkspaceId,
)
from bot.signals.lookout import Scene

NOW = datetime(2026, 3, 30, 12, 4, tzinfo=UTC)
"""A Monday."""


def connection(
    name: str, streams: Sequence[tuple[str | None, str]] = (), source: str = "s1", into: str = "d1"
) -> Connection:
    return Connection(
        ConnectionId(f"id of {name}"),
        name,
        SourceId(source),
        DestinationId(into),
        WorkspaceId("w"),
        ConnectionStatus.ACTIVE,
        Manual(),
        tuple(Stream(table, "incremental_append", namespace) for namespace, table in streams),
    )


def scene(*connections: Connection, folder: Path = Path(), now: datetime = NOW) -> Scene:
    ends: dict[str, str] = {each.source_id: f"source {each.source_id}" for each in connections}
    ends |= {each.destination_id: f"destination {each.destination_id}" for each in connections}
    endpoints: dict[str, Endpoint] = {
        key: Endpoint(key, name, "postgres", WorkspaceId("w")) for key, name in ends.items()
    }
    return Scene(now, connections, endpoints, folder)
