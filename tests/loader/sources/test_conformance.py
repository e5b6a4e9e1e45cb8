"""What every source promises, whatever it reads: the battery that each one passes."""

import csv
import json
import sqlite3
import sys
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
from bot.loader.protocol import Source, SourceError
from bot.loader.rows import Plane, Reading

ROWS = 1_037
PAGE = 100
SECRET = "swordfish"
Record = dict[str, Any]


@dataclass(frozen=True)
class Made:
    """A source over the same rows as every other one, and one over what is not there."""

    source: Source
    absent: Source


def records() -> list[Record]:
    return [
        {
            "id": i,
            "name": f"name {i}" if i % 7 else None,
            "score": i / 4,
            "ok": i % 2 == 0,
        }
        for i in range(ROWS)
    ]


def _make(kind: str, good: Record, bad: Record) -> Made:
    source = registry.find_source(kind)
    model = source.config_model
    common = {"batch_size": PAGE}
    return Made(source(model(**good, **common)), source(model(**bad, **common)))


def make_postgres(folder: Path, database: str, **how: str) -> Made:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE t (id bigint PRIMARY KEY, name text, score float8, ok boolean)"
        )
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO t VALUES (%(id)s, %(name)s, %(score)s, %(ok)s)", records()
            )
    absent = database.replace("postgres@", f"postgres:{SECRET}@")
    good = {"connection_url": database, **(how or {"table": "t"})}
    return _make("postgres", good, {"connection_url": absent, "table": "absent"})


def make_postgres_cursor(folder: Path, database: str) -> Made:
    return make_postgres(folder, database, query="SELECT * FROM t", cursor="score")


def make_postgres_query(folder: Path, database: str) -> Made:
    return make_postgres(folder, database, query="SELECT * FROM t")


def make_duckdb(folder: Path, database: str) -> Made:
    path, table = folder / "d.duckdb", pa.Table.from_pylist(records())
    with duckdb.connect(str(path)) as connection:
        connection.register("made", table)
        connection.execute("CREATE TABLE t AS SELECT * FROM made")
    return _make("duckdb", {"path": path, "table": "t"}, {"path": path, "table": "absent"})


def make_sqlite(folder: Path, database: str) -> Made:
    path = folder / "s.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (id INTEGER, name TEXT, score REAL, ok BOOLEAN)")
    connection.executemany("INSERT INTO t VALUES (:id, :name, :score, :ok)", records())
    connection.commit()
    connection.close()
    return _make("sqlite", {"path": path, "table": "t"}, {"path": path, "table": "absent"})


def make_csv(folder: Path, database: str) -> Made:
    path = folder / "c.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["id", "name", "score", "ok"])
        writer.writeheader()
        writer.writerows({**r, "ok": str(r["ok"]).lower()} for r in records())
    return _make("csv", {"path": path}, {"path": folder / "absent.csv"})


def make_jsonl(folder: Path, database: str) -> Made:
    path = folder / "j.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records()))
    return _make("jsonl", {"path": path}, {"path": folder / "absent.jsonl"})


def make_parquet(folder: Path, database: str) -> Made:
    table = pa.Table.from_pylist(records())
    for part in range(3):
        piece = table.slice(part * 400, 400)
        pyarrow.parquet.write_table(piece, folder / f"{part}.parquet", row_group_size=130)
    return _make("parquet", {"path": str(folder)}, {"path": str(folder / "absent")})


CONNECTOR = """
import json, sys
arguments = dict(zip(sys.argv[2::2], sys.argv[3::2]))
rows = json.load(open(json.load(open(arguments["--config"]))["rows"]))
def say(message): print(json.dumps(message), flush=True)
print("not a message of the protocol")
kinds = {"id": "integer", "score": "number", "ok": "boolean", "name": ["null", "string"]}
schema = {"properties": {n: {"type": kinds[n]} for n in ["id", "name", "score", "ok"]}}
stream = {"name": "t", "json_schema": schema, "source_defined_primary_key": [["id"]]}
if sys.argv[1] == "check":
    say({"type": "CONNECTION_STATUS", "connectionStatus": {"status": "SUCCEEDED"}})
if sys.argv[1] == "discover":
    say({"type": "CATALOG", "catalog": {"streams": [stream]}})
if sys.argv[1] == "read":
    done = 0
    if "--state" in arguments:
        done = json.load(open(arguments["--state"]))[0]["stream"]["stream_state"]["done"]
    for row in rows[done:]:
        say({"type": "RECORD", "record": {"stream": "t", "data": row, "emitted_at": 0}})
        done += 1
        if done % 90 == 0 or done == len(rows):
            descriptor = {"name": "t"}
            state = {"stream_descriptor": descriptor, "stream_state": {"done": done}}
            counts = {"recordCount": float(done)}
            say({"type": "STATE", "state": {"type": "STREAM", "stream": state, "sourceStats": counts}})
"""


