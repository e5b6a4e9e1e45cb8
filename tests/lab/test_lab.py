"""The lab as its users meet it: one line starts it, HTTP reads it."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from bot.lab import AuthMode, Deployment, Faults, Lab


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.start(seed=1, connections=20, days=30) as lab:
        yield lab


@pytest.fixture(scope="module")
def client(lab: Lab) -> Iterator[httpx.Client]:
    with connect(lab) as client:
        yield client


def connect(lab: Lab) -> httpx.Client:
    answer = httpx.post(
        f"{lab.url}/applications/token",
        json={"client_id": lab.client_id, "client_secret": lab.client_secret},
    )
    token = answer.json()["access_token"]
    return httpx.Client(base_url=lab.url, headers={"authorization": f"Bearer {token}"})


def read_all(client: httpx.Client, **query: str | int) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    while True:
        page = client.get("/jobs", params={**query, "limit": 100, "offset": len(rows)}).json()
        rows += page["data"]
        if len(page["data"]) < 100:
            return rows


def test_paging_through_all_jobs_gives_the_truth(lab: Lab, client: httpx.Client) -> None:
    jobs = read_all(client)
    truth = lab.truth.syncs()
    assert [job["jobId"] for job in jobs] == [sync.id for sync in truth]
    assert [job["rowsSynced"] for job in jobs] == [sync.rows for sync in truth]


def test_next_names_the_wrong_host_and_forgets_the_filters(client: httpx.Client) -> None:
    query: dict[str, str | int] = {
        "status": "succeeded",
        "createdAtStart": "2026-10-10T00:00:00Z",
        "limit": 3,
    }
    page = client.get("/jobs", params=query).json()
    assert page["next"].startswith("http://localhost:8001/api/public/v1/jobs?")
    assert "status" not in page["next"]
    assert "createdAt" not in page["next"]


def test_a_short_last_page_still_has_a_next(client: httpx.Client) -> None:
    page = client.get("/connections", params={"limit": 100}).json()
    assert len(page["data"]) == 20
    assert page["next"]


def test_a_page_has_at_most_a_hundred_jobs_and_twenty_unless_asked(client: httpx.Client) -> None:
    assert len(client.get("/jobs").json()["data"]) == 20
    refused = client.get("/jobs", params={"limit": 101})
    assert refused.status_code == 400
    assert set(refused.json()) == {"errorId"}


def test_jobs_come_oldest_first_unless_asked(lab: Lab, client: httpx.Client) -> None:
    assert client.get("/jobs").json()["data"][0]["jobId"] == lab.truth.syncs()[0].id
    newest = client.get("/jobs", params={"orderBy": "createdAt|DESC"}).json()["data"][0]
    assert newest["jobId"] == lab.truth.syncs()[-1].id


def test_zero_seconds_are_dropped_from_times(client: httpx.Client) -> None:
    times = {str(job["startTime"]) for job in read_all(client)}
    assert any(len(time) == len("2026-10-03T06:00Z") for time in times)


def test_a_token_expires(lab: Lab) -> None:
    with (
        Lab.start(connections=4, days=1, faults=Faults(token_life=0)) as short,
        connect(short) as client,
    ):
        refused = client.get("/jobs")
        assert refused.status_code == 401
        assert refused.json()["title"] == "invalid-api-key"


@pytest.mark.parametrize("mode", [AuthMode.BASIC, AuthMode.NONE])
def test_installations_without_applications_can_be_read(mode: AuthMode) -> None:
    with Lab.start(connections=4, days=1, auth=mode) as lab:
        auth = ("airbyte", "password") if mode is AuthMode.BASIC else None
        assert httpx.get(f"{lab.url}/jobs", auth=auth).status_code == 200
        wrong = httpx.get(f"{lab.url}/jobs", auth=("airbyte", "no"))
        assert wrong.status_code == (401 if mode is AuthMode.BASIC else 200)


def test_the_same_seed_serves_the_same_bytes() -> None:
    bodies = []
    for _ in range(2):
        with Lab.start(seed=9, connections=12, days=9) as lab, connect(lab) as client:
            bodies.append([client.get(p).content for p in ("/jobs?limit=100", "/connections")])
    assert bodies[0] == bodies[1]


def test_a_change_over_http_is_felt_by_later_syncs() -> None:
    with Lab.start(seed=3, connections=6, days=5) as lab, connect(lab) as client:
        connection = client.get("/connections").json()["data"][0]
        path = f"/connections/{connection['connectionId']}"
        schedule = {"scheduleType": "cron", "cronExpression": "0 17 3 * * ? UTC"}
        client.patch(path, json={"schedule": schedule, "status": "active"}).raise_for_status()
        assert client.get(path).json()["schedule"]["cronExpression"] == "0 17 3 * * ? UTC"
        before = lab.now
        lab.advance(timedelta(days=2))
        later = [
            sync
            for sync in lab.truth.syncs()
            if sync.connection_id == connection["connectionId"] and sync.created_at > before
        ]
        assert [(s.created_at.hour, s.created_at.minute) for s in later] == [(3, 17), (3, 17)]


def test_a_world_lived_again_is_the_same() -> None:
    with Lab.start(seed=5, connections=10, days=10, deployment=Deployment(cloud=True)) as lab:
        with connect(lab) as client:
            connection = client.get("/connections").json()["data"][3]["connectionId"]
            schedule = {"scheduleType": "cron", "cronExpression": "0 5 * * * ?"}
            client.patch(f"/connections/{connection}", json={"schedule": schedule})
        lab.advance(timedelta(days=3, hours=5))
        assert lab.truth.under([]).syncs() == lab.truth.syncs()
