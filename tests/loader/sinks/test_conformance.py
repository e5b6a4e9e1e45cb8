"""What every sink promises, wherever it writes: the battery that each one passes."""

import csv
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet
import pytest

from bot.domain.errors import LoaderError
from bot.loader import registry
from bot.loader.protocol import (
    Anchor,
    Mark,
    Order,
    PositionedSink,
    RetryClass,
    Sink,
    SinkError,
    SliceTooLargeError,
    StagedSink,
    TransactionalSink,
)
from bot.loader.rows import Plane, Shape
from tests.servers.bigquery import running_bigquery

Record = dict[str, Any]
SCHEMA = pa.schema(
    [pa.field("id", pa.int64(), nullable=False), ("name", pa.string()), ("score", pa.float64())]
)
SHAPE = Shape(SCHEMA)


@dataclass(frozen=True)
class Made:
    """A sink, how to look at what it holds, and one that cannot work."""

    build: Callable[..., Sink]
    held: Callable[[], list[Record]]
    broken: Callable[[], Sink]


def batch(*rows: Record) -> Any:
    return pa.RecordBatch.from_pylist(list(rows), schema=SCHEMA)


def row(number: int) -> Record:
    return {
        "id": number,
        "name": f"ä{number}\n,\"'\t\\N" if number % 3 else None,
        "score": number / 8,
    }


ROWS = [row(number) for number in range(25)]
DATABASES = ("postgres", "duckdb", "sqlite")


def _builder(kind: str, **config: Any) -> Callable[..., Sink]:
    sink = registry.find_sink(kind)
    return lambda **more: sink(sink.config_model(**{**config, **more}))


def make_postgres(folder: Path, request: pytest.FixtureRequest) -> Made:
    url = request.getfixturevalue("database")

    def held() -> list[Record]:
        with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as connection:
            return connection.execute("SELECT * FROM t").fetchall()

    build = _builder("postgres", connection_url=url, table="t")
    broken = _builder(
        "postgres", connection_url="postgresql://u:swordfish@127.0.0.1:1/x", table="t"
    )
    return Made(build, held, broken)


def make_duckdb(folder: Path, request: pytest.FixtureRequest) -> Made:
    path = folder / "d.duckdb"

    def held() -> list[Record]:
        with duckdb.connect(str(path)) as connection:
            found: list[Record] = connection.sql("SELECT * FROM t").to_arrow_table().to_pylist()
            return found

    broken = folder / "text.duckdb"
    broken.write_text("not a database " * 1000)
    return Made(
        _builder("duckdb", path=path, table="t"), held, _builder("duckdb", path=broken, table="t")
    )


def make_sqlite(folder: Path, request: pytest.FixtureRequest) -> Made:
    path = folder / "s.sqlite"

    def held() -> list[Record]:
        connection = sqlite3.connect(path)
        try:
            rows = connection.execute("SELECT id, name, score FROM t").fetchall()
        finally:
            connection.close()
        return [dict(zip(SCHEMA.names, values, strict=True)) for values in rows]

    broken = folder / "text.sqlite"
    broken.write_text("not a database " * 1000)
    return Made(
        _builder("sqlite", path=path, table="t"), held, _builder("sqlite", path=broken, table="t")
    )


def make_csv(folder: Path, request: pytest.FixtureRequest) -> Made:
    path = folder / "made" / "c.csv"

    def held() -> list[Record]:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        return [
            {"id": int(r["id"]), "name": r["name"] or None, "score": float(r["score"])}
            for r in rows
        ]

    return Made(_builder("csv", path=path), held, _builder("csv", path=folder))


def make_jsonl(folder: Path, request: pytest.FixtureRequest) -> Made:
    path = folder / "made" / "j.jsonl"
    held = lambda: [json.loads(line) for line in path.read_text().splitlines()]  # noqa: E731
    return Made(_builder("jsonl", path=path), held, _builder("jsonl", path=folder))


def make_parquet(folder: Path, request: pytest.FixtureRequest) -> Made:
    path = folder / "parts"

    def held() -> list[Record]:
        parts = sorted(path.glob("*.parquet"))
        return [r for part in parts for r in pyarrow.parquet.read_table(part).to_pylist()]

    file = folder / "file"
    file.touch()
    return Made(
        _builder("parquet", path=str(path)), held, _builder("parquet", path=str(file / "below"))
    )


def make_bigquery(folder: Path, request: pytest.FixtureRequest) -> Made:
    server = request.getfixturevalue("bigquery")
    config: Record = {"project_id": "p", "dataset_id": "warehouse", "table_id": "t"}
    config |= {"auth": {"type": "anonymous"}, "api_endpoint": server.url}

    def held() -> list[Record]:
        rows = server.rows.get("t", [])
        return [{**r, "score": float(r["score"])} for r in rows]

    broken = _builder("bigquery", **{**config, "api_endpoint": "http://127.0.0.1:1"})
    return Made(_builder("bigquery", **config), held, broken)


