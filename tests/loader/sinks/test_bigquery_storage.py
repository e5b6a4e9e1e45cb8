"""The Storage Write API: lost answers, refusals, streams that end, and types over the wire."""

import datetime as dt
import json
import re
import sys
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa
import pytest
from grpc import StatusCode as Code
from pydantic import ValidationError

from bot.domain.errors import ConfigError
from bot.loader.bigquery import connection
from bot.loader.bigquery.config import BigquerySinkConfig
from bot.loader.config import DlqBlock, SinkBlock
from bot.loader.dead_letters import DeadLetterQueue
from bot.loader.protocol import Order, RetryClass, SinkError, SliceTooLargeError
from bot.loader.rows import Plane, Shape
from bot.loader.sinks.bigquery import BigquerySink, StorageWriteSink
from tests.servers.bigquery import BigQueryServer, running_bigquery
from tests.servers.bigquery_storage import Fault, Storage

Json = dict[str, Any]
SCHEMA = pa.schema([pa.field("id", pa.int64(), nullable=False), ("name", pa.string())])
ISOLATE = Order(isolate=True)
RESET = "connection reset"


@pytest.fixture
def server() -> Iterator[BigQueryServer]:
    with running_bigquery() as running:
        yield running


def make(server: BigQueryServer, **more: Any) -> Any:
    config: Json = {"project_id": "p", "dataset_id": "warehouse", "table_id": "t"}
    config |= {"method": "storage_write", "auth": {"type": "anonymous"}, "api_endpoint": server.url}
    config |= {"storage_endpoint": server.storage.address, **more}
    return BigquerySink(BigquerySinkConfig.model_validate(config))


@pytest.fixture
def sink(server: BigQueryServer) -> Iterator[Any]:
    made = make(server)
    made.prepare(Shape(SCHEMA), Plane.ARROW)
    yield made
    made.close()


def batch(*ids: int | None) -> Any:
    rows = [{"id": n, "name": f"n{n}"} for n in ids]
    return pa.RecordBatch.from_pylist(
        rows, schema=pa.schema([("id", pa.int64()), ("name", pa.string())])
    )


def seen(server: BigQueryServer, sink: Any) -> list[int]:
    """Show what is staged, and return what the table has."""
    sink.flush()
    sink.publish(sink.position())
    return [row["id"] for row in server.rows.get("t", [])]


def lost(method: str = "AppendRows", **more: Any) -> Fault:
    return Fault(method, after=True, **more)


def test_slices_share_a_stream_and_a_connection(server: BigQueryServer, sink: Any) -> None:
    for n in range(5):
        assert sink.write(batch(2 * n, 2 * n + 1), Order()).written == 2
    assert server.rows.get("t", []) == []
    assert seen(server, sink) == list(range(10))
    assert server.storage.calls == ["CreateWriteStream", *["AppendRows"] * 5, "FlushRows"]
    assert len(server.storage.schemas) == 1, "the schema goes with the first request only"


@pytest.mark.parametrize("fault", [lost(), Fault("AppendRows"), lost(code=Code.INTERNAL)])
def test_a_lost_answer_is_found_out_at_the_same_offset(
    server: BigQueryServer, sink: Any, fault: Fault
) -> None:
    sink.write(batch(1), Order())
    server.storage.faults = [fault]
    assert sink.write(batch(2, 3), Order()).written == 2
    assert sink.write(batch(4), Order()).written == 1
    assert seen(server, sink) == [1, 2, 3, 4]
    assert server.storage.calls.count("CreateWriteStream") == 1


def test_a_slice_that_may_have_arrived_is_never_shown(server: BigQueryServer, sink: Any) -> None:
    sink.write(batch(1), Order())
    server.storage.faults = [lost(), Fault("AppendRows")]
    with pytest.raises(SinkError, match=RESET) as caught:
        sink.write(batch(2, 3), Order())
    assert caught.value.retry is RetryClass.CONNECTION
    assert [len(one.rows) for one in server.storage.streams.values()] == [3]
    # The loader cuts it smaller and tries again: other rows, then, at that offset.
    assert sink.write(batch(2), Order()).written == 1
    assert sink.write(batch(3), Order()).written == 1
    assert seen(server, sink) == [1, 2, 3]
    assert server.storage.calls.count("CreateWriteStream") == 2


