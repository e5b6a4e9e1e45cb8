"""Read a PostgreSQL table or query: undecoded towards PostgreSQL, as Arrow towards everything else."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from typing import Any, ClassVar, Self

import psycopg
from psycopg.pq import Format
from pydantic import Field, SecretStr, model_validator

from bot.loader.postgres.columns import (
    FIRST_USER_OID,
    NUMERIC_OID,
    Column,
    describe_query,
    describe_table,
)
from bot.loader.postgres.copyout import CopyRows, fields, read_rows, value
from bot.loader.postgres.keyset import Keyset, orderable
from bot.loader.postgres.literals import Value, bind, identifier
from bot.loader.postgres.session import check_connection, connect, explain
from bot.loader.protocol import Check, SourceCapabilities, SourceConfig, SourceError
from bot.loader.rows import Page, Plane, Reading, Shape
from bot.loader.sources.checking import check_shape
from bot.loader.sources.ties import before_tie


class PostgresSourceConfig(SourceConfig):
    """What to read, and where."""

    connection_url: SecretStr = Field(description="postgresql://user:password@host:port/database")
    query: str | None = Field(None, description="A SELECT; `$1`, `$2`, … stand for `params`.")
    table: str | None = Field(None, description="A table or view, instead of `query`.")
    params: tuple[Value, ...] = Field((), description="Values of the placeholders in `query`.")
    cursor: str | None = Field(
        None,
        description="A column that only grows (a timestamp, a sequence): the next run reads what "
        "lies behind the last value read. Without one every run reads everything.",
    )
    max_connections: int = Field(
        8, ge=2, description="Most connections that the source may hold; it needs two."
    )

    @model_validator(mode="after")
    def _one_of_query_and_table(self) -> Self:
        if (self.query is None) == (self.table is None):
            raise ValueError("give either `query` or `table`")
        if self.params and self.query is None:
            raise ValueError("`params` are the values of placeholders in `query`")
        return self


class PostgresSource:
    """A table, in the order of its primary key, or a query, in the order of its cursor."""

    config_model: ClassVar[type[SourceConfig]] = PostgresSourceConfig

    def __init__(self, config: PostgresSourceConfig) -> None:
        self._config = config
        self._open: psycopg.Connection[Any] | None = None
        self._columns: tuple[Column, ...] = ()
        self._base = ""
        self._keyset: Keyset | None = None

    @property
    def capabilities(self) -> SourceCapabilities:
        """Say what is true of this source; a table's key is only known after `shape`."""
        keyset, cursor = self._keyset, self._config.cursor
        if keyset is None:
            return SourceCapabilities(
                cursor is not None, positional=False, incremental=bool(cursor)
            )
        ordered = bool(keyset.columns)
        total = ordered and (keyset.unique or orderable(self._columns))
        return SourceCapabilities(ordered, positional=total, incremental=bool(cursor))

    def shape(self) -> Shape:
        """Describe the columns; the query itself is not run."""
        try:
            key = self._describe()
        except psycopg.Error as error:
            failure = explain(error)
            raise SourceError(failure.message, kind=failure.kind, retry=failure.retry) from None
        builtin = all(column.oid < FIRST_USER_OID for column in self._columns)
        planes = {Plane.ARROW, Plane.RAW} if builtin else {Plane.ARROW}
        native = tuple(column.native() for column in self._columns)
        return Shape(self._schema, frozenset(planes), "postgres", native, key)

    def pages(self, reading: Reading) -> Iterator[Page]:
        """Read everything behind `reading.resume`, in one statement and so in one snapshot."""
        assert self._keyset is not None
        raw = reading.plane is Plane.RAW
        wanted = [identifier(c.name) if raw else c.expression for c in self._columns]
        query = self._keyset.query(self._base, wanted, reading.resume)
        try:
            yield from self._raw_pages(query) if raw else self._arrow_pages(query)
        except psycopg.Error as error:
            failure = explain(error)
            raise SourceError(failure.message, kind=failure.kind, retry=failure.retry) from None

    def check(self) -> Sequence[Check]:
        """Connect, and describe what would be read."""
        connected = check_connection(self._config.connection_url, "doctor")
        if not connected.passed:
            return [connected]
        return [connected, check_shape(self)]

    def close(self) -> None:
        """Close the connection that describes and decodes; a reading closes its own."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _schema(self) -> Any:
        from bot.loader.postgres.arrowtypes import arrow_schema  # undecoded rows need no pyarrow

        return arrow_schema(self._columns)

    @property
    def _connection(self) -> psycopg.Connection[Any]:
        if self._open is None or self._open.closed:
            self._open = connect(self._config.connection_url, "source")
        return self._open

    def _describe(self) -> tuple[str, ...]:
        config = self._config
        key: tuple[str, ...] = ()
        if config.table is not None:
            table = describe_table(self._connection, config.table)
            if table is None:
                raise SourceError(
                    f"there is no table {config.table!r}",
                    "look at its spelling and schema, and at the rights of this user",
                )
            self._columns, key = table.columns, table.key
            self._base = f"SELECT * FROM {table.name}"
        else:
            self._base = bind(config.query or "", config.params)
            self._columns = describe_query(self._connection, self._base)
        self._keyset = self._choose_keyset(key)
        return key

    def _choose_keyset(self, key: tuple[str, ...]) -> Keyset:
        by_name = {column.name: column for column in self._columns}
        cursor = self._config.cursor
        if cursor is not None and cursor not in by_name:
            known = ", ".join(by_name)
            raise SourceError(f"there is no column {cursor!r} to be the cursor", f"known: {known}")
        names = dict.fromkeys(([cursor] if cursor else []) + list(key))
        return Keyset(tuple(by_name[name] for name in names), unique=bool(key))

    def _raw_pages(self, query: str) -> Iterator[Page]:
        assert self._keyset is not None
        size, keyset = self._config.batch_size, self._keyset
        places = [self._columns.index(column) for column in keyset.columns]

        def key(row: bytes) -> list[Any]:
            parts = fields(row)
            return [self._value(self._columns[place], parts[place]) for place in places]

        def page(rows: list[bytes], *, tied: bool) -> Page:
            bookmark = keyset.bookmark(key(rows[-1])) if places and not tied else None
            return Page(CopyRows.join(rows, self._decode), bookmark)

        ties = bool(places) and not keyset.unique
        pending: list[bytes] = []
        with closing(connect(self._config.connection_url, "source")) as connection:
            for arrived in read_rows(connection, query):
                pending += arrived
                while len(pending) > size:
                    count = before_tie(pending, size, key) if ties else size
                    tied = ties and key(pending[count - 1]) == key(pending[count])
                    rows, pending = pending[:count], pending[count:]
                    yield page(rows, tied=tied)
            if pending:
                yield page(pending, tied=False)

    def _arrow_pages(self, query: str) -> Iterator[Page]:
        from bot.loader.postgres.arrowread import convert, read_batches
        from bot.loader.sources.paging import repage

        assert self._keyset is not None
        keyset, schema = self._keyset, self._schema()
        places = [self._columns.index(column) for column in keyset.columns]

        def key(row: Any) -> list[Any]:
            values = [row.column(place)[0].as_py() for place in places]
            # A numeric comes as text, and 1.0 and 1.00 are one value.
            numbers = [self._columns[place].oid == NUMERIC_OID for place in places]
            pairs = zip(values, numbers, strict=True)
            return [Decimal(v) if number and v is not None else v for v, number in pairs]

        ties = bool(places) and not keyset.unique
        batches = read_batches(self._config.connection_url, query)
        for batch, tied in repage(batches, self._config.batch_size, key if ties else None):
            last = key(batch.slice(batch.num_rows - 1)) if places and not tied else None
            bookmark = keyset.bookmark(last) if last is not None else None
            rows, rejects = convert(batch, self._columns, schema)
            yield Page(rows, bookmark, rejects)

    def _value(self, column: Column, field: bytes | None) -> Any:
        return None if field is None else value(column.oid, field, self._in_words)

    def _decode(self, row: bytes) -> dict[str, Any]:
        values = zip(self._columns, fields(row), strict=True)
        return {column.name: self._value(column, field) for column, field in values}

    def _in_words(self, oid: int, field: bytes) -> str:
        server = self._connection.pgconn
        answer = server.exec_params(b"SELECT $1", [field], [oid], [Format.BINARY], Format.TEXT)
        return (answer.get_value(0, 0) or b"").decode()
