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
from bot.domain.sync import Attempt, Failure, JobKind, Sync, SyncStatus
from bot.domain.tenure import Tenure
from bot.domain.trouble import Cause, Trouble
from bot.history import tenures
from bot.history.store import History

START = datetime(2026, 3, 1, tzinfo=UTC)
SPACE = WorkspaceId("w")


def at(hour: int) -> datetime:
    return START + timedelta(hours=hour)


def look(history: History, hour: int, workers: int, cron: str, name: str = "s") -> None:
    source = Endpoint("s", name, "source-stripe", SPACE, {"num_workers": workers})
    link = Connection(
        ConnectionId("a"),
        "a",
        SourceId("s"),
        DestinationId("d"),
        SPACE,
        ConnectionStatus.ACTIVE,
        Cron(cron),
    )
    history.record_fleet(SPACE, [link], [source], [], at(hour))


def test_a_tenure_lasts_from_the_first_to_the_last_look_that_saw_the_value(
    history: History,
) -> None:
    look(history, 0, 4, "0 0 6 * * ?")
    look(history, 2, 4, "0 0 6 * * ?")
    look(history, 5, 8, "0 0 6 * * ?")
    assert tenures.of_knobs(history)["s"] == (
        Tenure({"num_workers": 4}, at(0), at(2)),
        Tenure({"num_workers": 8}, at(5), at(5)),
    )


def test_a_new_name_does_not_end_a_tenure(history: History) -> None:
    look(history, 0, 4, "0 0 6 * * ?")
    look(history, 2, 4, "0 0 7 * * ?", name="renamed")
    assert tenures.of_knobs(history)["s"] == (Tenure({"num_workers": 4}, at(0), at(2)),)


def test_what_was_gone_begins_anew(history: History) -> None:
    look(history, 0, 4, "0 0 6 * * ?")
    history.record_fleet(SPACE, [], [], [], at(1))
    look(history, 3, 4, "0 0 6 * * ?")
    found = [(each.first_seen, each.last_seen) for each in tenures.of_knobs(history)["s"]]
    assert found == [(at(0), at(0)), (at(3), at(3))]


def test_schedules_have_tenures_too(history: History) -> None:
    look(history, 0, 4, "0 0 6 * * ?")
    look(history, 2, 8, "0 0 6 * * ?")
    look(history, 4, 8, "0 0 7 * * ?")
    assert tenures.of_schedules(history)[ConnectionId("a")] == (
        Tenure(Cron("0 0 6 * * ?"), at(0), at(2)),
        Tenure(Cron("0 0 7 * * ?"), at(4), at(4)),
    )


def test_a_tenure_covers_both_its_ends() -> None:
    tenure = Tenure(1, at(1), at(2))
    assert [tenure.covers(at(hour)) for hour in (0, 1, 2, 3)] == [False, True, True, False]


def test_each_failed_attempt_is_a_trouble_of_its_sync(history: History) -> None:
    sync = Sync(7, ConnectionId("a"), JobKind.SYNC, SyncStatus.SUCCEEDED, at(1), at(2))
    history.upsert_syncs([sync])
    full = Failure("source", "system_error", "The source ran out of memory.")
    history.record_attempts(
        {7: [Attempt(0, "failed", at(1), failure=full), Attempt(1, "succeeded", at(1))]}
    )
    found = tenures.troubles(history, at(0), at(3))
    assert found == {ConnectionId("a"): (Trouble(at(1), Cause.OUT_OF_MEMORY),)}
    assert tenures.troubles(history, at(2), at(3)) == {}
