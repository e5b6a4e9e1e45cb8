import json
from pathlib import Path

import pytest

from bot.cli.main import main


def test_knobs_of_one_connector_are_printed_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["knobs", "stripe"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split() == ["source-stripe", "num_workers", "parallelism", "10", "1…20"]


def test_json_carries_limits_their_origin_and_what_is_never_touched(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["knobs", "-o", "json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    one = next(knob for knob in printed["knobs"] if knob["connector"] == "source-mysql")
    assert one["spec"] == {"min": None, "max": None}
    assert one["max"] == one["safe"]["max"]
    assert one["caution"]
    assert {"source-serpstat"} <= {kept["connector"] for kept in printed["untouched"]}


def test_a_connector_without_knobs_is_told_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["knobs", "source-github"]) == 1
    assert "trimtab knobs scan" in capsys.readouterr().err


def test_rows_of_a_scan_become_knobs_of_the_team(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("spec.json").write_text('{"properties": {"num_threads": {"type": "integer"}}}')
    assert main(["knobs", "scan", "spec.json", "--connector", "source-own"]) == 0
    Path("trimtab.knobs.jsonl").write_text(capsys.readouterr().out)
    assert main(["knobs", "own"]) == 0
    assert "num_threads" in capsys.readouterr().out


def test_a_damaged_team_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    team = tmp_path / "own.jsonl"
    team.write_text("nonsense\n")
    assert main(["knobs", "--team", str(team)]) == 1
    assert f"{team}:1" in capsys.readouterr().err