@pytest.mark.parametrize("bad", [True, False])
def test_a_refusal_of_the_second_try_does_not_tell_what_became_of_the_first(
    server: BigQueryServer, sink: Any, bad: bool
) -> None:
    sink.write(batch(1), Order())
    refusal = Fault("AppendRows", Code.RESOURCE_EXHAUSTED, "Exceeds quota", in_band=True)
    server.storage.faults = [lost(), refusal]
    with pytest.raises(SinkError, match="Exceeds quota") as caught:
        sink.write(batch(2), Order())
    assert caught.value.retry is RetryClass.RATE_LIMITED
    if bad:
        server.storage.bad_row = lambda row: "odd" if row["id"] % 2 else None
    assert sink.write(batch(2, 4, 5), ISOLATE).written == (2 if bad else 3)
    assert seen(server, sink) == [1, 2, 4, *([] if bad else [5])]


def test_silence_is_a_timeout(
    server: BigQueryServer, sink: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "SECONDS", 0.2)
    server.storage.faults = [lost(seconds=1), Fault("AppendRows", seconds=1)]
    with pytest.raises(SinkError, match="no answer within") as caught:
        sink.write(batch(1), Order())
    assert caught.value.retry is RetryClass.TIMEOUT
    monkeypatch.setattr(connection, "SECONDS", 30.0)
    sink.write(batch(1), Order())
    assert seen(server, sink) == [1]


def test_rows_at_an_offset_that_was_never_sent_to_are_an_error(
    server: BigQueryServer, sink: Any
) -> None:
    sink.write(batch(1), Order())
    [stream] = server.storage.streams.values()
    stream.rows.append({"id": 99, "name": "of somebody else"})
    with pytest.raises(SinkError, match="the end is 2"):
        sink.write(batch(2), Order())
    sink.write(batch(2), Order())
    assert seen(server, sink) == [1, 2]


def test_bad_rows_are_set_apart_with_their_own_words(server: BigQueryServer, sink: Any) -> None:
    server.storage.bad_row = lambda row: f"id {row['id']} is\nodd" if row["id"] % 2 else None
    result = sink.write(batch(2, 3, 4, 5, 6), ISOLATE)
    assert [(f.index, f.kind, f.message) for f in result.failures] == [
        (1, "FIELDS_ERROR", "id 3 is odd"),
        (3, "FIELDS_ERROR", "id 5 is odd"),
    ]
    assert result.written == 3
    assert seen(server, sink) == [2, 4, 6]
    assert sink.write(batch(1, 3), ISOLATE).written == 0
    assert sink.position() == {}


def test_bad_rows_may_be_told_a_few_at_a_time(server: BigQueryServer, sink: Any) -> None:
    server.storage.bad_row = lambda row: f"id {row['id']}" if row["id"] in {1, 4, 5} else None
    server.storage.most_errors = 1
    result = sink.write(batch(1, 2, None, 3, 4, 5, 6), ISOLATE)
    assert [(failure.index, failure.message) for failure in result.failures] == [
        (0, "id 1"),
        (2, "Missing required field: id."),
        (4, "id 4"),
        (5, "id 5"),
    ]
    assert result.written == 3
    assert seen(server, sink) == [2, 3, 6]


def test_without_isolation_the_first_bad_row_is_named(server: BigQueryServer, sink: Any) -> None:
    server.storage.bad_row = lambda row: "odd" if row["id"] % 2 else None
    with pytest.raises(SinkError, match="row 1 of the slice: odd") as caught:
        sink.write(batch(2, 3, 5), Order())
    assert (caught.value.kind, caught.value.retry) == ("FIELDS_ERROR", None)
    assert sink.write(batch(4), Order()).written == 1
    assert seen(server, sink) == [4]
    assert server.storage.calls.count("CreateWriteStream") == 1


def test_a_request_above_the_limit_is_not_sent(server: BigQueryServer, sink: Any) -> None:
    wide = pa.RecordBatch.from_pylist(
        [{"id": n, "name": "x" * 2_000_000} for n in range(5)], schema=SCHEMA
    )
    with pytest.raises(SliceTooLargeError, match="5 rows make a request of"):
        sink.write(wide, Order())
    assert server.storage.calls == []
    assert sink.write(wide.slice(0, 4), Order()).written == 4, "gRPC's own limit is 4 MB"
    assert seen(server, sink) == [0, 1, 2, 3]


class Case(NamedTuple):
    """A status, whether the connection stays, and what the loader is told."""

    code: Code
    message: str
    in_band: bool
    kind: str
    retry: RetryClass | None = None


