"""kill -9 at random moments: no row is lost, none arrives twice, and the state is never ahead.

`make crash` runs every pair of source and sink with many more kills.
"""

import csv
import json
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow.parquet
import pytest

from bot.loader.state import Checkpoint, FileState
from tests.servers.bigquery import running_bigquery

ROWS = 2_000
PAGE = 100
BAD = frozenset(range(37, ROWS, 101))
FULL = int(os.environ.get("TRIMTAB_CRASHES", "0"))
Json = dict[str, Any]
_processes = multiprocessing.get_context("forkserver")


def run_once(path: str) -> None:
    """Run a pipeline in a process that may be killed at any moment."""
    from bot.loader.pipeline import load_pipeline
    from bot.loader.run import build_connectors, run_pipeline

    pipeline = load_pipeline(Path(path))
    connectors = build_connectors(pipeline.config)
    run_pipeline(pipeline, connectors, lambda event: None, threading.Event())


@dataclass(frozen=True)
class Case:
    """A pipeline, and how to look at what its sink holds: the ids, in any order.

    Args:
        folder: where its files are.
        config: the pipeline.
        held: returns the ids in the sink, up to the position in a checkpoint.
        bad: the ids that the sink refuses.
        clear: empties the sink.
        again: rows that a crash may deliver twice; only where the sink has no way to tell.
    """

    folder: Path
    config: Json
    held: Callable[[Checkpoint | None], list[int]]
    bad: frozenset[int]
    clear: Callable[[], None]
    again: int = 0

    @property
    def path(self) -> Path:
        return self.folder / "pipeline.yaml"

    def letters(self) -> list[int]:
        path = self.folder / "letters.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line)["payload"]["id"] for line in lines]

    def checkpoint(self) -> Checkpoint | None:
        return FileState(self.folder / "state").get("crash::default")


def _start(case: Case) -> Any:
    process = _processes.Process(target=run_once, args=[str(case.path)])
    process.start()
    return process


def _good(case: Case) -> list[int]:
    return [i for i in range(ROWS) if i not in case.bad]


def _assert_state_is_not_ahead(case: Case) -> None:
    """What lies before the bookmark is in the sink, or is a dead letter, or on its way there."""
    checkpoint = case.checkpoint()
    if checkpoint is None or checkpoint.bookmark is None:
        return
    held = set(case.held(checkpoint))
    letters = {one["payload"]["id"] for one in checkpoint.outbox} | set(case.letters())
    done = _done(checkpoint.bookmark)
    if done is None:
        assert len(held) + len(letters & case.bad) >= checkpoint.skip_records
        return
    lost = [i for i in range(done) if i not in held and i not in letters]
    assert lost == []


def _done(bookmark: Any) -> int | None:
    """Return how many ids lie before a bookmark, where it says so."""
    if "after" in bookmark:
        return int(bookmark["after"]["id"]) + 1
    if "rowid" in bookmark:
        return int(bookmark["rowid"])
    return int(bookmark["rows"]) if "rows" in bookmark else None


def crash(case: Case, kills: int, seed: int) -> None:
    """Kill a pipeline `kills` times; whenever it comes to its end, look, and start anew."""
    kinds = [("sources", "source"), ("sinks", "sink")]
    connectors = [
        f"bot.loader.{kind}.{case.config['pipeline'][one]['type']}" for kind, one in kinds
    ]
    modules = ["bot.loader.run", "bot.loader.pipeline", "bot.loader.sinks.jsonl", *connectors]
    if case.config["pipeline"]["sink"]["config"].get("method") == "storage_write":
        modules.append("bot.loader.bigquery.storagewrite")
    _processes.set_forkserver_preload(["tests.loader.test_crash", *modules])
    case.path.write_text(json.dumps(case.config))
    whole_s = 0.0
    for _ in range(2):  # the first one also starts the server that the others are forked from
        whole_s = _run_to_the_end(case)
    dice, killed, interrupted = random.Random(seed), 0, 0
    while killed < kills:
        process = _start(case)
        process.join(dice.uniform(0.1, 0.9) * whole_s)
        if process.is_alive():
            process.kill()
            process.join()
        if process.exitcode == -signal.SIGKILL:
            killed += 1
            interrupted += 1
            _assert_state_is_not_ahead(case)
        else:
            assert process.exitcode == 0
        checkpoint = case.checkpoint()
        if checkpoint is not None and checkpoint.finished and not _unseen(checkpoint):
            _assert_complete(case, interrupted)
            case.clear()
            interrupted = 0
    _run_to_the_end(case, interrupted)


