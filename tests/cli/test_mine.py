"""`trimtab mine` as people and CI run it: a process with options, an environment and signals."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli.main import main
from bot.history.store import History
from bot.lab import Faults, Lab
from tests.airbyte.loopback import PUBLIC, Answer, Server

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.start(seed=2, connections=6, days=10) as running:
        yield running


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in a folder and an environment that say nothing about any Airbyte."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("AIRBYTE_")]:
        monkeypatch.delenv(name)
    return tmp_path


def log_in(lab: Lab, monkeypatch: pytest.MonkeyPatch, secret: str | None = None) -> None:
    monkeypatch.setenv("AIRBYTE_URL", lab.url)
    monkeypatch.setenv("AIRBYTE_CLIENT_ID", lab.client_id)
    monkeypatch.setenv("AIRBYTE_CLIENT_SECRET", secret or lab.client_secret)


def count_syncs(path: Path) -> int:
    with History.open(path, read_only=True, threads=1) as history:
        ((count,),) = history.execute("select count(*) from syncs")
    return int(count)


def test_the_environment_is_enough(
    lab: Lab, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    log_in(lab, monkeypatch)
    assert main(["mine"]) == 0
    truth = len(lab.truth.syncs())
    assert f"{truth:,} new and 0 changed syncs; 6 connections" in capsys.readouterr().out
    assert count_syncs(folder / ".trimtab/history.duckdb") == truth


def test_the_settings_file_is_enough(
    lab: Lab, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("SECRET", lab.client_secret)
    (folder / "trimtab.yaml").write_text(
        f"version: 1\nairbyte:\n  url: {lab.url}\n  client_id: {lab.client_id}\n"
        "  client_secret: ${env:SECRET}\nhistory:\n  url: here.duckdb\n"
    )
    assert main(["mine", "-o", "json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["complete"] is True
    assert {place["outcome"] for place in printed["workspaces"]} == {"complete"}
    assert count_syncs(folder / "here.duckdb") == len(lab.truth.syncs())


def test_progress_goes_to_stderr_in_plain_lines_without_a_terminal(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    log_in(lab, monkeypatch)
    main(["mine"])
    errors = capsys.readouterr().err
    assert "complete" in errors
    assert "\x1b" not in errors


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "Nothing says where Airbyte is"),
        ({"AIRBYTE_URL": "localhost:8000"}, "is not an address"),
        ({"AIRBYTE_URL": "http://127.0.0.1:9"}, "cannot be reached"),
        ({"AIRBYTE_URL": "http://x", "AIRBYTE_USERNAME": "me"}, "AIRBYTE_PASSWORD is not"),
    ],
)
def test_a_wrong_environment_is_one_sentence_with_a_next_step(
    environment: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main(["mine"]) == 1
    first, second, *more = capsys.readouterr().err.splitlines()
    assert said in first
    assert second.startswith("  ")
    assert more == []


def test_a_wrong_secret_is_not_shown(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    log_in(lab, monkeypatch, "hunter22")
    assert main(["mine"]) == 1
    told = capsys.readouterr()
    assert "refused the login" in told.err
    assert "hunter22" not in told.out + told.err


def test_a_web_page_in_place_of_the_api_is_one_sentence(server: Server, capsys: Capture) -> None:
    page = Answer(200, "<html>Airbyte</html>", {"content-type": "text/html"})
    server.on("GET", f"{PUBLIC}/workspaces", page)
    assert main(["mine", "--airbyte-url", server.url]) == 1
    assert "web page instead of JSON" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_one_sentence(
    lab: Lab, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    log_in(lab, monkeypatch)
    (folder / "file").write_text("")
    assert main(["mine", "--history", "file/sub/h.duckdb"]) == 1
    assert "cannot be made" in capsys.readouterr().err


def test_a_workspace_that_is_not_in_sight_is_named_with_those_that_are(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    log_in(lab, monkeypatch)
    assert main(["mine", "--workspace", "elsewhere"]) == 1
    assert "workspace elsewhere is not in sight" in capsys.readouterr().err


def test_what_could_not_be_read_is_named_and_the_exit_code_says_so(
    server: Server, capsys: Capture
) -> None:
    server.on("GET", f"{PUBLIC}/workspaces", Answer(200, {"data": [{"workspaceId": "w"}]}))
    server.on("GET", f"{PUBLIC}/jobs", Answer(403, {"detail": "no role"}))
    for name in ("connections", "sources", "destinations"):
        server.on("GET", f"{PUBLIC}/{name}", Answer(200, {"data": []}))
    assert main(["mine", "--airbyte-url", server.url]) == 1
    printed = capsys.readouterr()
    assert "not read: workspace w: GET " in printed.out
    assert "403: no role" in printed.out
    assert "workspace w: partial" in printed.err


def start_mine(lab: Lab, path: Path) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "AIRBYTE_URL": lab.url,
        "AIRBYTE_CLIENT_ID": lab.client_id,
        "AIRBYTE_CLIENT_SECRET": lab.client_secret,
    }
    code = "from bot.cli.main import run; run()"
    command = [sys.executable, "-c", code, "mine", "--history", str(path)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def wait_for_requests(lab: Lab, more: int) -> None:
    """Wait until a mine has asked for a while, so that it is hit in the middle."""
    wanted = lab.server.requests + more
    for _ in range(600):
        if lab.server.requests >= wanted:
            return
        time.sleep(0.05)
    raise AssertionError("the mine asks for nothing")


@pytest.mark.slow
def test_a_mine_killed_again_and_again_loses_and_doubles_nothing(tmp_path: Path) -> None:
    path = tmp_path / "h.duckdb"
    with Lab.start(seed=4, connections=10, days=60, faults=Faults(delay=0.05)) as lab:
        for requests in (1, 8, 25, 40):
            mine = start_mine(lab, path)
            wait_for_requests(lab, requests)
            mine.kill()
            mine.communicate()
        last = start_mine(lab, path)
        out, errors = last.communicate(timeout=120)
        assert last.returncode == 0, errors
        assert count_syncs(path) == len(lab.truth.syncs()), out
        with History.open(path, read_only=True) as history:
            ((distinct,),) = history.execute("select count(distinct job_id) from syncs")
        assert distinct == len(lab.truth.syncs())


def test_ctrl_c_ends_at_once_with_130_and_one_line(tmp_path: Path) -> None:
    path = tmp_path / "h.duckdb"
    with Lab.start(seed=4, connections=10, days=60, faults=Faults(delay=0.1)) as lab:
        mine = start_mine(lab, path)
        wait_for_requests(lab, 12)
        mine.send_signal(signal.SIGINT)
        sent = time.monotonic()
        _, errors = mine.communicate(timeout=60)
        assert time.monotonic() - sent < 5
        assert mine.returncode == 130
        assert errors.decode().splitlines()[-1] == "trimtab: interrupted"
        assert b"Traceback" not in errors
        with History.open(path, read_only=True) as history:
            assert history.execute("select outcome::varchar, unread from mines")[-1] == (
                "partial",
                ["interrupted"],
            )
