import json
from pathlib import Path

import pytest

from bot.cli.publishing import Publishing
from bot.domain.errors import InputError
from tests.report.summaries import FULL

NOTHING = Publishing("table", None, None, None, None)


@pytest.fixture(autouse=True)
def in_actions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))


def test_json_stays_clean_of_annotations(capsys: pytest.CaptureFixture[str]) -> None:
    Publishing("json", None, None, None, None).publish(FULL, {})
    printed = capsys.readouterr()
    assert json.loads(printed.out)["version"] == 1
    assert printed.err.startswith("::notice")


@pytest.mark.parametrize(
    ("output", "first"), [("table", "18 connections"), ("markdown", "## trim")]
)
def test_people_get_what_they_ask_for(
    output: str, first: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Publishing(output, None, None, None, None).publish(FULL, {})
    assert capsys.readouterr().out.startswith(first)


def test_every_file_that_is_asked_for_is_written(tmp_path: Path) -> None:
    html, metrics = tmp_path / "r.html", tmp_path / "m.prom"
    Publishing("table", html, None, metrics, None).publish(FULL, {"mine": 1.0})
    assert "<h2>Proposed</h2>" in html.read_text()
    assert 'trimtab_stage_seconds{stage="mine"} 1\n' in metrics.read_text()
    assert (tmp_path / "summary").read_text().startswith("## trimtab")
    assert "proposals=3\n" in (tmp_path / "output").read_text()


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "r.html"
    with pytest.raises(InputError, match=r"r\.html: cannot be written"):
        Publishing("table", missing, None, None, None).publish(FULL, {})


def test_outside_of_actions_no_annotation_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS")
    NOTHING.publish(FULL, {})
    assert capsys.readouterr().err == ""