def _unseen(checkpoint: Checkpoint) -> bool:
    """Tell whether the end of a load is still to be shown, which the next run does first."""
    return bool((checkpoint.sink_position or {}).get("streams"))


def _run_to_the_end(case: Case, interrupted: int = 0) -> float:
    started = time.monotonic()
    process = _start(case)
    process.join()
    assert process.exitcode == 0
    _assert_complete(case, interrupted)
    case.clear()
    return time.monotonic() - started


def _assert_complete(case: Case, interrupted: int) -> None:
    held = case.held(None)
    assert sorted(set(held)) == _good(case)
    assert len(held) - len(set(held)) <= case.again * interrupted
    assert sorted(case.letters()) == sorted(case.bad)


def make_source(kind: str, folder: Path, url: str) -> Json:
    """Make a source of `ROWS` rows: `id`, `note`, and `qty`, which is negative in the bad ones."""
    rows = [(i, f"note {i}" * 3, -1 if i in BAD else i % 50) for i in range(ROWS)]
    if kind == "postgres":
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE origin (id bigint PRIMARY KEY, note text, qty bigint)")
            connection.cursor().executemany("INSERT INTO origin VALUES (%s, %s, %s)", rows)
        return {"connection_url": url, "table": "origin"}
    path = folder / f"origin.{kind}"
    if kind == "sqlite":
        file = sqlite3.connect(path)
        file.execute("CREATE TABLE origin (id INTEGER PRIMARY KEY, note TEXT, qty INTEGER)")
        file.executemany("INSERT INTO origin VALUES (?, ?, ?)", rows)
        file.commit()
        file.close()
        return {"path": str(path), "table": "origin"}
    data = pyarrow.table(dict(zip(["id", "note", "qty"], zip(*rows, strict=True), strict=True)))
    if kind == "duckdb":
        with duckdb.connect(str(path)) as database:
            database.execute("CREATE TABLE origin AS SELECT * FROM data")
        return {"path": str(path), "table": "origin"}
    if kind == "parquet":
        pyarrow.parquet.write_table(data, path, row_group_size=700)
    if kind == "csv":
        with path.open("w", newline="") as text:
            csv.writer(text).writerows([["id", "note", "qty"], *rows])
    if kind == "jsonl":
        names = ["id", "note", "qty"]
        lines = (json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows)
        path.write_text("".join(lines))
    return {"path": str(path)}


def make_case(source: str, sink: str, folder: Path, url: str) -> Case:
    config: Json = {
        "version": 1,
        "name": "crash",
        "pipeline": {
            "source": {
                "type": source,
                "config": {**make_source(source, folder, url), "batch_size": PAGE},
            },
            "state": {"type": "file", "path": str(folder / "state")},
        },
        "execution": {
            "adaptive_batch_size": {"enabled": True, "min": 20, "increase_step": 20, "max": 90}
        },
    }
    made = {
        "postgres": _into_postgres,
        "duckdb": _into_duckdb,
        "sqlite": _into_sqlite,
        "csv": _into_csv,
        "jsonl": _into_jsonl,
        "parquet": _into_parquet,
    }[sink](folder, url)
    sink_config, held, clear, refuses = made
    config["pipeline"]["sink"] = {"type": sink, "config": sink_config}
    if refuses:
        letters = {"type": "jsonl", "config": {"path": str(folder / "letters.jsonl")}}
        config["pipeline"]["dlq"] = {"sink": letters}

    def clear_all() -> None:
        clear()
        (folder / "letters.jsonl").unlink(missing_ok=True)
        shutil.rmtree(folder / "state", ignore_errors=True)

    return Case(folder, config, held, BAD if refuses else frozenset(), clear_all)


