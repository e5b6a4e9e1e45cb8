"""Which Arrow type holds the values of a PostgreSQL type without loss, and the other way round.

Rows that stay undecoded need none of this, and pyarrow is the larger part of a short run's time.
"""

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from bot.loader.postgres.columns import Column

BY_OID: Final[dict[int, Any]] = {
    16: pa.bool_(),
    17: pa.binary(),
    19: pa.string(),
    20: pa.int64(),
    21: pa.int16(),
    23: pa.int32(),
    25: pa.string(),
    114: pa.json_(),
    700: pa.float32(),
    701: pa.float64(),
    1042: pa.string(),
    1043: pa.string(),
    1082: pa.date32(),
    1083: pa.time64("us"),
    1114: pa.timestamp("us"),
    1184: pa.timestamp("us", "UTC"),
    2950: pa.uuid(),
    3802: pa.json_(),
}
"""What is not here travels as the text that the server prints for it."""

_BACK: Final = {
    pa.bool_(): "boolean",
    pa.int8(): "smallint",
    pa.int16(): "smallint",
    pa.uint8(): "smallint",
    pa.int32(): "integer",
    pa.uint16(): "integer",
    pa.int64(): "bigint",
    pa.uint32(): "bigint",
    pa.uint64(): "numeric(20,0)",
    pa.float16(): "real",
    pa.float32(): "real",
    pa.float64(): "double precision",
    pa.date32(): "date",
    pa.date64(): "date",
    pa.uuid(): "uuid",
    pa.json_(): "jsonb",
    pa.null(): "text",
}


def arrow_type(column: Column) -> Any:
    """Return the Arrow type that holds every finite value of a column."""
    if column.decimal is not None:
        return pa.decimal128(*column.decimal)
    return BY_OID.get(column.oid, pa.string())


def arrow_schema(columns: Sequence[Column]) -> Any:
    """Return the Arrow schema of `columns`."""
    return pa.schema([pa.field(c.name, arrow_type(c), nullable=not c.not_null) for c in columns])


def type_for(field: Any) -> str:
    """Return the PostgreSQL type that holds every value of an Arrow field."""
    kind = field.type
    if pa.types.is_decimal(kind):
        return f"numeric({kind.precision},{kind.scale})" if kind.scale >= 0 else "numeric"
    if pa.types.is_timestamp(kind):
        return "timestamptz" if kind.tz else "timestamp"
    if pa.types.is_time(kind):
        return "time"
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return "bytea"
    if pa.types.is_nested(kind):
        return "jsonb"
    return _BACK.get(kind, "text")
