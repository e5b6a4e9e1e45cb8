"""`trimtab lab serve`, as it is typed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bot.cli.main import main

SERVE = [sys.executable, "-m", "bot.cli.main", "lab", "serve", "--port", "0", "--days", "2"]
FLEET = {
    "sources": [{"name": "App", "connector": "postgres", "configuration": {"host": "db"}}],
    "destinations": [{"name": "Warehouse", "connector": "snowflake"}],
    "connections": [
        {
            "name": "App to Warehouse",
            "source": "App",
            "destination": "Warehouse",
            "schedule": {"cron": "0 0 6 * * ?"},
            "streams": {"orders": "incremental_append"},
        }
    ],
}


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    path = tmp_path / "fleet.json"
    path.write_text(json.dumps(FLEET))
    return path


def serve(*options: str) -> Iterator[tuple["subprocess.Popen[str]", dict[str, str]]]:
    process = subprocess.Popen(
        [*SERVE, *options],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    printed: dict[str, str] = {}
    while "AIRBYTE_CLIENT_SECRET" not in printed:
        line = process.stdout.readline()
        assert line, "it ended before it served"
        name, _, value = line.strip().partition("=")
        printed[name] = value
    try:
        yield process, printed
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_it_prints_what_a_client_needs_and_ctrl_c_ends_it(fleet: Path) -> None:
    for process, printed in serve("--fleet", str(fleet)):
        url = printed["AIRBYTE_URL"]
        body = {
            "client_id": printed["AIRBYTE_CLIENT_ID"],
            "client_secret": printed["AIRBYTE_CLIENT_SECRET"],
        }
        token = httpx.post(f"{url}/applications/token", json=body).json()["access_token"]
        client = httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"})
        with client:
            (connection,) = client.get("/connections").json()["data"]
            assert connection["schedule"]["cronExpression"] == "0 0 6 * * ? UTC"
            before = len(client.get("/jobs").json()["data"])
            advance = url.removesuffix("/api/public/v1") + "/lab/advance"
            httpx.post(advance, json={"days": 3}).raise_for_status()
            assert len(client.get("/jobs").json()["data"]) == before + 3
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 130


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "does not describe a fleet"),
        ("[]", "does not describe a fleet"),
        ('{"sources": [], "destinations": []}', "does not describe a fleet"),
        (
            json.dumps({**FLEET, "sources": [{"name": "Other", "connector": "stripe"}]}),
            "names the source 'App', which the fleet lacks",
        ),
        (
            json.dumps(FLEET).replace("0 0 6 * * ?", "never"),
            "connection 'App to Warehouse'",
        ),
    ],
)
def test_a_fleet_that_cannot_be_read_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    path = tmp_path / "fleet.json"
    path.write_text(text)
    assert main(["lab", "serve", "--port", "0", "--fleet", str(path)]) == 1
    assert said in capsys.readouterr().err


def test_a_fleet_file_that_is_missing_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "serve", "--fleet", "/nowhere/fleet.json"]) == 1
    assert "/nowhere/fleet.json" in capsys.readouterr().err


def test_a_port_in_use_is_named_with_a_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    for _, printed in serve("--connections", "2"):
        port = printed["AIRBYTE_URL"].split(":")[2].partition("/")[0]
        assert main(["lab", "serve", "--port", port, "--connections", "2"]) == 1
        assert f"port {port} cannot be used" in capsys.readouterr().err
