"""Measure the history store: `python -m tests.bench.bench_history`, `SIZE=full` for 20 M syncs.

Every figure stands beside plain DuckDB doing the least that the same job needs, interleaved in the
same run. Each part runs in a process of its own, so that its peak memory is its own.
"""

import os
import resource
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import duckdb

from bot.history import features, frames
from bot.history.store import History
from tests.bench.fleet_rows import FIRST_SECOND, STEP_SECONDS, chunks

CONNECTIONS, SYNCS_EACH = {"quick": (2_000, 500), "full": (10_000, 2_000)}[
    os.environ.get("SIZE", "quick")
]
NOW = datetime.fromtimestamp(FIRST_SECOND + STEP_SECONDS * SYNCS_EACH, UTC)
ROUNDS = 5
PLAIN_TABLE = """
create table syncs (
    job_id bigint, connection_id varchar, kind varchar, status varchar, created_at timestamp_s,
    updated_at timestamp_s, duration_seconds integer, queued_seconds integer, rows bigint,
    bytes bigint
)
"""
COLUMNS = "connection_key, kind, status, created_at, duration_seconds, queued_seconds, rows, bytes"


class Clock:
    """Wall and CPU seconds of one piece of work, over several rounds."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Add one round."""
        wall, cpu = perf_counter(), process_time()
        yield
        self.wall.append(perf_counter() - wall)
        self.cpu.append(process_time() - cpu)


def peak_gb() -> float:
    """Return the greatest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def ingest(folder: str) -> list[str]:
    """Insert the same Arrow chunks into a bare DuckDB file and into a history, in turn."""
    plain, ours = Clock(), Clock()
    count = 0
    with (
        duckdb.connect(f"{folder}/plain.duckdb") as bare,
        History.open(f"{folder}/history.duckdb") as history,
    ):
        bare.execute("set enable_progress_bar = false")
        bare.execute(PLAIN_TABLE)
        for chunk in chunks(CONNECTIONS, SYNCS_EACH):
            with plain.timed():
                bare.register("chunk", chunk)
                bare.execute("insert into syncs by name select * from chunk")
            with ours.timed():
                history.upsert_table(chunk)
            count += chunk.num_rows
        again = Clock()
        for chunk in islice(chunks(CONNECTIONS, SYNCS_EACH), 3):
            with again.timed():
                assert history.upsert_table(chunk).unchanged == chunk.num_rows
        repeated = min(count, 3 * chunk.num_rows)
        page = Clock()
        for start in range(50):
            with page.timed():
                history.upsert_table(chunk.slice(start * 100, 100))
    sizes = [
        Path(f"{folder}/{name}.duckdb").stat().st_size / count for name in ("plain", "history")
    ]
    rate = count / sum(ours.wall)
    return [
        row("plain insert of the Arrow", sum(plain.wall), sum(plain.cpu), f"{sizes[0]:.0f} B/row"),
        row(
            "upsert, all new",
            sum(ours.wall),
            sum(ours.cpu),
            f"{rate / 1e6:.2f} M rows/s, {sizes[1]:.0f} B/row, "
            f"{sum(ours.wall) / sum(plain.wall):.2f} x plain",
        ),
        row(
            f"upsert again, {repeated / 1e6:.0f} M unchanged",
            sum(again.wall),
            sum(again.cpu),
            f"{repeated / sum(again.wall) / 1e6:.2f} M rows/s",
        ),
        row("upsert of one page of 100, median", median(page.wall), median(page.cpu), ""),
        f"{'peak memory of this part':<44} {peak_gb():.2f} GB",
    ]


def look(folder: str) -> list[str]:
    """Compute features beside two plain scans of the same columns, in turn."""
    hashed, out, ours = Clock(), Clock(), Clock()
    with (
        History.open(f"{folder}/history.duckdb", read_only=True) as history,
    ):
        for _ in range(ROUNDS):
            with hashed.timed():
                history.execute(f"select bit_xor(hash({COLUMNS})) from syncs")
            with ours.timed():
                assert features.per_connection(history, NOW).num_rows == CONNECTIONS
    memory = peak_gb()
    with duckdb.connect(f"{folder}/history.duckdb", read_only=True) as bare:
        for _ in range(ROUNDS):
            with out.timed():
                reader = bare.sql(f"select {COLUMNS} from syncs").to_arrow_reader(1_000_000)
                assert sum(batch.num_rows for batch in reader) == CONNECTIONS * SYNCS_EACH
    ratio = [median(ours.cpu) / median(scan.cpu) for scan in (hashed, out)]
    return [
        row("plain scan, every value hashed", median(hashed.wall), median(hashed.cpu), ""),
        row("plain scan, every value out to Arrow", median(out.wall), median(out.cpu), ""),
        row(
            f"features of {CONNECTIONS:,} x {SYNCS_EACH:,} syncs",
            median(ours.wall),
            median(ours.cpu),
            f"CPU {ratio[0]:.1f} x hashed, {ratio[1]:.1f} x out",
        ),
        f"{'peak memory of the features':<44} {memory:.2f} GB",
    ]


def window(folder: str) -> list[str]:
    """Pull the last 42 days as a frame, beside the bare query."""
    plain, ours, terms = Clock(), Clock(), Clock()
    since = NOW - timedelta(days=42)
    count = 0
    with History.open(f"{folder}/history.duckdb", read_only=True) as history:
        for _ in range(ROUNDS):
            with plain.timed():
                count = history.arrow(
                    f"select job_id, {COLUMNS} from syncs where created_at >= $since",
                    {"since": since.replace(tzinfo=None)},
                ).num_rows
            with ours.timed():
                assert frames.syncs(history, since, NOW).num_rows == count
            with terms.timed():
                assert frames.sync_terms(history, since, NOW).num_rows == count
    return [
        row("42 days, unsorted, plain", median(plain.wall), median(plain.cpu), f"{count:,} rows"),
        row(
            "42 days by connection and time",
            median(ours.wall),
            median(ours.cpu),
            f"CPU {median(ours.cpu) / median(plain.cpu):.1f} x plain",
        ),
        row("the settings that each ran under", median(terms.wall), median(terms.cpu), ""),
        f"{'peak memory of this part':<44} {peak_gb():.2f} GB",
    ]


def row(name: str, wall: float, cpu: float, note: str) -> str:
    """Lay out one line of the table."""
    return f"{name:<44} {wall:>9.3f} {cpu:>9.3f}  {note}"


def apart(part: Callable[[str], list[str]], folder: str) -> Any:
    """Run one part in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(part, folder).result()


def main() -> None:
    """Print the tables."""
    print(f"{CONNECTIONS * SYNCS_EACH:,} syncs of {CONNECTIONS:,} connections")
    with tempfile.TemporaryDirectory() as folder:
        for part in (ingest, look, window):
            print(f"\n{part.__name__:<44} {'wall s':>9} {'CPU s':>9}")
            print("\n".join(apart(part, folder)))


if __name__ == "__main__":
    main()
