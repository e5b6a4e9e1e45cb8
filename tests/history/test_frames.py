import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.connection import (
    Connection,
    ConnectionId,
    ConnectionStatus,
    Cron,
    DestinationId,
    Endpoint,
    SourceId,
    WorkspaceId,
)
from bot.domain.sync import JobKind, Sync, SyncStatus
from bot.history import frames
from bot.history.store import History

START = datetime(2026, 3, 1, tzinfo=UTC)
WORKSPACE = WorkspaceId("w1")


def at(hour: float) -> datetime:
    return START + timedelta(hours=hour)


def sync(job: int, hour: float, connection: str = "a", **changes: Any) -> Sync:
    plain = Sync(
        job,
        ConnectionId(connection),
        JobKind.SYNC,
        SyncStatus.SUCCEEDED,
        at(hour),
        at(hour) + timedelta(seconds=100),
        duration=timedelta(seconds=100),
        rows=job,
        bytes=2 * job,
    )
    return replace(plain, **changes)


def test_a_window_holds_its_start_and_not_its_end(history: History) -> None:
    history.upsert_syncs([sync(1, 1), sync(2, 2), sync(3, 3)])
    table = frames.syncs(history, at(1), at(3))
    assert table.column("job_id").to_pylist() == [1, 2]


def test_syncs_come_by_connection_then_time_with_run_time_apart(history: History) -> None:
    history.upsert_syncs(
        [
            sync(3, 1, "b"),
            sync(2, 2, started_at=at(2) + timedelta(seconds=30)),
            sync(1, 1, status=SyncStatus.PENDING, duration=None, updated_at=None),
            sync(4, 1, kind=JobKind.RESET),
        ]
    )
    table = frames.syncs(history, at(0), at(9))
    assert table.column("connection_id").to_pylist() == ["a", "a", "b"]
    assert table.column("job_id").to_pylist() == [1, 2, 3]
    assert table.column("status").to_pylist() == ["pending", "succeeded", "succeeded"]
    assert table.column("run_seconds").to_pylist() == [None, 70, 100]
    assert table.column("queued_seconds").to_pylist() == [None, 30, None]
    assert str(table.to_pandas().dtypes["connection_id"]) == "category"


def test_an_empty_window_keeps_its_columns(history: History) -> None:
    table = frames.syncs(history, at(0), at(9))
    assert table.num_rows == 0
    assert "run_seconds" in table.column_names
    assert frames.sync_terms(history, at(0), at(9)).num_rows == 0
    assert frames.terms(history).num_rows == 0


@dataclass(frozen=True)
class Look:
    """What was listed at one hour; None is a connection that was not there."""

    hour: int
    cron: str | None
    source: str
    workers: dict[str, int]

    def record(self, history: History) -> None:
        connections = [] if self.cron is None else [self.connection(self.cron)]
        sources = [
            Endpoint(name, name, "stripe", WORKSPACE, {"num_workers": count})
            for name, count in self.workers.items()
        ]
        ends = [Endpoint("d", "d", "snowflake", WORKSPACE)]
        history.record_fleet(WORKSPACE, connections, sources, ends, at(self.hour))

    def connection(self, cron: str) -> Connection:
        return Connection(
            ConnectionId("a"),
            "a",
            SourceId(self.source),
            DestinationId("d"),
            WORKSPACE,
            ConnectionStatus.ACTIVE,
            Cron(cron),
        )


def looked_up(history: History) -> dict[int, tuple[Any, ...]]:
    """Read every sync's settings through the frames."""
    rows = frames.terms(history).to_pylist()
    assert [row["term"] for row in rows] == list(range(len(rows)))
    found = {}
    for line in frames.sync_terms(history, at(-999), at(999)).to_pylist():
        row = None if line["term"] is None else rows[line["term"]]
        found[line["job_id"]] = (
            line["certainty"],
            row and row["present"],
            row and row["cron_expression"],
            row and row["source_id"],
            row and json.loads(row["source_knobs"])["num_workers"],
        )
    return found


def expected(looks: Sequence[Look], hour: float) -> tuple[Any, ...]:
    """Say the same from the looks alone, without any notion of versions.

    A part that is not listed keeps what it was last seen with, and is gone.
    """
    there = [look for look in looks if look.cron is not None]
    if not there:
        return ("never_seen", None, None, None, None)
    first = there[0].hour
    before = [look for look in looks if look.hour <= hour and look.hour >= first]
    last = before[-1] if before else there[0]
    shown = [look for look in there if look.hour <= last.hour][-1]
    source = shown.source
    holding = [look for look in looks if source in look.workers]
    past = [look for look in holding if look.hour <= hour] or holding[:1]
    workers = past[-1].workers[source]
    return (None, last.cron is not None, shown.cron, source, workers)


def certain(looks: Sequence[Look], hour: float) -> bool:
    """Tell whether the looks on both sides of `hour` exist and show the same."""
    before = [look for look in looks if look.hour <= hour]
    after = [look for look in looks if look.hour >= hour]
    if not before or not after or before[-1].cron is None:
        return False
    left, right = before[-1], after[0]
    return (left.cron, left.source, left.workers[left.source]) == (
        right.cron,
        right.source,
        right.workers[right.source],
    )


looks_in_order = st.lists(
    st.builds(
        Look,
        hour=st.integers(0, 20),
        cron=st.none() | st.sampled_from(["0 0 1 * * ?", "0 0 2 * * ?"]),
        source=st.sampled_from(["s", "t"]),
        workers=st.fixed_dictionaries({"s": st.integers(1, 2), "t": st.integers(3, 4)}),
    ),
    max_size=6,
    unique_by=lambda look: look.hour,
).map(lambda looks: sorted(looks, key=lambda look: look.hour))


@settings(max_examples=30, deadline=None)
@given(looks=looks_in_order, hours=st.lists(st.integers(-3, 44), min_size=1, max_size=6))
def test_the_settings_of_a_past_sync_equal_a_brute_force_search(
    looks: list[Look], hours: list[int]
) -> None:
    halves = dict(enumerate((hour / 2 for hour in hours), start=1))
    with (
        tempfile.TemporaryDirectory() as folder,
        History.open(Path(folder) / "h.duckdb", threads=1) as history,
    ):
        history.upsert_syncs([sync(job, hour) for job, hour in halves.items()])
        for look in looks:
            look.record(history)
        found = looked_up(history)
    for job, hour in halves.items():
        certainty, *settings_found = found[job]
        assert settings_found == list(expected(looks, hour)[1:])
        there = [look.hour for look in looks if look.cron is not None]
        if not there:
            assert certainty == "never_seen"
        elif certain(looks, hour):
            assert certainty == "seen"
        elif certainty == "seen":
            pytest.fail(f"{hour} lies between looks that differ")


def test_each_kind_of_certainty_is_told_apart(history: History) -> None:
    history.upsert_syncs([sync(1, 0), sync(2, 2), sync(3, 6), sync(4, 8), sync(5, 2, "stranger")])
    for hour, cron in ((1, "0 0 1 * * ?"), (5, "0 0 1 * * ?"), (7, "0 0 2 * * ?")):
        Look(hour, cron, "s", {"s": 1}).record(history)
    found = looked_up(history)
    assert {job: row[0] for job, row in found.items()} == {
        1: "before_first_look",
        2: "seen",
        3: "between_looks",
        4: "between_looks",
        5: "never_seen",
    }
    assert found[4][2] == "0 0 2 * * ?"
