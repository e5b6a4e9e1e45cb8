"""Retention: forget syncs of long ago, with everything that only they needed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.history.statements import statement
from bot.history.times import aware, to_the_second

if TYPE_CHECKING:
    from bot.history.store import History

KEPT = timedelta(days=400)
"""What trends need: a year, and the month before it to compare with."""


@dataclass(frozen=True, slots=True)
class Old:
    """What lies beyond the retention: how many ended syncs, and the oldest of them."""

    before: datetime
    syncs: int
    oldest: datetime | None


def look(history: "History", before: datetime) -> Old:
    """Count the ended syncs that were created before `before`."""
    ((count, oldest),) = history.execute(
        statement("prune_count"), {"before": to_the_second(before)}
    )
    return Old(before, count, aware(oldest))


def prune(history: "History", before: datetime) -> Old:
    """Forget them, their attempts and streams, older events, and settings that none ran under.

    The ledger of mines stays. The file keeps its size: the next syncs fill what became free.
    """
    old = look(history, before)
    with history.transaction():
        at = {"before": to_the_second(before)}
        history.execute(statement("prune_syncs"), at)
        history.execute(statement("prune_attempts"))
        history.execute(statement("prune_stream_stats"))
        history.execute(statement("prune_events"), at)
        history.execute(statement("prune_connection_versions"), at)
        history.execute(statement("prune_endpoint_versions"), at)
    history.execute("checkpoint")
    return old
