"""What syncs did to their sources: which were turned away, and what each stream moved."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bot.domain.connection import ConnectionId
from bot.history.statements import statement
from bot.history.times import aware, to_the_second

if TYPE_CHECKING:
    from bot.history.store import History


@dataclass(frozen=True, slots=True)
class StreamTotal:
    """What one stream moved in all the `syncs` of a window."""

    connection_id: ConnectionId
    name: str
    namespace: str | None
    syncs: int
    rows: float
    bytes: float


def limited_syncs(
    history: "History", since: datetime, until: datetime
) -> list[tuple[ConnectionId, datetime]] | None:
    """Return the syncs with an attempt that the source refused for too many requests.

    Each by its connection and when it was created. None when the history holds no attempts at
    all: then nobody looked.
    """
    ((known,),) = history.execute("select exists (select 1 from attempts)")
    if not known:
        return None
    rows = history.execute(statement("limited_syncs"), _window(since, until))
    found: list[tuple[ConnectionId, datetime]] = []
    for connection_id, created in rows:
        when = aware(created)
        assert when is not None
        found.append((ConnectionId(connection_id), when))
    return found


def stream_totals(history: "History", since: datetime, until: datetime) -> list[StreamTotal]:
    """Return what each stream moved in the successful syncs created in `[since, until)`."""
    rows = history.execute(statement("stream_totals"), _window(since, until))
    return [StreamTotal(*row) for row in rows]


def _window(since: datetime, until: datetime) -> dict[str, datetime]:
    return {"since": to_the_second(since), "until": to_the_second(until)}