def make_airbyte(folder: Path, database: str) -> Made:
    program, rows = folder / "connector.py", folder / "rows.json"
    program.write_text(CONNECTOR)
    rows.write_text(json.dumps(records()))
    kinds = {"id": "integer", "name": "string", "score": "number", "ok": "boolean"}
    schema = {"properties": {name: {"type": ["null", kind]} for name, kind in kinds.items()}}
    stream = {"name": "t", "json_schema": schema}
    catalog = {"streams": [{"stream": stream, "sync_mode": "incremental"}]}
    command = [sys.executable, str(program)]
    good = {"command": command, "config": {"rows": str(rows)}, "catalog": catalog}
    bad = {"command": [sys.executable, "-c", f"raise SystemExit('{'x' * 10} broke')"]}
    return _make("airbyte", good, bad)


MAKERS: list[Callable[[Path, str], Made]] = [
    make_postgres,
    make_postgres_cursor,
    make_postgres_query,
    make_duckdb,
    make_sqlite,
    make_csv,
    make_jsonl,
    make_parquet,
    make_airbyte,
]


@pytest.fixture(params=MAKERS, ids=lambda maker: maker.__name__.removeprefix("make_"))
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Made]:
    postgres = request.param.__name__.startswith("make_postgres")
    database = request.getfixturevalue("database") if postgres else ""
    found: Made = request.param(tmp_path, database)
    yield found
    found.source.close()
    found.absent.close()


def read(source: Source, plane: Plane, resume: Record | None = None) -> list[Record]:
    found = []
    for page in source.pages(Reading(plane, resume)):
        rows: Any = page.rows
        found += rows.to_pylist() if plane is Plane.ARROW else rows.records(range(rows.num_rows))
        assert page.rejects == ()
    return found


def test_every_row_arrives_once_with_the_schema_that_was_promised(made: Made) -> None:
    shape = made.source.shape()
    assert shape.schema.names == ["id", "name", "score", "ok"]
    for plane in shape.planes:
        assert sorted(read(made.source, plane), key=lambda r: r["id"]) == records()
    for page in made.source.pages(Reading()):
        rows: Any = page.rows
        assert rows.schema.equals(shape.schema)


def test_no_page_holds_more_than_it_may(made: Made) -> None:
    for plane in made.source.shape().planes:
        sizes = [page.rows.num_rows for page in made.source.pages(Reading(plane))]
        assert max(sizes) <= PAGE
        assert sum(sizes) == ROWS


def test_reading_goes_on_behind_any_page(made: Made) -> None:
    shape = made.source.shape()
    capabilities = made.source.capabilities
    for plane in shape.planes:
        pages = list(made.source.pages(Reading(plane)))
        if not capabilities.resumable:
            assert {page.bookmark for page in pages} == {None}
            continue
        everything = read(made.source, plane)
        done = 0
        for page in pages:
            done += page.rows.num_rows
            if page.bookmark is None:
                continue
            resume = json.loads(json.dumps(page.bookmark))
            if done in {pages[0].rows.num_rows, ROWS} or done % 500 < PAGE:
                assert read(made.source, plane, resume) == everything[done:]
        assert pages[-1].bookmark is not None


def test_a_positional_source_reads_the_same_rows_in_the_same_order(made: Made) -> None:
    planes = made.source.shape().planes
    if made.source.capabilities.positional:
        orders = [[r["id"] for r in read(made.source, plane)] for plane in (*planes, *planes)]
        assert all(order == orders[0] for order in orders)


def test_a_reading_can_be_left_after_its_first_page(made: Made) -> None:
    made.source.shape()
    pages = made.source.pages(Reading())
    next(pages)
    close = getattr(pages, "close")  # noqa: B009  a generator, though the protocol says iterator
    close()
    assert len(read(made.source, Plane.ARROW)) == ROWS


def test_what_is_not_there_is_one_sentence_without_secrets(made: Made) -> None:
    with pytest.raises(SourceError) as caught:
        made.absent.shape()
    assert isinstance(caught.value, LoaderError)
    assert "\n" not in caught.value.message
    assert "Traceback" not in caught.value.message
    checks = made.absent.check()
    assert not all(check.passed for check in checks)
    assert SECRET not in f"{caught.value}{checks}"


def test_what_is_there_passes_its_checks(made: Made) -> None:
    assert [check for check in made.source.check() if not check.passed] == []


def test_closing_is_safe_at_any_time(made: Made) -> None:
    made.source.close()
    made.source.shape()
    made.source.close()
    made.source.close()
