import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cli.main import main
from bot.domain.manners import Manners
from bot.pulls.dashboard import Findings, Health, dashboard
from bot.pulls.execution import carry_out, execute
from bot.pulls.git import Git
from bot.pulls.local import LocalForge
from bot.pulls.reconcile import Circumstances, reconcile
from tests.pulls.worlds import FILE, content, draft

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SETTINGS = "version: 1\nairbyte: {url: '${env:NOT_SET}', auth: none}\n"


def run(git: Git) -> None:
    """Propose a value for ant, as a run does."""
    forge = LocalForge(git, "main", NOW)
    wanted = [draft(git.run("show", f"main:{FILE}"), "ant", 20)]
    circumstances = Circumstances(NOW, complete=True)
    snapshot = forge.snapshot()
    planned = reconcile(snapshot, wanted, Manners(), circumstances)
    carry_out(forge, planned.operations, snapshot.base)
    snapshot = forge.snapshot()
    held = reconcile(snapshot, wanted, Manners(), circumstances).held
    board = dashboard(snapshot, held, Manners(), Findings(Health(NOW, True, 1, 0, 0), {}, ()))
    if board is not None:
        execute(forge, board, snapshot.base)


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """Make a repository with settings below its top, a pull request, and stand there."""
    git = Git(tmp_path)
    git.run("init", "--quiet", "--initial-branch=main")
    git.run("config", "user.name", "Ada")
    (tmp_path / FILE).write_bytes(content({"ant": 1}))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "trimtab.yaml").write_text(SETTINGS)
    git.run("add", "-A")
    git.run("commit", "--quiet", "-m", "start")
    run(git)
    monkeypatch.chdir(tmp_path / "data")
    return git


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["pulls", *arguments]) == 0
    return capsys.readouterr().out


def test_the_list_says_state_review_and_title(git: Git, capsys: pytest.CaptureFixture[str]) -> None:
    expected = "   1  open  ant: size 20 instead of 1\n      trimtab/ant/size\n"
    assert said(capsys, "list") == expected
    assert said(capsys, "approve", "1") == ""
    assert "open, approved  ant" in said(capsys, "list")


def test_one_is_shown_with_its_body_and_its_diff(
    git: Git, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = said(capsys, "show", "1")
    assert shown.startswith("#1 ant: size 20 instead of 1 (open)\n")
    assert "Because of 0 syncs." in shown
    assert "-ant = 1\n+ant = 20\n" in shown


def test_merging_changes_the_base(git: Git, capsys: pytest.CaptureFixture[str]) -> None:
    merged = said(capsys, "merge", "1").strip()
    assert git.text("rev-parse", "main") == merged
    assert said(capsys, "list") == "No open pull request; --all shows others.\n"
    assert "1  merged  ant" in said(capsys, "list", "--all")


def test_closing_snoozes_and_again_undoes_it(git: Git, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "close", "1", "--by", "grace")
    record = LocalForge(git, "main", NOW).records.one(1).record
    assert record.ended_by == "grace"
    run(git)
    assert "**snoozed** (a person closed" in said(capsys, "dashboard")
    said(capsys, "again", "1")
    run(git)
    assert "   2  open" in said(capsys, "list")


def test_reopening_keeps_the_number(git: Git, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "close", "1")
    said(capsys, "reopen", "1")
    assert "   1  open" in said(capsys, "list")


def test_what_is_not_there_is_said_in_one_sentence(
    git: Git, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pulls", "merge", "7"]) == 1
    assert "there is no pull request 7" in capsys.readouterr().err


def test_another_forge_has_its_own_pages(
    git: Git, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "github.yaml"
    settings.write_text(SETTINGS + "forge: {type: github, repository: a/b}\n")
    assert main(["pulls", "list", "--config", str(settings)]) == 1
    assert "these verbs are for a local forge" in capsys.readouterr().err


def test_help_costs_no_heavy_import() -> None:
    code = (
        "import sys; from bot.cli.pulls import command; "
        "print([m for m in ('pydantic', 'jinja2', 'github') if m in sys.modules])"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert printed.stdout.strip() == "[]"
