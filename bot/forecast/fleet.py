"""The fleet as forecasters need it: runs in columns, and the family of each connection."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from bot.domain.connection import ConnectionId
from bot.forecast.runs import Runs
from bot.history import fleet, frames

if TYPE_CHECKING:
    from bot.history.store import History

READ: Final = timedelta(days=90)
"""Four weeks to fit on, before six weeks of forecasts whose errors make the intervals."""


def families(history: "History", at: datetime | None = None) -> dict[ConnectionId, str]:
    """Return the source's connector of each connection, as it was at a time."""
    connectors = {source.id: source.connector for source in fleet.sources(history, at=at)}
    return {
        connection.id: connectors[connection.source_id]
        for connection in fleet.connections(history, at=at)
        if connection.source_id in connectors
    }


def read_runs(history: "History", now: datetime, span: timedelta = READ) -> Runs:
    """Return the runs of the last `span` that had ended by `now`.

    Raises:
        HistoryError: the history cannot be read.
    """
    table = frames.syncs(history, now - span, now)
    return Runs.of(table, families(history), sources(history)).known_at(now)


def sources(history: "History", at: datetime | None = None) -> dict[ConnectionId, str]:
    """Return the id of each connection's source, as it was at a time."""
    return {each.id: each.source_id for each in fleet.connections(history, at=at)}
