"""The lab's answers keep to the description of Airbyte's API, says Stoplight Prism.

The description is Airbyte's own and not ours to ship: `AIRBYTE_OPENAPI` names a copy.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.lab import Lab

HERE = Path(__file__).parent
PRISM = HERE / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"

pytestmark = pytest.mark.slow
if not os.environ.get("AIRBYTE_OPENAPI"):
    # For the whole module at once, so that it is one line in the summary.
    pytest.skip(
        "AIRBYTE_OPENAPI names no API description to hold the lab against",
        allow_module_level=True,
    )


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.start(seed=8, connections=30, days=20) as lab:
        yield lab


@pytest.fixture(scope="module")
def judge(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a Prism that passes requests on and answers 500 to violations."""
    node = shutil.which("node")
    assert node, "node is needed to run Prism"
    with (HERE / "package.json").open() as only_one:
        flock(only_one, LOCK_EX)
        if not PRISM.exists():
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=HERE, check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (tmp_path_factory.mktemp("prism") / "log").open("w+")
    # Run through node itself: a wrapper would leave children behind.
    description = os.environ["AIRBYTE_OPENAPI"]
    command = [node, str(PRISM), "proxy", "--errors", "--port", str(port), description, lab.url]
    prism = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_for(port, prism, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        prism.terminate()
        prism.wait(timeout=10)
        log.close()


def wait_for(port: int, prism: subprocess.Popen[bytes], log: Any) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert prism.poll() is None, log.seek(0) or log.read()
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError("Prism did not start")


@pytest.fixture(scope="module")
def client(lab: Lab, judge: str) -> Iterator[httpx.Client]:
    body = {
        "client_id": lab.client_id,
        "client_secret": lab.client_secret,
        "grant_type": "client_credentials",
        "grant-type": "client_credentials",
    }
    answer = httpx.post(f"{judge}/applications/token", json=body, timeout=30)
    assert answer.status_code == 200, answer.text
    header = {"authorization": f"Bearer {answer.json()['access_token']}"}
    with httpx.Client(base_url=judge, headers=header, timeout=30) as client:
        yield client


def test_the_judge_refuses_what_the_description_forbids(client: httpx.Client) -> None:
    refused = client.get("/jobs", params={"limit": 500})
    assert refused.status_code in {400, 422, 500}
    assert "limit" in refused.text


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/jobs", {"limit": 100}),
        ("/jobs", {"limit": 100, "orderBy": "createdAt|DESC"}),
        ("/jobs", {"limit": 100, "status": "failed"}),
        ("/jobs", {"limit": 7, "offset": 20, "jobType": "sync"}),
        ("/connections", {"limit": 100}),
        ("/sources", {"limit": 100}),
        ("/destinations", {}),
        ("/workspaces", {}),
        ("/tags", {}),
    ],
)
def test_lists_keep_to_the_description(
    client: httpx.Client, path: str, query: dict[str, str | int]
) -> None:
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]


@pytest.mark.parametrize("things", ["jobs", "connections", "sources", "destinations", "workspaces"])
def test_single_things_keep_to_the_description(client: httpx.Client, things: str) -> None:
    first = client.get(f"/{things}").json()["data"][0]
    answer = client.get(f"/{things}/{first[things.removesuffix('s') + 'Id']}")
    assert answer.status_code == 200, answer.text


def test_open_jobs_keep_to_the_description(lab: Lab, client: httpx.Client) -> None:
    running = {job["connectionId"] for job in client.get("/jobs?status=running").json()["data"]}
    connection = next(one for one in lab.world.fleet.connections if one not in running)
    started = client.post("/jobs", json={"connectionId": connection, "jobType": "sync"})
    assert started.status_code == 200, started.text
    job = started.json()["jobId"]
    assert client.get(f"/jobs/{job}").json()["status"] in {"running", "pending"}
    cancelled = client.delete(f"/jobs/{job}")
    assert cancelled.status_code == 200, cancelled.text
    assert cancelled.json()["status"] == "cancelled"


def test_writes_keep_to_the_description(lab: Lab, client: httpx.Client) -> None:
    connection = next(iter(lab.world.fleet.connections.values()))
    schedule = {"scheduleType": "cron", "cronExpression": "0 9 4 * * ? UTC"}
    patched = client.patch(f"/connections/{connection.id}", json={"schedule": schedule})
    assert patched.status_code == 200, patched.text
    body = {
        "sourceId": connection.source_id,
        "destinationId": connection.destination_id,
        "schedule": schedule,
    }
    created = client.post("/connections", json=body)
    assert created.status_code == 200, created.text
    assert client.delete(f"/connections/{created.json()['connectionId']}").status_code == 204
