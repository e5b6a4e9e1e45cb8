"""Read a table of a SQLite file."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field

from bot.loader.columnar import to_batch
from bot.loader.protocol import Check, SourceCapabilities, SourceConfig, SourceError
from bot.loader.rows import Page, Reading, Shape
from bot.loader.sources.checking import check_shape


class SqliteSourceConfig(SourceConfig):
    """What to read."""

    path: Path = Field(description="The database file.")
    table: str = Field(description="The table or view.")


class SqliteSource:
    """A table, in the order of its rowid; a view, in no order.

    SQLite holds any value in any column. A value that is not of the declared type is a reject,
    not a NULL and not a cast.
    """

    config_model: ClassVar[type[SourceConfig]] = SqliteSourceConfig

    def __init__(self, config: SqliteSourceConfig) -> None:
        self._config = config
        self._schema: Any = None
        self._ordered = False

    @property
    def capabilities(self) -> SourceCapabilities:
        """Say what is true of this source; whether it has a rowid is known after `shape`."""
        return SourceCapabilities(self._ordered, positional=self._ordered, incremental=False)

    def shape(self) -> Shape:
        """Describe the columns by their declared types."""
        with self._connected() as connection:
            columns = connection.execute(f"PRAGMA table_info({self._table})").fetchall()
            if not columns:
                raise SourceError(
                    f"{self._config.path}: there is no table {self._config.table!r}",
                    "look at its spelling",
                )
            try:
                connection.execute(f"SELECT rowid FROM {self._table} LIMIT 0")
            except sqlite3.OperationalError:
                self._ordered = False
            else:
                self._ordered = not self._is_view(connection)
        fields = [pa.field(c[1], _type(c[2]), nullable=not c[3]) for c in columns]
        self._schema = pa.schema(fields)
        key = tuple(c[1] for c in sorted(columns, key=lambda c: c[5]) if c[5])
        return Shape(self._schema, dialect="sqlite", key=key)

    def pages(self, reading: Reading) -> Iterator[Page]:
        """Read the table behind the row that `reading.resume` names."""
        place, order = ("rowid, ", " ORDER BY rowid") if self._ordered else ("", "")
        query, first = f"SELECT {place}* FROM {self._table}", int(self._ordered)
        if reading.resume is not None:
            query += f" WHERE rowid > {int(reading.resume['rowid'])}"
        with self._connected() as connection:
            cursor = connection.execute(query + order)
            while rows := cursor.fetchmany(self._config.batch_size):
                columns = list(zip(*rows, strict=True))
                bookmark = {"rowid": rows[-1][0]} if self._ordered else None
                batch, rejects = to_batch(columns[first:], self._schema)
                yield Page(batch, bookmark, rejects)

    def check(self) -> Sequence[Check]:
        """Open the file and describe the table."""
        return [check_shape(self)]

    def close(self) -> None:
        """Do nothing: a reading closes the file."""

    @property
    def _table(self) -> str:
        return '"' + self._config.table.replace('"', '""') + '"'

    def _is_view(self, connection: sqlite3.Connection) -> bool:
        query = "SELECT type FROM sqlite_master WHERE lower(name) = lower(?)"
        found = connection.execute(query, [self._config.table]).fetchone()
        return found is None or found[0] != "table"

    def _connected(self) -> "_Connected":
        return _Connected(self._config.path)


class _Connected:
    """An open file, whose failures are one sentence each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def __enter__(self) -> sqlite3.Connection:
        if not self._path.exists():
            raise SourceError(f"{self._path}: there is no such file", "look at `path`")
        self._connection = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)
        return self._connection

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._connection is not None:
            self._connection.close()
        if isinstance(error, sqlite3.Error):
            raise SourceError(f"{self._path}: {error}", kind="Sqlite") from None


def _type(declared: str) -> Any:
    words = declared.upper()
    if "BOOL" in words:
        return pa.bool_()
    if "INT" in words:
        return pa.int64()
    if any(part in words for part in ("REAL", "FLOA", "DOUB")):
        return pa.float64()
    if "BLOB" in words:
        return pa.binary()
    return pa.string()