CASES = [
    Case(Code.RESOURCE_EXHAUSTED, "Exceeds quota", True, "RateLimited", RetryClass.RATE_LIMITED),
    Case(Code.RESOURCE_EXHAUSTED, "Exceeds quota", False, "RateLimited", RetryClass.RATE_LIMITED),
    Case(Code.RESOURCE_EXHAUSTED, "Received message larger than max", False, "TooLarge"),
    Case(Code.INVALID_ARGUMENT, "The request is too large", True, "TooLarge"),
    Case(Code.INVALID_ARGUMENT, "Malformed", True, "HttpStatus"),
    Case(Code.UNAVAILABLE, "Try later", True, "Connection", RetryClass.CONNECTION),
    Case(Code.UNAVAILABLE, "Try later", False, "Connection", RetryClass.CONNECTION),
    Case(Code.INTERNAL, "Oops", True, "HttpStatus", RetryClass.HTTP_5XX),
    Case(Code.ABORTED, "Aborted", True, "HttpStatus", RetryClass.HTTP_5XX),
    Case(Code.ABORTED, "Aborted", False, "HttpStatus", RetryClass.HTTP_5XX),
    Case(Code.PERMISSION_DENIED, "No rights", False, "Auth"),
    Case(Code.UNAUTHENTICATED, "Who?", False, "Auth"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_refusals_are_told_apart(server: BigQueryServer, sink: Any, case: Case) -> None:
    sink.write(batch(1), Order())
    fault = Fault("AppendRows", case.code, case.message, in_band=case.in_band)
    server.storage.faults = [fault, fault] if case.retry and not case.in_band else [fault]
    with pytest.raises(SinkError, match=re.escape(case.message)) as caught:
        sink.write(batch(2), Order())
    assert (caught.value.kind, caught.value.retry) == (case.kind, case.retry)
    assert isinstance(caught.value, SliceTooLargeError) == (case.kind == "TooLarge")
    assert bool(caught.value.hint) == (case.kind == "Auth")
    assert sink.write(batch(3), Order()).written == 1
    assert seen(server, sink) == [1, 3]
    assert server.storage.faults == []


def test_a_log_in_that_fails_is_no_outage_and_stays_secret(
    server: BigQueryServer, sink: Any
) -> None:
    words = "Getting metadata from plugin failed with error: swordfish"
    server.storage.faults = [Fault("CreateWriteStream", Code.UNAVAILABLE, words)]
    with pytest.raises(SinkError, match="cannot log in") as caught:
        sink.write(batch(1), Order())
    assert (caught.value.kind, caught.value.retry) == ("Auth", None)
    assert "swordfish" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(
            "AppendRows", Code.INVALID_ARGUMENT, "x", in_band=True, storage=Storage.STREAM_FINALIZED
        ),
        Fault("AppendRows", Code.NOT_FOUND, "no such stream"),
        Fault("AppendRows", Code.NOT_FOUND, "no such stream", in_band=True),
    ],
)
def test_a_stream_that_bigquery_ended_is_opened_anew(
    server: BigQueryServer, sink: Any, fault: Fault
) -> None:
    sink.write(batch(1), Order())
    assert seen(server, sink) == [1]
    server.storage.faults = [fault]
    assert sink.write(batch(2), Order()).written == 1
    assert seen(server, sink) == [1, 2]
    assert len(server.storage.streams) == 2


def test_a_stream_that_ended_with_rows_nobody_saw_keeps_the_state_from_counting_them(
    server: BigQueryServer, sink: Any
) -> None:
    sink.write(batch(1), Order())
    server.storage.streams.clear()
    with pytest.raises(SinkError, match="Not found"):
        sink.write(batch(2), Order())
    with pytest.raises(SinkError, match="1 rows that nobody has seen") as caught:
        sink.flush()
    assert caught.value.kind == "StreamLost"


def test_showing_rows_again_shows_them_once(server: BigQueryServer, sink: Any) -> None:
    sink.write(batch(1, 2), Order())
    position = sink.position()
    server.storage.faults = [lost("FlushRows")]
    with pytest.raises(SinkError, match=RESET) as caught:
        sink.publish(position)
    assert caught.value.retry is RetryClass.CONNECTION
    sink.publish(position)
    assert seen(server, sink) == [1, 2]


def test_a_later_run_is_told_when_there_is_nothing_left_to_show(
    server: BigQueryServer, sink: Any
) -> None:
    sink.write(batch(1), Order())
    position = json.loads(json.dumps(sink.position()))
    server.storage.streams.clear()
    with pytest.raises(SinkError, match="its first 1 rows were shown") as caught:
        sink.rewind(position)
    assert caught.value.kind == "StreamLost"
    assert "remove the state" in caught.value.hint


