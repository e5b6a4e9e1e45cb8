"""Every trap that corrupts data without an error, on every path: values come out as they went in.

Each case is checked by a sum over all columns, or value by value where a format has no sum.
"""

import csv
import json
import sqlite3
import struct
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet
import pytest

from bot.domain.errors import LoaderError
from bot.loader.pipeline import load_pipeline
from bot.loader.rows import Plane, Shape
from bot.loader.run import build_connectors, run_pipeline
from bot.loader.sinks.postgres import PostgresSink
from tests.servers.bigquery import running_bigquery

Json = dict[str, Any]
HAZARDS = """
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE TABLE origin (
  id bigint PRIMARY KEY, small smallint, word text, padded char(5), short varchar(4),
  exact numeric(30,10), money_like numeric(12,2), endless numeric, double float8, single float4,
  flag boolean, bytes bytea, day date, moment timestamptz, local timestamp, clock time, uid uuid,
  doc jsonb, raw json, list int[], grid int[][], feeling {mood}, span interval, net inet
);
INSERT INTO origin (id, word) VALUES (1, NULL), (2, ''), (3, '\\N'), (4, 'NULL'), (5, '"'), (6, ',');
INSERT INTO origin (id, word) VALUES (7, E'a\\tb\\nc\\r\\nd'), (8, E'\\\\.'), (9, 'ä€𝄞'), (10, ' x ');
INSERT INTO origin (id, word) VALUES (11, '00123'), (12, '1e5'), (13, '=1+1'), (14, E'\\u2028');
INSERT INTO origin VALUES (
  20, -32768, 'all', 'ab', 'abcd', 12345678901234567890.0123456789, 9999999999.99,
  123456789012345678901234567890123456789012345.678901, 0.1, 0.1, true, '\\x00ff5c4e',
  '0001-01-01', '9999-12-31 23:59:59.999999+00', '1969-12-31 23:59:59.999999',
  '23:59:59.999999', 'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '{{"n": 6.330, "big": 12345678901234567890.123456789, "s": "a\\nb"}}',
  '{{"b" : 1,\n "a": 1.10, "a": 2}}', '{{1,NULL,3}}', '{{{{1,2}},{{3,4}}}}', 'sad',
  '1 mon 2 days 03:04:05.000006', '2001:db8::1/64'
);
INSERT INTO origin (id, double, single, doc) VALUES (21, 1e308, 3.4028235e38, 'null'),
  (22, 4.9406564584124654e-324, 1e-45, '"text"'), (23, 9007199254740993, 16777217, '[]'),
  (24, -0.0, 1.1, '1.10');
INSERT INTO origin (id, exact, money_like) VALUES (25, 0.0000000001, 0.10), (26, -1, -0.01);
"""
ENDLESS = """
INSERT INTO origin (id, double, single) VALUES (30, 'NaN', 'Infinity'), (31, '-Infinity', 'NaN');
INSERT INTO origin (id, endless) VALUES (32, 'NaN');
"""
BEYOND_ARROW = """
INSERT INTO origin (id, day, moment, local) VALUES (33, 'infinity', '-infinity', 'infinity');
INSERT INTO origin (id, money_like) VALUES (34, 'NaN');
INSERT INTO origin (id, clock) VALUES (35, '24:00:00');
"""
SUM = "SELECT count(*), sum(hashtextextended(ROW(t.*)::text, 0)) FROM {} AS t"


