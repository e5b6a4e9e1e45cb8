"""Airbyte's own Python client reads the lab as it reads Airbyte."""

from collections.abc import Iterator

import pytest
from airbyte_api import AirbyteAPI, api, models

from bot.lab import Lab


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.start(seed=4, connections=25, days=12) as lab:
        yield lab


@pytest.fixture(scope="module")
def official(lab: Lab) -> Iterator[AirbyteAPI]:
    credentials = models.SchemeClientCredentials(
        client_id=lab.client_id,
        client_secret=lab.client_secret,
        token_url=f"{lab.url}/applications/token",
    )
    security = models.Security(client_credentials=credentials)
    with AirbyteAPI(server_url=lab.url, security=security) as client:
        yield client


def test_it_reads_every_job(lab: Lab, official: AirbyteAPI) -> None:
    found: list[models.JobResponse] = []
    while True:
        query = api.ListJobsRequest(limit=100, offset=len(found), order_by="createdAt|ASC")
        page = official.jobs.list_jobs(request=query).jobs_response
        assert page
        found += page.data
        if len(page.data) < 100:
            break
    truth = lab.truth.syncs()
    assert [job.job_id for job in found] == [sync.id for sync in truth]
    assert [job.status.value for job in found] == [sync.status.value for sync in truth]
    assert [job.bytes_synced for job in found] == [sync.bytes for sync in truth]


def test_it_reads_every_connection_with_its_schedule(lab: Lab, official: AirbyteAPI) -> None:
    page = official.connections.list_connections(request={"limit": 100}).connections_response
    assert page
    fleet = lab.world.fleet.connections
    assert [one.connection_id for one in page.data] == list(fleet)
    kinds = {one.schedule.schedule_type.value for one in page.data}
    assert {"cron", "basic"} <= kinds
    assert all(one.configurations.streams for one in page.data)


def test_it_reads_workspaces_and_tags(lab: Lab, official: AirbyteAPI) -> None:
    fleet = lab.world.fleet
    spaces = official.workspaces.list_workspaces(request={}).workspaces_response
    assert spaces
    assert [one.workspace_id for one in spaces.data] == list(fleet.workspaces)
    tags = official.tags.list_tags(request={}).tags_response
    assert tags
    assert [one.tag_id for one in tags.data] == list(fleet.tags)


def test_it_changes_a_schedule_and_starts_a_sync(lab: Lab, official: AirbyteAPI) -> None:
    fleet, running = lab.world.fleet.by_index, lab.world.engine.running
    connection = next(c for c in fleet if c.status == "active" and c.index not in running)
    schedule = models.AirbyteAPIConnectionSchedule(
        schedule_type=models.ScheduleTypeEnum.CRON, cron_expression="0 40 4 * * ?"
    )
    patched = official.connections.patch_connection(
        request=api.PatchConnectionRequest(
            connection_id=connection.id,
            connection_patch_request=models.ConnectionPatchRequest(schedule=schedule),
        )
    ).connection_response
    assert patched
    assert patched.schedule.cron_expression == "0 40 4 * * ? UTC"
    job = official.jobs.create_job(
        request={"connection_id": connection.id, "job_type": models.JobTypeEnum.SYNC}
    ).job_response
    assert job
    assert job.connection_id == connection.id
    assert job.status.value in {"running", "pending"}
