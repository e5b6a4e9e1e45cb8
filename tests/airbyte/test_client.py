from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.airbyte.access import Access
from bot.airbyte.client import Airbyte, SyncQuery
from bot.airbyte.pages import Unread, to_table
from bot.airbyte.transport import Patience
from bot.domain.connection import (
    Basic,
    Connection,
    ConnectionId,
    ConnectionStatus,
    Cron,
    Endpoint,
    Manual,
    Stream,
    UnreadSchedule,
    WorkspaceId,
)
from bot.domain.errors import AirbyteError
from bot.domain.sync import JobKind, Sync, SyncStatus
from tests.airbyte.loopback import PUBLIC, Answer, Request, Server

HOME = WorkspaceId("33333333-3333-4333-8333-333333333333")
JOB = {
    "jobId": 48211,
    "status": "succeeded",
    "jobType": "sync",
    "startTime": "2026-08-20T06:00Z",
    "connectionId": "9bb6",
    "lastUpdatedAt": "2026-08-20T06:14:37Z",
    "duration": "PT14M37S",
    "bytesSynced": 734003200,
    "rowsSynced": 1204331,
}
CONNECTION: dict[str, Any] = {
    "connectionId": "9bb6",
    "name": "Stripe → Snowflake",
    "sourceId": "s1",
    "destinationId": "d1",
    "workspaceId": HOME,
    "status": "active",
    "schedule": {"scheduleType": "cron", "cronExpression": "0 0 6 * * ? UTC"},
    "configurations": {"streams": [{"name": "invoices", "syncMode": "incremental_append"}]},
    "createdAt": 1780272000,
    "tags": [{"tagId": "t", "workspaceId": HOME, "name": "financial", "color": "FF5733"}],
}


def reach(server: Server, page_size: int = 100) -> Airbyte:
    return Airbyte(Access.to(server.url), Patience(2, timedelta(0), timedelta(0)), page_size)


def page(*rows: Any, **extra: Any) -> Answer:
    wrong_host = "http://localhost:8001/api/public/jobs?limit=1&offset=1"
    return Answer(200, {"previous": "", "next": wrong_host, "data": rows, **extra})


def test_a_job_becomes_a_sync(server: Server) -> None:
    server.on("GET", f"{PUBLIC}/jobs/48211", Answer(200, JOB))
    with reach(server) as airbyte:
        found = airbyte.sync(48211)
    assert found == Sync(
        id=48211,
        connection_id=ConnectionId("9bb6"),
        kind=JobKind.SYNC,
        status=SyncStatus.SUCCEEDED,
        created_at=datetime(2026, 8, 20, 6, tzinfo=UTC),
        updated_at=datetime(2026, 8, 20, 6, 14, 37, tzinfo=UTC),
        duration=timedelta(minutes=14, seconds=37),
        rows=1204331,
        bytes=734003200,
    )


def listed(server: Server, *jobs: Any) -> list[dict[str, Any]]:
    """Return the columns of a page with these jobs, as rows."""
    server.on("GET", f"{PUBLIC}/jobs", page(*jobs))
    with reach(server) as airbyte:
        rows: list[dict[str, Any]] = to_table([airbyte.syncs(SyncQuery(HOME))]).to_pylist()
    return rows


def test_a_page_of_jobs_becomes_columns(server: Server) -> None:
    [row] = listed(server, JOB)
    assert row == {
        "job_id": 48211,
        "connection_id": "9bb6",
        "kind": "sync",
        "status": "succeeded",
        "created_at": datetime(2026, 8, 20, 6),  # noqa: DTZ001  naive UTC, as it is stored
        "updated_at": datetime(2026, 8, 20, 6, 14, 37),  # noqa: DTZ001  the same
        "duration_seconds": 877,
        "queued_seconds": None,
        "rows": 1204331,
        "bytes": 734003200,
    }


def test_how_long_jobs_waited_is_added_where_it_is_known(server: Server) -> None:
    server.on("GET", f"{PUBLIC}/jobs", page(JOB, JOB | {"jobId": 2}))
    with reach(server) as airbyte:
        table = to_table([airbyte.syncs(SyncQuery(HOME))], {2: timedelta(minutes=1)})
    assert table.column("queued_seconds").to_pylist() == [None, 60]


