"""Bring batches into the Arrow types that BigQuery takes, without a Python object per row.

Casts never bend a value: a row with one that does not fit its column is set apart. What Arrow
itself cannot write as text (nested values, uuids, intervals) DuckDB does, as for the other sinks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
from google.cloud.bigquery import SchemaField

from bot.loader.bigquery.columns import family, is_text, wire_type
from bot.loader.protocol import RowFailure, SinkError
from bot.loader.sinks.bisect import bad_rows


@dataclass(frozen=True, slots=True)
class Fitted:
    """A batch in wire types, where its rows stood in the slice, and the rows that do not fit."""

    batch: Any
    places: Sequence[int]
    failures: tuple[RowFailure, ...]


class ArrowRows:
    """Fits batches of one schema to the columns of one table.

    Raises:
        SinkError: a column of the table cannot take what the schema has for it.
    """

    def __init__(self, schema: Any, columns: Sequence[SchemaField], table: str) -> None:
        declared = {column.name.lower(): column for column in columns}
        targets = [declared[name.lower()] for name in schema.names]
        found = [_found(*pair, table) for pair in zip(schema, targets, strict=True)]
        # Whether a value may be missing is for the table to say, row by row.
        self.schema = pa.schema(
            [pa.field(column.name, kind) for column, kind in zip(targets, found, strict=True)]
        )
        self._casts = [_cast_to(kind) for kind in found]
        self._texts = _Texts(schema)

    def fit(self, batch: Any) -> Fitted:
        """Return a batch as it goes over the wire, without the rows that do not fit."""
        arrays = self._texts.of(batch)
        made: list[Any] = []
        misfits: dict[int, RowFailure] = {}
        for name, array, cast in zip(self.schema.names, arrays, self._casts, strict=True):
            try:
                made.append(cast(array))
            except pa.ArrowInvalid:
                for place, error in bad_rows(len(array), _error_of(cast, array)):
                    message = f"{name}: {str(error).splitlines()[0]}"
                    misfits.setdefault(place, RowFailure(place, "Conversion", message))
        if not misfits:
            fitted = pa.RecordBatch.from_arrays(made, schema=self.schema)
            return Fitted(fitted, range(batch.num_rows), ())
        places = [place for place in range(batch.num_rows) if place not in misfits]
        failures = tuple(misfits[place] for place in sorted(misfits))
        kept = [
            cast(array.take(pa.array(places, pa.int64())))
            for array, cast in zip(arrays, self._casts, strict=True)
        ]
        return Fitted(pa.RecordBatch.from_arrays(kept, schema=self.schema), places, failures)

    def close(self) -> None:
        """Let go of the engine that writes text."""
        self._texts.close()


class _Texts:
    """Columns that Arrow cannot cast to text, written as text by DuckDB in one query a batch."""

    def __init__(self, schema: Any) -> None:
        self._expressions = {
            place: f"to_json(c{place})::VARCHAR" if family(kind) == "JSON" else f"c{place}::VARCHAR"
            for place, kind in enumerate(schema.types)
            if _needs_writing(kind)
        }
        self._connection: duckdb.DuckDBPyConnection | None = None

    def of(self, batch: Any) -> list[Any]:
        """Return the columns of a batch, those among them as text and JSON as what it is."""
        arrays = [a.storage if a.type == pa.json_() else a for a in batch.columns]
        if not self._expressions:
            return arrays
        if self._connection is None:
            self._connection = duckdb.connect()
            self._connection.execute("SET TimeZone = 'UTC'; SET threads = 2")
        names = [f"c{place}" for place in self._expressions]
        table = pa.Table.from_arrays([arrays[place] for place in self._expressions], names=names)
        wanted = ", ".join(
            f"{expression} AS c{place}" for place, expression in self._expressions.items()
        )
        written = self._connection.from_arrow(table).project(wanted).to_arrow_table()
        for place, column in zip(self._expressions, written.columns, strict=True):
            arrays[place] = pa.concat_arrays(
                [chunk.cast(pa.string()) for chunk in column.chunks] or [pa.array([], pa.string())]
            )
        return arrays

    def close(self) -> None:
        """Let go of the engine."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _needs_writing(kind: Any) -> bool:
    if is_text(kind) or pa.types.is_null(kind):
        return False
    return family(kind) in {"JSON", "STRING"}


def _found(field: Any, column: SchemaField, table: str) -> Any:
    """Return the wire type of a column, or say that there is none."""
    kind = wire_type(field.type, column)
    if kind is not None:
        stored = pa.string() if is_text(field.type) or _needs_writing(field.type) else field.type
        try:
            pa.array([], stored).cast(kind)
        except pa.ArrowNotImplementedError:
            kind = None
    if kind is None:
        of = "REPEATED " if column.mode == "REPEATED" else ""
        raise SinkError(
            f"{table}: column {field.name!r} is {of}{column.field_type}, which does not take "
            f"{field.type} from Arrow",
            "change the column, or write with `method: insert_all`, which sends text",
        )
    return kind


def _cast_to(kind: Any) -> Callable[[Any], Any]:
    return lambda array: array if array.type == kind else array.cast(kind)


def _error_of(
    cast: Callable[[Any], Any], array: Any
) -> Callable[[Sequence[int]], Exception | None]:
    def error_of(places: Sequence[int]) -> Exception | None:
        try:
            cast(array.take(pa.array(places, pa.int64())))
        except pa.ArrowInvalid as error:
            found: Exception = error
            return found
        return None

    return error_of