Made = tuple[Json, Callable[[Checkpoint | None], list[int]], Callable[[], None], bool]
TARGET = "CREATE TABLE target (id bigint, note text, qty bigint CHECK (qty >= 0))"


def _into_postgres(folder: Path, url: str) -> Made:
    def held(checkpoint: Checkpoint | None) -> list[int]:
        with psycopg.connect(url) as connection:
            return [row[0] for row in connection.execute("SELECT id FROM target").fetchall()]

    def clear() -> None:
        with psycopg.connect(url) as connection:
            connection.execute("TRUNCATE target")

    with psycopg.connect(url) as connection:
        connection.execute(TARGET)
    return {"connection_url": url, "table": "target"}, held, clear, True


def _into_duckdb(folder: Path, url: str) -> Made:
    path = folder / "target.duckdb"

    def held(checkpoint: Checkpoint | None) -> list[int]:
        with duckdb.connect(str(path)) as connection:
            return [row[0] for row in connection.execute("SELECT id FROM target").fetchall()]

    def clear() -> None:
        with duckdb.connect(str(path)) as connection:
            connection.execute("DELETE FROM target")

    with duckdb.connect(str(path)) as connection:
        connection.execute(TARGET)
    return {"path": str(path), "table": "target"}, held, clear, True


def _into_sqlite(folder: Path, url: str) -> Made:
    path = folder / "target.sqlite"

    def query(text: str) -> list[int]:
        connection = sqlite3.connect(path)
        try:
            rows = connection.execute(text).fetchall()
            connection.commit()
        finally:
            connection.close()
        return [row[0] for row in rows]

    def held(checkpoint: Checkpoint | None) -> list[int]:
        return query("SELECT id FROM target")

    def clear() -> None:
        query("DELETE FROM target")

    query(TARGET)
    return {"path": str(path), "table": "target"}, held, clear, True


def _up_to(path: Path, checkpoint: Checkpoint | None) -> bytes:
    content = path.read_bytes() if path.exists() else b""
    position = checkpoint.sink_position if checkpoint is not None else None
    return content[: int(position["bytes"])] if position else content


def _into_jsonl(folder: Path, url: str) -> Made:
    path = folder / "target.jsonl"

    def held(checkpoint: Checkpoint | None) -> list[int]:
        return [json.loads(line)["id"] for line in _up_to(path, checkpoint).splitlines()]

    return {"path": str(path)}, held, lambda: path.unlink(missing_ok=True), False


def _into_csv(folder: Path, url: str) -> Made:
    path = folder / "target.csv"

    def held(checkpoint: Checkpoint | None) -> list[int]:
        lines = _up_to(path, checkpoint).decode().splitlines()
        return [int(row["id"]) for row in csv.DictReader(lines)]

    return {"path": str(path)}, held, lambda: path.unlink(missing_ok=True), False


def _into_parquet(folder: Path, url: str) -> Made:
    path = folder / "target"

    def held(checkpoint: Checkpoint | None) -> list[int]:
        parts = sorted(path.glob("*.parquet"))
        position = checkpoint.sink_position if checkpoint is not None else None
        known = parts[: int(position["parts"])] if position else parts
        return [i for p in known for i in pyarrow.parquet.read_table(p).column("id").to_pylist()]

    def clear() -> None:
        for part in path.glob("*"):
            part.unlink()

    return {"path": str(path)}, held, clear, False