def test_a_position_of_another_table_is_refused(server: BigQueryServer, sink: Any) -> None:
    sink.write(batch(1), Order())
    other = make(server, table_id="other")
    with pytest.raises(SinkError, match="rows for another table") as caught:
        other.rewind(sink.position())
    assert "remove the state" in caught.value.hint
    other.close()


def test_fewer_rows_shown_than_asked_for_are_an_error(server: BigQueryServer, sink: Any) -> None:
    sink.write(batch(1, 2), Order())
    server.storage.most_shown = 1
    with pytest.raises(SinkError, match="1 of 2 rows were shown"):
        sink.publish(sink.position())
    server.storage.most_shown = None
    assert seen(server, sink) == [1, 2]


DAY, CLOCK = dt.date(1, 1, 1), dt.time(23, 59, 59, 999999)
LOCAL = dt.datetime(9999, 12, 31, 23, 59, 59, 999999)  # noqa: DTZ001  a DATETIME has no zone
MOMENT = LOCAL.replace(tzinfo=dt.UTC)
UID = uuid.UUID(int=2**127 + 5)
BIG = Decimal("12345678901234567890.0123456789")
TYPES: list[tuple[Any, Any, str, Any]] = [
    (pa.bool_(), True, "BOOLEAN", True),
    (pa.int8(), -128, "INTEGER", -128),
    (pa.int64(), -(2**63), "INTEGER", -(2**63)),
    (pa.uint8(), 255, "INTEGER", 255),
    (pa.uint64(), 2**63 - 1, "INTEGER", 2**63 - 1),
    (pa.float16(), 0.5, "FLOAT", 0.5),
    (pa.float32(), 0.5, "FLOAT", 0.5),
    (pa.float64(), 5e-324, "FLOAT", 5e-324),
    (pa.float64(), float("inf"), "FLOAT", float("inf")),
    (pa.decimal32(5, 2), Decimal("-0.01"), "BIGNUMERIC", Decimal("-0.01")),
    (pa.decimal128(38, 10), BIG, "BIGNUMERIC", BIG),
    (pa.decimal128(5, -2), Decimal(12300), "BIGNUMERIC", Decimal(12300)),
    (pa.decimal256(60, 30), BIG, "BIGNUMERIC", BIG),
    (pa.date32(), DAY, "DATE", DAY),
    (pa.date64(), DAY, "DATE", DAY),
    (pa.time32("s"), dt.time(1, 2, 3), "TIME", dt.time(1, 2, 3)),
    (pa.time64("us"), CLOCK, "TIME", CLOCK),
    (pa.time64("ns"), CLOCK, "TIME", CLOCK),
    (pa.timestamp("us"), LOCAL, "DATETIME", LOCAL),
    (pa.timestamp("s"), dt.datetime(1969, 1, 1), "DATETIME", dt.datetime(1969, 1, 1)),  # noqa: DTZ001
    (pa.timestamp("us", "UTC"), MOMENT, "TIMESTAMP", MOMENT),
    (
        pa.timestamp("ms", "Asia/Tokyo"),
        MOMENT.replace(microsecond=0),
        "TIMESTAMP",
        MOMENT.replace(microsecond=0),
    ),
    (pa.string(), "ä€𝄞\n\\N", "STRING", "ä€𝄞\n\\N"),
    (pa.large_string(), "", "STRING", ""),
    (pa.string_view(), "a longer piece of text", "STRING", "a longer piece of text"),
    (pa.dictionary(pa.int32(), pa.string()), "of few", "STRING", "of few"),
    (pa.binary(), b"\x00\xff", "BYTES", b"\x00\xff"),
    (pa.large_binary(), b"\\", "BYTES", b"\\"),
    (pa.binary(2), b"\x00\xff", "BYTES", b"\x00\xff"),
    (pa.binary_view(), b"\x00\xff", "BYTES", b"\x00\xff"),
    (pa.uuid(), UID, "STRING", str(UID)),
    (
        pa.json_(),
        '{"b" : 1.10,\n "big": 12345678901234567890.5}',
        "JSON",
        '{"b" : 1.10,\n "big": 12345678901234567890.5}',
    ),
    (pa.list_(pa.int64()), [1, None, 3], "JSON", "[1,null,3]"),
    (pa.struct([("a", pa.list_(pa.string()))]), {"a": ['"']}, "JSON", '{"a":["\\""]}'),
    (pa.month_day_nano_interval(), (1, 2, 3_000_000_000), "STRING", "1 month 2 days 00:00:03"),
    (pa.null(), None, "STRING", None),
]


