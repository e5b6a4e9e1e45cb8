"""Write Arrow rows as JSON text without a Python object per row, and without losing a digit.

DuckDB does the work; its own `to_json` is used for strings and nested values only, because it
takes decimals and the numbers inside JSON columns through a double, and writes NaN bare.
"""

from collections.abc import Iterator
from typing import Any, Final

import duckdb
import pyarrow as pa

from bot.loader.sinks.table import quoted

_BINARY: Final = (
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
    pa.types.is_fixed_size_binary,
)


class JsonLines:
    """Turns record batches of one schema into lines of JSON."""

    def __init__(self, schema: Any) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("SET TimeZone = 'UTC'; SET threads = 2")
        parts = ["'{'"]
        for place, field in enumerate(schema):
            parts += [_text(f"{',' if place else ''}{_key(field.name)}")]
            parts += [f"coalesce({_value(field)}, 'null')"]
        self._query = f"SELECT concat({', '.join(parts)}, '}}', chr(10)) AS line FROM slice"

    def encode(self, batch: Any) -> Iterator[memoryview]:
        """Return the lines of a batch, in order, as pieces of one text."""
        if batch.num_columns == 0:
            yield memoryview(b"{}\n" * batch.num_rows)
            return
        stored = [_plain(array) for array in batch.columns]
        table = pa.Table.from_arrays(stored, names=batch.schema.names)
        self._connection.register("slice", table)
        lines = self._connection.sql(self._query).to_arrow_table().column(0)
        self._connection.unregister("slice")
        for chunk in lines.chunks:
            yield _characters(chunk)

    def close(self) -> None:
        """Let go of the engine."""
        self._connection.close()


def _characters(chunk: Any) -> memoryview:
    """Return the characters of a string array, which lie one after another."""
    width = 8 if pa.types.is_large_string(chunk.type) else 4
    _, offsets, data = chunk.buffers()
    if data is None:
        return memoryview(b"")
    ends = memoryview(offsets).cast("q" if width == 8 else "i")  # noqa: PLR2004
    return memoryview(data)[ends[chunk.offset] : ends[chunk.offset + len(chunk)]]


def _plain(array: Any) -> Any:
    """Give JSON columns as their text, so that it is copied and not read."""
    return array.storage if array.type == pa.json_() else array


def _value(field: Any) -> str:
    """Return the expression of a column's JSON text; it is NULL where the value is."""
    name, kind = quoted(field.name), field.type
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_decimal(kind):
        return f"{name}::VARCHAR"
    if pa.types.is_floating(kind):
        endless = f"WHEN isnan({name}) THEN '\"NaN\"' WHEN {name} > 0 THEN '\"Infinity\"'"
        endless += f" WHEN {name} < 0 THEN '\"-Infinity\"'"
        return f"CASE WHEN isfinite({name}) THEN {name}::VARCHAR {endless} END"
    if kind == pa.json_():
        # Line breaks in JSON text are white space; here they would end the line.
        broken = f"contains({name}, chr(10)) OR contains({name}, chr(13))"
        mended = f"translate({name}, chr(10) || chr(13), '  ')"
        return f"CASE WHEN {broken} THEN {mended} ELSE {name} END"
    if pa.types.is_timestamp(kind):
        zone, base = ("+00:00", f"({name} AT TIME ZONE 'UTC')") if kind.tz else ("", name)
        return f"'\"' || replace({base}::VARCHAR, ' ', 'T') || '{zone}\"'"
    return _other_value(name, kind)


def _other_value(name: str, kind: Any) -> str:
    if pa.types.is_date(kind) or pa.types.is_time(kind) or kind == pa.uuid():
        return f"'\"' || {name}::VARCHAR || '\"'"
    if any(test(kind) for test in _BINARY):
        return f"'\"' || to_base64({name}) || '\"'"
    return f"to_json({name})::VARCHAR"


def _key(name: str) -> str:
    escaped: str = duckdb.execute("SELECT to_json(?)::VARCHAR", [name]).fetchall()[0][0]
    return f"{escaped}:"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
