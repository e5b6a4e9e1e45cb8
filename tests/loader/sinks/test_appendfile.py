"""A file that cannot grow: what was started is undone, and said in a sentence."""

import json
import resource
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from bot.documents.redaction import Redactor
from bot.loader.dead_letters import Addresser, envelope_batch, envelope_schema
from bot.loader.protocol import Order, SinkError
from bot.loader.rows import Plane, Shape
from bot.loader.sinks.appendfile import AppendFile, AppendFileConfig
from bot.loader.sinks.csv import CsvSink
from bot.loader.sinks.jsonl import JsonlSink


@pytest.fixture
def full_at_1000_bytes() -> Iterator[None]:
    """Let no file of this process grow further, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("piece", [b"b" * 950, b"b" * 100_000], ids=["buffered", "direct"])
@pytest.mark.usefixtures("full_at_1000_bytes")
def test_pieces_that_do_not_fit_are_undone_and_the_file_can_be_used_on(
    tmp_path: Path, piece: bytes
) -> None:
    path = tmp_path / "out"
    file = AppendFile(path)
    file.append([b"a" * 100])
    with pytest.raises(SinkError, match="out: cannot be written: File too large"):
        file.append([piece])
    assert path.read_bytes() == b"a" * 100
    file.append([b"c"])
    assert file.position() == {"bytes": 101}
    file.close()


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        (JsonlSink, '{"id":1}', '{"id":1}\n{"id":2}\n'),
        (JsonlSink, '{"id":1}\n{"i', '{"id":1}\n{"i\n{"id":2}\n'),
        (CsvSink, '"id"\n1', '"id"\n1\n2\n'),
        (CsvSink, '"id"\n1\n', '"id"\n1\n2\n'),
    ],
)
def test_a_last_line_without_an_end_does_not_swallow_the_next_one(
    tmp_path: Path, kind: type[JsonlSink | CsvSink], before: str, after: str
) -> None:
    path = tmp_path / "out"
    path.write_text(before)
    batch = pa.RecordBatch.from_pydict({"id": pa.array([2], pa.int64())})
    sink = kind(AppendFileConfig(path=path))
    sink.prepare(Shape(batch.schema), Plane.ARROW)
    sink.write(batch, Order())
    sink.close()
    assert path.read_text() == after


PAYLOADS: list[dict[str, object]] = [
    {"id": 1, "note": 'a "quote", a \\ and\na line, ü\u2028', "big": 2**60, "part": 0.1},
    {"id": 2, "note": None, "in": {"a": [1, None, True]}},
]


def test_dead_letters_read_the_same_whichever_way_they_were_written(tmp_path: Path) -> None:
    addresser = Addresser("postgres", "orders", "default", Redactor([]))
    letters = [
        addresser.envelope(
            payload, kind="Constraint", message="no", reason="partial", record_index=i, ts_ms=7
        )
        for i, payload in enumerate(PAYLOADS)
    ]
    sink = JsonlSink(AppendFileConfig(path=tmp_path / "out"))
    sink.prepare(Shape(envelope_schema), Plane.ARROW)
    sink.write(envelope_batch(letters), Order())
    sink.write_records(letters)
    sink.close()
    # As bytes: text would be cut at the separator in the note as well.
    lines = [json.loads(line) for line in (tmp_path / "out").read_bytes().splitlines()]
    assert lines == [*letters, *letters]


def test_half_a_pair_of_surrogates_is_kept_as_its_escape(tmp_path: Path) -> None:
    sink = JsonlSink(AppendFileConfig(path=tmp_path / "out"))
    sink.write_records([{"note": "\ud83d"}])
    sink.close()
    assert json.loads((tmp_path / "out").read_bytes()) == {"note": "\ud83d"}
