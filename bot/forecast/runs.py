"""Runs: the syncs of a fleet in columns, as forecasters read them."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from bot.domain.connection import ConnectionId
from bot.forecast.order import Flags, Floats, Ints

if TYPE_CHECKING:
    import pyarrow as pa

DAY_SECONDS: Final = 86_400
TIME_BITS: Final = 34
"""A group and a time in one number: the group lies above so many bits of epoch seconds."""
UNKNOWN_FAMILY: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Runs:
    """The ended syncs of a fleet, by connection, then by creation, then by job id.

    `connection` indexes `connections` (sorted ids); `families` has one entry each, the source's
    connector; so has `sources`, where they are told. Times are epoch seconds, and an end lies
    never before its creation. `seconds` is time at work, `elapsed` creation to end; both and `rows`
    and `bytes` are NaN where not told.
    """

    connections: tuple[ConnectionId, ...]
    families: tuple[str, ...]
    connection: Ints
    created: Ints
    ended: Ints
    succeeded: Flags
    cancelled: Flags
    seconds: Floats
    elapsed: Floats
    rows: Floats
    bytes: Floats
    sources: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        table: "pa.Table",
        families: Mapping[ConnectionId, str],
        sources: Mapping[ConnectionId, str] | None = None,
    ) -> "Runs":
        """Build from the table that `bot.history.frames.syncs` returns, whatever its order.

        Syncs that have not ended are left out. `families` names the source's connector of each
        connection where it is known, `sources` its source.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        table = table.filter(pc.is_in(table["status"].cast(pa.string()), pa.array(_ENDED)))
        table = table.filter(pc.is_valid(table["duration_seconds"])).unify_dictionaries()
        ids = table["connection_id"].combine_chunks()
        if isinstance(ids, pa.ChunkedArray):
            ids = pa.concat_arrays(ids.chunks) if ids.num_chunks else pa.array([], ids.type)
        if not pa.types.is_dictionary(ids.type):
            ids = ids.dictionary_encode()
        codes = ids.indices.to_numpy()
        named = {
            str(ids.dictionary[int(code)]): code for code in np.flatnonzero(np.bincount(codes))
        }
        connections = tuple(ConnectionId(name) for name in sorted(named))
        place = np.zeros(len(ids.dictionary), np.int64)
        place[[named[name] for name in connections]] = np.arange(len(connections))
        connection = place[codes]
        created = table["created_at"].cast(pa.timestamp("s")).cast(pa.int64()).to_numpy()
        status = table["status"].cast(pa.string())
        sorted_rows = _order(connection, created, table["job_id"].to_numpy())
        elapsed = _numbers(table, "duration_seconds")[sorted_rows]
        return cls(
            connections,
            tuple(families.get(each, UNKNOWN_FAMILY) for each in connections),
            connection[sorted_rows],
            created[sorted_rows],
            created[sorted_rows] + np.maximum(elapsed, 0).astype(np.int64),
            pc.equal(status, "succeeded").to_numpy()[sorted_rows],
            pc.equal(status, "cancelled").to_numpy()[sorted_rows],
            _numbers(table, "run_seconds")[sorted_rows],
            elapsed,
            _numbers(table, "rows")[sorted_rows],
            _numbers(table, "bytes")[sorted_rows],
            () if sources is None else tuple(sources.get(each, each) for each in connections),
        )

    def known_at(self, instant: datetime) -> "Runs":
        """Return what was known at an instant: the runs that had ended by then."""
        return self.where(self.ended <= epoch(instant))

    def where(self, chosen: Flags) -> "Runs":
        """Return the chosen runs, of the same connections."""
        if chosen.all():
            return self
        names = (
            "connection",
            "created",
            "ended",
            "succeeded",
            "cancelled",
            "seconds",
            "elapsed",
            "rows",
            "bytes",
        )
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})

    def find(self, connection_id: ConnectionId) -> int | None:
        """Return the place of a connection in `connections`; None when it is not there."""
        index = bisect_left(self.connections, connection_id)
        found = index < len(self.connections) and self.connections[index] == connection_id
        return index if found else None

    def place(self, index: int) -> slice:
        """Return where the runs of one connection are."""
        start, end = np.searchsorted(self.connection, (index, index + 1))
        return slice(int(start), int(end))

    def __len__(self) -> int:
        return len(self.created)


def _order(connection: Ints, created: Ints, job: Ints) -> Ints:
    """Return the rows by connection, time and job: one sort of one number, where that will do."""
    keys = (connection << TIME_BITS) + created
    order: Ints = np.argsort(keys, kind="stable")
    found, jobs = keys[order], job[order]
    if ((found[1:] == found[:-1]) & (jobs[1:] < jobs[:-1])).any():
        order = np.lexsort((job, keys))
    return order


def epoch(instant: datetime) -> int:
    """Return an aware instant as whole seconds since 1970."""
    assert instant.tzinfo is not None
    return int(instant.timestamp())


def moment(seconds: float) -> datetime:
    """Return epoch seconds as an aware UTC instant."""
    return datetime.fromtimestamp(seconds, UTC)


_ENDED: Final = ("succeeded", "failed", "cancelled")


def _numbers(table: "pa.Table", name: str) -> Floats:
    import pyarrow as pa

    column = table[name].cast(pa.float64())
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float32)