@pytest.mark.parametrize(("kind", "value", "declared", "expected"), TYPES, ids=str)
def test_every_type_arrives_as_it_was(
    server: BigQueryServer, kind: Any, value: Any, declared: str, expected: Any
) -> None:
    sink = make(server)
    schema = pa.schema([pa.field("a column", kind), ("n", pa.int64())])
    sink.prepare(Shape(schema), Plane.ARROW)
    assert server.tables["t"]["schema"]["fields"][0]["type"] == declared
    plain = value.bytes if isinstance(value, uuid.UUID) else value
    values = pa.array([None, plain, None], kind) if kind != pa.null() else pa.nulls(3)
    rows = pa.RecordBatch.from_arrays([values, pa.array([1, 2, 3])], schema=schema)
    assert sink.write(rows.slice(1), Order()).written == 2
    sink.publish(sink.position())
    sink.close()
    assert [row["a column"] for row in server.rows["t"]] == [expected, None]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(2)])
def test_insert_all_sends_bytes_as_base64_whatever_holds_them(
    server: BigQueryServer, kind: Any
) -> None:
    sink = make(server, method="insert_all")
    schema = pa.schema([("value", kind)])
    sink.prepare(Shape(schema), Plane.ARROW)
    sink.write(pa.RecordBatch.from_arrays([pa.array([b"\x00\xff"], kind)], schema=schema), Order())
    sink.close()
    assert server.tables["t"]["schema"]["fields"][0]["type"] == "BYTES"
    assert server.rows["t"] == [{"value": "AP8="}]


@pytest.mark.parametrize(
    ("kind", "good", "bad", "words"),
    [
        (pa.uint64(), 5, 2**63, "not in range"),
        (pa.timestamp("ns"), 1_000, 1_001, "would lose data"),
        (pa.time64("ns"), 1_000, 1_001, "would lose data"),
        (pa.decimal256(76, 50), Decimal(1), Decimal("1E-50"), "would cause data loss"),
    ],
    ids=str,
)
def test_a_value_that_would_be_bent_is_a_bad_row(
    server: BigQueryServer, kind: Any, good: Any, bad: Any, words: str
) -> None:
    sink = make(server)
    schema = pa.schema([("value", kind), ("n", pa.int64())])
    sink.prepare(Shape(schema), Plane.ARROW)
    server.storage.bad_row = lambda row: "four" if row["n"] == 4 else None
    values = [good, bad, None, good, bad, good]
    rows = pa.RecordBatch.from_arrays([pa.array(values, kind), pa.array(range(6))], schema=schema)
    with pytest.raises(SinkError, match=f"row 1 of the slice: value: .*{words}"):
        sink.write(rows, Order())
    result = sink.write(rows, ISOLATE)
    assert [(f.index, f.kind) for f in result.failures] == [(1, "Conversion"), (4, "Conversion")]
    rows = rows.set_column(1, "n", pa.array([0, 1, 2, 4, 5, 6]))
    result = sink.write(rows, ISOLATE)
    assert [f.index for f in result.failures] == [1, 3, 4], "places are those of the slice"
    sink.publish(sink.position())
    sink.close()
    assert [row["n"] for row in server.rows["t"]] == [0, 2, 3, 5, 0, 2, 6]


def _declare(server: BigQueryServer, kind: str, mode: str = "NULLABLE") -> None:
    reference = {"projectId": "p", "datasetId": "warehouse", "tableId": "t"}
    fields = [{"name": "Value", "type": kind, "mode": mode}]
    server.tables["t"] = {"tableReference": reference, "schema": {"fields": fields}}


