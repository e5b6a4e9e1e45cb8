"""Bring Python values, column by column, into a schema, and set apart the rows that do not fit."""

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa

from bot.loader.rows import Reject

Convert = Callable[[Sequence[Any], Any], Any]
"""Makes an Arrow array of values for a field, or raises one of `MISFITS`."""

MISFITS: Final = (pa.ArrowException, ArithmeticError, TypeError, ValueError, AttributeError)


def exact(values: Sequence[Any], field: Any) -> Any:
    """Make an array without bending a value: no number becomes text, no text a number.

    Raises:
        Exception: one of `MISFITS`; a value does not fit.
    """
    kind = field.type
    if pa.types.is_boolean(kind):
        values = [_boolean(value) for value in values]
    elif pa.types.is_floating(kind):
        values = [_float(value) for value in values]
    return pa.array(values, kind)


def to_batch(
    columns: Sequence[Sequence[Any]], schema: Any, convert: Convert = exact
) -> tuple[Any, tuple[Reject, ...]]:
    """Make a record batch of columns; a row with a value that does not fit is a reject."""
    arrays: list[Any] = []
    misfits: dict[int, str] = {}
    for values, field in zip(columns, schema, strict=True):
        try:
            arrays.append(_column(values, field, convert))
        except MISFITS:
            for index, value in enumerate(values):
                message = _misfit(value, field, convert)
                if message is not None:
                    misfits.setdefault(index, message)
    if not misfits:
        return pa.RecordBatch.from_arrays(arrays, schema=schema), ()
    good = [index for index in range(len(columns[0])) if index not in misfits]
    kept = [
        _column([values[index] for index in good], field, convert)
        for values, field in zip(columns, schema, strict=True)
    ]
    rejects = tuple(
        Reject(
            index,
            {name: values[index] for name, values in zip(schema.names, columns, strict=True)},
            "SchemaDrift",
            message,
        )
        for index, message in sorted(misfits.items())
    )
    return pa.RecordBatch.from_arrays(kept, schema=schema), rejects


def _column(values: Sequence[Any], field: Any, convert: Convert) -> Any:
    array = convert(values, field)
    if not field.nullable and array.null_count:
        raise ValueError("NULL in a column that has none")
    return array


def _misfit(value: Any, field: Any, convert: Convert) -> str | None:
    try:
        _column([value], field, convert)
    except MISFITS:
        kind = "NULL" if value is None else f"a value of type {type(value).__name__}"
        return f"column {field.name!r} is {field.type}, this row has {kind} that does not fit"
    return None


def _boolean(value: Any) -> Any:
    return bool(value) if value in (0, 1) and isinstance(value, int) else value


def _float(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        if int(float(value)) != value:
            raise ValueError("an integer that no double holds")
        return float(value)
    return value


def parse_record(line: bytes | str) -> dict[str, Any] | None:
    """Read a JSON object, its numbers exact; None when it is not one."""
    try:
        value = json.loads(line, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def as_column(value: Any, kind: Any) -> Any:
    """Prepare a value of a JSON record for a column; what the column has no place for stays."""
    if value is None:
        return None
    if kind == pa.json_():
        return exact_json(value)
    if kind == pa.float64() and isinstance(value, Decimal) and fits_double(value):
        return float(value)
    return value


def fits_double(value: int | Decimal) -> bool:
    """Tell whether a double is that number, to the last digit that was written."""
    try:
        return Decimal(repr(float(value))) == Decimal(value)
    except OverflowError:
        return False


def exact_json(value: Any) -> str:
    """Write JSON with every digit of its decimals, which `json` would put through a double."""
    if isinstance(value, dict):
        members = (f"{json.dumps(key)}: {exact_json(one)}" for key, one in value.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(exact_json, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)
