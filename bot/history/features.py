"""Features: what each connection's history amounts to, in one pass over all of them."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.history.statements import statement
from bot.history.times import to_the_second

if TYPE_CHECKING:
    import pyarrow as pa

    from bot.history.store import History

RECENT = timedelta(days=42)
"""How far back "usual" looks: six weeks tell weekdays apart and forget an old level."""


def per_connection(history: "History", until: datetime, recent: timedelta = RECENT) -> "pa.Table":
    """Return one row for each connection, by id, from its syncs created before `until`.

    Counts and totals cover the whole history: `syncs`, `succeeded`, `failed`, `cancelled`,
    `failures_in_a_row` (since the last success), `first_at`, `last_at`, `last_success_at` (naive
    UTC), `rows_total`, `bytes_total`, `duration_seconds_total`. What is usual comes from the
    `recent_succeeded` syncs of the last `recent`, with exact quantiles: `run_seconds_p50`, `_p80`,
    `_p95` (without queueing where it is known), `rows_p50`, `_p95`, and `queued_seconds_mean` over
    the `queued_known` that tell it; null where there is none. Resets, refreshes and clears do not
    count.
    """
    return history.arrow(
        statement("features"),
        {"until": to_the_second(until), "recent_from": to_the_second(until - recent)},
    )
