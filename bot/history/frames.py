"""Frames: a window of syncs in columns, and the settings that each of them ran under."""

from datetime import datetime
from typing import TYPE_CHECKING

from bot.history.statements import statement
from bot.history.times import to_the_second

if TYPE_CHECKING:
    import pyarrow as pa

    from bot.history.store import History


def syncs(history: "History", since: datetime, until: datetime) -> "pa.Table":
    """Return the syncs created in `[since, until)`, by connection, then by creation time.

    Columns: `connection_id` and `status` (dictionaries), `job_id`, `created_at` (naive UTC),
    `duration_seconds` (creation to end), `queued_seconds` (null where it is not known),
    `run_seconds` (duration without the known queueing), `rows`, `bytes`. A million rows take 56
    MB; `.to_pandas()` makes the dictionaries categories. Resets, refreshes and clears are left
    out.
    """
    import pyarrow as pa

    table = history.arrow(statement("syncs_between"), _window(since, until))
    names = [
        name
        for (name,) in history.execute(
            "select connection_id from connection_keys order by connection_key"
        )
    ]
    ids = pa.array(names, pa.string())
    chunks = [
        pa.DictionaryArray.from_arrays(chunk, ids)
        for chunk in table.column("connection_index").chunks
    ]
    column = pa.chunked_array(chunks, pa.dictionary(pa.int32(), pa.string()))
    return table.set_column(0, "connection_id", column)


def terms(history: "History") -> "pa.Table":
    """Return the stretches of time in which a connection's settings stayed as they were.

    One row for each, numbered by `term` from 0: `connection_id`, `starts_at`, `ends_at` (naive
    UTC; null for "always" and "still"), `seen_from`, `seen_to` (when all its parts were looked
    at), `present`; the connection's `name`, `status`, `schedule_kind`, `cron_expression`,
    `cron_zone`, `basic_units`, `basic_unit`, `schedule_text`, `tags`, `streams` (JSON); and
    `source_id`, `source_connector`, `source_knobs` (JSON by catalogue path) with the same for
    the destination.
    """
    history.execute(statement("terms"))
    return history.arrow(statement("terms_all"))


def sync_terms(history: "History", since: datetime, until: datetime) -> "pa.Table":
    """Return the term that each sync of `syncs` ran under, in the same order.

    Columns: `job_id`, `term` (see `terms`; null for a connection that was never looked at), and
    `certainty`, which says how much that may be trusted: `seen` (looked at before and after the
    sync, and the same), `between_looks` (as before; it may have changed since),
    `before_first_look` (as first seen; it may have been different), `never_seen`. Only `seen` is
    evidence of what a setting does.
    """
    history.execute(statement("terms"))
    return history.arrow(statement("sync_terms"), _window(since, until))


def _window(since: datetime, until: datetime) -> dict[str, datetime]:
    return {"since": to_the_second(since), "until": to_the_second(until)}
