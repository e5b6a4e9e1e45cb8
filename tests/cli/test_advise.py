import json
from pathlib import Path
from typing import Any

import pytest

from bot.cli.main import main
from bot.domain.connection import Cron
from bot.history.store import History
from bot.lab import Description, GivenConnection, GivenEndpoint, Lab
from tests.mined import mine_lab

POLICY = """\
version: 1
policies:
  - name: all
    phase: live
    limits: {schedule_shift: 45m, frequency_ratio: 24}
    approval: team
"""
OFTEN = Cron("0 10 * * * ?")
FLEET = Description(
    sources=(
        GivenEndpoint("Rare", "salesforce"),
        GivenEndpoint("Pages", "facebook-marketing", {"page_size": 900}),
    ),
    destinations=(GivenEndpoint("Warehouse", "snowflake"),),
    connections=(
        GivenConnection(
            "rare", "Rare", "Warehouse", OFTEN, {"a": "incremental_append"}, rows_per_day=0.2
        ),
        GivenConnection("busy", "Pages", "Warehouse", OFTEN, {"a": "incremental_append"}),
        GivenConnection("by hand", "Pages", "Warehouse"),
    ),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Mine a lab, and write the settings and policies of a team beside the history."""
    from datetime import UTC, datetime

    folder = tmp_path_factory.mktemp("team")
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with (
        Lab.start(seed=9, fleet=FLEET, days=42, until=until) as lab,
        History.open(folder / "h.duckdb") as history,
    ):
        mine_lab(lab, history)
    (folder / "trimtab.yaml").write_text(
        "version: 1\nairbyte: {url: 'http://127.0.0.1:1', auth: none}\n"
        "prices: {credit: '2.50', cpu_hour: '0.50'}\n"
    )
    (folder / "policies").mkdir()
    (folder / "policies" / "all.yaml").write_text(POLICY)
    return folder


def run(folder: Path, verb: str, *arguments: str) -> int:
    places = ["--history", str(folder / "h.duckdb"), "--config", str(folder / "trimtab.yaml")]
    return main([verb, *places, *arguments])


def found(folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert run(folder, *arguments, "-o", "json") == 0
    return json.loads(capsys.readouterr().out)


def test_every_connection_gets_an_answer_of_every_advisor(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = found(folder, capsys, "advise")
    assert said["version"] == 1
    assert said["limits"] == "limited by the policies in policies/"
    assert len(said["connections"]) == 3
    advisors = {tuple(sorted(a["advisor"] for a in c["advice"])) for c in said["connections"]}
    assert len(advisors) == 1
    assert {"frequency", "knobs", "pause", "schedule"} <= set(advisors.pop())
    answers = {a["answer"] for c in said["connections"] for a in c["advice"]}
    assert answers <= {"recommend", "keep", "unknown"}
    assert all(a["reason"] for c in said["connections"] for a in c["advice"])


def test_the_names_that_others_expect_are_there(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for each in found(folder, capsys, "advise")["connections"]:
        assert {
            "optimal_batch_size",
            "optimal_parallel_streams",
            "can_parallelize",
            "recommended_start",
            "priority_score",
        } <= each.keys()
        estimate = each["estimated_duration_and_cost"]["next_sync"]
        assert {"duration_seconds", "cost"} <= estimate.keys()


def test_a_recommendation_carries_evidence_effect_and_verdict(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = found(folder, capsys, "advise", "--advisor", "frequency")
    advice = [a for c in said["connections"] for a in c["advice"] if a["answer"] == "recommend"]
    assert advice
    for each in advice:
        assert each["change"]["setting"] == "schedule"
        assert each["evidence"]["n"] >= 14
        assert each["against"]
        saving = each["effect"]["saving_per_month"]
        assert saving["p05"]["currency"] == "USD"
        assert float(saving["p05"]["amount"]) <= float(saving["p95"]["amount"])
        assert each["verdict"]["answer"] == "needs approval"
        assert each["verdict"]["citations"][0]["where"] == "policies/all.yaml:6"


def test_without_policies_it_says_that_nothing_limits(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    assert main(["advise", "--history", str(folder / "h.duckdb"), "-o", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["limits"].startswith("no policies:")
    verdicts = {a.get("verdict") for c in said["connections"] for a in c["advice"]}
    assert verdicts == {None}


def test_the_table_puts_recommendations_first(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "advise", "--advisor", "frequency") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["CONNECTION", "ADVISOR", "ANSWER"]
    answers = [line.split("frequency  ", 1)[1].split()[0] for line in lines[1:4]]
    assert answers[0] == "recommend"
    assert answers == sorted(answers, key=["recommend", "unknown", "keep"].index)


def test_markdown_is_one_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "advise", "-o", "markdown", "--advisor", "frequency") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "| --- | --- | --- | --- | --- | --- |"
    assert sum(line.startswith("| ") for line in lines) == 5


def test_explain_tells_all_of_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = found(folder, capsys, "advise", "--advisor", "frequency")
    key = next(
        c["connection_id"] for c in said["connections"] if c["advice"][0]["answer"] == "recommend"
    )
    assert run(folder, "explain", key) == 0
    text = capsys.readouterr().out
    for words in (
        "frequency: recommend:",
        "saves a month: $",
        "evidence: ",
        "against it: ",
        "policy: needs approval by team",
        "next sync takes ",
        "90 % between",
        "priority ",
    ):
        assert words in text
    assert found(folder, capsys, "explain", key)["connections"][0]["connection_id"] == key


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("explain", "nobody"), "knows no connection 'nobody'"),
        (("advise", "--advisor", "nobody"), "no advisor is named 'nobody'"),
    ],
)
def test_unknown_names_are_refused_with_a_hint(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    assert run(folder, *arguments) == 1
    assert words in capsys.readouterr().err
