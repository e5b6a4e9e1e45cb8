"""Columns of BigQuery and of Arrow: what a new table gets, and what a column takes over the wire.

Types: https://cloud.google.com/bigquery/docs/supported-data-types (TIME stands in Google's own
Arrow sample only, as `time64[us]`, which is also what BigQuery sends when it is read).
"""

from typing import Any, Final

import pyarrow as pa
from google.cloud.bigquery import SchemaField

_FAMILIES: Final = {
    "BOOLEAN": pa.types.is_boolean,
    "INTEGER": pa.types.is_integer,
    "FLOAT": pa.types.is_floating,
    "BIGNUMERIC": pa.types.is_decimal,
    "DATE": pa.types.is_date,
    "TIME": pa.types.is_time,
    "JSON": lambda one: one == pa.json_() or pa.types.is_nested(one),
    "BYTES": lambda one: (
        pa.types.is_binary(one)
        or pa.types.is_large_binary(one)
        or pa.types.is_binary_view(one)
        or pa.types.is_fixed_size_binary(one)
    ),
    "TIMESTAMP": lambda one: pa.types.is_timestamp(one) and one.tz,
    "DATETIME": pa.types.is_timestamp,
}
_ALIASES: Final = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD"}
_PLAIN: Final = {
    "BOOLEAN": pa.bool_(),
    "INTEGER": pa.int64(),
    "FLOAT": pa.float64(),
    "DATE": pa.date32(),
    "TIME": pa.time64("us"),
    "BYTES": pa.binary(),
    "TIMESTAMP": pa.timestamp("us", "UTC"),
    "DATETIME": pa.timestamp("us"),
    "STRING": pa.string(),
    "JSON": pa.string(),
    "GEOGRAPHY": pa.string(),
}
_DIGITS: Final = {"NUMERIC": (pa.decimal128, 38, 9), "BIGNUMERIC": (pa.decimal256, 76, 38)}
"""The type, and the most digits in all and behind the point."""
_NUMBERS: Final = frozenset({"NUMERIC", "BIGNUMERIC"})
_TAKEN: Final = {
    "BOOLEAN": frozenset({"STRING"}),
    "INTEGER": frozenset({"FLOAT", "STRING", *_NUMBERS}),
    "FLOAT": frozenset[str](),
    "BIGNUMERIC": frozenset({"INTEGER", *_NUMBERS}),
    "DATE": frozenset({"STRING"}),
    "TIME": frozenset({"STRING"}),
    "JSON": frozenset({"STRING"}),
    "BYTES": frozenset[str](),
    "TIMESTAMP": frozenset({"DATETIME", "STRING"}),
    "DATETIME": frozenset({"TIMESTAMP", "STRING"}),
    "STRING": frozenset({*_PLAIN, *_NUMBERS} - {"BYTES", "FLOAT"}),
}
"""Which other columns take the values of a type, where a table was not made from the source.

Not among them are conversions of Arrow's that only read the bits in another way, and those that
round without a word: a decimal, or the text of one, to a double.
"""


def new_column(field: Any) -> SchemaField:
    """Return the column that a table made from the source has for a field."""
    mode = "NULLABLE" if field.nullable else "REQUIRED"
    return SchemaField(field.name, family(field.type), mode=mode)


def family(kind: Any) -> str:
    """Return the type of column that an Arrow type is at home in."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return next((name for name, is_it in _FAMILIES.items() if is_it(kind)), "STRING")


def is_text(kind: Any) -> bool:
    """Tell whether values of a type are text already, and not only shown as such."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return kind == pa.json_() or any(test(kind) for test in tests)


def wire_type(kind: Any, column: SchemaField) -> Any | None:
    """Return the Arrow type in which values go into a column, None where it cannot take them."""
    home = family(kind)
    target = _ALIASES.get(column.field_type, column.field_type)
    known = target in _PLAIN or target in _DIGITS
    taken = _TAKEN[home] if home != "STRING" or is_text(kind) else frozenset[str]()
    fits = target == home or target in taken or pa.types.is_null(kind)
    if column.mode == "REPEATED" or not known or not fits:
        return None
    return _PLAIN[target] if target in _PLAIN else _decimal(kind, target)


def _decimal(kind: Any, target: str) -> Any:
    """Return the decimal type of a column that holds what the type holds, as far as it can."""
    make, most, most_behind = _DIGITS[target]
    if pa.types.is_integer(kind):
        return make(38, 0)
    if not pa.types.is_decimal(kind):
        return make(most, most_behind)
    if kind.scale > most_behind or kind.precision > most:
        return make(most, min(kind.scale, most_behind))
    if kind.scale < 0:
        return make(min(most, kind.precision - kind.scale), 0)
    return make(kind.precision, kind.scale)
