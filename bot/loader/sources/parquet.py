"""Read Parquet files, local or in an object store."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import fsspec
import pyarrow as pa
import pyarrow.parquet
from pydantic import Field

from bot.loader.protocol import Check, SourceCapabilities, SourceConfig, SourceError
from bot.loader.rows import Page, Reading, Shape


class ParquetSourceConfig(SourceConfig):
    """What to read."""

    path: str = Field(
        description="A file, a folder or a pattern (`s3://bucket/orders/*.parquet`); files are "
        "read in the order of their names."
    )


class ParquetSource:
    """One or more files with the columns of the first of them."""

    config_model: ClassVar[type[SourceConfig]] = ParquetSourceConfig

    def __init__(self, config: ParquetSourceConfig) -> None:
        self._path = config.path
        self._batch_rows = config.batch_size
        self._schema: Any = None

    @property
    def capabilities(self) -> SourceCapabilities:
        """Say what is true of this source."""
        return SourceCapabilities(resumable=True, positional=True, incremental=False)

    def shape(self) -> Shape:
        """Read the footer of the first file."""
        files, names = self._files()
        with self._failures(names[0]), files.open(names[0], "rb") as file:
            schema = pyarrow.parquet.read_schema(file)
        self._schema = pa.schema([field.with_type(_decoded(field.type)) for field in schema])
        return Shape(self._schema)

    def pages(self, reading: Reading) -> Iterator[Page]:
        """Read the files one after another, from the row that `reading.resume` names on."""
        files, names = self._files()
        resume = reading.resume or {"file": "", "rows": 0}
        for name in names:
            if name < resume["file"]:
                continue
            done = int(resume["rows"]) if name == resume["file"] else 0
            with self._failures(name), files.open(name, "rb") as opened:
                for batch in self._batches(pyarrow.parquet.ParquetFile(opened), done):
                    done += batch.num_rows
                    yield Page(self._fitted(batch, name), {"file": name, "rows": done})

    def check(self) -> Sequence[Check]:
        """Look for the files and read the first footer."""
        try:
            columns = len(self.shape().schema)
            _, names = self._files()
        except SourceError as error:
            return [Check("read", passed=False, detail=error.message, hint=error.hint)]
        return [Check("read", passed=True, detail=f"{len(names)} files, {columns} columns")]

    def close(self) -> None:
        """Do nothing: a file is closed when its pages end."""

    def _files(self) -> tuple[Any, list[str]]:
        try:
            files, path = fsspec.core.url_to_fs(self._path)
        except (ImportError, ValueError) as error:
            hint = "install the store's fsspec package"
            raise SourceError(f"{self._path}: {error}", hint) from None
        with self._failures(self._path):
            pattern = f"{path.rstrip('/')}/**/*.parquet" if files.isdir(path) else path
            names = sorted(files.glob(pattern)) if "*" in pattern else [path]
            found = [str(name) for name in names if files.exists(name)]
        if not found:
            raise SourceError(f"{self._path}: there is no Parquet file", "look at `path`")
        return files, found

    def _batches(self, file: Any, done: int) -> Iterator[Any]:
        """Read batches behind the first `done` rows; row groups that lie before are not read."""
        groups = list(range(file.num_row_groups))
        while groups and done >= file.metadata.row_group(groups[0]).num_rows:
            done -= file.metadata.row_group(groups.pop(0)).num_rows
        for batch in file.iter_batches(self._batch_rows, row_groups=groups):
            skipped = min(done, batch.num_rows)
            done -= skipped
            if batch.num_rows > skipped:
                yield batch.slice(skipped)

    def _fitted(self, batch: Any, name: str) -> Any:
        if batch.schema.equals(self._schema):
            return batch
        missing = [field for field in self._schema.names if field not in batch.schema.names]
        if missing:
            hint = "read it by itself, or give the files the same columns"
            raise SourceError(f"{name}: has no column {missing[0]!r}", hint)
        arrays = [batch.column(field.name).cast(field.type) for field in self._schema]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _failures(self, name: str) -> "_Failures":
        return _Failures(name)


class _Failures:
    """Turns what a store or the reader raises into one sentence."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError | pa.ArrowException):
            reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
            raise SourceError(f"{self._name}: cannot be read: {reason}", kind="File") from None


def _decoded(kind: Any) -> Any:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
