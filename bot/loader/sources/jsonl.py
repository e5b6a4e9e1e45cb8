"""Read a file of JSON lines."""

import io
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Final

import pyarrow as pa
import pyarrow.json
from pydantic import Field

from bot.loader.columnar import as_column, fits_double, parse_record, to_batch
from bot.loader.protocol import Check, SourceCapabilities, SourceConfig, SourceError
from bot.loader.rows import Page, Reading, Reject, Shape
from bot.loader.sources.checking import check_shape

_LONG_NUMBER: Final = re.compile(rb"[0-9.]{17,}")
"""A double keeps fifteen digits, an int64 eighteen: longer ones are looked at one by one."""


class JsonlSourceConfig(SourceConfig):
    """What to read."""

    path: Path = Field(description="The file: UTF-8, one JSON object a line.")


class JsonlSource:
    """A file with one JSON object a line.

    The first page decides the columns: text stays text (also where it looks like a time), nested
    values are JSON. A later record with other columns or types is a reject.
    """

    config_model: ClassVar[type[SourceConfig]] = JsonlSourceConfig

    def __init__(self, config: JsonlSourceConfig) -> None:
        self._config = config
        self._schema: Any = None

    @property
    def capabilities(self) -> SourceCapabilities:
        """Say what is true of this source."""
        return SourceCapabilities(resumable=True, positional=True, incremental=False)

    def shape(self) -> Shape:
        """Read the first page and decide the columns."""
        with self._opened() as file:
            lines = list(islice(file, self._config.batch_size))
        first = [record for record in map(parse_record, lines) if record is not None]
        names = dict.fromkeys(name for record in first for name in record)
        if not names:
            raise SourceError(f"{self._config.path}: holds no JSON object", "look at `path`")
        fields = [(name, _type([record.get(name) for record in first])) for name in names]
        self._schema = pa.schema(fields)
        return Shape(self._schema)

    def pages(self, reading: Reading) -> Iterator[Page]:
        """Read the lines behind the byte that `reading.resume` names."""
        with self._opened() as file:
            place = int((reading.resume or {"bytes": 0})["bytes"])
            if place > file.seek(0, io.SEEK_END):
                raise SourceError(
                    f"{self._config.path}: is shorter than what was already read of it",
                    "remove the state to read it from the beginning",
                )
            file.seek(place)
            while lines := list(islice(file, self._config.batch_size)):
                place += sum(map(len, lines))
                rows, rejects = self._parse(lines)
                yield Page(rows, {"bytes": place}, rejects)

    def check(self) -> Sequence[Check]:
        """Read the first page."""
        return [check_shape(self)]

    def close(self) -> None:
        """Do nothing: a reading closes the file."""

    def _opened(self) -> Any:
        try:
            return self._config.path.open("rb")
        except OSError as error:
            message = f"{self._config.path}: cannot be read: {error.strerror}"
            raise SourceError(message, "look at `path`", kind="File") from None

    def _parse(self, lines: list[bytes]) -> tuple[Any, tuple[Reject, ...]]:
        text = b"".join(lines)
        flat = pa.json_() not in self._schema.types
        if flat and not _LONG_NUMBER.search(text):
            try:
                return self._parse_at_once(text, len(lines)), ()
            except (pa.ArrowException, ValueError):
                pass
        return self._parse_one_by_one(lines)

    def _parse_at_once(self, text: bytes, rows: int) -> Any:
        options = pyarrow.json.ParseOptions(
            explicit_schema=self._schema, unexpected_field_behavior="error"
        )
        # One block, since a line must not lie across two.
        read = pyarrow.json.ReadOptions(block_size=len(text) + 1)
        table = pyarrow.json.read_json(io.BytesIO(text), read, options)
        if table.num_rows != rows:
            raise ValueError("an empty line")
        batch = table.combine_chunks().to_batches()[0]
        return pa.RecordBatch.from_arrays(
            [batch.column(name) for name in self._schema.names], schema=self._schema
        )

    def _parse_one_by_one(self, lines: list[bytes]) -> tuple[Any, tuple[Reject, ...]]:
        records: list[dict[str, Any]] = []
        places: list[int] = []
        rejects: list[Reject] = []
        for index, line in enumerate(lines):
            record = parse_record(line)
            if record is None:
                if line.strip():
                    shown = {"line": line.decode("utf-8", "replace").rstrip("\n")}
                    rejects.append(Reject(index, shown, "Parse", "the line is no JSON object"))
                continue
            unknown = [name for name in record if name not in self._schema.names]
            if unknown:
                message = f"the field {unknown[0]!r} was not in the first page"
                rejects.append(Reject(index, record, "SchemaDrift", message))
                continue
            records.append(record)
            places.append(index)
        columns = [
            [as_column(record.get(field.name), field.type) for record in records]
            for field in self._schema
        ]
        batch, misfits = to_batch(columns, self._schema)
        rejects += [
            Reject(places[one.index], records[one.index], one.kind, one.message) for one in misfits
        ]
        return batch, tuple(sorted(rejects, key=lambda reject: reject.index))


def _type(values: Sequence[Any]) -> Any:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return pa.bool_()
    if kinds == {int} and all(abs(v) < 1 << 63 for v in values if v is not None):
        return pa.int64()
    if kinds and kinds <= {int, Decimal} and all(fits_double(v) for v in values if v is not None):
        return pa.float64()
    return pa.string() if kinds <= {str} else pa.json_()
