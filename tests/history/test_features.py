from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from bot.domain.connection import ConnectionId
from bot.domain.sync import JobKind, Sync, SyncStatus
from bot.history import features
from bot.history.store import History

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PLAIN = Sync(0, ConnectionId("a"), JobKind.SYNC, SyncStatus.SUCCEEDED, NOW)


def ago(job: int, hours: float, **changes: Any) -> Sync:
    created = NOW - timedelta(hours=hours)
    defaults: dict[str, Any] = {"duration": timedelta(seconds=60), "rows": 10, "bytes": 100}
    return replace(PLAIN, id=job, created_at=created, **(defaults | changes))


def one(history: History, **options: Any) -> dict[str, Any]:
    (row,) = features.per_connection(history, NOW, **options).to_pylist()
    assert isinstance(row, dict)
    return row


def test_an_empty_history_has_no_features(history: History) -> None:
    assert features.per_connection(history, NOW).num_rows == 0


def test_states_and_totals_are_counted_over_everything(history: History) -> None:
    history.upsert_syncs(
        [
            ago(1, 5000),
            ago(2, 9, status=SyncStatus.FAILED, rows=3, bytes=30),
            ago(3, 8, status=SyncStatus.CANCELLED),
            ago(4, 7, status=SyncStatus.RUNNING, rows=None, bytes=None),
            ago(5, 6, kind=JobKind.CLEAR),
        ]
    )
    row = one(history)
    assert (row["syncs"], row["succeeded"], row["failed"], row["cancelled"]) == (4, 1, 1, 1)
    assert (row["rows_total"], row["bytes_total"]) == (23, 230)
    assert row["recent_succeeded"] == 0
    assert row["run_seconds_p50"] is None


@pytest.mark.parametrize(
    ("states", "streak"),
    [("", 0), ("S", 0), ("F", 1), ("SF", 1), ("FSFF", 2), ("FFCF", 3), ("FFS", 0)],
)
def test_failures_in_a_row_count_since_the_last_success(
    history: History, states: str, streak: int
) -> None:
    names = {"S": SyncStatus.SUCCEEDED, "F": SyncStatus.FAILED, "C": SyncStatus.CANCELLED}
    history.upsert_syncs(
        [
            ago(job, len(states) - job, status=names[state])
            for job, state in enumerate("C" + states, start=-1)
        ]
    )
    assert one(history)["failures_in_a_row"] == streak


def test_the_future_is_not_looked_at(history: History) -> None:
    history.upsert_syncs([ago(1, 2), ago(2, 0), ago(3, -2)])
    assert one(history)["syncs"] == 1


def test_quantiles_are_exact_and_leave_queueing_out(history: History) -> None:
    random = np.random.default_rng(3)
    seconds = random.integers(60, 5000, 101)
    moved = random.integers(0, 10**6, 101)
    history.upsert_syncs(
        [
            ago(
                job,
                1 + job,
                duration=timedelta(seconds=int(seconds[job]) + 7),
                started_at=NOW - timedelta(hours=1 + job) + timedelta(seconds=7),
                rows=int(moved[job]),
            )
            for job in range(101)
        ]
    )
    row = one(history)
    ran = np.sort(seconds)
    assert row["run_seconds_p50"] == ran[50]
    assert row["run_seconds_p95"] == ran[95]
    assert row["rows_p50"] == np.sort(moved)[50]
    assert (row["queued_seconds_mean"], row["queued_known"]) == (7.0, 101)


def test_usual_means_recent(history: History) -> None:
    history.upsert_syncs([ago(1, 24 * 30, duration=timedelta(seconds=999)), ago(2, 24), ago(3, 25)])
    row = one(history, recent=timedelta(days=7))
    assert (row["recent_succeeded"], row["run_seconds_p95"]) == (2, 60)
