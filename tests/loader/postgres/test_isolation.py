"""Bad rows in an atomic slice: exactly they are set apart, each with its own error."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pyarrow as pa
import pytest

from bot.loader import sinks
from bot.loader.postgres.isolate import worth_jumping
from bot.loader.protocol import Mark, Order, SinkError, WriteResult
from bot.loader.rows import Plane, Reading, Shape
from bot.loader.sinks.postgres import PostgresSink, PostgresSinkConfig
from bot.loader.sources.postgres import PostgresSource, PostgresSourceConfig
from tests.servers.delay import delayed

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


@pytest.fixture
def far(database: str) -> Iterator[str]:
    """Connect through 5 ms, so that rows are staged."""
    there = urlsplit(database)
    assert there.hostname is not None
    assert there.port is not None
    with delayed(there.hostname, there.port, 5) as port:
        yield f"postgresql://postgres@{there.hostname}:{port}{there.path}"


@pytest.fixture(params=["near", "far", "guest"])
def url(request: pytest.FixtureRequest, database: str, far: str) -> str:
    """Connect near by, where few bad rows are jumped over; far away; or as a guest.

    A guest may not make temporary tables, and is far away too.
    """
    if request.param == "guest":
        return far.replace("//postgres@", f"//{_invite_guest(database)}@")
    return database if request.param == "near" else far


def _invite_guest(database: str) -> str:
    name = database.rsplit("/", 1)[1]
    with psycopg.connect(database, autocommit=True) as connection:
        for statement in (
            f'REVOKE TEMP ON DATABASE "{name}" FROM PUBLIC',
            "DROP ROLE IF EXISTS guest",
            "CREATE ROLE guest LOGIN",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO PUBLIC",
            "GRANT CREATE ON SCHEMA public TO PUBLIC",
        ):
            connection.execute(statement.encode())
    return "guest"


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


def _staging(database: str) -> list[tuple[int, int]]:
    """Count the staging tables of all sessions, and the bytes in them."""
    query = "SELECT count(*), coalesce(sum(pg_relation_size(oid)), 0)::bigint FROM pg_class"
    query += " WHERE relname = 'trimtab_staged'"
    with psycopg.connect(database) as connection:
        return connection.execute(query.encode()).fetchall()


def _count(database: str) -> int:
    with psycopg.connect(database) as connection:
        found = connection.execute("SELECT count(*) FROM target").fetchone()
    assert found is not None
    return int(found[0])


@pytest.mark.parametrize("plane", list(Plane))
@pytest.mark.parametrize(
    ("mode", "url"),
    # An upsert always stages its rows.
    [("append", "near"), ("append", "far"), ("append", "guest"), ("upsert", "near")],
    indirect=["url"],
)
def test_exactly_the_bad_rows_fail_with_their_own_errors(
    database: str, url: str, plane: Plane, mode: str
) -> None:
    bad = {row: found for row, found in BAD.items() if mode == "append" or row != 1000}
    _prepare(database, bad)
    shape, rows = _rows(database, plane)
    positions = {record["id"]: i for i, record in enumerate(_records(rows))}
    by_position = {positions.get(row, rows.num_rows): found for row, found in bad.items()}
    sink = _sink(url, mode=mode, key=["id"] if mode == "upsert" else [])
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
    database: str, url: str
) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE target (note text, id int)")
    schema = pa.schema([("note", pa.string()), ("id", pa.string())])
    values = [("a\nb\nc", "1"), ("x", "two"), ("", "3"), (None, "4"), ("\\N", "99999999999")]
    rows = pa.RecordBatch.from_pylist([{"note": n, "id": i} for n, i in values], schema=schema)
    sink = _sink(url)
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
    assert _staging(database) == [(1, 0)]
    sink.close()


def test_few_bad_rows_near_by_need_no_staging(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A busy machine is far from itself.
    monkeypatch.setattr(sinks.postgres, "round_trip_s", lambda _: 0.0001)
    _prepare(database, {3: BAD[3]})
    shape, rows = _rows(database, Plane.RAW)
    sink = _sink(database)
    sink.prepare(shape, Plane.RAW)
    for _ in range(2):
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("DELETE FROM target")
        assert sink.write(rows, Order(isolate=True)).written == 2999
    assert _staging(database) == [(0, 0)]
    sink.close()


@pytest.mark.parametrize("size", [1, 100, 10_000])
def test_jumping_is_worth_it_for_few_rows_and_short_ways(size: int) -> None:
    ways_s = [0.0001, 0.001, 0.01, 0.1]
    rows = [worth_jumping(size, way_s) for way_s in ways_s]
    assert rows == sorted(rows, reverse=True)
    assert rows[-1] == 0
    assert all(found <= size for found in rows)


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


LIMITED = """
CREATE DOMAIN code AS varchar(2);
CREATE TABLE target (
  id int, low varchar(3), code code, message numeric(4,1), place bit(3), words varchar(2)[]
)
"""


def test_a_value_that_is_too_long_is_refused_as_copy_refuses_it_and_never_cut(
    database: str, url: str
) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(LIMITED.encode())
    names = ["id", "low", "code", "message", "place", "words"]
    good = ["0", "abc", "de", "999.9", "101", "{ab}"]
    bad = ["x", "abcd", "def", "9999.9", "1011", "{abc}"]
    values = [good]
    for column, value in enumerate(bad):
        values += [[*good[:column], value, *good[column + 1 :]], good]
    schema = pa.schema([(name, pa.string()) for name in names])
    rows = pa.RecordBatch.from_pylist(
        [dict(zip(names, one, strict=True)) for one in values], schema=schema
    )
    sink = _sink(url)
    sink.prepare(Shape(schema), Plane.ARROW)
    result = sink.write(rows, Order(isolate=True))
    assert [failure.index for failure in result.failures] == [1, 3, 5, 7, 9, 11]
    with psycopg.connect(database) as connection:
        found = connection.execute("SELECT DISTINCT t::text, count(*) OVER () FROM target t")
        assert found.fetchall() == [("(0,abc,de,999.9,101,{ab})", 7)]
    sink.close()


def test_names_of_columns_do_not_meet_those_of_the_loader(database: str, url: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE target (place int, low int, code text, message text CHECK (code > ''))"
        )
    schema = pa.schema(
        [
            ("place", pa.int32()),
            ("low", pa.int32()),
            ("code", pa.string()),
            ("message", pa.string()),
        ]
    )
    values = [
        {"place": i, "low": i, "code": "" if i == 5 else "c", "message": "m"} for i in range(9)
    ]
    sink = _sink(url)
    sink.prepare(Shape(schema), Plane.ARROW)
    result = sink.write(pa.RecordBatch.from_pylist(values, schema=schema), Order(isolate=True))
    assert [failure.index for failure in result.failures] == [5]
    assert _count(database) == 8
    sink.close()


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_staged_rows_do_not_pile_up_from_slice_to_slice(database: str, far: str, mode: str) -> None:
    _prepare(database, {2999: BAD[2999]})
    shape, rows = _rows(database, Plane.RAW)
    sink = _sink(far, mode=mode, key=["id"] if mode == "upsert" else [])
    sink.prepare(shape, Plane.RAW)
    sizes: list[tuple[int, int]] = []
    for _ in range(3):
        sink.write(rows, Order(isolate=True))
        sizes += _staging(database)
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("DELETE FROM target")
    assert sizes == [(1, 0), (1, 0), (1, 0)]
    sink.close()


def test_a_lock_that_cannot_be_had_is_no_fault_of_the_rows(database: str) -> None:
    _prepare(database, {3: BAD[3]})
    shape, rows = _rows(database, Plane.RAW)
    sink = _sink(f"{database}?options=-c%20lock_timeout%3D100ms")
    sink.prepare(shape, Plane.RAW)
    sink.write(rows.slice(2000), Order(isolate=True))
    with psycopg.connect(database) as other:
        other.execute("LOCK TABLE parents IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(SinkError) as caught:
            sink.write(rows.slice(0, 2000), Order(isolate=True))
    assert caught.value.retry is not None
    assert sink.write(rows.slice(0, 2000), Order(isolate=True)).written == 2000
    sink.close()
