"""Pages of jobs in columns: a mine reads millions, so none stays an object for long.

Models of a page live only until it is laid out; kept, they would make every collection of
garbage slower than all the reading.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bot.airbyte import wire
from bot.domain.sync import JobKind, SyncStatus

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that Airbyte sent, or should have, and that we could not read."""

    what: str
    why: str


class Version(NamedTuple):
    """What changes when more becomes known of a job that has ended (at `ended_s` of the epoch)."""

    ended_s: int
    rows: int | None
    bytes: int | None


@dataclass(frozen=True, slots=True)
class Columns:
    """Jobs in columns of one length, in the order of their page."""

    job_id: Sequence[int]
    connection_id: Sequence[str]
    kind: Sequence[str]
    status: Sequence[str]
    created_at: Sequence[datetime]
    updated_at: Sequence[datetime | None]
    duration: Sequence[timedelta | None]
    rows: Sequence[int | None]
    bytes: Sequence[int | None]

    @classmethod
    def of(cls, jobs: Sequence[wire.Job]) -> "Columns":
        """Lay jobs out."""
        return cls(
            [job.job_id for job in jobs],
            [job.connection_id for job in jobs],
            [job.job_type for job in jobs],
            [job.status for job in jobs],
            [job.start_time for job in jobs],
            [job.last_updated_at for job in jobs],
            [job.duration for job in jobs],
            [job.rows_synced for job in jobs],
            [job.bytes_synced for job in jobs],
        )


NO_JOBS: Final = Columns.of([])


@dataclass(frozen=True, slots=True)
class SyncPage:
    """One page of jobs in order of creation; `is_last` when nothing follows it.

    `skipped` leading rows are not counted as its own: the page before this one ended with them.
    """

    columns: Columns
    unread: tuple[Unread, ...]
    is_last: bool
    skipped: int = 0

    @property
    def size(self) -> int:
        """Count the rows of the page, readable or not."""
        return len(self.columns.job_id) + len(self.unread)

    @property
    def ids(self) -> Sequence[int]:
        """Return the job ids in the order of the page."""
        return self.columns.job_id

    @property
    def created(self) -> tuple[datetime, datetime] | None:
        """Return when its first and its last job were created, None when it has none."""
        moments = self.columns.created_at
        return (moments[0].astimezone(UTC), moments[-1].astimezone(UTC)) if moments else None

    def ids_since(self, moment: datetime) -> tuple[int, ...]:
        """Return the ids of the last jobs, those created then or later."""
        moments = self.columns.created_at
        first = len(moments)
        while first and moments[first - 1] >= moment:
            first -= 1
        return tuple(self.ids[first:])

    def without_first(self) -> "SyncPage":
        """Skip the first job."""
        return replace(self, skipped=1)

    def has_only(self, known: Mapping[int, Version]) -> bool:
        """Tell whether all its jobs are known as they are."""
        columns = self.columns
        seen = zip(self.ids, columns.updated_at, columns.rows, columns.bytes, strict=True)
        return not self.unread and all(
            at is not None and known.get(one) == Version(int(at.timestamp()), rows, size)
            for one, at, rows, size in seen
        )

    def has_ended_before(self, moment: datetime) -> bool:
        """Tell whether a job of the page ended, for all that is known, before `moment`."""
        return any(ended and ended < moment for ended in self.columns.updated_at)


def to_table(
    pages: Sequence[SyncPage], queued: Mapping[int, timedelta] | None = None
) -> "pa.Table":
    """Join pages to one table: times as naive UTC, words as the domain has them.

    Args:
        pages: any number of them; rows may repeat.
        queued: how long jobs waited before work began, by id, where that is known.
    """
    import pyarrow as pa

    def column(name: str) -> list[Any]:
        return list(chain.from_iterable(getattr(p.columns, name)[p.skipped :] for p in pages))

    time = pa.timestamp("s", "UTC")
    ids = column("job_id")
    waited = [queued.get(one) for one in ids] if queued else [None] * len(ids)
    return pa.table(
        {
            "job_id": pa.array(ids, pa.int64()),
            "connection_id": pa.array(column("connection_id"), pa.string()),
            "kind": _words(column("kind"), JobKind),
            "status": _words(column("status"), SyncStatus),
            "created_at": pa.array(column("created_at"), time).cast(pa.timestamp("s")),
            "updated_at": pa.array(column("updated_at"), time).cast(pa.timestamp("s")),
            "duration_seconds": _seconds(column("duration")),
            "queued_seconds": _seconds(waited),
            "rows": pa.array(column("rows"), pa.int64()),
            "bytes": pa.array(column("bytes"), pa.int64()),
        }
    )


def _words(values: Iterable[str], kind: type[JobKind | SyncStatus]) -> "pa.Array[Any]":
    """Encode values by the domain's names for them; those it does not know are all one."""
    import pyarrow as pa

    encoded = pa.array(values, pa.string()).dictionary_encode()
    known = [kind(value).value for value in encoded.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(encoded.indices, pa.array(known, pa.string()))


def _seconds(lengths: Sequence[timedelta | None]) -> "pa.Array[Any]":
    import pyarrow as pa

    return pa.array(lengths, pa.duration("s")).cast(pa.int64()).cast(pa.int32())
