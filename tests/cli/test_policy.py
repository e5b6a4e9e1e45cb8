"""The verbs of `trimtab policy` on a history mined from a lab."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.cli.main import main
from bot.cli.policy_diff import compare, render
from bot.history.store import History
from bot.lab import Lab
from tests.mined import mine_lab

RULES = """\
version: 1
defaults: {{phase: live, limits: {{blast: {{share: 100%}}}}}}
policies:
  - name: all
    limits: {{schedule_shift: {shift}}}
    approval: {approval}
"""


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("team")
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with (
        Lab.start(seed=9, connections=12, days=70, until=until) as lab,
        History.open(folder / "h.duckdb") as history,
    ):
        mine_lab(lab, history)
    (folder / "trimtab.yaml").write_text(
        "version: 1\nairbyte: {url: 'http://127.0.0.1:1', auth: none}\n"
        "prices: {credit: '2.50', cpu_hour: '0.05'}\n"
    )
    for name, shift, approval in (
        ("policies", "45m", "team"),
        ("pairs", "45m", "two-person"),
        ("still", "0m", "team"),
    ):
        (folder / name).mkdir()
        (folder / name / "p.yaml").write_text(RULES.format(shift=shift, approval=approval))
    return folder


def run(team: Path, *arguments: str) -> int:
    places = ["--history", str(team / "h.duckdb"), "--config", str(team / "trimtab.yaml")]
    verb, *rest = arguments
    return main(["policy", verb, *rest, *places])


def moves(team: Path, capsys: pytest.CaptureFixture[str], base: str, head: str) -> list[Any]:
    assert run(team, "diff", str(team / base), str(team / head), "-o", "json") == 0
    found = json.loads(capsys.readouterr().out)["differences"]
    return [each for each in found if each["setting"] == "schedule"]


def test_check_lists_what_is_merged_and_finds_no_conflict(
    team: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(team, "check") == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "policies/p.yaml:4: all"
    assert out[-1] == "No conflicts in 12 connections."


def test_check_names_who_conflicts_with_whom(
    team: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p.yaml").write_text(
        "version: 1\npolicies:\n"
        "  - {name: poor, limits: {knobs: {num_workers: {max: 2}}}}\n"
        "  - {name: rich, limits: {knobs: {num_workers: {min: 4}}}}\n"
    )
    assert run(team, "check", str(tmp_path)) == 1
    out = capsys.readouterr().out
    assert f"poor ({tmp_path.name}/p.yaml:3) with rich ({tmp_path.name}/p.yaml:4)" in out


def test_check_says_so_where_there_is_no_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "p.yaml").write_text("version: 1\n")
    assert main(["policy", "check"]) == 0
    assert "No history yet" in capsys.readouterr().out


def test_explain_prints_the_tree_with_the_line_of_everything(
    team: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (found,) = moves(team, capsys, "still", "policies")[:1]
    assert run(team, "explain", found["connection_id"]) == 0
    out = capsys.readouterr().out
    assert "all (policies/p.yaml:4): yes" in out
    assert "limits.schedule_shift: 45m   all, policies/p.yaml:5" in out
    assert "approval: needs team: team approves (all, policies/p.yaml:6)" in out
    assert "verdict: needs team" in out


def test_explain_as_json_says_the_same(team: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (found,) = moves(team, capsys, "still", "policies")[:1]
    assert run(team, "explain", found["connection_id"], "-o", "json") == 0
    made = json.loads(capsys.readouterr().out)
    assert made["policies"] == [{"policy": "all", "where": "policies/p.yaml:4", "matches": True}]
    assert "limits.schedule_shift" in {each["key"] for each in made["in_force"]}
    assert {each["verdict"] for each in made["verdicts"]} <= {"needs team", "deny"}


def test_a_folder_against_itself_shows_nothing(
    team: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(team, "diff", str(team / "policies"), str(team / "policies")) == 0
    assert capsys.readouterr().out == "Both folders say the same of this history.\n"


def test_moves_appear_and_vanish_with_the_room_for_them(
    team: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    appear = moves(team, capsys, "still", "policies")
    vanish = moves(team, capsys, "policies", "still")
    assert appear
    assert {each["turn"] for each in appear} == {"appears"}
    assert {each["turn"] for each in vanish} == {"vanishes"}
    assert len(appear) == len(vanish)
    for each in appear:
        assert {"saving_per_month", "missed_deadlines_per_month"} <= each["head"].keys()


def test_another_approval_is_shown_as_that(team: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = moves(team, capsys, "policies", "pairs")
    assert found
    assert {each["turn"] for each in found} == {"approval"}


def test_markdown_is_one_table(team: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = (str(team / "policies"), str(team / "pairs"))
    assert run(team, "diff", *places, "-o", "markdown") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("| connection | setting | turn |")
    assert all(line.count("|") == lines[0].count("|") for line in lines[1:-2])
    assert lines[-1].endswith("approval.")


def test_a_name_is_no_markup_in_the_comment_on_a_pull_request(
    team: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = (team / "policies", team / "pairs")
    found = compare(*places, team / "trimtab.yaml", str(team / "h.duckdb"))
    hostile = replace(found[0], name="a|b\n\n# <img src=x> @acme/all `")
    lines = render([hostile], "markdown").splitlines()
    assert len(lines) == 5
    assert r"| a\|b \# " in lines[2].replace("\u200b", "")
    assert r"\<img src=x\>" in lines[2]
    assert "@acme" not in lines[2]
