"""The awkward parts of the API, one by one: what real servers do to clients."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from bot.domain.connection import Cron
from bot.lab import Deployment, Description, Faults, GivenConnection, GivenEndpoint, Lab
from bot.lab.faults import Mishap
from bot.lab.jobpages import JobPages, JobQuery


def connect(lab: Lab) -> httpx.Client:
    body = {"client_id": lab.client_id, "client_secret": lab.client_secret}
    token = httpx.post(f"{lab.url}/applications/token", data=body).json()["access_token"]
    return httpx.Client(base_url=lab.url, headers={"authorization": f"Bearer {token}"})


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with Lab.start(seed=5, connections=12, days=3) as lab, connect(lab) as client:
        yield client


def patch_cron(client: httpx.Client, expression: str) -> httpx.Response:
    path = f"/connections/{client.get('/connections').json()['data'][0]['connectionId']}"
    schedule = {"scheduleType": "cron", "cronExpression": expression}
    return client.patch(path, json={"schedule": schedule})


@pytest.mark.parametrize(
    "expression",
    [
        "0 0 6 * * ? America/Toronto",
        "0 0 6 * *",
        "0 0 6 * * *",
        "0/5 0 6 * * ?",
        "0 0/30 * * * ? *",
        "0 0,30 * * * ? *",
        "0 61 6 * * ?",
        "",
    ],
)
def test_crons_that_cannot_be_written_are_refused(client: httpx.Client, expression: str) -> None:
    answer = patch_cron(client, expression)
    assert answer.status_code == 400
    assert answer.json()["type"].startswith("error:cron-validation/")


@pytest.mark.parametrize("expression", ["0 0 6 * * ?", "0 0 6 * * ? UTC", "0 0/30 * * * ?"])
def test_a_written_cron_comes_back_with_its_zone(client: httpx.Client, expression: str) -> None:
    written = patch_cron(client, expression).json()["schedule"]["cronExpression"]
    assert written == f"{expression.removesuffix(' UTC')} UTC"


def test_cloud_refuses_more_than_hourly() -> None:
    cloud = Deployment(cloud=True)
    with Lab.start(connections=4, days=1, deployment=cloud) as lab, connect(lab) as client:
        assert lab.url.endswith("/v1")
        assert patch_cron(client, "0 0/30 * * * ?").status_code == 400
        assert patch_cron(client, "0 7 * * * ?").status_code == 200


def test_an_interval_can_be_read_and_never_written(client: httpx.Client) -> None:
    path = f"/connections/{client.get('/connections').json()['data'][0]['connectionId']}"
    body = {"schedule": {"scheduleType": "basic", "basicTiming": "Every 24 HOURS"}}
    assert client.patch(path, json=body).status_code == 400


def test_a_locked_connection_cannot_be_changed() -> None:
    given = Description(
        (GivenEndpoint("db", "postgres"),),
        (GivenEndpoint("dwh", "snowflake"),),
        (GivenConnection("billing", "db", "dwh", status="locked"),),
    )
    with Lab.start(fleet=given, days=1) as lab, connect(lab) as client:
        answer = patch_cron(client, "0 0 6 * * ?")
        assert answer.status_code == 409
        assert answer.json()["data"]["statusReason"]


def test_a_second_sync_of_a_connection_has_to_wait(client: httpx.Client) -> None:
    connection = client.get("/connections").json()["data"][0]["connectionId"]
    body = {"connectionId": connection, "jobType": "sync"}
    codes = [client.post("/jobs", json=body).status_code for _ in range(2)]
    assert codes[-1] == 409
    refresh = client.post("/jobs", json={"connectionId": connection, "jobType": "refresh"})
    assert refresh.status_code == 422


def test_secrets_are_masked_and_survive_being_written_back() -> None:
    given = Description(
        (GivenEndpoint("db", "postgres", {"host": "h", "password": "hunter2"}),),
        (GivenEndpoint("dwh", "snowflake"),),
        (),
    )
    with Lab.start(fleet=given, days=1) as lab, connect(lab) as client:
        source = client.get("/sources").json()["data"][0]
        assert source["configuration"]["password"] == "**********"
        changed = {**source["configuration"], "host": "other"}
        client.patch(f"/sources/{source['sourceId']}", json={"configuration": changed})
        kept = lab.world.fleet.sources[source["sourceId"]].configuration
        assert kept == {"host": "other", "password": "hunter2"}


def test_jobs_older_than_six_months_are_pruned_and_the_truth_keeps_them() -> None:
    with Lab.start(seed=2, connections=4, days=200) as lab, connect(lab) as client:
        first = client.get("/jobs?limit=1").json()["data"][0]
        truth = lab.truth.syncs()
        assert first["jobId"] > truth[0].id
        kept = next(sync for sync in truth if sync.id == first["jobId"])
        assert timedelta(days=180) < lab.now - kept.created_at < timedelta(days=185)
        assert client.get(f"/jobs/{truth[0].id}").status_code == 404


def test_every_mishap_happens_and_never_too_often_in_a_row() -> None:
    faults = Faults.harsh(seed=3, rate=0.1)
    drawn = [faults.mishap(number) for number in range(1, 3000)]
    assert set(drawn) == {*Mishap, None}
    longest = run = 0
    for one in drawn:
        run = run + 1 if one else 0
        longest = max(longest, run)
    assert longest == faults.at_most_in_a_row


def test_mishaps_look_like_the_real_ones() -> None:
    seen: Counter[str] = Counter()
    faults = Faults.harsh(seed=1)
    with Lab.start(connections=4, days=2, faults=faults) as lab, connect(lab) as client:
        for _ in range(150):
            try:
                answer = client.get("/jobs?limit=100")
            except httpx.TransportError as error:
                seen[type(error).__name__] += 1
                continue
            kind = answer.headers["content-type"].partition(";")[0]
            seen[f"{answer.status_code} {kind}"] += 1
            assert "retry-after" not in answer.headers
    assert seen.keys() == {
        "200 application/json",
        "200 text/html",
        "408 application/json",
        "429 application/json",
        "500 application/json",
        "503 text/html",
        "RemoteProtocolError",
    }


def test_jobs_of_one_second_come_in_another_order_each_time() -> None:
    crowd = Description(
        (GivenEndpoint("db", "s3"),),
        (GivenEndpoint("dwh", "snowflake"),),
        tuple(
            GivenConnection(f"c{n}", "db", "dwh", schedule=_midnight(), rows_per_day=100)
            for n in range(30)
        ),
    )
    with Lab.start(fleet=crowd, days=2, faults=Faults(shuffled_ties=True)) as lab:
        pages = JobPages(lab.world, lab.setup.faults)
        one, two = (pages.page(JobQuery(), 10, 10, number).tolist() for number in (1, 2))
        assert one != two
        created = lab.world.engine.jobs.column("created")
        assert created[one].tolist() == created[two].tolist()


def test_some_rows_arrive_after_the_status() -> None:
    faults = Faults(late_stats=0.5)
    with Lab.start(connections=20, days=2, faults=faults) as lab, connect(lab) as client:
        pages = [client.get(f"/jobs?limit=100&offset={n * 100}").json() for n in range(2)]
        early = {job["jobId"]: job for page in pages for job in page["data"]}
        lab.advance(timedelta(days=1))
        pages = [client.get(f"/jobs?limit=100&offset={n * 100}").json() for n in range(2)]
        later = {job["jobId"]: job for page in pages for job in page["data"]}
    changed = [i for i in early if early[i]["status"] == "succeeded" and early[i] != later[i]]
    assert changed
    assert all(early[i]["lastUpdatedAt"] == later[i]["lastUpdatedAt"] for i in changed)
    assert all(later[i]["rowsSynced"] > early[i]["rowsSynced"] == 0 for i in changed)


def test_a_newer_server_has_statuses_that_nobody_knows() -> None:
    faults = Faults(unknown_status=0.2)
    with Lab.start(connections=20, days=2, faults=faults) as lab, connect(lab) as client:
        statuses = {job["status"] for job in client.get("/jobs?limit=100").json()["data"]}
    assert "awaiting_approval" in statuses


def test_what_nobody_set_is_left_out(client: httpx.Client) -> None:
    connections = client.get("/connections").json()["data"]
    assert all("namespaceFormat" not in one for one in connections)
    assert all(one["prefix"] == "" for one in connections)


def test_a_connection_can_be_created_used_and_deleted(client: httpx.Client) -> None:
    space = client.get("/workspaces").json()["data"][0]["workspaceId"]
    made = {}
    for kind, definition in (
        ("source", "e094cb9a-26de-4645-8761-65c0c425d1de"),
        ("destination", "424892c4-daac-4491-b35d-c6688ba547ba"),
    ):
        body = {
            "name": f"new {kind}",
            "workspaceId": space,
            "definitionId": definition,
            "configuration": {"host": "h"},
        }
        made[kind] = client.post(f"/{kind}s", json=body).json()[f"{kind}Id"]
    body = {"sourceId": made["source"], "destinationId": made["destination"], "name": "new"}
    created = client.post("/connections", json=body).json()
    assert created["schedule"] == {"scheduleType": "manual"}
    path = f"/connections/{created['connectionId']}"
    started = {"connectionId": created["connectionId"], "jobType": "sync"}
    assert client.post("/jobs", json=started).json()["status"] == "running"
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    deleted = client.get("/connections?includeDeleted=true&limit=100").json()["data"]
    assert {one["status"] for one in deleted if one["name"] == "new"} == {"deprecated"}


def _midnight() -> Cron:
    return Cron("0 0 0 * * ?")
