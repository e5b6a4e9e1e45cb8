"""Real runs of a real connector, laid out as the history that a team would have of them.

`tests/data/real_syncs.jsonl` holds 280 runs of `airbyte-source-faker` 7.2.1 as a process, on two shared
cores, with `count`, `parallelism` and `records_per_slice` drawn anew for each. Each count becomes a
connection of its own that runs once a day, and somebody turns its knobs before each run.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bot.domain.connection import (
    Connection,
    ConnectionId,
    ConnectionStatus,
    Cron,
    DestinationId,
    Endpoint,
    SourceId,
    Stream,
    WorkspaceId,
)
from bot.domain.sync import JobKind, Sync, SyncStatus
from bot.history import fleet, syncs
from bot.history.store import History

FILE: Final = Path(__file__).parent / "data" / "real_syncs.jsonl"
SPACE: Final = WorkspaceId("00000000-0000-4000-8000-000000000001")
UNTIL: Final = datetime(2026, 11, 22, tzinfo=UTC)
SCALE: Final = 60
"""Seconds of history for a real second: Airbyte keeps whole ones, and these runs take about four."""
KNOBS: Final = ("parallelism", "records_per_slice")


@dataclass(frozen=True, slots=True)
class RealRun:
    """One run of the connector."""

    seconds: float
    rows: int
    size_bytes: int
    count: int
    knobs: Mapping[str, int]


def real_runs() -> list[RealRun]:
    """Read every run, in the order in which they were made."""
    found = []
    for line in FILE.read_text().splitlines():
        row = json.loads(line)
        knobs = {name: row["config"][name] for name in KNOBS}
        count = row["config"]["count"]
        found.append(RealRun(row["duration_s"], row["rows"], row["bytes"], count, knobs))
    return found


def connection_of(count: int) -> ConnectionId:
    """Return the id of the connection that reads so many users."""
    return ConnectionId(f"00000000-0000-4000-8000-{count:012d}")


def fill(history: History) -> None:
    """Write all runs, with the settings that each ran under."""
    by_count: dict[int, list[RealRun]] = defaultdict(list)
    for run in real_runs():
        by_count[run.count].append(run)
    days = max(map(len, by_count.values()))
    job = 0
    for day in range(days):
        at = UNTIL - timedelta(days=days - day) + timedelta(hours=2)
        now = {count: found[min(day, len(found) - 1)] for count, found in by_count.items()}
        fleet.record(history, _listing(now, at - timedelta(hours=1)))
        made = []
        for count, found in by_count.items():
            if day < len(found):
                job += 1
                made.append(_sync(job, connection_of(count), found[day], at))
        syncs.upsert(history, made, SPACE)


def _listing(now: Mapping[int, RealRun], at: datetime) -> fleet.Listing:
    return fleet.Listing(
        SPACE,
        tuple(_connection(count) for count in now),
        tuple(
            Endpoint(_source(count), f"Sample {count}", "faker", SPACE, dict(run.knobs))
            for count, run in now.items()
        ),
        (Endpoint("lake", "Lake", "s3", SPACE),),
        at,
    )


def _connection(count: int) -> Connection:
    return Connection(
        connection_of(count),
        f"sample {count}",
        _source(count),
        DestinationId("lake"),
        SPACE,
        ConnectionStatus.ACTIVE,
        Cron("0 0 2 * * ?"),
        (Stream("users", "full_refresh_overwrite"),),
    )


def _source(count: int) -> SourceId:
    return SourceId(f"source-{count}")


def _sync(job: int, connection: ConnectionId, run: RealRun, at: datetime) -> Sync:
    took = timedelta(seconds=round(run.seconds * SCALE))
    return Sync(
        job,
        connection,
        JobKind.SYNC,
        SyncStatus.SUCCEEDED,
        at,
        at + took,
        at,
        took,
        run.rows,
        run.size_bytes,
    )