def test_a_query_asks_for_the_oldest_first_between_two_times(server: Server) -> None:
    server.on("GET", f"{PUBLIC}/jobs", page(JOB))
    with reach(server) as airbyte:
        moment = datetime(2026, 8, 20, tzinfo=UTC)
        assert airbyte.syncs(SyncQuery(HOME, moment, moment, 7, moment)).is_last
    [request] = server.requests
    assert request.query == {
        "workspaceIds": HOME,
        "orderBy": "createdAt|ASC",
        "limit": "100",
        "offset": "7",
        "createdAtStart": "2026-08-20T00:00:00.000Z",
        "createdAtEnd": "2026-08-20T00:00:00.000Z",
        "updatedAtStart": "2026-08-20T00:00:00.000Z",
    }


def test_unknown_fields_and_enum_values_are_taken_as_they_come(server: Server) -> None:
    strange = JOB | {"status": "hibernating", "jobType": "teleport", "flux": {"x": 1}}
    [row] = listed(server, strange | {"status": "asleep"})
    assert (row["status"], row["kind"]) == ("unknown", "unknown")
    server.on("GET", f"{PUBLIC}/jobs/1", Answer(200, strange))
    with reach(server) as airbyte:
        sync = airbyte.sync(1)
    assert sync is not None
    assert not sync.status.is_terminal


def test_odd_times_are_read_as_far_as_they_make_sense(server: Server) -> None:
    odd = {"startTime": "2026-08-20T06:00:00", "duration": "PT-3S"}
    [row] = listed(server, JOB | odd)
    assert row["created_at"] == datetime(2026, 8, 20, 6)  # noqa: DTZ001  naive UTC
    assert row["duration_seconds"] is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT0S", 0), ("PT26H3M", 93_780), ("PT0.5S", 0), ("PT36000H", 129_600_000)],
)
def test_java_durations_are_read(server: Server, text: str, seconds: int) -> None:
    [row] = listed(server, JOB | {"duration": text})
    assert row["duration_seconds"] == seconds


def test_one_unreadable_job_does_not_hide_the_others(server: Server) -> None:
    bad = JOB | {"jobId": 2, "startTime": "yesterday"}
    server.on("GET", f"{PUBLIC}/jobs", page(JOB, bad, {"status": "failed"}))
    with reach(server) as airbyte:
        found = airbyte.syncs(SyncQuery(HOME))
    assert found.ids == [48211]
    assert [unread.what for unread in found.unread] == ["job 2", "job without an id"]
    assert found.unread[0].why.startswith("startTime: ")


def test_a_page_without_one_readable_job_is_an_error(server: Server) -> None:
    server.on("GET", f"{PUBLIC}/jobs", page({"id": 1}))
    with reach(server) as airbyte, pytest.raises(AirbyteError, match="jobId"):
        airbyte.syncs(SyncQuery(HOME))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(200, "<html>Sign in</html>", {"content-type": "text/html"}), "web page instead"),
        (Answer(200, "{"), "something unexpected"),
        (Answer(200, {"items": []}), "data: Field required"),
        (Answer(200, []), "something unexpected"),
    ],
)
def test_what_is_no_page_is_one_sentence(server: Server, answer: Answer, said: str) -> None:
    server.on("GET", f"{PUBLIC}/jobs", answer)
    server.on("GET", f"{PUBLIC}/workspaces", answer)
    with reach(server) as airbyte:
        with pytest.raises(AirbyteError, match=said):
            airbyte.syncs(SyncQuery(HOME))
        with pytest.raises(AirbyteError, match=said):
            airbyte.workspaces()


def test_a_single_job_or_none(server: Server) -> None:
    server.on("GET", f"{PUBLIC}/jobs/1", Answer(200, JOB | {"jobId": 1}))
    server.on("GET", f"{PUBLIC}/jobs/2", Answer(404, {"title": "resource-not-found"}))
    with reach(server) as airbyte:
        found = airbyte.sync(1)
        assert found is not None
        assert found.id == 1
        assert airbyte.sync(2) is None


