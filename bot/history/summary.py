"""Summary: what the history holds, how fresh it is, and whether it is sound."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.domain.connection import ConnectionId, WorkspaceId
from bot.domain.mine import Mine
from bot.domain.sync import JobKind, Sync, SyncStatus
from bot.history import mines
from bot.history.statements import statement
from bot.history.times import aware

if TYPE_CHECKING:
    from bot.history.store import History


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far one workspace has been read, and how its last mine went."""

    workspace_id: WorkspaceId
    read_to: datetime | None
    last_mine: Mine | None


@dataclass(frozen=True, slots=True)
class Summary:
    """What the history holds."""

    connections: int
    syncs: int
    succeeded: int
    failed: int
    unfinished: int
    oldest_at: datetime | None
    newest_at: datetime | None
    with_attempts: int
    connection_versions: int
    endpoint_versions: int
    events: int
    workspaces: tuple[Freshness, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that the history may not hold, and how many of it."""

    what: str
    count: int


def summarise(history: "History") -> Summary:
    """Count what the history holds and tell how fresh each workspace is."""
    (row,) = history.arrow(statement("summary")).to_pylist()
    times = {name: aware(row.pop(name)) for name in ("oldest_at", "newest_at")}
    workspaces = tuple(
        _freshness(history, WorkspaceId(workspace))
        for (workspace,) in history.execute(statement("workspaces"))
    )
    return Summary(**row, **times, workspaces=workspaces)


def check(history: "History") -> tuple[Finding, ...]:
    """Read every value of the file, and return what is wrong with what they say.

    Raises:
        HistoryError: the file is damaged.
    """
    history.execute(statement("check_read"))
    return tuple(
        Finding(what, count)
        for what, count in history.execute(statement("check_findings"))
        if count
    )


def last_syncs(history: "History", connection_id: ConnectionId, limit: int) -> tuple[Sync, ...]:
    """Return a connection's newest jobs of every kind, the newest first."""
    rows = history.execute(
        statement("last_syncs"), {"connection_id": connection_id, "limit": limit}
    )
    return tuple(
        Sync(
            id=job,
            connection_id=connection_id,
            kind=JobKind(kind),
            status=SyncStatus(status),
            created_at=aware(created),
            updated_at=aware(updated),
            started_at=None if queued is None else aware(created) + timedelta(seconds=queued),
            duration=None if seconds is None else timedelta(seconds=seconds),
            rows=moved,
            bytes=size,
        )
        for job, kind, status, created, updated, seconds, queued, moved, size in rows
    )


def _freshness(history: "History", workspace_id: WorkspaceId) -> Freshness:
    last = mines.latest(history, workspace_id, limit=1)
    return Freshness(workspace_id, history.watermark(workspace_id), last[0] if last else None)