@pytest.mark.slow
def test_postgres_to_postgres_survives_fifty_kills(tmp_path: Path, database: str) -> None:
    crash(make_case("postgres", "postgres", tmp_path, database), max(50, FULL), seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("sink", ["duckdb", "sqlite", "csv", "jsonl", "parquet"])
def test_every_sink_survives_five_kills(tmp_path: Path, database: str, sink: str) -> None:
    crash(make_case("postgres", sink, tmp_path, database), max(5, FULL), seed=2)


@pytest.mark.slow
@pytest.mark.parametrize("source", ["duckdb", "sqlite", "csv", "jsonl", "parquet"])
def test_every_source_is_resumed_after_kills(tmp_path: Path, database: str, source: str) -> None:
    crash(make_case(source, "postgres", tmp_path, database), max(3, FULL), seed=3)


@pytest.mark.slow
def test_bigquery_loses_nothing_and_repeats_no_more_than_a_page_a_kill(
    tmp_path: Path, database: str
) -> None:
    """Streaming has no transaction to put a mark into; standard output has nothing to look at."""
    case = make_case("postgres", "jsonl", tmp_path, database)
    with running_bigquery() as server:
        auth = {"type": "anonymous"}
        place = {"project_id": "p", "dataset_id": "warehouse", "table_id": "target"}
        sink = {**place, "auth": auth, "api_endpoint": server.url}
        case.config["pipeline"]["sink"] = {"type": "bigquery", "config": sink}

        def held(checkpoint: Checkpoint | None) -> list[int]:
            return [int(row["id"]) for row in server.rows.get("target", [])]

        def clear() -> None:
            server.rows.clear()
            case.clear()

        crash(replace(case, held=held, clear=clear, again=PAGE), max(5, FULL), seed=5)


@pytest.mark.slow
@pytest.mark.parametrize("ordered", [True, False])
def test_bigquery_storage_write_loses_nothing_and_repeats_nothing(
    tmp_path: Path, database: str, *, ordered: bool
) -> None:
    """Rows are staged and shown with the state: no order of the source is needed."""
    case = make_case("postgres", "jsonl", tmp_path, database)
    with running_bigquery() as server:
        server.storage.bad_row = lambda row: "refused" if row["qty"] < 0 else None
        place = {"project_id": "p", "dataset_id": "warehouse", "table_id": "target"}
        endpoints = {"api_endpoint": server.url, "storage_endpoint": server.storage.address}
        method = {"method": "storage_write", "auth": {"type": "anonymous"}}
        pipeline = case.config["pipeline"]
        pipeline["sink"] = {"type": "bigquery", "config": {**place, **endpoints, **method}}
        letters = {"type": "jsonl", "config": {"path": str(tmp_path / "letters.jsonl")}}
        pipeline["dlq"] = {"sink": letters}
        if not ordered:
            del pipeline["source"]["config"]["table"]
            pipeline["source"]["config"]["query"] = "SELECT * FROM origin ORDER BY random()"

        def held(checkpoint: Checkpoint | None) -> list[int]:
            staged = checkpoint.sink_position if checkpoint is not None else None
            ids = [int(row["id"]) for row in server.rows.get("target", [])]
            for name, rows in (staged or {}).get("streams", []):
                stream = server.storage.streams[name]
                ids += [int(row["id"]) for row in stream.rows[stream.seen : rows]]
            return ids

        def clear() -> None:
            server.rows.clear()
            case.clear()

        crash(replace(case, held=held, clear=clear, bad=BAD), max(5, FULL), seed=6)


if FULL:

    @pytest.mark.parametrize("source", ["duckdb", "sqlite", "csv", "jsonl", "parquet"])
    @pytest.mark.parametrize("sink", ["duckdb", "sqlite", "csv", "jsonl", "parquet"])
    def test_every_pair_survives(tmp_path: Path, database: str, source: str, sink: str) -> None:
        crash(make_case(source, sink, tmp_path, database), FULL, seed=4)
