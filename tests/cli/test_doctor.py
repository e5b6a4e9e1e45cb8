"""`trimtab doctor`: every line of the table can come out well and badly."""

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cli.main import main
from bot.lab import Faults, Lab
from tests.airbyte.loopback import PUBLIC, Answer, Server

Capture = pytest.CaptureFixture[str]
ROOT = """
resource "airbyte_connection" "orders" {
  name           = "orders"
  source_id      = "s"
  destination_id = "d"
}
"""


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("AIRBYTE_")]:
        monkeypatch.delenv(name)
    return tmp_path


def examine(capsys: Capture) -> dict[str, tuple[str, str, str]]:
    """Run the verb; return state, detail and next step by check."""
    code = main(["doctor", "-o", "json"])
    found = json.loads(capsys.readouterr().out)
    assert code == any(one["state"] == "missing" for one in found)
    return {one["name"]: (one["state"], one["detail"], one["step"]) for one in found}


def write_settings(folder: Path, url: str, auth: str) -> None:
    (folder / "trimtab.yaml").write_text(
        f"version: 1\nairbyte: {{url: {url}, {auth}}}\nterraform: {{roots: [{{path: infra}}]}}\n"
    )


def test_everything_in_place_is_said_to_work(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    until = datetime.now(UTC)
    with Lab.start(seed=1, connections=3, days=3, until=until) as lab:
        monkeypatch.setenv("SECRET", lab.client_secret)
        secret = "${env:SECRET}"
        write_settings(folder, lab.url, f"client_id: {lab.client_id}, client_secret: '{secret}'")
        (folder / "infra").mkdir()
        (folder / "infra/main.tf").write_text(ROOT)
        git = ("git", "-c", "user.name=me", "-c", "user.email=me@localhost")
        subprocess.run((*git, "init", "-q", "-b", "main"), check=True)
        subprocess.run((*git, "add", "infra"), check=True)
        subprocess.run((*git, "commit", "-q", "-m", "first"), check=True)
        assert main(["mine"]) == 0
        capsys.readouterr()
        found = examine(capsys)
    names = ["settings", "airbyte", "clock", "details", "history", "terraform", "git", "token"]
    assert {name: found[name][0] for name in names} == dict.fromkeys(names, "works")
    assert "1 connection in infra" in found["terraform"][1]
    assert "complete" in found["history"][1]


def test_an_empty_folder_says_what_to_do_first(capsys: Capture) -> None:
    found = examine(capsys)
    assert found["settings"][0] == "missing"
    assert found["airbyte"][0] == "missing"
    assert all(step for state, _, step in found.values() if state == "missing")


def test_a_repository_without_its_branch_says_so_and_what_to_do(
    folder: Path, capsys: Capture
) -> None:
    write_settings(folder, "http://127.0.0.1:9", "auth: none")
    subprocess.run(("git", "init", "-q", "-b", "main"), cwd=folder, check=True)
    state, said, step = examine(capsys)["git"]
    assert state == "missing"
    assert said.endswith("there is no branch 'main' with a commit")
    assert "forge.base" in step


def test_one_failure_does_not_hide_the_others(folder: Path, capsys: Capture) -> None:
    write_settings(folder, "http://127.0.0.1:9", "auth: none")
    found = examine(capsys)
    assert {name for name, (state, _, _) in found.items() if state == "missing"} == {
        "airbyte",
        "history",
        "terraform",
        "git",
    }
    assert "cannot be reached" in found["airbyte"][1]
    assert found["history"][2] == "Run `trimtab mine`."


@pytest.mark.parametrize(
    ("roles", "state", "said"),
    [
        (["workspace_reader"], "works", "workspace_reader"),
        (["instance_admin", "workspace_reader"], "limited", "more than read: instance_admin"),
        (None, "limited", "does not tell our role"),
    ],
)
def test_a_role_that_may_more_than_read_is_pointed_out(
    folder: Path,
    server: Server,
    roles: list[str] | None,
    state: str,
    said: str,
    capsys: Capture,
) -> None:
    server.on("GET", f"{PUBLIC}/workspaces", Answer(200, {"data": [{"workspaceId": "w"}]}))
    if roles is not None:
        rows = [{"permissionType": role} for role in roles]
        server.on("GET", f"{PUBLIC}/permissions", Answer(200, {"data": rows}))
    write_settings(folder, server.url, "auth: none")
    found = examine(capsys)
    assert found["role"][0] == state
    assert said in found["role"][1]
    assert found["details"][0] == "limited"


def test_a_clock_that_is_off_is_pointed_out(folder: Path, capsys: Capture) -> None:
    faults = Faults(clock_skew=5400)
    with Lab.start(connections=2, days=2, until=datetime.now(UTC), faults=faults) as lab:
        write_settings(
            folder, lab.url, f"client_id: {lab.client_id}, client_secret: {lab.client_secret}"
        )
        state, detail, step = examine(capsys)["clock"]
    assert state == "limited"
    assert "behind Airbyte's" in detail
    assert "NTP" in step


def test_the_table_fits_a_narrow_log_and_holds_no_secret(folder: Path, capsys: Capture) -> None:
    write_settings(folder, "http://127.0.0.1:9", "client_id: me, client_secret: hunter22")
    assert main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert "next step" in printed
    assert "hunter22" not in printed
