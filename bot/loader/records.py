"""Records into Arrow: JSON objects brought into a schema, and those that do not fit set apart."""

import base64
import datetime as dt
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bot.loader.columnar import to_batch
from bot.loader.rows import Reject


def batch_of(records: Sequence[Mapping[str, Any]], schema: Any) -> tuple[Any, tuple[Reject, ...]]:
    """Make a `pyarrow.RecordBatch` of records, column by column.

    Text is read as what the column wants (numbers, times, uuids; base64 for bytes), the way
    `dead_letters.json_value` wrote it. Columns that a record lacks are null.

    Returns:
        The batch, and the records that do not fit, in order, with the column in the message.
    """
    known = set(schema.names)
    unknown = {i: record.keys() - known for i, record in enumerate(records)}
    places = [i for i, names in unknown.items() if not names]
    columns = [[records[i].get(name) for i in places] for name in schema.names]
    batch, misfits = to_batch(columns, schema, _read)
    rejects = [replace(one, index=places[one.index]) for one in misfits]
    rejects += [
        Reject(i, records[i], "SchemaDrift", f"there is no column {min(names)!r}")
        for i, names in unknown.items()
        if names
    ]
    rejects.sort(key=lambda reject: reject.index)
    return batch, tuple(replace(one, record=records[one.index]) for one in rejects)


def _read(values: Sequence[Any], field: Any) -> Any:  # noqa: PLR0911  a table of types
    kind, types = field.type, pa.types
    if kind == pa.json_():
        return pa.ExtensionArray.from_storage(
            kind, pa.array(_each(values, _json_text), pa.string())
        )
    if kind == pa.uuid():
        storage = pa.array(_each(values, lambda v: uuid.UUID(v).bytes), pa.binary(16))
        return pa.ExtensionArray.from_storage(kind, storage)
    if types.is_decimal(kind):
        return pa.array(_each(values, lambda v: Decimal(str(v))), kind)
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return pa.array(_each(values, lambda v: base64.b64decode(v, validate=True)), kind)
    if types.is_time(kind):
        return pa.array(_each(values, _time), kind)
    if types.is_temporal(kind) and any(isinstance(value, str) for value in values):
        return pa.array(values, pa.string()).cast(kind)
    if types.is_floating(kind):
        return pa.array(_each(values, _number), kind)
    return pa.array(values, kind)


def _each(values: Sequence[Any], convert: Callable[[Any], Any]) -> list[Any]:
    return [None if value is None else convert(value) for value in values]


def _json_text(value: Any) -> str:
    """Return the text of a JSON value; what is text already is JSON text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError("a truth value is no number")
    return float(value)


def _time(value: Any) -> Any:
    """Read a time of day; Arrow has no cast for it."""
    return dt.time.fromisoformat(value) if isinstance(value, str) else value