def make_bigquery_storage(folder: Path, request: pytest.FixtureRequest) -> Made:
    server = request.getfixturevalue("bigquery")
    config: Record = {"project_id": "p", "dataset_id": "warehouse", "table_id": "t"}
    config |= {"method": "storage_write", "auth": {"type": "anonymous"}}
    config |= {"api_endpoint": server.url, "storage_endpoint": server.storage.address}
    nowhere = {"api_endpoint": "http://127.0.0.1:1", "storage_endpoint": "127.0.0.1:1"}
    return Made(
        _builder("bigquery", **config),
        lambda: list(server.rows.get("t", [])),
        _builder("bigquery", **{**config, **nowhere}),
    )


MAKERS = [
    make_postgres,
    make_duckdb,
    make_sqlite,
    make_csv,
    make_jsonl,
    make_parquet,
    make_bigquery,
    make_bigquery_storage,
]


@pytest.fixture
def bigquery() -> Iterator[Any]:
    with running_bigquery() as server:
        yield server


@pytest.fixture(params=MAKERS, ids=lambda maker: maker.__name__.removeprefix("make_"))
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    found: Made = request.param(tmp_path, request)
    return found


def write(sink: Sink, *slices: Any, order: Order = Order()) -> None:  # noqa: B008  frozen
    sink.prepare(SHAPE, Plane.ARROW)
    for rows in slices:
        assert sink.write(rows, order).written == rows.num_rows
    finish(sink)


def finish(sink: Sink) -> None:
    sink.flush()
    if isinstance(sink, StagedSink):
        sink.publish(sink.position())


def test_rows_arrive_as_they_were_and_a_later_run_adds_to_them(made: Made) -> None:
    for part in (slice(0, 10), slice(10, 25)):
        sink = made.build()
        assert sink.choose(SHAPE).plane is Plane.ARROW
        rows = batch(*ROWS[part])
        write(sink, rows.slice(0, 3), rows.slice(3))
        sink.close()
    assert made.held() == ROWS


def test_a_small_slice_arrives_whole(made: Made) -> None:
    sink = made.build()
    write(sink, batch(row(1)), batch(), batch(row(2)))
    sink.close()
    assert made.held() == [row(1), row(2)]


def test_looking_changes_nothing(made: Made) -> None:
    sink = made.build()
    assert [check for check in sink.check() if not check.passed] == []
    sink.choose(SHAPE)
    sink.close()
    try:
        held = made.held()
    except (OSError, duckdb.Error, psycopg.Error, sqlite3.Error):
        held = []  # there is no such file or table
    assert held == []


def test_a_refused_slice_leaves_nothing_where_the_sink_says_so(made: Made) -> None:
    sink = made.build()
    write(sink, batch(row(1)))
    if sink.capabilities.row_outcomes:
        bad = pa.RecordBatch.from_arrays(
            [pa.array([2, None, 3]), pa.array(["a", "b", "c"]), pa.array([1.0, 2.0, 3.0])],
            schema=pa.schema([("id", pa.int64()), ("name", pa.string()), ("score", pa.float64())]),
        )
        assert sink.capabilities.atomic_batch
        with pytest.raises(SinkError) as caught:
            sink.write(bad, Order())
        assert caught.value.retry is None
        assert "\n" not in caught.value.message
        sink.flush()
        result = sink.write(bad, Order(isolate=True))
        assert [failure.index for failure in result.failures] == [1]
        assert "id" in result.failures[0].message
        assert result.written == 2
        finish(sink)
    sink.close()
    expected = [1, 2, 3] if sink.capabilities.row_outcomes else [1]
    assert [record["id"] for record in made.held()] == expected


def test_writing_a_slice_again_changes_nothing_only_where_the_sink_says_so(made: Made) -> None:
    for config in ({}, {"mode": "upsert", "key": ["id"]}):
        if config and "mode" not in made.build().config_model.model_fields:
            continue
        sink = made.build(**({**config, "table": "t"} if config else {}))
        if config:
            _drop(made)
        write(sink, batch(*ROWS), batch(*ROWS))
        repeated = [*ROWS, *ROWS]
        expected = ROWS if sink.capabilities.replay_safe else repeated
        assert sink.capabilities.replay_safe == bool(config)
        sink.close()
        assert sorted(made.held(), key=lambda r: r["id"]) == sorted(expected, key=lambda r: r["id"])


def _drop(made: Made) -> None:
    build: Any = made.build()
    config = build._config
    if hasattr(config, "connection_url"):
        with psycopg.connect(config.connection_url.get_secret_value()) as connection:
            connection.execute("DROP TABLE t")
    else:
        config.path.unlink()


def test_the_last_of_several_rows_with_one_key_wins(made: Made) -> None:
    if "mode" not in made.build().config_model.model_fields:
        return
    sink = made.build(mode="upsert", key=["id"])
    first, last = {**row(1), "name": "first"}, {**row(1), "name": "last"}
    write(sink, batch(first, row(2), last), batch({**row(2), "name": "later"}))
    sink.close()
    found = {record["id"]: record["name"] for record in made.held()}
    assert found == {1: "last", 2: "later"}


