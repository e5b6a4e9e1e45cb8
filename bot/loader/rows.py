"""What travels from a source to a sink: rows, pages, and the shape that both agree on.

Rows travel in one of two planes, picked once per run by the sink (`Sink.choose`):

* `Plane.ARROW`: `pyarrow.RecordBatch`, one schema for the whole run. JSON columns are
  `pa.json_()`, uuids `pa.uuid()`, numerics `decimal128(p, s)` when they fit and text when not.
* `Plane.RAW`: rows in the wire format of one dialect, passed on undecoded between two systems
  that speak it with identical column types (Postgres binary COPY). See `RawRows`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, Self, runtime_checkable

Bookmark = Mapping[str, Any]
"""A place in a source, or in a sink: a JSON object that only its connector understands."""


class Plane(StrEnum):
    """How rows travel from a source to a sink."""

    ARROW = "arrow"
    RAW = "raw"


class Rows(Protocol):
    """A run of rows that can be cut without copying; `pyarrow.RecordBatch` is one."""

    @property
    def num_rows(self) -> int:
        """Count the rows."""
        ...

    @property
    def nbytes(self) -> int:
        """Measure the rows in memory, in bytes, for the bound on what may be buffered."""
        ...

    def slice(self, offset: int = 0, length: int | None = None) -> Self:
        """Return `length` rows from `offset` on, sharing the memory of this one."""
        ...


@runtime_checkable
class RawRows(Rows, Protocol):
    """Rows of `Plane.RAW`; the source decodes the few that end as dead letters."""

    def records(self, indices: Sequence[int]) -> list[dict[str, Any]]:
        """Decode the rows at `indices` into one mapping of column to Python value each."""
        ...


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that the source read but could not bring into the schema of the run.

    It goes to the dead-letter queue with reason `schema_drift`, or stops the run without one.

    Args:
        index: position of the record in its page as it was read, rejects included.
        record: the record, as it was read.
        kind: class of the failure, for instance `SchemaDrift`.
        message: why, without secrets.
    """

    index: int
    record: Mapping[str, Any]
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Page:
    """What a source reads at a time; slices never cross its end.

    Args:
        rows: the rows; may be empty (an empty page with a bookmark still moves the state).
        bookmark: where to resume once all rows up to the end of this page are durable, or None
            where the source cannot resume from here.
        rejects: records of this page that are not in `rows`, ordered by index.
    """

    rows: Rows
    bookmark: Bookmark | None
    rejects: tuple[Reject, ...] = ()


@dataclass(frozen=True, slots=True)
class NativeColumn:
    """A column as its own system declares it.

    Args:
        name: the column's name.
        type_name: the type in the dialect's own words, `numeric(12,2)`.
        identity: what has to be equal for `Plane.RAW` (for Postgres: `(type oid, typmod)`).
        nullable: whether it may be NULL.
    """

    name: str
    type_name: str
    identity: tuple[int, ...]
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Shape:
    """What a source is about to send.

    Args:
        arrow: the `pyarrow.Schema` of every batch in `Plane.ARROW`, or a function that makes it
            where rows may never become Arrow.
        planes: the planes that the source can send, any order.
        dialect: `postgres`, `duckdb`, `sqlite` … where the columns have native types.
        native: native columns, in the order of the schema; empty without a dialect.
        key: columns that identify a row, where the source knows them. A source that has a key
            can be read in ranges of it: each `Reading` stands alone.
    """

    arrow: Any
    planes: frozenset[Plane] = frozenset({Plane.ARROW})
    dialect: str | None = None
    native: tuple[NativeColumn, ...] = ()
    key: tuple[str, ...] = ()

    @property
    def schema(self) -> Any:
        """The `pyarrow.Schema` of every batch in `Plane.ARROW`."""
        return self.arrow() if callable(self.arrow) else self.arrow

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        if self.native:
            return tuple(column.name for column in self.native)
        return tuple(self.schema.names)


@dataclass(frozen=True, slots=True)
class Choice:
    """The plane that a sink takes for a shape, and why, in words for `doctor` and `run`."""

    plane: Plane
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One pass over a source.

    Args:
        plane: the plane to send.
        resume: the bookmark to go on from, None for the beginning.
    """

    plane: Plane = Plane.ARROW
    resume: Bookmark | None = None


def records_of(rows: Rows, indices: Sequence[int]) -> list[dict[str, Any]]:
    """Decode a few rows of either plane into Python values, one mapping per index."""
    if isinstance(rows, RawRows):
        return rows.records(indices)
    batch: Any = rows
    taken: list[dict[str, Any]] = batch.take(list(indices)).to_pylist()
    return taken
