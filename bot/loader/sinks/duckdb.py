"""Write a table of a DuckDB file: one slice is one transaction, its mark included."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pyarrow as pa
from pydantic import Field

from bot.loader.protocol import (
    Check,
    Mark,
    Order,
    RowFailure,
    SinkCapabilities,
    SinkConfig,
    SinkError,
    SliceTooLargeError,
    WriteResult,
)
from bot.loader.rows import Choice, Plane, Rows, Shape
from bot.loader.sinks.bisect import bad_rows
from bot.loader.sinks.table import MARKS, TableSinkConfig, listed, on_conflict, quoted

_ROW_ERRORS = (duckdb.ConstraintException, duckdb.ConversionException, duckdb.OutOfRangeException)


class DuckdbSinkConfig(TableSinkConfig):
    """What to write, and where."""

    path: Path = Field(description="The database file; made where it is missing.")


class DuckdbSink:
    """A table, appended to or merged into."""

    config_model: ClassVar[type[SinkConfig]] = DuckdbSinkConfig

    def __init__(self, config: DuckdbSinkConfig) -> None:
        self._config = config
        self._open: duckdb.DuckDBPyConnection | None = None
        self._insert = ""

    @property
    def capabilities(self) -> SinkCapabilities:
        """Say what is true of this sink as configured."""
        return self._config.capabilities()

    def choose(self, shape: Shape) -> Choice:
        """Take Arrow."""
        return Choice(Plane.ARROW, "DuckDB reads Arrow")

    def prepare(self, shape: Shape, plane: Plane) -> None:
        """Make the table if it is missing, and the table of marks.

        Raises:
            SinkError: the table lacks a column, or the file cannot be opened.
        """
        with self._errors_explained():
            connection = self._connection
            empty = pa.Table.from_batches([], schema=shape.schema)
            connection.register("slice", empty)
            try:
                connection.execute(self._definition(shape))
            finally:
                connection.unregister("slice")
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {MARKS} (scope VARCHAR PRIMARY KEY, mark VARCHAR)"
            )
            described = connection.execute(f"DESCRIBE {self._table}").fetchall()
        self._config.refuse_missing(shape.schema.names, [row[0] for row in described])
        self._insert = self._statement(shape.schema.names)

    def write(self, rows: Rows, order: Order) -> WriteResult:
        """Write one slice in one transaction, with its mark."""
        batch: Any = rows
        with self._errors_explained():
            try:
                result = WriteResult(batch.num_rows)
                self._commit(batch, order.mark, result)
            except _ROW_ERRORS:
                if not order.isolate:
                    raise
                failures, good = self._isolate(batch)
                result = WriteResult(good.num_rows, failures)
                self._commit(good, order.mark, result)
            return result

    def flush(self) -> None:
        """Do nothing: a slice is durable once it is committed."""

    def mark(self, scope: str) -> str | None:
        """Read the mark last committed under `scope`."""
        with self._errors_explained():
            query = f"SELECT mark FROM {MARKS} WHERE scope = ?"
            # All of it: a result that is not read to its end blocks the connection.
            found = self._connection.execute(query, [scope]).fetchall()
        return str(found[0][0]) if found else None

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
            with self._errors_explained():
                self._connection.execute("SELECT 1").fetchall()
        except SinkError as error:
            return [Check("open", passed=False, detail=error.message, hint=error.hint)]
        return [Check("open", passed=True, detail=str(path))]

    def close(self) -> None:
        """Close the file."""
        if self._open is not None:
            self._open.close()
            self._open = None

    @property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        if self._open is None:
            self._config.path.parent.mkdir(parents=True, exist_ok=True)
            self._open = duckdb.connect(str(self._config.path))
            self._open.execute("SET TimeZone = 'UTC'; SET threads = 2; SET memory_limit = '256MB'")
        return self._open

    @property
    def _table(self) -> str:
        return ".".join(quoted(part) for part in self._config.table.split("."))

    def _definition(self, shape: Shape) -> str:
        described = self._connection.execute("DESCRIBE SELECT * FROM slice").fetchall()
        columns = []
        for field, row in zip(shape.schema, described, strict=True):
            columns.append(f"{quoted(row[0])} {row[1]}{'' if field.nullable else ' NOT NULL'}")
        if self._config.primary_key:
            columns.append(f"PRIMARY KEY ({listed(self._config.primary_key)})")
        return f"CREATE TABLE IF NOT EXISTS {self._table} ({', '.join(columns)})"

    def _statement(self, names: Sequence[str]) -> str:
        key, columns = self._config.key, listed(names)
        insert = f"INSERT INTO {self._table} ({columns}) SELECT {columns} FROM "
        if not self._config.upsert:
            return insert + "slice"
        last = f"(PARTITION BY {listed(key)} ORDER BY trimtab_place DESC)"
        placed = "(SELECT *, row_number() OVER () AS trimtab_place FROM slice)"
        return f"{insert}{placed} QUALIFY row_number() OVER {last} = 1 {on_conflict(key, names)}"

    def _commit(self, batch: Any, mark: Mark | None, result: WriteResult) -> None:
        with self._transaction(batch) as connection:
            if batch.num_rows:
                connection.execute(self._insert)
            if mark is not None:
                put = f"INSERT OR REPLACE INTO {MARKS} VALUES (?, ?)"
                connection.execute(put, [mark.scope, mark.text(result)])
            connection.execute("COMMIT")

    def _isolate(self, batch: Any) -> tuple[tuple[RowFailure, ...], Any]:
        def error_of(indices: Sequence[int]) -> Exception | None:
            with self._transaction(batch.take(list(indices))) as connection:
                try:
                    connection.execute(self._insert)
                except _ROW_ERRORS as error:
                    return error
                finally:
                    with suppress(duckdb.Error):
                        connection.execute("ROLLBACK")
            return None

        failures = []
        for index, error in bad_rows(batch.num_rows, error_of):
            message = str(error).splitlines()[0].split(": ", 1)[-1]
            failures.append(
                RowFailure(index, type(error).__name__.removesuffix("Exception"), message)
            )
        bad = {failure.index for failure in failures}
        return tuple(failures), batch.take([i for i in range(batch.num_rows) if i not in bad])

    @contextmanager
    def _transaction(self, batch: Any) -> Iterator[duckdb.DuckDBPyConnection]:
        connection = self._connection
        connection.register("slice", pa.table(batch))
        connection.execute("BEGIN")
        try:
            yield connection
        except BaseException:
            with suppress(duckdb.Error):
                connection.execute("ROLLBACK")
            raise
        finally:
            connection.unregister("slice")

    @contextmanager
    def _errors_explained(self) -> Iterator[None]:
        try:
            yield
        except duckdb.OutOfMemoryException as error:
            raise SliceTooLargeError(str(error).splitlines()[0], kind="TooLarge") from None
        except duckdb.Error as error:
            kind = type(error).__name__.removesuffix("Exception")
            hint = "close the program that has the file open" if kind == "IO" else ""
            message = f"{self._config.path}: {str(error).splitlines()[0]}"
            raise SinkError(message, hint, kind=kind) from None
