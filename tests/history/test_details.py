from datetime import UTC, datetime, timedelta

from bot.domain.connection import ConnectionId
from bot.domain.event import ConnectionEvent, SettingChange
from bot.domain.sync import Attempt, Failure, StreamStats
from bot.history import details
from bot.history.store import History

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIRST = Attempt(
    0, "failed", NOON, NOON + timedelta(minutes=3), 5, 50, Failure("source", "config_error", "no")
)
SECOND = Attempt(1, "succeeded", NOON + timedelta(minutes=4), NOON + timedelta(minutes=9), 10, 90)


def test_attempts_come_back_in_order(history: History) -> None:
    history.record_attempts({7: [SECOND, FIRST], 8: [FIRST]})
    assert details.attempts_of(history, 7) == (FIRST, SECOND)
    assert details.attempts_of(history, 9) == ()


def test_attempts_told_again_replace_what_was_known(history: History) -> None:
    history.record_attempts({7: [FIRST], 8: [FIRST]})
    history.record_attempts({7: [FIRST, SECOND]})
    history.record_attempts({})
    assert details.attempts_of(history, 7) == (FIRST, SECOND)
    assert details.attempts_of(history, 8) == (FIRST,)


def test_stream_totals_come_back_by_namespace_and_name(history: History) -> None:
    stats = (
        StreamStats("users", rows=3, bytes=30),
        StreamStats("charges", "eu", 1, 10, 0, was_backfilled=False, was_resumed=True),
    )
    history.record_streams({7: stats[::-1]})
    history.record_streams({7: stats})
    assert details.streams_of(history, 7) == stats


def test_an_event_is_kept_once(history: History) -> None:
    change = ConnectionEvent(
        "e1",
        ConnectionId("stripe"),
        "CONNECTION_SETTINGS_UPDATE",
        NOON,
        changes=(SettingChange("scheduleType", '"manual"', '"cron"'),),
    )
    failed = ConnectionEvent("e2", ConnectionId("stripe"), "SYNC_FAILED", NOON, job_id=7)
    assert history.record_events([failed, change, failed]) == 2
    assert history.record_events([change]) == 0
    assert history.record_events([]) == 0
    assert details.events_of(history, ConnectionId("stripe")) == (change, failed)
