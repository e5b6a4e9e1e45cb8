"""Read a table of a DuckDB file."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import duckdb
from pydantic import Field

from bot.loader.protocol import Check, SourceCapabilities, SourceConfig, SourceError
from bot.loader.rows import Page, Reading, Shape
from bot.loader.sources.checking import check_shape
from bot.loader.sources.paging import repage

_PLACE = "trimtab_place"


class DuckdbSourceConfig(SourceConfig):
    """What to read."""

    path: Path = Field(description="The database file.")
    table: str = Field(description="The table or view.")


class DuckdbSource:
    """A table, in the order in which its rows were inserted; a view, in no order."""

    config_model: ClassVar[type[SourceConfig]] = DuckdbSourceConfig

    def __init__(self, config: DuckdbSourceConfig) -> None:
        self._config = config
        self._ordered = False

    @property
    def capabilities(self) -> SourceCapabilities:
        """Say what is true of this source; whether it is a table is known after `shape`."""
        return SourceCapabilities(self._ordered, positional=self._ordered, incremental=False)

    def shape(self) -> Shape:
        """Describe the columns."""
        with self._connected() as connection:
            schema = connection.sql(f"SELECT * FROM {self._table} LIMIT 0").to_arrow_table().schema
            name = self._config.table.split(".")[-1]
            query = "SELECT count(*) FROM duckdb_tables() WHERE lower(table_name) = lower(?)"
            (tables,) = connection.execute(query, [name]).fetchall()[0]
            self._ordered = bool(tables)
        return Shape(schema, dialect="duckdb")

    def pages(self, reading: Reading) -> Iterator[Page]:
        """Read the table behind the row that `reading.resume` names."""
        with self._connected() as connection:
            connection.execute("SET TimeZone = 'UTC'; SET threads = 2; SET memory_limit = '256MB'")
            query = f"SELECT * FROM {self._table}"
            if self._ordered:
                last = int((reading.resume or {"rowid": -1})["rowid"])
                query = f"SELECT *, rowid AS {_PLACE} FROM {self._table} WHERE rowid > {last}"
            reader = connection.sql(query).to_arrow_reader(self._config.batch_size)
            for batch, _ in repage(reader, self._config.batch_size):
                if not self._ordered:
                    yield Page(batch, None)
                    continue
                place = batch.column(batch.num_columns - 1)[batch.num_rows - 1].as_py()
                yield Page(batch.drop_columns([_PLACE]), {"rowid": place})

    def check(self) -> Sequence[Check]:
        """Open the file and describe the table."""
        return [check_shape(self)]

    def close(self) -> None:
        """Do nothing: a reading closes the file."""

    @property
    def _table(self) -> str:
        parts = self._config.table.split(".")
        return ".".join('"' + part.replace('"', '""') + '"' for part in parts)

    def _connected(self) -> "_Connected":
        return _Connected(self._config.path)


class _Connected:
    """An open file, whose failures are one sentence each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: duckdb.DuckDBPyConnection | None = None

    def __enter__(self) -> Any:
        if not self._path.exists():
            raise SourceError(f"{self._path}: there is no such file", "look at `path`")
        try:
            self._connection = duckdb.connect(str(self._path), read_only=True)
        except duckdb.Error as error:
            raise self._failure(error) from None
        return self._connection

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._connection is not None:
            self._connection.close()
        if isinstance(error, duckdb.Error):
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> SourceError:
        kind = type(error).__name__.removesuffix("Exception")
        hint = "close the program that has the file open" if kind == "IO" else ""
        return SourceError(f"{self._path}: {str(error).splitlines()[0]}", hint, kind=kind)
