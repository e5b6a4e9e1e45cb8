import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.connection import ConnectionId, WorkspaceId
from bot.domain.errors import HistoryError, InputError
from bot.domain.sync import JobKind, Sync, SyncStatus
from bot.history.store import History
from bot.history.syncs import Upserted, to_arrow

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
WORKSPACE = WorkspaceId("w1")


def sync(job: int, **changes: Any) -> Sync:
    created = MIDNIGHT + timedelta(minutes=job)
    ended = created + timedelta(seconds=90)
    plain = Sync(
        id=job,
        connection_id=ConnectionId(f"connection-{job % 3}"),
        kind=JobKind.SYNC,
        status=SyncStatus.SUCCEEDED,
        created_at=created,
        updated_at=ended,
        duration=timedelta(seconds=90),
        rows=10 * job,
        bytes=1000 * job,
    )
    return replace(plain, **changes)


def running(job: int) -> Sync:
    return sync(job, status=SyncStatus.RUNNING, updated_at=None, duration=timedelta(seconds=5))


def contents(history: History) -> list[tuple[Any, ...]]:
    return history.execute(
        "select job_id, connection_id, syncs.* exclude (job_id, connection_key) "
        "from syncs join connection_keys using (connection_key) order by job_id"
    )


def test_new_syncs_are_counted_and_kept(history: History) -> None:
    assert history.upsert_syncs([sync(1), sync(2)]) == Upserted(new=2)
    assert [row[0] for row in contents(history)] == [1, 2]


def test_the_same_syncs_again_change_nothing(history: History) -> None:
    history.upsert_syncs([sync(1), sync(2)])
    before = contents(history)
    assert history.upsert_syncs([sync(2), sync(1)]) == Upserted(unchanged=2)
    assert contents(history) == before


def test_a_repeat_inside_one_call_is_kept_once(history: History) -> None:
    assert history.upsert_syncs([running(1), sync(1), running(1)]) == Upserted(new=1, unchanged=2)
    assert history.unfinished(WORKSPACE) == []
    assert len(contents(history)) == 1


def test_an_ended_sync_replaces_a_running_one(history: History) -> None:
    history.upsert_syncs([running(1)], WORKSPACE)
    assert history.unfinished(WORKSPACE) == [1]
    assert history.upsert_syncs([sync(1)], WORKSPACE) == Upserted(changed=1)
    assert history.unfinished(WORKSPACE) == []


def test_a_stale_page_never_undoes_a_newer_one(history: History) -> None:
    history.upsert_syncs([sync(1)], WORKSPACE)
    assert history.upsert_syncs([running(1)], WORKSPACE) == Upserted(unchanged=1)
    assert history.unfinished(WORKSPACE) == []


def test_a_real_start_survives_a_reading_that_does_not_tell_it(history: History) -> None:
    started = MIDNIGHT + timedelta(minutes=1, seconds=40)
    history.upsert_syncs([replace(running(1), started_at=started)])
    history.upsert_syncs([sync(1)])
    assert history.execute("select queued_seconds, status from syncs") == [(40, "succeeded")]


def test_a_real_start_told_later_is_a_change(history: History) -> None:
    history.upsert_syncs([sync(1)])
    started = MIDNIGHT + timedelta(minutes=1, seconds=40)
    assert history.upsert_syncs([sync(1, started_at=started)]) == Upserted(changed=1)
    assert history.upsert_syncs([sync(1)]) == Upserted(unchanged=1)


def test_times_are_cut_to_the_second_and_nothing_else_is_lost(history: History) -> None:
    history.upsert_syncs(
        [sync(1, created_at=MIDNIGHT + timedelta(seconds=3, microseconds=999_999), rows=None)]
    )
    ((job, connection, kind, status, created, updated, duration, queued, rows, size),) = contents(
        history
    )
    assert (job, connection, kind, status) == (1, "connection-1", "sync", "succeeded")
    assert created == datetime(2026, 3, 1, 0, 0, 3)  # noqa: DTZ001  naive UTC is what is stored
    assert (duration, queued, rows, size) == (90, None, None, 1000)
    assert updated == datetime(2026, 3, 1, 0, 2, 30)  # noqa: DTZ001  as above


def test_one_history_holds_one_airbyte(history: History) -> None:
    history.upsert_syncs([sync(1), sync(2)])
    stranger = sync(2, connection_id=ConnectionId("someone-elses"))
    with pytest.raises(HistoryError, match="already holds") as refused:
        history.upsert_syncs([sync(5), stranger])
    assert "one Airbyte" in refused.value.hint
    assert [row[0] for row in contents(history)] == [1, 2], "nothing of the call may stay"


def test_a_failure_inside_a_transaction_leaves_nothing(history: History) -> None:
    def fail_halfway() -> None:
        with history.transaction():
            history.upsert_syncs([sync(1)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert contents(history) == []
    assert history.upsert_syncs([sync(1)]) == Upserted(new=1)


def test_columns_may_be_plain_strings_in_any_order(history: History) -> None:
    table = to_arrow([sync(1), sync(2)])
    plain = pa.table(
        {
            name: table.column(name).cast(pa.string())
            if pa.types.is_dictionary(table.schema.field(name).type)
            else table.column(name)
            for name in reversed(table.column_names)
        }
    )
    assert history.upsert_table(plain) == Upserted(new=2)
    assert history.upsert_syncs([sync(1), sync(2)]) == Upserted(unchanged=2)


def test_a_table_that_lacks_a_column_is_refused_by_name(history: History) -> None:
    with pytest.raises(InputError, match="lacks kind"):
        history.upsert_table(to_arrow([sync(1)]).drop_columns(["kind"]))


def test_no_syncs_are_no_work(history: History) -> None:
    assert history.upsert_syncs([]) == Upserted()


@st.composite
def readings(draw: st.DrawFn) -> Sync:
    job = draw(st.integers(1, 4))
    status = draw(st.sampled_from(SyncStatus))
    seconds = st.integers(0, 3)
    created = sync(job).created_at

    def maybe_later() -> datetime | None:
        return draw(st.none() | seconds.map(lambda s: created + timedelta(seconds=s)))

    return replace(
        sync(job),
        status=status,
        kind=draw(st.sampled_from([JobKind.SYNC, JobKind.RESET])),
        started_at=maybe_later(),
        updated_at=maybe_later(),
        duration=draw(st.none() | seconds.map(lambda s: timedelta(seconds=s))),
        rows=draw(st.none() | st.integers(0, 2)),
        bytes=draw(st.none() | st.integers(0, 2)),
    )


def after(calls: Sequence[Sequence[Sync]]) -> list[tuple[Any, ...]]:
    with (
        tempfile.TemporaryDirectory() as folder,
        History.open(Path(folder) / "h.duckdb", threads=1) as history,
    ):
        for call in calls:
            history.upsert_syncs(call)
        return contents(history)


@settings(max_examples=25, deadline=None)
@given(seen=st.lists(readings(), min_size=1, max_size=8), data=st.data())
def test_order_repeats_and_grouping_of_readings_do_not_matter(
    seen: list[Sync], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(seen + seen[:2]))
    cut = data.draw(st.integers(0, len(shuffled)))
    assert after([seen]) == after([shuffled[:cut], shuffled[cut:], seen[:1]])
