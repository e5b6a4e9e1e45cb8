from datetime import UTC, datetime, timedelta

from bot.domain.connection import ConnectionId, ConnectionStatus, Stream, SyncMode
from bot.domain.sync import JobKind, Sync, SyncStatus


def test_states_of_newer_airbyte_versions_read_as_unknown_and_unfinished() -> None:
    assert SyncStatus("hibernating") is SyncStatus.UNKNOWN
    assert not SyncStatus("hibernating").is_terminal
    assert JobKind("backfill") is JobKind.UNKNOWN
    assert ConnectionStatus("napping") is ConnectionStatus.UNKNOWN


def test_waiting_is_told_apart_from_working_only_when_the_start_is_known() -> None:
    created = datetime(2026, 3, 1, tzinfo=UTC)
    sync = Sync(1, ConnectionId("c"), JobKind.SYNC, SyncStatus.SUCCEEDED, created)
    assert sync.queued is None
    late = Sync(
        1,
        ConnectionId("c"),
        JobKind.SYNC,
        SyncStatus.SUCCEEDED,
        created,
        started_at=created + timedelta(minutes=4),
    )
    assert late.queued == timedelta(minutes=4)


def test_stream_modes_are_read_by_what_they_cost() -> None:
    assert Stream("s", "full_refresh_overwrite_deduped").sync_mode is SyncMode.FULL_REFRESH
    assert Stream("s", "incremental_deduped_history").sync_mode is SyncMode.INCREMENTAL
    assert Stream("s", "telepathic").sync_mode is SyncMode.UNKNOWN
