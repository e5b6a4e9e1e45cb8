"""Records into Arrow and back: nothing bent, and what does not fit named with its column."""

import datetime as dt
import json
import math
import uuid
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from bot.loader.dead_letters import envelope_batch, json_value
from bot.loader.records import batch_of
from bot.loader.rows import records_of

SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        ("amount", pa.decimal128(38, 10)),
        ("ratio", pa.float64()),
        ("at", pa.timestamp("us", "UTC")),
        ("day", pa.date32()),
        ("time", pa.time64("us")),
        ("uid", pa.uuid()),
        ("doc", pa.json_()),
        ("raw", pa.binary()),
        ("ok", pa.bool_()),
        ("tags", pa.list_(pa.string())),
        ("name", pa.string()),
    ]
)
RECORD: dict[str, Any] = {
    "id": 2**63 - 1,
    "amount": Decimal("1234567890123456789012345678.0123456789"),
    "ratio": 0.1,
    "at": dt.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC),
    "day": dt.date(1, 1, 1),
    "time": dt.time(23, 59, 59, 999999),
    "uid": uuid.UUID(int=7),
    "doc": '{"n": 6.330}',
    "raw": b"\x00\xff",
    "ok": True,
    "tags": ["a", None],
    "name": "\\N\tä\x00",
}


def through_json(record: dict[str, Any]) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(json.dumps(json_value(record)))
    return value


def test_every_value_survives_the_way_through_a_dead_letter() -> None:
    batch, rejects = batch_of([through_json(RECORD)], SCHEMA)
    assert rejects == ()
    assert records_of(batch, [0]) == [RECORD]


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_infinities_survive(value: float) -> None:
    batch, _ = batch_of([through_json({"id": 1, "ratio": value})], SCHEMA)
    assert records_of(batch, [0])[0]["ratio"] == value


def test_nan_survives() -> None:
    batch, _ = batch_of([through_json({"id": 1, "ratio": math.nan})], SCHEMA)
    assert math.isnan(records_of(batch, [0])[0]["ratio"])


@pytest.mark.parametrize(
    ("record", "column"),
    [
        ({"id": None}, "id"),
        ({"id": "seven"}, "id"),
        ({"id": 1, "amount": "ten"}, "amount"),
        ({"id": 1, "at": "yesterday"}, "at"),
        ({"id": 1, "uid": "no"}, "uid"),
        ({"id": 1, "raw": "%%%"}, "raw"),
        ({"id": 1, "ratio": True}, "ratio"),
        ({"id": 1, "extra": 1}, "extra"),
        ({"id": 2**63}, "id"),
    ],
)
def test_what_does_not_fit_is_set_apart_with_its_place(record: dict[str, Any], column: str) -> None:
    batch, rejects = batch_of([{"id": 1}, record, {"id": 3}], SCHEMA)
    assert batch.column("id").to_pylist() == [1, 3]
    assert [(reject.index, reject.record) for reject in rejects] == [(1, record)]
    assert column in rejects[0].message


def test_big_integers_stay_whole_in_envelopes() -> None:
    envelope = {
        "error": {"kind": "k", "message": "m"},
        "reason": "partial",
        "payload": {"n": 2**64 - 1},
        "ts_ms": 1,
        "sink": "s",
        "pipeline": "p",
        "row": "r",
        "record_index": 0,
    }
    batch = envelope_batch([envelope])
    assert json.loads(batch.to_pylist()[0]["payload"]) == {"n": 2**64 - 1}
