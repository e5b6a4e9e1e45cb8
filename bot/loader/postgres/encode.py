"""Turn a slice into COPY input: binary where Arrow and the column agree, CSV where the server casts.

Binary is faster, but PostgreSQL takes it at its word: a jsonb without its version byte, or an
int8 sent for an int4, is an error at best. A column therefore goes in binary only when its
values fit by construction; any other one sends the whole slice as CSV, whose text the server
parses and checks.
"""

import json
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any, Final

import pgpq
import pgpq.encoders
import pgpq.schema
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from bot.loader.postgres.columns import NUMERIC_OID, Column
from bot.loader.postgres.copyin import CopyInput, binary_input
from bot.loader.postgres.copyout import HEADER, TRAILER

_TEXT_OIDS: Final = frozenset({19, 25, 1042, 1043})
_STORED: Final[dict[int, tuple[Any, ...]]] = {
    16: (pa.bool_(),),
    17: (pa.binary(), pa.large_binary()),
    20: (pa.int64(), pa.int32(), pa.int16(), pa.int8(), pa.uint32(), pa.uint16(), pa.uint8()),
    21: (pa.int16(), pa.int8(), pa.uint8()),
    23: (pa.int32(), pa.int16(), pa.int8(), pa.uint16(), pa.uint8()),
    700: (pa.float32(),),
    701: (pa.float64(), pa.float32()),
    1082: (pa.date32(),),
    1083: (pa.time64("us"), pa.time32("ms"), pa.time32("s")),
    1114: (pa.timestamp("us"), pa.timestamp("ms"), pa.timestamp("s")),
    114: (pa.json_(),),
    3802: (pa.json_(),),
    2950: (pa.uuid(),),
}
"""By the oid of the column: the Arrow types that go in binary; the first is what they become."""


class Encoder:
    """Encodes the slices of one run."""

    def __init__(self, schema: Any, columns: Sequence[Column]) -> None:
        wanted = [_binary_type(f.type, c) for f, c in zip(schema, columns, strict=True)]
        self._binary = None if None in wanted else _binary_encoder(schema, columns, wanted)

    @property
    def binary(self) -> bool:
        """Whether slices go in binary."""
        return self._binary is not None

    def encode(self, rows: Any) -> CopyInput:
        """Encode a slice."""
        return _as_csv(rows) if self._binary is None else binary_input(self._binary(rows))


def _binary_type(arrow: Any, column: Column) -> Any:
    if column.oid == NUMERIC_OID:
        return arrow if pa.types.is_decimal128(arrow) else None
    if column.oid in _TEXT_OIDS:
        text = pa.types.is_string(arrow) or pa.types.is_large_string(arrow) or arrow == pa.json_()
        return pa.string() if text else None
    if column.oid == 1184:  # noqa: PLR2004  timestamptz
        zoned = pa.types.is_timestamp(arrow) and arrow.tz and arrow.unit != "ns"
        return pa.timestamp("us", "UTC") if zoned else None
    stored = _STORED.get(column.oid, ())
    if arrow not in stored:
        return None
    first = stored[0]
    return first.storage_type if isinstance(first, pa.BaseExtensionType) else first


def _binary_encoder(
    schema: Any, columns: Sequence[Column], wanted: Sequence[Any]
) -> Callable[[Any], bytes]:
    target = pa.schema([pa.field(f.name, kind) for f, kind in zip(schema, wanted, strict=True)])
    builders = {}
    for field, column in zip(target, columns, strict=True):
        builder = pgpq.ArrowToPostgresBinaryEncoder.infer_encoder(field)
        if column.oid == 3802:  # noqa: PLR2004  jsonb
            jsonb = pgpq.schema.Jsonb()
            builder = pgpq.encoders.StringEncoderBuilder.new_with_output(field, jsonb)
        builders[field.name] = builder

    def encode(batch: Any) -> bytes:
        arrays = [_stored(array, kind) for array, kind in zip(batch.columns, wanted, strict=True)]
        encoder = pgpq.ArrowToPostgresBinaryEncoder.new_with_encoders(target, builders)
        header = encoder.write_header()
        body = encoder.write_batch(pa.RecordBatch.from_arrays(arrays, schema=target))
        # Small batches stay in the encoder's own buffer until it is finished.
        return (header + body + encoder.finish()).removeprefix(HEADER).removesuffix(TRAILER)

    return encode


def _stored(array: Any, wanted: Any) -> Any:
    stored = array.storage if isinstance(array, pa.ExtensionArray) else array
    return stored if stored.type == wanted else stored.cast(wanted)


def _as_csv(batch: Any) -> CopyInput:
    arrays = [_printable(array) for array in batch.columns]
    printable = pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)
    sink = BytesIO()
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
    pyarrow.csv.write_csv(printable, sink, options)
    buffer = sink.getvalue()
    step = 1 << 20
    chunks = (buffer[start : start + step] for start in range(0, len(buffer), step))

    def row_at(line: int) -> int | None:
        # COPY counts the line breaks inside quoted values too, though not all of them.
        texts = [array for array in arrays if pa.types.is_string(array.type)]
        broken = any(pc.any(pc.match_substring_regex(text, r"[\r\n]")).as_py() for text in texts)
        return None if broken else line - 1

    return CopyInput("FORMAT CSV", chunks, row_at)


def _printable(array: Any) -> Any:
    """Bring a column into a type whose text PostgreSQL reads back."""
    kind = array.type
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        # PostgreSQL would round; a value that has nanoseconds is refused here instead.
        return array.cast(pa.timestamp("us", kind.tz))
    if pa.types.is_dictionary(kind):
        return _printable(array.dictionary_decode())
    in_words = _in_words(kind)
    if in_words is not None:
        words = [None if value is None else in_words(value) for value in array.to_pylist()]
        return pa.array(words, pa.string())
    stored = array.storage if isinstance(array, pa.ExtensionArray) else array
    text = pa.types.is_large_string(stored.type) or pa.types.is_string_view(stored.type)
    return stored.cast(pa.string()) if text else stored


def _in_words(kind: Any) -> Callable[[Any], str] | None:
    if kind == pa.uuid():
        return str
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return lambda value: "\\x" + value.hex()
    if pa.types.is_nested(kind):
        return lambda value: json.dumps(value, default=str)
    return None
