from datetime import UTC, datetime, timedelta

from bot.domain.connection import ConnectionId, WorkspaceId
from bot.domain.sync import JobKind, Sync, SyncStatus
from bot.history import summary
from bot.history.store import History
from bot.history.syncs import Upserted

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORKSPACE = WorkspaceId("w1")


def sync(job: int, status: SyncStatus = SyncStatus.SUCCEEDED) -> Sync:
    created = NOON + timedelta(hours=job)
    length = timedelta(minutes=5)
    return Sync(
        job,
        ConnectionId(f"c{job % 2}"),
        JobKind.SYNC,
        status,
        created,
        created + length,
        created + timedelta(seconds=9),
        length,
        5,
        50,
    )


def test_an_empty_history_is_summed_up_and_sound(history: History) -> None:
    found = summary.summarise(history)
    assert (found.syncs, found.oldest_at, found.workspaces) == (0, None, ())
    assert summary.check(history) == ()


def test_a_summary_counts_and_tells_how_fresh_it_is(history: History) -> None:
    states = (SyncStatus.SUCCEEDED, SyncStatus.FAILED, SyncStatus.RUNNING, SyncStatus.CANCELLED)
    history.upsert_syncs([sync(job, status) for job, status in enumerate(states)], WORKSPACE)
    mine = history.begin_mine(WORKSPACE, NOON, None)
    mine = history.finish_mine(history.advance_mine(mine, NOON, Upserted(4)), NOON)
    found = summary.summarise(history)
    assert (found.connections, found.syncs) == (2, 4)
    assert (found.succeeded, found.failed, found.unfinished) == (1, 1, 1)
    assert (found.oldest_at, found.newest_at) == (NOON, NOON + timedelta(hours=3))
    assert found.workspaces == (summary.Freshness(WORKSPACE, NOON, mine),)


def test_the_last_syncs_come_back_as_they_were(history: History) -> None:
    history.upsert_syncs([sync(job) for job in range(6)])
    assert summary.last_syncs(history, ConnectionId("c1"), 2) == (sync(5), sync(3))
    assert summary.last_syncs(history, ConnectionId("nobody"), 2) == ()


def test_what_the_code_rules_out_is_found_when_somebody_writes_it(history: History) -> None:
    history.upsert_syncs([sync(1), sync(2)])
    history.execute("insert into syncs from syncs where job_id = 1")
    history.execute(
        "insert into attempts values (99, 0, 'failed', now(), null, 1, 1, null, null, null)"
    )
    assert summary.check(history) == (
        summary.Finding("job ids that are kept twice", 1),
        summary.Finding("attempts of syncs that are not kept", 1),
    )
