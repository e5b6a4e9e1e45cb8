from datetime import UTC, datetime, timedelta

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
from bot.domain.event import ConnectionEvent
from bot.domain.sync import Attempt, JobKind, StreamStats, Sync, SyncStatus
from bot.history import details, fleet, frames, retention, summary
from bot.history.store import History
from bot.history.syncs import Upserted

START = datetime(2026, 3, 1, tzinfo=UTC)
WORKSPACE = WorkspaceId("w1")


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def sync(job: int, on: float, status: SyncStatus = SyncStatus.SUCCEEDED) -> Sync:
    return Sync(job, ConnectionId("a"), JobKind.SYNC, status, day(on), day(on))


def look(history: History, on: float, cron: str, workers: int) -> None:
    connection = Connection(
        ConnectionId("a"),
        "a",
        SourceId("s"),
        DestinationId("d"),
        WORKSPACE,
        ConnectionStatus.ACTIVE,
        Cron(cron),
    )
    source = Endpoint("s", "s", "stripe", WORKSPACE, {"num_workers": workers})
    history.record_fleet(WORKSPACE, [connection], [source], [], day(on))


def test_old_syncs_go_with_what_only_they_needed(history: History) -> None:
    history.upsert_syncs([sync(1, 1), sync(2, 5), sync(3, 1, SyncStatus.RUNNING)])
    history.record_attempts({job: [Attempt(0, "succeeded", START)] for job in (1, 2)})
    history.record_streams({job: [StreamStats("a")] for job in (1, 2)})
    history.record_events(
        [ConnectionEvent(f"e{n}", ConnectionId("a"), "X", day(n)) for n in (1, 5)]
    )
    mine = history.begin_mine(WORKSPACE, day(1), None)
    history.advance_mine(mine, day(1), Upserted())

    expected = retention.Old(day(5), 1, day(1))
    assert retention.look(history, day(5)) == expected
    assert retention.prune(history, day(5)) == expected
    assert retention.prune(history, day(5)) == retention.Old(day(5), 0, None)

    assert history.execute("select job_id from syncs order by job_id") == [(2,), (3,)]
    assert not details.attempts_of(history, 1)
    assert not details.streams_of(history, 1)
    assert details.attempts_of(history, 2)
    assert details.streams_of(history, 2)
    assert [event.id for event in details.events_of(history, ConnectionId("a"))] == ["e5"]
    assert history.watermark(WORKSPACE) == day(1)
    assert summary.check(history) == ()


def test_the_settings_of_a_sync_that_stays_stay(history: History) -> None:
    history.upsert_syncs([sync(1, 0), sync(2, 3), sync(3, 9)])
    for on, cron, workers in ((1, "0 0 1 * * ?", 1), (2, "0 0 2 * * ?", 2), (8, "0 0 3 * * ?", 3)):
        look(history, on, cron, workers)
    retention.prune(history, day(3))
    assert [row["cron_expression"] for row in frames.terms(history).to_pylist()] == [
        "0 0 2 * * ?",
        "0 0 3 * * ?",
    ]
    assert fleet.sources(history, at=day(3))[0].knobs == {"num_workers": 2}
