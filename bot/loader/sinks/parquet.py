"""Write a folder of Parquet files, local or in an object store; each page becomes one part."""

import os
import posixpath
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
from fsspec.implementations.local import LocalFileSystem
from pydantic import Field

from bot.loader.protocol import (
    Check,
    Order,
    SinkCapabilities,
    SinkConfig,
    SinkError,
    WriteResult,
)
from bot.loader.rows import Bookmark, Choice, Plane, Rows, Shape
from bot.loader.sinks.appendfile import APPENDED, check_writable

_DIGITS = 8
_SAMPLE_ROWS = 5_000


class ParquetSinkConfig(SinkConfig):
    """Where to write."""

    path: str = Field(
        description="The folder: a local path, or the URL of an object store (`s3://bucket/folder`)."
    )


class ParquetSink:
    """A folder of numbered parts.

    A Parquet file is readable only once its footer is written, so what has to be durable after
    each page has to be a file of its own: raise the source's `batch_size` for larger parts. A
    part appears under its name when it is whole.
    """

    config_model: ClassVar[type[SinkConfig]] = ParquetSinkConfig
    capabilities: ClassVar[SinkCapabilities] = APPENDED

    def __init__(self, config: ParquetSinkConfig) -> None:
        self._path = config.path
        self._pending: list[Any] = []
        self._schema: Any = None
        self._parts = 0

    def choose(self, shape: Shape) -> Choice:
        """Take Arrow."""
        return Choice(Plane.ARROW, "Parquet takes Arrow")

    def prepare(self, shape: Shape, plane: Plane) -> None:
        """Make the folder, and count the parts that are there."""
        self._schema = shape.schema
        files, folder = self._store()
        try:
            files.makedirs(folder, exist_ok=True)
            self._parts = 1 + max((number for number, _ in self._existing()), default=-1)
        except OSError as error:
            raise self._failure(error) from None

    def write(self, rows: Rows, order: Order) -> WriteResult:
        """Take one slice into the part that the next `flush` writes."""
        batch: Any = rows
        self._pending.append(batch)
        return WriteResult(batch.num_rows)

    def flush(self) -> None:
        """Write the part.

        Raises:
            SinkError: it could not be written; the slices since the last flush are kept.
        """
        if not any(batch.num_rows for batch in self._pending):
            return
        table = pa.Table.from_batches(self._pending, schema=self._schema)
        files, folder = self._store()
        name = posixpath.join(folder, f"part-{self._parts:0{_DIGITS}}.parquet")
        whole = pa.BufferOutputStream()
        try:
            pyarrow.parquet.write_table(
                table,
                whole,
                compression="zstd",
                compression_level=1,
                use_dictionary=_repetitive_columns(table),
            )
            if isinstance(files, LocalFileSystem):
                _replace(Path(name), whole.getvalue())
            else:
                files.pipe_file(name, whole.getvalue().to_pybytes())
        except (OSError, pa.ArrowException) as error:
            raise self._failure(error) from None
        self._parts += 1
        self._pending.clear()

    def position(self) -> Bookmark:
        """Say how many parts there are."""
        return {"parts": self._parts}

    def rewind(self, position: Bookmark) -> None:
        """Remove the parts behind `position`."""
        wanted = int(position["parts"])
        if self._parts < wanted:
            raise SinkError(
                f"{self._path}: has {self._parts} parts, but {wanted} were written to it",
                "put them back, or remove the state to load everything again",
            )
        files, _ = self._store()
        for number, name in self._existing():
            if number >= wanted:
                files.rm_file(name)
        self._parts = wanted

    def check(self) -> Sequence[Check]:
        """Look whether the folder can be listed."""
        try:
            files, folder = self._store()
            if isinstance(files, LocalFileSystem):
                return [check_writable(Path(folder), folder=True)]
            parts = len(self._existing()) if files.exists(folder) else 0
        except (OSError, SinkError) as error:
            return [Check("write", passed=False, detail=str(error), hint="look at `path`")]
        return [Check("write", passed=True, detail=f"{self._path}: {parts} parts")]

    def close(self) -> None:
        """Forget what was not flushed."""
        self._pending.clear()

    def _store(self) -> tuple[Any, str]:
        try:
            files, folder = fsspec.core.url_to_fs(self._path)
        except (ImportError, ValueError) as error:
            raise SinkError(
                f"{self._path}: {error}", "install the store's fsspec package"
            ) from None
        return files, str(folder)

    def _existing(self) -> list[tuple[int, str]]:
        files, folder = self._store()
        found = []
        for name in files.glob(posixpath.join(folder, "part-*.parquet")):
            digits = posixpath.basename(name)[len("part-") : -len(".parquet")]
            if digits.isdigit():
                found.append((int(digits), name))
        return sorted(found)

    def _failure(self, error: Exception) -> SinkError:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        return SinkError(f"{self._path}: cannot be written: {reason}", kind="File")


def _repetitive_columns(table: Any) -> list[str]:
    """Return the columns that a dictionary makes smaller; any other one only pays for it."""
    head = table.slice(0, _SAMPLE_ROWS).combine_chunks()
    columns = []
    for name, column in zip(head.schema.names, head.columns, strict=True):
        flat = column.chunk(0) if column.num_chunks else None
        values = flat.storage if isinstance(flat, pa.ExtensionArray) else flat
        if values is None or pa.types.is_nested(values.type):
            continue
        if 2 * pc.count_distinct(values).as_py() <= len(values):
            columns.append(name)
    return columns


def _replace(path: Path, content: Any) -> None:
    """Write a file so that it is there whole or not at all, also when the power fails."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