def _execute(url: str, *scripts: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for script in scripts:
            connection.execute(script.encode())


def _query(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def _run(folder: Path, source: Json, sink: Json, *, dlq: bool = False) -> list[Json]:
    letters = folder / "letters.jsonl"
    pipeline: Json = {"source": source, "sink": sink, "state": {"type": "memory"}}
    if dlq:
        pipeline["dlq"] = {"sink": {"type": "jsonl", "config": {"path": str(letters)}}}
    path = folder / "pipeline.yaml"
    path.write_text(json.dumps({"version": 1, "name": "hazards", "pipeline": pipeline}))
    loaded = load_pipeline(path)
    connectors = build_connectors(loaded.config)
    run_pipeline(loaded, connectors, lambda event: None, threading.Event())
    lines = letters.read_text().splitlines() if letters.exists() else []
    return [json.loads(line) for line in lines]


def _from(url: str, table: str = "origin") -> Json:
    return {"type": "postgres", "config": {"connection_url": url, "table": table, "batch_size": 7}}


def _to(url: str, table: str = "target", **more: Any) -> Json:
    return {"type": "postgres", "config": {"connection_url": url, "table": table, **more}}


def test_the_raw_plane_keeps_everything(tmp_path: Path, database: str) -> None:
    _execute(database, HAZARDS.format(mood="text"), ENDLESS, BEYOND_ARROW)
    _run(tmp_path, _from(database), _to(database))
    assert _query(database, SUM.format("origin")) == _query(database, SUM.format("target"))
    types = "SELECT attname, atttypid, atttypmod FROM pg_attribute WHERE attrelid = '{}'::regclass"
    types += " AND attnum > 0 ORDER BY attnum"
    assert _query(database, types.format("origin")) == _query(database, types.format("target"))


@pytest.mark.parametrize("made_before", [True, False])
def test_the_arrow_plane_keeps_everything_and_sets_apart_what_it_cannot_hold(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch, *, made_before: bool
) -> None:
    # An enum belongs to its database: with one, rows do not travel undecoded.
    _execute(database, HAZARDS.format(mood="mood"), ENDLESS, BEYOND_ARROW)
    if made_before:
        _execute(database, "CREATE TABLE target (LIKE origin)")
    letters = _run(tmp_path, _from(database), _to(database), dlq=True)
    kept = "(SELECT * FROM {} WHERE id NOT IN (33, 34, 35))"
    assert _query(database, SUM.format(kept.format("origin"))) == _query(
        database, SUM.format("target")
    )
    assert [letter["payload"]["id"] for letter in letters] == [33, 34, 35]
    assert letters[0]["payload"]["day"] == "infinity"
    assert letters[0]["payload"]["moment"] == "-infinity"
    assert all("Arrow has no value for" in letter["error"]["message"] for letter in letters)


def test_storage_write_keeps_everything(tmp_path: Path, database: str) -> None:
    _execute(database, HAZARDS.format(mood="mood"), ENDLESS)
    with running_bigquery() as server:
        place = {"project_id": "p", "dataset_id": "warehouse", "table_id": "target"}
        endpoints = {"api_endpoint": server.url, "storage_endpoint": server.storage.address}
        method = {"method": "storage_write", "auth": {"type": "anonymous"}}
        _run(tmp_path, _from(database), {"type": "bigquery", "config": place | endpoints | method})
    found = {row["id"]: row for row in server.rows["target"]}
    with psycopg.connect(database, row_factory=psycopg.rows.dict_row) as connection:
        origin = connection.execute("SELECT * FROM origin").fetchall()
    exact = {"small", "word", "padded", "short", "exact", "money_like", "double", "single"}
    exact |= {"flag", "bytes", "day", "moment", "local", "clock"}
    for row in origin:
        kept = found[row["id"]]
        assert {n: _comparable(kept[n], n) for n in exact} == {
            n: _comparable(row[n], n) for n in exact
        }
    assert len(found) == len(origin)
    last = found[20]
    assert last["endless"] == "123456789012345678901234567890123456789012345.678901"
    assert last["uid"] == "ffffffff-ffff-ffff-ffff-ffffffffffff"
    doc = json.loads(last["doc"], parse_float=Decimal)
    assert doc["big"] == Decimal("12345678901234567890.123456789")
    assert last["raw"] == '{"b" : 1,\n "a": 1.10, "a": 2}'
    assert (last["list"], last["grid"]) == ("{1,NULL,3}", "{{1,2},{3,4}}")
    assert (last["feeling"], last["net"]) == ("sad", "2001:db8::1/64")


def _comparable(value: Any, name: str) -> Any:
    """Make numbers of one word length equal where they are, and NaN equal to itself."""
    if not isinstance(value, float):
        return value
    return struct.pack("f" if name == "single" else "d", value)


def test_binary_slices_keep_everything_too(tmp_path: Path, database: str) -> None:
    columns = "id, word, money_like, double, single, flag, bytes, day, moment, local, clock, uid,"
    columns += " doc, raw, small"
    _execute(
        database, HAZARDS.format(mood="text"), f"CREATE TABLE o AS SELECT {columns} FROM origin"
    )
    _execute(database, "CREATE TABLE target (LIKE o)", "ALTER TABLE target ALTER word TYPE varchar")
    _run(tmp_path, _from(database, "o"), _to(database))
    assert _query(database, SUM.format("o")) == _query(database, SUM.format("target"))


def test_a_time_that_arrow_would_bend_stops_a_run_without_a_queue(
    tmp_path: Path, database: str
) -> None:
    _execute(database, "CREATE TABLE origin AS SELECT 'infinity'::timestamptz AS moment")
    sink = {"type": "jsonl", "config": {"path": str(tmp_path / "out.jsonl")}}
    with pytest.raises(LoaderError, match="infinity"):
        _run(tmp_path, _from(database), sink)


def test_jsonl_keeps_digits_and_says_what_json_has_no_number_for(
    tmp_path: Path, database: str
) -> None:
    _execute(database, HAZARDS.format(mood="mood"), ENDLESS)
    path = tmp_path / "out.jsonl"
    _run(tmp_path, _from(database), {"type": "jsonl", "config": {"path": str(path)}})
    lines = path.read_text(encoding="utf-8").split("\n")
    assert lines.pop() == ""
    found = {one["id"]: one for one in (json.loads(line, parse_float=Decimal) for line in lines)}
    for key, word in _query(database, "SELECT id, word FROM origin"):
        assert found[key]["word"] == word
    everything = found[20]
    assert everything["exact"] == Decimal("12345678901234567890.0123456789")
    assert everything["money_like"] == Decimal("9999999999.99")
    assert everything["endless"] == "123456789012345678901234567890123456789012345.678901"
    assert everything["doc"]["n"] == Decimal("6.330")
    assert str(everything["doc"]["big"]) == "12345678901234567890.123456789"
    assert '"a": 1.10, "a": 2' in next(line for line in lines if '"id":20,' in line)
    assert everything["moment"] == "9999-12-31T23:59:59.999999+00:00"
    assert everything["grid"] == "{{1,2},{3,4}}"
    assert everything["bytes"] == "AP9cTg=="
    assert (found[30]["double"], found[30]["single"]) == ("NaN", "Infinity")
    assert (found[31]["double"], found[31]["single"]) == ("-Infinity", "NaN")
    doubles = dict(_query(database, "SELECT id, double FROM origin WHERE id BETWEEN 20 AND 24"))
    assert {key: float(found[key]["double"]) for key in doubles} == doubles


def test_csv_tells_null_from_empty_and_reads_back_what_it_wrote(
    tmp_path: Path, database: str
) -> None:
    _execute(database, HAZARDS.format(mood="mood"), ENDLESS)
    path = tmp_path / "out.csv"
    _run(tmp_path, _from(database), {"type": "csv", "config": {"path": str(path)}})
    _execute(database, "CREATE TABLE target (LIKE origin)")
    with psycopg.connect(database) as connection:
        loaded = "COPY target FROM STDIN (FORMAT csv, HEADER)"
        # COPY reads no base64: bytes are compared on their own.
        bare = path.read_bytes().replace(b'"AP9cTg=="', b"\\x00ff5c4e")
        with connection.cursor().copy(loaded.encode()) as copy:
            copy.write(bare)
    assert _query(database, SUM.format("origin")) == _query(database, SUM.format("target"))
    back = {"type": "csv", "config": {"path": str(path), "batch_size": 5}}
    again = tmp_path / "again.csv"
    _run(tmp_path, back, {"type": "csv", "config": {"path": str(again)}})
    with path.open(newline="") as one, again.open(newline="") as other:
        rows, read = list(csv.DictReader(one)), list(csv.DictReader(other))
    assert [row["word"] for row in rows] == [row["word"] for row in read]
    assert [row["exact"] for row in rows] == [row["exact"] for row in read]


@pytest.mark.parametrize("kind", ["duckdb", "parquet"])
def test_typed_stores_keep_types_and_values(tmp_path: Path, database: str, kind: str) -> None:
    _execute(database, HAZARDS.format(mood="mood"), ENDLESS)
    path = tmp_path / "store"
    config: Json = {"path": str(path), **({"table": "t"} if kind == "duckdb" else {})}
    _run(tmp_path, _from(database), {"type": kind, "config": config})
    _execute(database, "CREATE TABLE target (LIKE origin)")
    _run(tmp_path, {"type": kind, "config": {**config, "batch_size": 4}}, _to(database))
    assert _query(database, SUM.format("origin")) == _query(database, SUM.format("target"))


def test_sqlite_keeps_values_that_it_has_no_type_for(tmp_path: Path, database: str) -> None:
    _execute(database, HAZARDS.format(mood="mood"), ENDLESS)
    config = {"path": str(tmp_path / "s.sqlite"), "table": "t"}
    _run(tmp_path, _from(database), {"type": "sqlite", "config": config})
    connection = sqlite3.connect(config["path"])
    found = dict(connection.execute("SELECT id, exact FROM t WHERE exact IS NOT NULL").fetchall())
    words = dict(connection.execute("SELECT id, word FROM t").fetchall())
    (endless,) = connection.execute("SELECT double FROM t WHERE id = 30").fetchone()
    connection.close()
    assert found[20] == "12345678901234567890.0123456789"
    assert words == dict(_query(database, "SELECT id, word FROM origin"))
    assert endless == "NaN"


def test_json_text_goes_into_jsonb_as_json_and_null_as_null(database: str) -> None:
    schema = pa.schema([("doc", pa.json_())])
    rows = pa.RecordBatch.from_arrays(
        [pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a": 1}', None, "null"]))],
        schema=schema,
    )
    sink = PostgresSink(
        PostgresSink.config_model.model_validate({"connection_url": database, "table": "t"})  # type: ignore[arg-type]
    )
    sink.prepare(Shape(schema), Plane.ARROW)
    from bot.loader.protocol import Order

    sink.write(rows, Order())
    sink.close()
    kinds = _query(database, "SELECT jsonb_typeof(doc), doc IS NULL FROM t")
    assert kinds == [("object", False), (None, True), ("null", False)]


def test_a_csv_value_that_its_type_would_change_is_set_apart(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    head = "zip,price,at\n" + "".join(f"{n},{n}.5,2024-01-01\n" for n in range(1, 6))
    path.write_text(f"{head}00123,1.5,2024-01-01\n7,0.12345678901234567890,2024-01-01\n8,2,soon\n")
    out = {"type": "jsonl", "config": {"path": str(tmp_path / "out.jsonl")}}
    source: Json = {"type": "csv", "config": {"path": str(path), "batch_size": 5}}
    _run(tmp_path, source, out, dlq=True)
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    # One block held it all, so the columns are what all of it is.
    assert [row["zip"] for row in rows][-3:] == ["00123", "7", "8"]
    assert rows[-2]["price"] == "0.12345678901234567890"
    source["config"]["columns"] = {"zip": "integer", "price": "float", "at": "date"}
    letters = _run(tmp_path, source, out, dlq=True)
    assert [letter["payload"]["zip"] for letter in letters] == ["00123", "7", "8"]
    assert "columns: {zip: text}" in letters[0]["error"]["message"]


def test_a_jsonl_number_that_no_double_holds_is_kept_or_set_apart(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    good = '{"n": 1.5, "doc": {"x": 6.330}}\n'
    path.write_text(f'{good}{{"n": 0.12345678901234567890, "doc": null}}\n{good}')
    out = tmp_path / "out.jsonl"
    source: Json = {"type": "jsonl", "config": {"path": str(path), "batch_size": 1}}
    letters = _run(tmp_path, source, {"type": "jsonl", "config": {"path": str(out)}}, dlq=True)
    assert [letter["record_index"] for letter in letters] == [0]
    assert out.read_text().count("6.330") == 2


def test_a_sqlite_value_of_another_type_is_set_apart(tmp_path: Path) -> None:
    path = tmp_path / "in.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (id INTEGER, size INTEGER)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", [(1, 5), (2, "five"), (3, None)])
    connection.commit()
    connection.close()
    out = tmp_path / "out.duckdb"
    letters = _run(
        tmp_path,
        {"type": "sqlite", "config": {"path": str(path), "table": "t"}},
        {"type": "duckdb", "config": {"path": str(out), "table": "t"}},
        dlq=True,
    )
    assert [letter["payload"]["id"] for letter in letters] == [2]
    with duckdb.connect(str(out)) as database:
        assert database.sql("SELECT * FROM t").fetchall() == [(1, 5), (3, None)]
