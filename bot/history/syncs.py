"""Syncs: into Arrow columns, and from there into the store, each job id once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from bot.domain.connection import WorkspaceId
from bot.domain.errors import InputError
from bot.domain.sync import Sync
from bot.history.statements import statement

if TYPE_CHECKING:
    import pyarrow as pa

    from bot.history.store import History

CHUNK_SYNCS = 250_000


@dataclass(frozen=True, slots=True)
class Upserted:
    """How many of the syncs given were new, changed what was known, or changed nothing."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: "Upserted") -> "Upserted":
        return Upserted(
            self.new + other.new, self.changed + other.changed, self.unchanged + other.unchanged
        )


def arrow_schema() -> "pa.Schema":
    """Return the columns that `upsert_table` takes; times are naive UTC, to the second."""
    import pyarrow as pa

    name = pa.dictionary(pa.int32(), pa.string())
    time = pa.timestamp("s")
    return pa.schema(
        [
            pa.field("job_id", pa.int64(), nullable=False),
            pa.field("connection_id", name, nullable=False),
            pa.field("kind", name, nullable=False),
            pa.field("status", name, nullable=False),
            pa.field("created_at", time, nullable=False),
            pa.field("updated_at", time),
            pa.field("duration_seconds", pa.int32()),
            pa.field("queued_seconds", pa.int32()),
            pa.field("rows", pa.int64()),
            pa.field("bytes", pa.int64()),
        ]
    )


def upsert(history: "History", seen: Iterable[Sync], workspace_id: WorkspaceId | None) -> Upserted:
    """Add syncs that are new and bring known ones up to date, in one transaction.

    Of two readings of one job the later stays (`sql/session.sql` says which that is), and a real
    start that is known stays known; so the order of calls, repeats and stale pages change
    nothing. Times are kept to the second.

    Args:
        history: the store.
        seen: syncs in any order; they are read once, in chunks.
        workspace_id: where their connections live; None when it is not known (yet).

    Raises:
        HistoryError: a job id is known under another connection, or the file cannot be written.
    """
    total = Upserted()
    remaining = iter(seen)
    with history.transaction():
        while chunk := list(islice(remaining, CHUNK_SYNCS)):
            total += upsert_table(history, to_arrow(chunk), workspace_id)
    return total


def upsert_table(
    history: "History", table: "pa.Table", workspace_id: WorkspaceId | None
) -> Upserted:
    """Do what `upsert` does for an Arrow table with the columns of `arrow_schema`.

    Plain strings may stand for dictionaries, and columns may come in any order.

    Raises:
        InputError: a column is missing or of another type.
        HistoryError: as for `upsert`.
    """
    table = _conformed(table)
    if table.num_rows == 0:
        return Upserted()
    given = table.num_rows
    if _has_repeats(table):
        with history.relation("incoming", table):
            table = history.arrow(statement("dedupe_syncs"))
    with history.transaction(), history.relation("incoming", table):
        history.execute(statement("upsert_keys"), {"workspace_id": workspace_id})
        ((before,),) = history.execute("select count(*) from syncs")
        way = "upsert_syncs" if _may_overlap(history, table) else "insert_syncs"
        ((touched,),) = history.execute(statement(way))
        ((after,),) = history.execute("select count(*) from syncs")
    new = after - before
    return Upserted(new, touched - new, given - touched)


def to_arrow(syncs: Sequence[Sync]) -> "pa.Table":
    """Lay syncs out in columns."""
    import pyarrow as pa

    columns: dict[str, list[Any]] = {
        "job_id": [sync.id for sync in syncs],
        "connection_id": [sync.connection_id for sync in syncs],
        "kind": [sync.kind.value for sync in syncs],
        "status": [sync.status.value for sync in syncs],
        "created_at": [_epoch(sync.created_at) for sync in syncs],
        "updated_at": [
            None if sync.updated_at is None else _epoch(sync.updated_at) for sync in syncs
        ],
        "duration_seconds": [
            None if sync.duration is None else int(sync.duration.total_seconds()) for sync in syncs
        ],
        "queued_seconds": [
            None if sync.started_at is None else _epoch(sync.started_at) - _epoch(sync.created_at)
            for sync in syncs
        ],
        "rows": [sync.rows for sync in syncs],
        "bytes": [sync.bytes for sync in syncs],
    }
    return pa.table(
        [_array(columns[field.name], field.type) for field in arrow_schema()],
        names=arrow_schema().names,
    )


def _array(values: list[Any], kind: "pa.DataType") -> "pa.Array":
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return pa.array(values, pa.string()).dictionary_encode()
    if pa.types.is_timestamp(kind):
        return pa.array(values, pa.int64()).cast(kind)
    return pa.array(values, kind)


def _epoch(time: datetime) -> int:
    """Count whole seconds since 1970 UTC, which is the resolution of Airbyte's API."""
    assert time.tzinfo is not None
    return int((time - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() // 1)


def _conformed(table: "pa.Table") -> "pa.Table":
    import pyarrow as pa

    wanted = arrow_schema()
    missing = [name for name in wanted.names if name not in table.column_names]
    if missing:
        raise InputError(
            f"The table of syncs lacks {', '.join(missing)}.",
            f"It needs the columns {', '.join(wanted.names)}.",
        )
    table = table.select(wanted.names)
    try:
        for index, field in enumerate(wanted):
            column = table.column(index)
            if pa.types.is_dictionary(field.type):
                if not pa.types.is_dictionary(column.type):
                    table = table.set_column(index, field.name, column.dictionary_encode())
            elif column.type != field.type:
                table = table.set_column(index, field.name, column.cast(field.type))
    except pa.ArrowInvalid as error:
        raise InputError(f"The table of syncs has a column of another type: {error}.") from error
    return table


def _may_overlap(history: "History", table: "pa.Table") -> bool:
    """Tell whether any job id of the store lies between the least and the greatest given."""
    import pyarrow.compute as pc

    ends = pc.min_max(table.column("job_id"))
    ((overlap,),) = history.execute(
        "select count(*) > 0 from (from syncs where job_id between ? and ? limit 1)",
        [ends["min"].as_py(), ends["max"].as_py()],
    )
    return bool(overlap)


def _has_repeats(table: "pa.Table") -> bool:
    """Tell whether a job id stands there twice; the merge refuses to choose between two."""
    import numpy as np

    jobs = np.sort(table.column("job_id").to_numpy())
    return bool((jobs[1:] == jobs[:-1]).any())
