from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.airbyte.access import Access, Application
from bot.airbyte.client import Airbyte
from bot.airbyte.configuration import EVENT_KINDS, Configuration, SchemaChange
from bot.airbyte.transport import Patience, Transport
from bot.domain.connection import ConnectionId, WorkspaceId
from bot.domain.errors import AirbyteError
from bot.domain.event import SettingChange
from bot.domain.sync import Attempt, Failure, StreamStats
from bot.lab import Lab
from tests.airbyte.loopback import Answer, Request, Server

QUICK = Patience(2, timedelta(0), timedelta(0))
HOME = WorkspaceId("w")
NOON = datetime(2026, 8, 20, 12, tzinfo=UTC)
AT = int(NOON.timestamp())
JOBS = "/api/v1/jobs/list_for_workspaces"
JOB: dict[str, Any] = {
    "job": {
        "id": 7,
        "createdAt": AT,
        "startedAt": AT + 90,
        "streamAggregatedStats": [
            {
                "streamName": "invoices",
                "recordsCommitted": 5,
                "bytesCommitted": 50,
                "recordsRejected": 1,
                "wasBackfilled": True,
            }
        ],
    },
    "attempts": [
        {
            "id": 0,
            "status": "failed",
            "createdAt": AT + 90,
            "endedAt": AT + 100,
            "bytesSynced": 20,
            "totalStats": {"recordsCommitted": 2},
            "failureSummary": {
                "failures": [
                    {"failureOrigin": "destination", "failureType": "system_error", "timestamp": 2},
                    {
                        "failureOrigin": "source",
                        "failureType": "config_error",
                        "externalMessage": "No login at postgres://me:hunter22@db with hunter33.",
                        "timestamp": 1,
                    },
                ]
            },
        },
        {"id": 1, "status": "running", "createdAt": AT + 110},
    ],
}


@pytest.fixture
def configuration(server: Server) -> Iterator[Configuration]:
    token = Answer(200, {"access_token": "hunter33"})
    server.on("POST", "/api/public/v1/applications/token", token)
    access = Access.to(server.url, Application("me", "hunter44"))
    with Transport(access, QUICK) as transport:
        yield Configuration(transport)


def test_attempts_failures_and_streams_are_read(
    server: Server, configuration: Configuration
) -> None:
    server.on("POST", JOBS, Answer(200, {"jobs": [JOB]}))
    found = configuration.details(HOME, NOON, NOON)[7]
    assert found.queued == timedelta(seconds=90)
    assert found.streams == (StreamStats("invoices", None, 5, 50, 1, was_backfilled=True),)
    first, second = found.attempts
    assert second == Attempt(1, "running", NOON + timedelta(seconds=110))
    assert (first.rows, first.bytes) == (2, 20)
    assert first.failure == Failure(
        "source", "config_error", "No login at postgres://me:***@db with ***."
    )
    assert server.asked(JOBS)[0].body["workspaceIds"] == [HOME]


def test_long_lists_are_paged(server: Server, configuration: Configuration) -> None:
    jobs = [JOB | {"job": {"id": n, "createdAt": AT}} for n in range(450)]

    def serve(request: Request) -> Answer:
        paging = request.body["pagination"]
        first = paging["rowOffset"]
        return Answer(200, {"jobs": jobs[first : first + paging["pageSize"]]})

    server.on("POST", JOBS, serve)
    assert configuration.details(HOME, NOON, NOON).keys() == set(range(450))


def test_settings_changes_are_read_with_both_values(
    server: Server, configuration: Configuration
) -> None:
    patches = {"scheduleType": {"from": "basic", "to": "cron"}, "odd": 1}
    event = {
        "id": "e1",
        "connectionId": "c1",
        "eventType": "CONNECTION_SETTINGS_UPDATE",
        "createdAt": AT,
        "summary": {"patches": patches, "updateReason": "by hand"},
    }
    server.on("POST", "/api/v1/connections/events/list", Answer(200, {"events": [event]}))
    [found] = configuration.events(ConnectionId("c1"), NOON)
    assert found.at == NOON
    assert found.changes == (SettingChange("scheduleType", '"basic"', '"cron"'),)
    [request] = server.asked("/api/v1/connections/events/list")
    assert request.body["eventTypes"] == list(EVENT_KINDS)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(404, {"message": "no such route"}), "404"),
        (Answer(403, {"detail": "no role"}), "no role"),
        (Answer(200, {"unexpected": 1}), "something unexpected"),
    ],
)
def test_absence_is_a_reason_and_no_error(
    server: Server, configuration: Configuration, answer: Answer, why: str
) -> None:
    server.on("POST", JOBS, answer)
    assert why in str(configuration.absence(HOME))
    with pytest.raises(AirbyteError):
        configuration.details(HOME, NOON, NOON)


def test_an_old_installation_has_none() -> None:
    with Transport(Access.to("http://old:8006/v1"), QUICK) as transport:
        assert "cannot be derived" in str(Configuration(transport).absence(HOME))


@pytest.mark.parametrize(
    ("told", "change"),
    [
        ("no_change", SchemaChange.NONE),
        ("breaking", SchemaChange.BREAKING),
        ("sideways", SchemaChange.UNKNOWN),
    ],
)
def test_schema_change_is_read(
    server: Server, configuration: Configuration, told: str, change: SchemaChange
) -> None:
    answer = Answer(200, {"connectionId": "c1", "schemaChange": told})
    server.on("POST", "/api/v1/web_backend/connections/get", answer)
    assert configuration.schema_change(ConnectionId("c1")) is change


def test_the_lab_tells_details_of_every_sync() -> None:
    with (
        Lab.start(seed=1, connections=5, days=10) as lab,
        Airbyte(
            Access.to(lab.url, Application(lab.client_id, lab.client_secret)), QUICK
        ) as airbyte,
    ):
        configuration = Configuration(airbyte.transport)
        [home] = airbyte.workspaces().items
        assert configuration.absence(home.id) is None
        found = configuration.details(home.id, lab.now - timedelta(days=30), lab.now)
        truth = lab.truth.syncs()
        assert found.keys() == {sync.id for sync in truth}
        assert all(found[sync.id].attempts for sync in truth if sync.status.is_terminal)
        for sync in truth:
            if sync.started_at is not None:
                assert found[sync.id].queued == sync.started_at - sync.created_at
