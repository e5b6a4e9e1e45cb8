"""Bad rows in an atomic slice: exactly they are set apart, each with its own error."""

from typing import Any

import psycopg
import pyarrow as pa
import pytest

from bot.loader.protocol import Mark, Order, SinkError, WriteResult
from bot.loader.rows import Plane, Reading, Shape
from bot.loader.sinks import postgres as sink_module
from bot.loader.sinks.postgres import PostgresSink, PostgresSinkConfig
from bot.loader.sources.postgres import PostgresSource, PostgresSourceConfig

TARGET = """
CREATE TABLE parents (id int PRIMARY KEY); INSERT INTO parents VALUES (1), (2);
CREATE TABLE target (
  id bigint PRIMARY KEY, country varchar(2), qty int NOT NULL CHECK (qty >= 0),
  parent int REFERENCES parents DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE origin (id bigint, country varchar(2), qty int, parent int);
INSERT INTO origin SELECT i, 'DE', i, 1 + i % 2 FROM generate_series(0, 2999) AS i;
"""
BAD = {
    3: ("qty = -1", "Constraint", "target_qty_check"),
    4: ("qty = NULL", "Constraint", "not-null"),
    1000: ("id = 999", "Constraint", "target_pkey"),
    1001: ("parent = 77", "Constraint", "parent"),
    2999: ("qty = -5", "Constraint", "target_qty_check"),
}


@pytest.fixture(params=["jump", "stage"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    slow = 0.0 if request.param == "stage" else 10.0
    monkeypatch.setattr(sink_module, "SLOW_ROUND_TRIP_S", slow)
    return str(request.param)


def _prepare(database: str, bad: dict[int, tuple[str, str, str]]) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(TARGET)
        for row, (change, _, _) in bad.items():
            connection.execute(f"UPDATE origin SET {change} WHERE id = {row}".encode())


def _rows(database: str, plane: Plane) -> tuple[Shape, Any]:
    query = "SELECT * FROM origin ORDER BY ctid"
    config = PostgresSourceConfig(connection_url=database, query=query, batch_size=5000)
    source = PostgresSource(config)
    shape = source.shape()
    (page,) = source.pages(Reading(plane))
    source.close()
    return shape, page.rows


def _sink(database: str, **config: Any) -> PostgresSink:
    return PostgresSink(PostgresSinkConfig(connection_url=database, table="target", **config))


def _count(database: str) -> int:
    with psycopg.connect(database) as connection:
        found = connection.execute("SELECT count(*) FROM target").fetchone()
    assert found is not None
    return int(found[0])


@pytest.mark.parametrize("plane", list(Plane))
@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_exactly_the_bad_rows_fail_with_their_own_errors(
    database: str, plane: Plane, mode: str, way: str
) -> None:
    bad = {row: found for row, found in BAD.items() if mode == "append" or row != 1000}
    _prepare(database, bad)
    shape, rows = _rows(database, plane)
    positions = {record["id"]: i for i, record in enumerate(_records(rows))}
    by_position = {positions.get(row, rows.num_rows): found for row, found in bad.items()}
    sink = _sink(database, mode=mode, key=["id"] if mode == "upsert" else [])
    sink.prepare(shape, plane)
    seen: list[WriteResult] = []

    def text(result: WriteResult) -> str:
        seen.append(result)
        return f"{result.written} written"

    result = sink.write(rows, Order(isolate=True, mark=Mark("scope", text)))

    found = {failure.index: failure for failure in result.failures}
    if mode == "append":
        # The row that repeats key 999 is the one that comes later in the slice.
        repeated = [i for i, record in enumerate(_records(rows)) if record["id"] == 999]
        by_position = {k: v for k, v in by_position.items() if k < rows.num_rows}
        by_position[max(repeated)] = BAD[1000]
    assert sorted(found) == sorted(by_position)
    for index, (_, kind, words) in by_position.items():
        assert found[index].kind == kind
        assert words in found[index].message
    assert result.written == rows.num_rows - len(bad) == _count(database)
    assert seen[-1] == result
    assert sink.mark("scope") == f"{result.written} written"
    sink.close()


def _records(rows: Any) -> list[dict[str, Any]]:
    if hasattr(rows, "records"):
        records: list[dict[str, Any]] = rows.records(range(rows.num_rows))
    else:
        records = rows.to_pylist()
    return records


def test_a_value_that_the_server_cannot_read_fails_alone_in_csv_with_line_breaks(
    database: str, way: str
) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE target (note text, id int)")
    schema = pa.schema([("note", pa.string()), ("id", pa.string())])
    values = [("a\nb\nc", "1"), ("x", "two"), ("", "3"), (None, "4"), ("\\N", "99999999999")]
    rows = pa.RecordBatch.from_pylist([{"note": n, "id": i} for n, i in values], schema=schema)
    sink = _sink(database)
    sink.prepare(Shape(schema), Plane.ARROW)

    result = sink.write(rows, Order(isolate=True))

    assert [failure.index for failure in result.failures] == [1, 4]
    assert {failure.kind for failure in result.failures} == {"Conversion"}
    assert 'type integer: "two"' in result.failures[0].message
    with psycopg.connect(database) as connection:
        found = connection.execute("SELECT note, id FROM target ORDER BY id").fetchall()
    assert found == [("a\nb\nc", 1), ("", 3), (None, 4)]
    sink.close()


def test_many_bad_rows_are_found_too(database: str) -> None:
    _prepare(database, {})
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("UPDATE origin SET qty = -1 WHERE id % 10 = 0")
    shape, rows = _rows(database, Plane.RAW)
    sink = _sink(database)
    sink.prepare(shape, Plane.RAW)
    result = sink.write(rows, Order(isolate=True))
    bad = [i for i, record in enumerate(_records(rows)) if record["qty"] == -1]
    assert [failure.index for failure in result.failures] == bad
    assert result.written == _count(database) == 2700
    sink.close()


def test_without_isolation_a_bad_row_fails_the_slice_and_nothing_is_kept(database: str) -> None:
    _prepare(database, {1500: BAD[3]})
    shape, rows = _rows(database, Plane.RAW)
    sink = _sink(database)
    sink.prepare(shape, Plane.RAW)
    with pytest.raises(SinkError, match="target_qty_check") as caught:
        sink.write(rows, Order(mark=Mark("scope", lambda result: "moved")))
    assert caught.value.kind == "Constraint"
    assert caught.value.retry is None
    assert _count(database) == 0
    assert sink.mark("scope") is None
    assert sink.write(rows.slice(0, 10), Order()).written == 10
    sink.close()
