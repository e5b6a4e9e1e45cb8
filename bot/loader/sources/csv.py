"""Read a CSV file without bending a value: a column is a number only if its text says no more."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from pydantic import Field

from bot.loader.protocol import Check, SourceCapabilities, SourceConfig, SourceError
from bot.loader.rows import Page, Reading, Reject, Shape
from bot.loader.sources.checking import check_shape
from bot.loader.sources.paging import repage

BLOCK_BYTES: Final = 1 << 21
TypeName = Literal["text", "integer", "float", "boolean", "date", "timestamp", "timestamptz"]
TYPES: Final[Mapping[str, Any]] = {
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "float": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"),
    "text": pa.string(),
}
"""In the order in which they are tried."""

_TEXTS: Final[Mapping[str, str]] = {
    # Leading zeros and plus signs say something that a number does not keep.
    "integer": r"^-?(0|[1-9][0-9]{0,17})$",
    "boolean": r"^(true|false)$",
    "float": r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?$",
    "date": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "timestamp": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?$",
    "timestamptz": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
    r"(Z|[-+][0-9]{2}(:?[0-9]{2})?)$",
}
_SHORT_FLOAT: Final = r"^-?[0-9.]{1,16}$"
"""Fifteen digits survive a double; one that was written with more has to print the same."""


class CsvSourceConfig(SourceConfig):
    """What to read."""

    path: Path = Field(description="The file: UTF-8, commas, a header line.")
    columns: dict[str, TypeName] = Field(
        {}, description="Types of columns, where what the first page suggests is not wanted."
    )


class CsvSource:
    """A file of comma-separated values under a header line.

    An unquoted empty field is NULL, a quoted one the empty string. The first block decides the
    types; a later value that its type would change is a reject.
    """

    config_model: ClassVar[type[SourceConfig]] = CsvSourceConfig

    def __init__(self, config: CsvSourceConfig) -> None:
        self._config = config
        self._types: dict[str, str] = {}

    @property
    def capabilities(self) -> SourceCapabilities:
        """Say what is true of this source."""
        return SourceCapabilities(resumable=True, positional=True, incremental=False)

    def shape(self) -> Shape:
        """Read the first block and decide the types."""
        with self._failures():
            reader = self._reader([], 0)
            names = reader.schema.names
            first = next(iter(reader), None)
            reader.close()
        for name in self._config.columns:
            if name not in names:
                known = ", ".join(names)
                raise SourceError(f"{self._config.path}: has no column {name!r}", f"known: {known}")
        self._types = {
            name: self._config.columns.get(name) or _type_of(first, place)
            for place, name in enumerate(names)
        }
        return Shape(self._schema)

    def pages(self, reading: Reading) -> Iterator[Page]:
        """Read the rows behind the ones that `reading.resume` counts."""
        done = int((reading.resume or {"rows": 0})["rows"])
        with self._failures():
            reader = self._reader(list(self._types), done)
            for batch, _ in repage(iter(reader), self._config.batch_size):
                done += batch.num_rows
                rows, rejects = self._convert(batch)
                yield Page(rows, {"rows": done}, rejects)

    def check(self) -> Sequence[Check]:
        """Read the header and the first block."""
        return [check_shape(self)]

    def close(self) -> None:
        """Do nothing: a reading closes the file."""

    @property
    def _schema(self) -> Any:
        return pa.schema([(name, TYPES[kind]) for name, kind in self._types.items()])

    def _reader(self, names: list[str], skip: int) -> Any:
        return pyarrow.csv.open_csv(
            self._config.path,
            pyarrow.csv.ReadOptions(block_size=BLOCK_BYTES, skip_rows_after_names=skip),
            pyarrow.csv.ParseOptions(newlines_in_values=True),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names or self._header(), pa.string()),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                null_values=[""],
            ),
        )

    def _header(self) -> list[str]:
        empty = pyarrow.csv.ConvertOptions()
        options = pyarrow.csv.ReadOptions(block_size=BLOCK_BYTES)
        with pyarrow.csv.open_csv(self._config.path, options, convert_options=empty) as reader:
            names: list[str] = reader.schema.names
        repeated = {name for name in names if names.count(name) > 1}
        if repeated:
            raise SourceError(f"{self._config.path}: two columns are named {min(repeated)!r}")
        return names

    def _convert(self, batch: Any) -> tuple[Any, tuple[Reject, ...]]:
        bad: Any = None
        for array, kind in zip(batch.columns, self._types.values(), strict=True):
            unfit = _unfit(array, kind)
            if unfit is not None:
                bad = unfit if bad is None else pc.or_(bad, unfit)
        rejects: tuple[Reject, ...] = ()
        if bad is not None:
            rejects = tuple(self._reject(batch, i) for i in pc.indices_nonzero(bad).to_pylist())
            batch = batch.filter(pc.invert(bad))
        arrays = [_cast(a, k) for a, k in zip(batch.columns, self._types.values(), strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema), rejects

    def _reject(self, batch: Any, index: int) -> Reject:
        (record,) = batch.slice(index, 1).to_pylist()
        name, kind = next(
            (name, kind)
            for (name, kind), array in zip(self._types.items(), batch.columns, strict=True)
            if _unfit(array.slice(index, 1), kind) is not None
        )
        message = (
            f"column {name!r} is read as {kind}, which {record[name]!r} is not, or would not stay; "
            f"say `columns: {{{name}: text}}` to keep it as it is"
        )
        return Reject(index, record, "SchemaDrift", message)

    def _failures(self) -> "_Failures":
        return _Failures(self._config.path)


class _Failures:
    """Turns what the reader raises into one sentence."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError | pa.ArrowException):
            reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
            hint = "" if isinstance(error, OSError) else "look at the line in an editor"
            raise SourceError(
                f"{self._path}: cannot be read: {reason}", hint, kind="File"
            ) from None


def _type_of(first: Any, place: int) -> str:
    """Return the first type that every value of a column has."""
    if first is None or first.column(place).null_count == first.num_rows:
        return "text"
    for kind, pattern in _TEXTS.items():
        matches = pc.all(pc.match_substring_regex(first.column(place), pattern)).as_py()
        if matches and _unfit(first.column(place), kind) is None:
            return kind
    return "text"


def _unfit(array: Any, kind: str) -> Any:
    """Return a mask of the values that would not survive the cast, or None when all do."""
    if kind == "text":
        return None
    unfit = _changed(array, kind) if kind in {"integer", "float"} else None
    if unfit is None:
        unfit = pc.invert(pc.match_substring_regex(array, _TEXTS[kind]))
    return pc.fill_null(unfit, False) if pc.any(unfit).as_py() else None


def _changed(array: Any, kind: str) -> Any:
    """Return a mask of the numbers that would print differently; None when some are no numbers."""
    try:
        changed = pc.not_equal(_cast(array, kind).cast(pa.string()), array)
    except pa.ArrowException:
        return None
    if kind == "float" and pc.any(changed).as_py():
        return pc.and_(changed, pc.invert(pc.match_substring_regex(array, _SHORT_FLOAT)))
    return changed


def _cast(array: Any, kind: str) -> Any:
    if kind == "timestamptz":
        # A zone has to be there, and Arrow reads one only into a type that has one.
        return array.cast(pa.timestamp("us", "UTC"))
    return array if kind == "text" else array.cast(TYPES[kind])
