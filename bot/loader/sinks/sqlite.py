"""Write a table of a SQLite file: one slice is one transaction, its mark included."""

import datetime as dt
import json
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from bot.loader.protocol import (
    Check,
    Mark,
    Order,
    RetryClass,
    RowFailure,
    SinkCapabilities,
    SinkConfig,
    SinkError,
    WriteResult,
)
from bot.loader.rows import Choice, Plane, Rows, Shape
from bot.loader.sinks.table import MARKS, TableSinkConfig, listed, on_conflict, quoted

LOCK_TIMEOUT_S = 15.0
_ROW_ERRORS = (sqlite3.IntegrityError, sqlite3.DataError, OverflowError)


class SqliteSinkConfig(TableSinkConfig):
    """What to write, and where."""

    path: Path = Field(description="The database file; made where it is missing.")


class SqliteSink:
    """A table, appended to or merged into.

    SQLite has no decimals, times or uuids: they are stored as text, which keeps every digit.
    """

    config_model: ClassVar[type[SinkConfig]] = SqliteSinkConfig

    def __init__(self, config: SqliteSinkConfig) -> None:
        self._config = config
        self._open: sqlite3.Connection | None = None
        self._insert = ""

    @property
    def capabilities(self) -> SinkCapabilities:
        """Say what is true of this sink as configured."""
        return self._config.capabilities()

    def choose(self, shape: Shape) -> Choice:
        """Take Arrow."""
        return Choice(Plane.ARROW, "SQLite takes Arrow's values")

    def prepare(self, shape: Shape, plane: Plane) -> None:
        """Make the table if it is missing, and the table of marks.

        Raises:
            SinkError: the table lacks a column, or the file cannot be opened.
        """
        config, names = self._config, shape.schema.names
        table = quoted(config.table)
        columns = [
            f"{quoted(field.name)} {_type(field.type)}{'' if field.nullable else ' NOT NULL'}"
            for field in shape.schema
        ]
        if config.primary_key:
            columns.append(f"PRIMARY KEY ({listed(config.primary_key)})")
        with self._errors_explained():
            connection = self._connection
            connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({', '.join(columns)})")
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {MARKS} (scope TEXT PRIMARY KEY, mark TEXT NOT NULL)"
            )
            known = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        config.refuse_missing(names, known)
        places = ", ".join("?" * len(names))
        self._insert = f"INSERT INTO {table} ({listed(names)}) VALUES ({places})"
        if config.upsert:
            self._insert += f" {on_conflict(config.key, names)}"

    def write(self, rows: Rows, order: Order) -> WriteResult:
        """Write one slice in one transaction, with its mark."""
        batch: Any = rows
        values = list(zip(*(_values(array) for array in batch.columns), strict=True))
        with self._errors_explained():
            try:
                with self._transaction() as connection:
                    connection.executemany(self._insert, values)
                    result = WriteResult(len(values))
                    _put_mark(connection, order.mark, result)
            except _ROW_ERRORS:
                if not order.isolate:
                    raise
                with self._transaction() as connection:
                    failures = tuple(self._one_by_one(connection, values))
                    result = WriteResult(len(values) - len(failures), failures)
                    _put_mark(connection, order.mark, result)
            return result

    def flush(self) -> None:
        """Do nothing: a slice is durable once it is committed."""

    def mark(self, scope: str) -> str | None:
        """Read the mark last committed under `scope`."""
        with self._errors_explained():
            query = f"SELECT mark FROM {MARKS} WHERE scope = ?"
            found = self._connection.execute(query, [scope]).fetchone()
        return None if found is None else str(found[0])

    def clear_mark(self, scope: str) -> None:
        """Forget the mark of `scope`."""
        with self._errors_explained():
            self._connection.execute(f"DELETE FROM {MARKS} WHERE scope = ?", [scope])

    def check(self) -> Sequence[Check]:
        """Look whether the file can be opened for writing; a missing one is not made."""
        path = self._config.path
        if not path.exists():
            return [Check("open", passed=True, detail=f"{path}: missing, the first run makes it")]
        try:
            with self._errors_explained(), self._transaction() as connection:
                connection.execute("SELECT count(*) FROM sqlite_master")
        except SinkError as error:
            return [Check("open", passed=False, detail=error.message, hint=error.hint)]
        return [Check("open", passed=True, detail=str(path))]

    def close(self) -> None:
        """Close the file."""
        if self._open is not None:
            self._open.close()
            self._open = None

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            self._config.path.parent.mkdir(parents=True, exist_ok=True)
            self._open = sqlite3.connect(
                self._config.path, isolation_level=None, timeout=LOCK_TIMEOUT_S
            )
        return self._open

    def _one_by_one(
        self, connection: sqlite3.Connection, values: Sequence[tuple[Any, ...]]
    ) -> Iterator[RowFailure]:
        # In the same process a statement costs microseconds, and a failed one takes only itself back.
        for index, row in enumerate(values):
            try:
                connection.execute(self._insert, row)
            except _ROW_ERRORS as error:
                constraint = isinstance(error, sqlite3.IntegrityError)
                yield RowFailure(index, "Constraint" if constraint else "Conversion", str(error))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _errors_explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            locked = "locked" in str(error)
            hint = "another program holds the file" if locked else ""
            retry = RetryClass.TIMEOUT if locked else None
            message = f"{self._config.path}: {error}"
            raise SinkError(message, hint, kind="Sqlite", retry=retry) from None
        except (sqlite3.Error, OverflowError) as error:
            kind = "Constraint" if isinstance(error, sqlite3.IntegrityError) else "Conversion"
            raise SinkError(f"{self._config.path}: {error}", kind=kind) from None


def _put_mark(connection: sqlite3.Connection, mark: Mark | None, result: WriteResult) -> None:
    if mark is not None:
        put = f"INSERT OR REPLACE INTO {MARKS} VALUES (?, ?)"
        connection.execute(put, [mark.scope, mark.text(result)])


def _type(kind: Any) -> str:
    if pa.types.is_boolean(kind):
        return "BOOLEAN"
    if pa.types.is_integer(kind):
        return "INTEGER"
    if pa.types.is_floating(kind):
        return "REAL"
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return "BLOB"
    return "TEXT"


def _values(array: Any) -> list[Any]:
    kind = array.type
    values: list[Any] = (array.storage if kind == pa.json_() else array).to_pylist()
    if pa.types.is_floating(kind) and pc.any(pc.is_nan(array)).as_py():
        # SQLite would store NULL for NaN.
        return ["NaN" if value != value else value for value in values]  # noqa: PLR0124  NaN
    plain = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_string(kind)
    if plain or pa.types.is_binary(kind) or kind == pa.json_():
        return values
    return [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, Decimal | uuid.UUID | dt.timedelta):
        return str(value)
    if isinstance(value, list | dict):
        return json.dumps(value, default=_plain)
    return value
