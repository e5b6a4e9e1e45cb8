"""Events: what Airbyte's own timeline says happened to a connection beside its syncs."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.connection import ConnectionId

SETTINGS_KINDS = frozenset({"CONNECTION_SETTINGS_UPDATE", "SCHEMA_CONFIG_UPDATE"})
"""Kinds after which the next sync runs under other settings of the connection itself."""


@dataclass(frozen=True, slots=True)
class SettingChange:
    """One field before and after; both are JSON text, because Airbyte patches any type."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ConnectionEvent:
    """One entry of the timeline; `kind` is Airbyte's own name for it."""

    id: str
    connection_id: ConnectionId
    kind: str
    at: datetime
    job_id: int | None = None
    changes: tuple[SettingChange, ...] = ()
