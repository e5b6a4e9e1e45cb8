from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.connection import ConnectionId
from bot.domain.sync import Attempt, Failure, JobKind, StreamStats, Sync, SyncStatus
from bot.history.store import History
from bot.history.workload import StreamTotal, limited_syncs, stream_totals

START = datetime(2026, 3, 2, tzinfo=UTC)
WEEK = timedelta(days=7)


def sync(number: int, hours: int, status: SyncStatus = SyncStatus.SUCCEEDED) -> Sync:
    created = START + timedelta(hours=hours)
    who = ConnectionId(f"c{number % 2}")
    return Sync(number, who, JobKind.SYNC, status, created, created + timedelta(minutes=5))


def failed(message: str, origin: str = "source") -> tuple[Attempt, ...]:
    return (Attempt(0, "failed", START, START, failure=Failure(origin, "transient", message)),)


def test_nothing_is_known_of_limits_before_somebody_looked(tmp_path: Path) -> None:
    with History.open(tmp_path / "h.duckdb") as store:
        store.upsert_syncs([sync(1, 1)])
        assert limited_syncs(store, START, START + WEEK) is None
        store.record_attempts({1: (Attempt(0, "succeeded", START, START),)})
        assert limited_syncs(store, START, START + WEEK) == []


@pytest.mark.parametrize(
    ("message", "origin", "counts"),
    [
        ("Rate limit exceeded by the source's API.", "source", True),
        ("HTTP 429 after 5 retries", "source", True),
        ("Too Many Requests", "replication", True),
        ("Quota has been exceeded for today", "source", True),
        ("request was throttled", "source", True),
        ("row 14290 is broken", "source", False),
        ("connection reset", "source", False),
        ("429 from the warehouse", "destination", False),
    ],
)
def test_a_source_that_has_had_enough_is_known_by_its_words(
    tmp_path: Path, message: str, origin: str, counts: bool
) -> None:
    with History.open(tmp_path / "h.duckdb") as store:
        store.upsert_syncs([sync(1, 1), sync(2, 2)])
        store.record_attempts({1: failed(message, origin), 2: failed("connection reset")})
        found = limited_syncs(store, START, START + WEEK)
        assert found == ([("c1", START + timedelta(hours=1))] if counts else [])
        assert limited_syncs(store, START + WEEK, START + 2 * WEEK) == []


def test_what_streams_moved_is_added_up_over_syncs_that_succeeded(tmp_path: Path) -> None:
    with History.open(tmp_path / "h.duckdb") as store:
        store.upsert_syncs([sync(1, 1), sync(3, 3), sync(5, 5, SyncStatus.FAILED), sync(7, 200)])
        one = (StreamStats("a", "n", 10, 100), StreamStats("b", None, None, None))
        store.record_streams(dict.fromkeys((1, 3, 5, 7), one))
        assert stream_totals(store, START, START + WEEK) == [
            StreamTotal(ConnectionId("c1"), "a", "n", 2, 20.0, 200.0),
            StreamTotal(ConnectionId("c1"), "b", None, 2, 0.0, 0.0),
        ]