@pytest.mark.parametrize(
    ("kind", "value", "declared", "expected"),
    [
        (pa.decimal128(12, 2), Decimal("1.50"), "NUMERIC", Decimal("1.50")),
        (pa.decimal128(30, 10), Decimal("1.5"), "NUMERIC", Decimal("1.5")),
        (pa.decimal128(30, 0), Decimal(7), "INTEGER", 7),
        (pa.int64(), 2**62, "NUMERIC", 2**62),
        (pa.int64(), 7, "BIGNUMERIC", 7),
        (pa.int64(), 7, "FLOAT", 7.0),
        (pa.int64(), 7, "STRING", "7"),
        (pa.string(), "1.5", "BIGNUMERIC", Decimal("1.5")),
        (pa.string(), '{"a": 1}', "JSON", '{"a": 1}'),
        (pa.string(), "POINT(1 2)", "GEOGRAPHY", "POINT(1 2)"),
        (pa.json_(), "{}", "STRING", "{}"),
        (pa.list_(pa.int8()), [1], "STRING", "[1]"),
        (pa.timestamp("us"), LOCAL, "TIMESTAMP", MOMENT),
        (pa.date32(), DAY, "STRING", "0001-01-01"),
        (pa.null(), None, "BYTES", None),
    ],
    ids=str,
)
def test_a_table_that_was_there_gets_the_types_that_it_has(
    server: BigQueryServer, kind: Any, value: Any, declared: str, expected: Any
) -> None:
    _declare(server, declared)
    sink = make(server)
    schema = pa.schema([("value", kind)])
    sink.prepare(Shape(schema), Plane.ARROW)
    array = pa.array([value], kind)
    assert sink.write(pa.RecordBatch.from_arrays([array], schema=schema), Order()).written == 1
    sink.publish(sink.position())
    sink.close()
    assert server.rows["t"] == [{"Value": expected}], "named as the table has it"


@pytest.mark.parametrize(
    ("kind", "declared", "mode"),
    [
        (pa.list_(pa.int64()), "INTEGER", "REPEATED"),
        (pa.struct([("a", pa.int64())]), "RECORD", "NULLABLE"),
        (pa.binary(), "STRING", "NULLABLE"),
        (pa.int64(), "TIMESTAMP", "NULLABLE"),
        (pa.uuid(), "INTEGER", "NULLABLE"),
        (pa.string(), "TIME", "NULLABLE"),
        (pa.float64(), "NUMERIC", "NULLABLE"),
        # Arrow would round these without a word.
        (pa.decimal128(20, 0), "FLOAT", "NULLABLE"),
        (pa.string(), "FLOAT", "NULLABLE"),
    ],
    ids=str,
)
def test_a_column_that_cannot_take_a_type_is_refused_before_a_row_is_sent(
    server: BigQueryServer, kind: Any, declared: str, mode: str
) -> None:
    _declare(server, declared, mode)
    sink = make(server)
    with pytest.raises(SinkError, match=r"column 'value' is .*does not take") as caught:
        sink.prepare(Shape(pa.schema([("value", kind)])), Plane.ARROW)
    assert "insert_all" in caught.value.hint
    sink.close()


def test_the_method_makes_the_class(server: BigQueryServer) -> None:
    assert type(make(server)) is StorageWriteSink
    assert type(make(server, method="insert_all")) is BigquerySink
    config: Json = {"project_id": "p", "dataset_id": "d", "table_id": "t"}
    assert BigquerySinkConfig(**config).method == "insert_all"


def test_an_emulator_has_to_say_where_it_speaks_grpc(server: BigQueryServer) -> None:
    with pytest.raises(ValidationError, match="needs a storage_endpoint"):
        make(server, storage_endpoint=None)


def test_a_missing_package_is_named_with_what_to_install(
    server: BigQueryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "bot.loader.bigquery.storagewrite", raising=False)
    monkeypatch.setitem(sys.modules, "google.cloud.bigquery_storage_v1", None)
    with pytest.raises(ConfigError, match="bigquery_storage_v1") as caught:
        make(server)
    assert "trimtab[bigquery]" in caught.value.hint


def test_the_check_needs_both_apis(server: BigQueryServer) -> None:
    sink = make(server)
    assert [(one.name, one.passed) for one in sink.check()] == [
        ("dataset", True),
        ("storage write", True),
    ]
    server.storage.faults = [Fault("GetWriteStream", Code.PERMISSION_DENIED, "No rights")]
    [_, failed] = sink.check()
    assert (failed.passed, failed.hint != "") == (False, True)
    sink.close()


def test_dead_letters_are_seen_when_their_queue_is_flushed(server: BigQueryServer) -> None:
    sink = make(server)
    block = DlqBlock(sink=SinkBlock(type="bigquery", config=sink._config))
    queue = DeadLetterQueue(block, sink)
    queue.prepare()
    letter: Json = {
        "error": {"kind": "k", "message": "m"},
        "reason": "partial",
        "payload": {"id": 1},
    }
    letter |= {"ts_ms": 1, "sink": "s", "pipeline": "p", "row": "r", "record_index": 0}
    queue.write([letter])
    queue.flush()
    assert queue.position() is None
    queue.close()
    assert [json.loads(row["error"]) for row in server.rows["t"]] == [letter["error"]]