def test_a_connection_is_mapped_with_its_tags_and_streams(server: Server) -> None:
    server.on("GET", f"{PUBLIC}/connections", page(CONNECTION))
    with reach(server) as airbyte:
        [found] = airbyte.connections(HOME).items
    assert found == Connection(
        id=ConnectionId("9bb6"),
        name="Stripe → Snowflake",
        source_id=found.source_id,
        destination_id=found.destination_id,
        workspace_id=HOME,
        status=ConnectionStatus.ACTIVE,
        schedule=Cron("0 0 6 * * ?", "UTC"),
        streams=(Stream("invoices", "incremental_append"),),
        tags=frozenset({"financial"}),
        created_at=datetime(2026, 6, 1, tzinfo=UTC),
    )


def schedule(**fields: str) -> dict[str, Any]:
    return CONNECTION | {"schedule": fields}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (schedule(scheduleType="manual"), Manual()),
        ({k: v for k, v in CONNECTION.items() if k != "schedule"}, Manual()),
        (schedule(scheduleType="basic", basicTiming="Every 24 HOURS"), Basic(24, "hours")),
        (schedule(scheduleType="basic", basicTiming="Every 1 hour"), Basic(1, "hours")),
        (schedule(scheduleType="basic", basicTiming="Often"), UnreadSchedule("Often")),
        (schedule(scheduleType="cron", cronExpression="0 0 6 * * ? America/Toronto"),
         Cron("0 0 6 * * ?", "America/Toronto")),
        (schedule(scheduleType="cron", cronExpression="0 0 6 ? * MON"), Cron("0 0 6 ? * MON")),
        (schedule(scheduleType="cron", cronExpression="0 0 6 ? * MON UTC"),
         Cron("0 0 6 ? * MON")),
        (schedule(scheduleType="cron", cronExpression="0 0 6 * * ? 2027 UTC"),
         Cron("0 0 6 * * ? 2027")),
        (schedule(scheduleType="cron", cronExpression="0 0 6 * * ? *"), Cron("0 0 6 * * ? *")),
        (schedule(scheduleType="moon"), UnreadSchedule("moon")),
    ],
)  # fmt: skip
def test_every_form_of_schedule_is_read(server: Server, row: Any, expected: object) -> None:
    server.on("GET", f"{PUBLIC}/connections", page(row))
    with reach(server) as airbyte:
        [found] = airbyte.connections(HOME).items
    assert found.schedule == expected


def test_of_a_configuration_only_knobs_are_kept(server: Server) -> None:
    source = {
        "sourceId": "s1",
        "name": "stripe",
        "sourceType": "stripe",
        "workspaceId": HOME,
        "configuration": {"num_workers": 7, "client_secret": "sk_live_1", "account_id": "acct"},
    }
    server.on("GET", f"{PUBLIC}/sources", page(source))
    with reach(server) as airbyte:
        [found] = airbyte.sources(HOME).items
    assert found == Endpoint("s1", "stripe", "source-stripe", HOME, {"num_workers": 7})


def test_an_unreadable_configuration_is_never_quoted(server: Server) -> None:
    bad = {"name": "x", "configuration": {"password": "hunter22"}}
    server.on("GET", f"{PUBLIC}/destinations", page(bad))
    with reach(server) as airbyte:
        listing = airbyte.destinations(HOME)
    assert listing.unread == (Unread("destination without an id", "destinationId: Field required"),)


def test_a_long_list_is_walked_by_our_own_offsets(server: Server) -> None:
    rows = [CONNECTION | {"connectionId": str(n)} for n in range(25)]

    def serve(request: Request) -> Answer:
        offset, limit = int(request.query["offset"]), int(request.query["limit"])
        return page(*rows[offset : offset + limit])

    server.on("GET", f"{PUBLIC}/connections", serve)
    with reach(server, page_size=10) as airbyte:
        listing = airbyte.connections(HOME)
    assert [item.id for item in listing.items] == [str(n) for n in range(25)]
    assert listing.unread == ()
    assert {request.query["includeDeleted"] for request in server.requests} == {"true"}


@pytest.mark.parametrize("size", [1, 101])
def test_a_page_size_outside_of_what_airbyte_takes_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="2 to 100"):
        Airbyte(Access.to("http://localhost"), page_size=size)
