from pathlib import Path

import pytest

from bot.cli.comment import _folded
from bot.cli.main import main


def test_without_a_pull_request_it_says_how_to_name_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_EVENT_PATH", raising=False)
    (tmp_path / "x.md").write_text("x")
    assert main(["comment", str(tmp_path / "x.md"), "--kind", "plan"]) == 1
    assert "--pull NUMBER" in capsys.readouterr().err


def test_without_a_token_it_says_which_variable_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/data")
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    (tmp_path / "x.md").write_text("x")
    assert main(["comment", str(tmp_path / "x.md"), "--kind", "plan", "--pull", "7"]) == 1
    assert "GITHUB_TOKEN" in capsys.readouterr().err


def test_backticks_in_a_plan_do_not_end_its_fence() -> None:
    text = "a\n````\n### heading\n"
    shown = _folded(text)
    assert "\n`````\na\n````\n### heading\n`````\n" in shown