def test_the_anchor_is_what_the_sink_says_it_is(made: Made) -> None:
    sink = made.build()
    anchor = sink.capabilities.anchor
    assert isinstance(sink, PositionedSink) == (anchor in {Anchor.POSITION, Anchor.STAGED})
    assert isinstance(sink, StagedSink) == (anchor is Anchor.STAGED)
    assert isinstance(sink, TransactionalSink) == (anchor is Anchor.TRANSACTION)
    write(sink, batch(row(1)))
    if isinstance(sink, StagedSink):
        _assert_only_what_a_position_names_is_shown(made, sink)
    elif isinstance(sink, PositionedSink):
        position = json.loads(json.dumps(sink.position()))
        write(sink, batch(row(2)))
        sink.write(batch(row(3)), Order())
        sink.close()
        sink = made.build()
        sink.prepare(SHAPE, Plane.ARROW)
        assert isinstance(sink, PositionedSink)
        sink.rewind(position)
        write(sink, batch(row(4)))
        later = sink.position()
        sink.rewind(position)
        with pytest.raises(SinkError, match="remove the state"):
            sink.rewind(later)
        assert made.held() == [row(1)]
    if isinstance(sink, TransactionalSink):
        assert sink.mark("scope") is None
        write(sink, batch(row(2)), order=Order(mark=Mark("scope", lambda r: f"{r.written}'\\")))
        write(sink, batch(), order=Order(mark=Mark("other", lambda r: "o")))
        assert sink.mark("scope") == "1'\\"
        sink.clear_mark("scope")
        sink.clear_mark("scope")
        assert (sink.mark("scope"), sink.mark("other")) == (None, "o")
    sink.close()


def _assert_only_what_a_position_names_is_shown(made: Made, sink: StagedSink) -> None:
    """`sink` has shown row 1."""
    assert sink.position() == {}
    sink.write(batch(row(2)), Order())
    sink.write(batch(row(3)), Order())
    assert made.held() == [row(1)]
    named = json.loads(json.dumps(sink.position()))
    sink.write(batch(row(4)), Order())
    sink.close()
    again = made.build()
    again.prepare(SHAPE, Plane.ARROW)
    assert isinstance(again, StagedSink)
    again.rewind(named)
    assert again.position() == {}
    again.publish(named)
    again.rewind(named)
    assert made.held() == [row(1), row(2), row(3)]
    write(again, batch(row(5)))
    again.close()
    assert made.held() == [row(1), row(2), row(3), row(5)]


def test_a_target_that_cannot_be_written_is_one_sentence(made: Made) -> None:
    sink = made.broken()
    checks = sink.check()
    assert not all(check.passed for check in checks)
    with pytest.raises(SinkError) as caught:
        write(sink, batch(row(1)))
    assert isinstance(caught.value, LoaderError)
    assert "\n" not in caught.value.message
    assert "swordfish" not in f"{caught.value}{checks}"
    sink.close()


def test_a_target_with_other_columns_is_refused_before_a_row_is_written(made: Made) -> None:
    sink = made.build()
    write(sink, batch(row(1)))
    sink.close()
    other = Shape(pa.schema([("id", pa.int64()), ("stranger", pa.string())]))
    sink = made.build()
    if type(sink).__name__ in {"JsonlSink", "ParquetSink"}:
        return  # each line, and each part, says its own columns
    with pytest.raises(SinkError, match="stranger"):
        sink.prepare(other, Plane.ARROW)
    sink.close()


def test_closing_is_safe_at_any_time(made: Made) -> None:
    sink = made.build()
    sink.close()
    write(sink, batch(row(1)))
    sink.close()
    sink.close()
    assert made.held() == [row(1)]


@pytest.mark.parametrize(
    ("status", "message", "kind", "retry"),
    [
        (413, "Request payload size exceeds the limit", SliceTooLargeError, None),
        (403, "Access Denied", SinkError, None),
        (400, "Invalid", SinkError, None),
    ],
)
def test_bigquery_refusals_are_told_apart(
    bigquery: Any, status: int, message: str, kind: type[SinkError], retry: RetryClass | None
) -> None:
    config = {"project_id": "p", "dataset_id": "warehouse", "table_id": "t"}
    sink = _builder("bigquery", **config, auth={"type": "anonymous"}, api_endpoint=bigquery.url)()
    sink.prepare(SHAPE, Plane.ARROW)
    bigquery.refusals.append((status, message))
    with pytest.raises(kind, match=message) as caught:
        sink.write(batch(row(1)), Order())
    assert caught.value.retry is retry
    assert sink.write(batch(row(1)), Order()).written == 1
    sink.close()


def test_standard_output_gets_a_line_a_row(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    sink = _builder("stdout")()
    write(sink, batch(*ROWS))
    sink.close()
    assert [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()] == ROWS
    assert not sink.capabilities.atomic_batch
