"""The Configuration API of the lab, as the enrichment reads it."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from bot.airbyte.access import Access, Application
from bot.airbyte.client import Airbyte
from bot.airbyte.configuration import Configuration
from bot.domain.connection import ConnectionId, WorkspaceId
from bot.lab import Faults, Lab


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.start(seed=7, connections=60, days=30) as lab:
        yield lab


@pytest.fixture(scope="module")
def airbyte(lab: Lab) -> Iterator[Airbyte]:
    access = Access.to(lab.url, Application(lab.client_id, lab.client_secret))
    with Airbyte(access) as airbyte:
        yield airbyte


@pytest.fixture(scope="module")
def configuration(airbyte: Airbyte) -> Configuration:
    return Configuration(airbyte.transport)


def workspace(lab: Lab) -> WorkspaceId:
    return WorkspaceId(next(iter(lab.world.fleet.workspaces)))


def test_it_tells_the_real_start_and_the_attempts(lab: Lab, configuration: Configuration) -> None:
    since, until = lab.now - timedelta(days=3), lab.now
    found = configuration.details(workspace(lab), since, until)
    truth = {sync.id: sync for sync in lab.truth.syncs() if since <= sync.created_at <= until}
    assert set(found) == set(truth)
    for job_id, details in found.items():
        assert details.queued == truth[job_id].queued
        if truth[job_id].status.is_terminal:
            assert sum(attempt.rows or 0 for attempt in details.attempts) == truth[job_id].rows
            assert sum(stream.rows or 0 for stream in details.streams) == truth[job_id].rows


def test_failed_attempts_have_their_reasons(lab: Lab, configuration: Configuration) -> None:
    found = configuration.details(workspace(lab), lab.now - timedelta(days=8), lab.now)
    failed = [
        attempt
        for details in found.values()
        for attempt in details.attempts
        if attempt.status == "failed"
    ]
    assert failed
    assert all(attempt.failure and attempt.failure.message for attempt in failed)


def test_changes_made_in_the_web_interface_are_events(
    lab: Lab, configuration: Configuration
) -> None:
    since = lab.now - timedelta(days=30)
    touched = configuration.connections_with_events(workspace(lab), since, lab.now)
    drifted = {
        ConnectionId(link.id) for link in lab.world.fleet.by_index if lab.world.timeline.of(link.id)
    }
    assert touched == drifted
    assert all(configuration.events(one, since) for one in touched)


def test_an_installation_may_not_have_it() -> None:
    with Lab.start(connections=4, days=1, faults=Faults(configuration_api=False)) as lab:
        access = Access.to(lab.url, Application(lab.client_id, lab.client_secret))
        with Airbyte(access) as airbyte:
            assert Configuration(airbyte.transport).absence(workspace(lab))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/jobs/list", {"configTypes": ["sync"], "pagination": {"pageSize": 5}}),
        ("/jobs/get_without_logs", {"id": 1001}),
        ("/jobs/get_light", {"id": 1001}),
        ("/attempt/get_combined_stats", {"jobId": 1001, "attemptNumber": 0}),
        ("/connections/get", {}),
        ("/web_backend/connections/get", {}),
        ("/connections/events/list", {}),
        ("/connections/history/data", {"numberOfJobs": 5}),
        ("/stream_statuses/list", {}),
        ("/jobs/get_last_replication_job", {}),
        ("/web_backend/describe_cron_expression", {"cronExpression": "0 0 6 * * ?"}),
    ],
)
def test_every_route_answers(lab: Lab, path: str, body: dict[str, object]) -> None:
    connection = next(iter(lab.world.fleet.connections))
    token = httpx.post(
        f"{lab.configuration_url}/applications/token",
        json={"client_id": lab.client_id, "client_secret": lab.client_secret},
    ).json()
    assert set(token) == {"access_token"}
    answer = httpx.post(
        f"{lab.configuration_url}{path}",
        json={"connectionId": connection, **body},
        headers={"authorization": f"Bearer {token['access_token']}"},
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()
