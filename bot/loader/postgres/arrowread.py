"""Read PostgreSQL as Arrow (ADBC), and set apart what Arrow cannot hold instead of bending it.

The driver passes PostgreSQL's infinite dates on as if they were ordinary ones, shifted by the
distance of the two epochs and wrapped around; `NaN` in a numeric comes as text that is no number.
"""

import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import adbc_driver_manager
import adbc_driver_postgresql
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import SecretStr

from bot.loader.postgres.columns import Column
from bot.loader.postgres.session import failure_of
from bot.loader.protocol import SourceError
from bot.loader.rows import Reject

BATCH_BYTES: Final = 2 << 20
_DAYS: Final = 10_957
_MICROSECONDS: Final = _DAYS * 86_400_000_000
_MIDNIGHT: Final = 86_400_000_000


def _wrapped(value: int, bits: int) -> int:
    half = 1 << (bits - 1)
    return (value + half) % (1 << bits) - half


_INFINITE_DATES: Final = {
    _wrapped(0x7FFFFFFF + _DAYS, 32): "infinity",
    _wrapped(-0x80000000 + _DAYS, 32): "-infinity",
}
_INFINITE_TIMES: Final = {
    _wrapped(0x7FFFFFFFFFFFFFFF + _MICROSECONDS, 64): "infinity",
    _wrapped(-0x8000000000000000 + _MICROSECONDS, 64): "-infinity",
}


def _two(values: Iterable[int], layout: str, kind: Any) -> Any:
    """Make an array of two numbers; `pyarrow.array` would import pandas to look at them."""
    return pa.Array.from_buffers(kind, 2, [None, pa.py_buffer(struct.pack(layout, *values))])


_NO_DATES: Final = _two(_INFINITE_DATES, "=ii", pa.int32())
_NO_TIMES: Final = _two(_INFINITE_TIMES, "=qq", pa.int64())


def read_batches(url: SecretStr, query: str) -> Iterator[Any]:
    """Run `query` and hand out record batches of about `BATCH_BYTES` as they arrive.

    Raises:
        SourceError: the server reported an error, or the connection broke.
    """
    # The driver's DB-API layer does the same, but imports pandas wherever that is installed.
    try:
        with (
            adbc_driver_postgresql.connect(url.get_secret_value()) as database,
            adbc_driver_manager.AdbcConnection(database) as connection,
            adbc_driver_manager.AdbcStatement(connection) as statement,
        ):
            statement.set_sql_query("SET timezone = 'UTC'")
            statement.execute_update()
            hint = {"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)}
            statement.set_options(**hint)
            statement.set_sql_query(query)
            stream, _ = statement.execute_query()
            with pa.RecordBatchReader.from_stream(stream) as reader:
                yield from reader
    except (adbc_driver_manager.Error, pa.ArrowException, OSError) as error:
        raise _explain(error) from None


def convert(batch: Any, columns: Sequence[Column], schema: Any) -> tuple[Any, tuple[Reject, ...]]:
    """Bring a batch of the driver into `schema`; rows that do not fit are returned apart."""
    arrays, bad = [], None
    for array, column, field in zip(batch.columns, columns, schema, strict=True):
        stored = array.storage if isinstance(array, pa.ExtensionArray) else array
        unfit = _unfit(stored, field.type)
        if unfit is not None:
            bad = unfit if bad is None else pc.or_(bad, unfit)
        arrays.append((stored, column, field.type))
    if bad is None:
        cast = [_cast(array, wanted) for array, _, wanted in arrays]
        return pa.RecordBatch.from_arrays(cast, schema=schema), ()
    good = pc.invert(bad)
    kept = [_cast(array.filter(good), wanted) for array, _, wanted in arrays]
    indices = pc.indices_nonzero(bad).to_pylist()
    rejects = tuple(_reject(index, arrays) for index in indices)
    return pa.RecordBatch.from_arrays(kept, schema=schema), rejects


def _cast(array: Any, wanted: Any) -> Any:
    if isinstance(wanted, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(wanted, array.cast(wanted.storage_type))
    return array if array.type == wanted else array.cast(wanted)


def _unfit(array: Any, wanted: Any) -> Any:
    """Return a mask of the values that `wanted` cannot hold, or None when all fit."""
    if pa.types.is_decimal(wanted):
        unfit = pc.invert(pc.match_substring_regex(array, r"^-?[0-9.]+$"))
    elif pa.types.is_date32(array.type):
        unfit = pc.is_in(array.view(pa.int32()), _NO_DATES)
    elif pa.types.is_timestamp(array.type):
        unfit = pc.is_in(array.view(pa.int64()), _NO_TIMES)
    elif pa.types.is_time64(array.type):
        unfit = pc.greater_equal(array.view(pa.int64()), _MIDNIGHT)
    else:
        return None
    unfit = pc.fill_null(unfit, False) if unfit.null_count else unfit
    return unfit if pc.any(unfit).as_py() else None


def _reject(index: int, arrays: Sequence[tuple[Any, Column, Any]]) -> Reject:
    record = {column.name: _readable(array[index]) for array, column, _ in arrays}
    unfit = next(c for a, c, t in arrays if _unfit(a.slice(index, 1), t) is not None)
    reason = f"column {unfit.name!r} ({unfit.type_name}) holds {record[unfit.name]}"
    message = f"{reason}, which Arrow has no value for: cast it in `query`"
    return Reject(index, record, "Conversion", message)


def _readable(scalar: Any) -> Any:
    kind = scalar.type
    if scalar.is_valid and pa.types.is_date32(kind) and scalar.value in _INFINITE_DATES:
        return _INFINITE_DATES[scalar.value]
    if scalar.is_valid and pa.types.is_timestamp(kind) and scalar.value in _INFINITE_TIMES:
        return _INFINITE_TIMES[scalar.value]
    if scalar.is_valid and pa.types.is_time64(kind) and scalar.value >= _MIDNIGHT:
        return "24:00:00"
    return scalar.as_py()


def _explain(error: Exception) -> SourceError:
    # Failures while rows arrive come through Arrow's stream, without an SQLSTATE of their own.
    lines = str(error).strip().splitlines() or [type(error).__name__]
    said = next((line for line in lines if "ERROR:" in line or "FATAL:" in line), lines[0])
    message = re.sub(r"^.*?(ERROR|FATAL):\s*", "", said)
    code = getattr(error, "sqlstate", None) or ("XX000" if said != message else "")
    failure = failure_of(code, message)
    return SourceError(failure.message, kind=failure.kind, retry=failure.retry)
