"""Write a PostgreSQL table with COPY: one slice is one transaction, its mark included."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, ClassVar

import psycopg
from pydantic import Field, SecretStr

from bot.loader.postgres.columns import describe_table
from bot.loader.postgres.copyin import CopyInput, run_copy, undecoded
from bot.loader.postgres.isolate import (
    forbids_staging,
    is_row_error,
    jump,
    movable,
    round_trip_s,
    stage,
    worth_jumping,
)
from bot.loader.postgres.literals import literal
from bot.loader.postgres.session import check_connection, connect, explain
from bot.loader.postgres.target import STAGED, Target, find_or_create, match, may_create
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
from bot.loader.sinks.table import MARKS, TableSinkConfig

_MARKS_TABLE = (
    f"CREATE TABLE IF NOT EXISTS {MARKS} (scope text PRIMARY KEY, mark text NOT NULL,"
    " committed_at timestamptz NOT NULL DEFAULT now())"
)


class PostgresSinkConfig(TableSinkConfig):
    """What to write, and where."""

    connection_url: SecretStr = Field(description="postgresql://user:password@host:port/database")
    table: str = Field(description="The table, `schema.table`; made from the source if missing.")


class PostgresSink:
    """A table, appended to or merged into."""

    config_model: ClassVar[type[SinkConfig]] = PostgresSinkConfig

    def __init__(self, config: PostgresSinkConfig) -> None:
        self._config = config
        self._open: psycopg.Connection[Any] | None = None
        self._target: Target | None = None
        self._encode: Callable[[Any], CopyInput] = undecoded
        self._may_stage = True
        self._movable = False
        self._round_trip_s: float | None = None
        self._bad_share = 0.0

    @property
    def capabilities(self) -> SinkCapabilities:
        """Say what is true of this sink as configured."""
        return self._config.capabilities()

    def choose(self, shape: Shape) -> Choice:
        """Take rows undecoded when every column has the same type on both sides."""
        if shape.dialect != "postgres" or Plane.RAW not in shape.planes:
            return Choice(Plane.ARROW, "the source does not speak PostgreSQL's binary format")
        with self._errors_explained():
            table = describe_table(self._connection, self._config.table)
        if table is None:
            return Choice(Plane.RAW, "the table will be made with the columns of the source")
        target = match(table, shape, self._config.key, upsert=self._config.upsert)
        for ours, theirs in zip(target.columns, shape.native, strict=True):
            if (ours.oid, ours.modifier) != theirs.identity:
                reason = f"{ours.name} is {theirs.type_name} there and {ours.type_name} here"
                return Choice(Plane.ARROW, reason)
        return Choice(Plane.RAW, "all columns have the same types on both sides")

    def prepare(self, shape: Shape, plane: Plane) -> None:
        """Make the table if it is missing, and the table of marks."""
        with self._errors_explained():
            connection = self._connection
            target = find_or_create(
                connection, self._config.table, shape, self._config.key, upsert=self._config.upsert
            )
            connection.execute(_MARKS_TABLE)
            self._encode, self._target = undecoded, target
            if plane is Plane.ARROW:
                from bot.loader.postgres.encode import Encoder  # undecoded rows need none of it

                encoder = Encoder(shape.schema, target.columns)
                self._encode = encoder.encode
                self._target = replace(target, as_text=not encoder.binary)
            if self._config.upsert:
                connection.execute(self._target.staging().encode())

    def write(self, rows: Rows, order: Order) -> WriteResult:
        """Write one slice in one transaction, with its mark."""
        assert self._target is not None
        with self._errors_explained():
            if order.isolate and self._bad_share:
                # Bad rows come in company: do not send this slice twice as well.
                return self._isolate(rows, order)
            result = WriteResult(rows.num_rows)
            try:
                data = self._encode(rows)
                script = self._script(data.options, order.mark, result)
                run_copy(self._connection, script, data.data)
            except psycopg.Error as error:
                if not (order.isolate and is_row_error(error)):
                    raise
                return self._isolate(rows, order)
            return result

    def flush(self) -> None:
        """Do nothing: a slice is durable once it is committed."""

    def mark(self, scope: str) -> str | None:
        """Read the mark last committed under `scope`.

        A server goes on with what a process sent before it died, so this waits for every write
        that has begun: each of them starts by locking the row of its mark.
        """
        key = literal(scope)
        with self._errors_explained():
            connection = self._connection
            # Where there is no row yet, only an insert waits for one that is not committed.
            begin = f"BEGIN; INSERT INTO {MARKS} (scope, mark) VALUES ({key}, '')"
            query = f"SELECT mark FROM {MARKS} WHERE scope = {key} FOR UPDATE"
            try:
                connection.execute(f"{begin} ON CONFLICT DO NOTHING".encode())
                found = connection.execute(query.encode()).fetchone()
            finally:
                if not connection.closed:
                    connection.execute("ROLLBACK")
        return str(found[0]) if found is not None and found[0] else None

    def clear_mark(self, scope: str) -> None:
        """Forget the mark of `scope`, once no write of another process is under way."""
        self.mark(scope)
        with self._errors_explained():
            query = f"DELETE FROM {MARKS} WHERE scope = {literal(scope)}"
            self._connection.execute(query.encode())

    def check(self) -> Sequence[Check]:
        """Connect, and look whether the table is there or can be made."""
        connected = check_connection(self._config.connection_url, "doctor")
        if not connected.passed:
            return [connected]
        try:
            with self._errors_explained():
                table = describe_table(self._connection, self._config.table)
                makeable = table is not None or may_create(self._connection, self._config.table)
        except SinkError as error:
            return [connected, Check("table", passed=False, detail=error.message, hint=error.hint)]
        if not makeable:
            detail = f"{self._config.table} is missing and cannot be made"
            hint = "its schema has to exist, and this user needs the right to create tables in it"
            return [connected, Check("table", passed=False, detail=detail, hint=hint)]
        detail = f"{len(table.columns)} columns" if table else "missing: the first run makes it"
        return [connected, Check("table", passed=True, detail=detail)]

    def close(self) -> None:
        """Close the connection."""
        if self._open is not None:
            self._open.close()
            self._open = None

    @property
    def _connection(self) -> psycopg.Connection[Any]:
        if self._open is None or self._open.closed:
            self._open = connect(self._config.connection_url, "sink")
            self._movable = False
            if self._config.upsert and self._target is not None:
                self._open.execute(self._target.staging().encode())
        return self._open

    def _script(self, options: str, mark: Mark | None, result: WriteResult) -> str:
        assert self._target is not None
        target = self._target
        steps = [_marking(mark, result)] if mark else []
        if self._config.upsert:
            steps += [f"COPY {STAGED} ({target.names}) FROM STDIN ({options})", target.merge()]
        else:
            steps.append(f"COPY {target.table} ({target.names}) FROM STDIN ({options})")
        return "; ".join(steps)

    def _isolate(self, rows: Rows, order: Order) -> WriteResult:
        connection = self._connection
        try:
            failures = self._failures(rows)
            result = WriteResult(rows.num_rows - len(failures), tuple(failures))
            ending = [_marking(order.mark, result)] if order.mark else []
            connection.execute("; ".join([*ending, "COMMIT"]).encode())
        except BaseException:
            with suppress(psycopg.Error):
                connection.execute("ROLLBACK")
            raise
        self._bad_share = len(failures) / max(1, rows.num_rows)
        return result

    def _failures(self, rows: Rows) -> list[RowFailure]:
        """Open a transaction, land the good rows in it and find the others, the faster way first."""
        assert self._target is not None
        connection, target = self._connection, self._target

        def encode(first: int, last: int) -> CopyInput:
            return self._encode(rows.slice(first, last - first))

        few = self._worth_jumping(connection, rows.num_rows)
        if few > 0 and self._bad_share * rows.num_rows <= few:
            found = jump(connection, target, encode, rows.num_rows, few)
            if found is not None:
                return found
        if self._can_stage(connection, target):
            try:
                return stage(connection, target, self._encode(rows))
            except psycopg.Error as error:
                if self._config.upsert or not is_row_error(error):
                    raise
                connection.execute("ROLLBACK")
        found = jump(connection, target, encode, rows.num_rows)
        assert found is not None
        return found

    def _worth_jumping(self, connection: psycopg.Connection[Any], rows: int) -> int:
        if self._config.upsert or self._encode is not undecoded:
            # Rows have to be staged to be merged; encoding them piece by piece takes too long.
            return 0
        if self._round_trip_s is None:
            self._round_trip_s = round_trip_s(connection)
        return worth_jumping(rows, self._round_trip_s)

    def _can_stage(self, connection: psycopg.Connection[Any], target: Target) -> bool:
        """Make the session ready to stage rows, once; tell whether it is."""
        if self._movable or not self._may_stage:
            return self._may_stage
        tables = [] if self._config.upsert else [target.staging()]
        try:
            connection.execute("; ".join([*tables, movable(target)]).encode())
        except psycopg.Error as error:
            if self._config.upsert or not forbids_staging(error):
                raise
            self._may_stage = False
        self._movable = self._may_stage
        return self._may_stage

    @contextmanager
    def _errors_explained(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            failure = explain(error)
            kind = SliceTooLargeError if failure.too_large else SinkError
            raise kind(failure.message, kind=failure.kind, retry=failure.retry) from None


def _marking(mark: Mark, result: WriteResult) -> str:
    return (
        f"INSERT INTO {MARKS} (scope, mark) VALUES ({literal(mark.scope)},"
        f" {literal(mark.text(result))}) ON CONFLICT (scope) DO UPDATE"
        " SET mark = excluded.mark, committed_at = now()"
    )
