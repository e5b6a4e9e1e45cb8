import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cli.main import main
from bot.domain.connection import WorkspaceId
from bot.history.store import History
from bot.lab import Lab

AT = ["--at", "2026-11-02"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Fill a history from a lab's world, and say where it and the prices are."""
    folder = tmp_path_factory.mktemp("place")
    with Lab.start(seed=9, connections=12, days=84) as lab, History.open(folder / "h.duckdb") as h:
        from bot.airbyte.access import Access, Application
        from bot.airbyte.client import Airbyte
        from bot.cli.progress import mine_progress
        from bot.history.mining import MiningPlan, mine

        access = Access.to(lab.url, Application(lab.client_id, lab.client_secret))
        with Airbyte(access) as airbyte, mine_progress() as progress:
            mine(h, airbyte, MiningPlan((), None, True), progress)
    (folder / "trimtab.yaml").write_text(
        "version: 1\nairbyte: {url: 'http://127.0.0.1:1', auth: none}\n"
        "prices: {credit: '2.50', cpu_hour: '0.05'}\n"
        "signals:\n"
        "  - {type: calendar, path: gone.csv, name: holidays}\n"
        "  - {type: calendar, path: days.csv, name: house}\n"
    )
    (folder / "days.csv").write_text("2026-12-25\n")
    return ["--history", str(folder / "h.duckdb"), "--config", str(folder / "trimtab.yaml")]


def forecast(place: list[str], *arguments: str) -> int:
    return main(["forecast", *place, *AT, *arguments])


def test_every_connection_has_its_line(
    place: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert forecast(place) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert last.startswith("missing signal: holidays")
    assert len(lines) == 12
    assert all(": usual " in line and "95 % under" in line for line in lines)
    assert any(" this month ($" in line for line in lines)


def test_json_holds_duration_and_cost_with_intervals(
    place: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert forecast(place, "-o", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found) == 12
    local = next(each for each in found if each["method"] == "local")
    estimate = local["estimated_duration_and_cost"]
    assert set(estimate) == {"next_sync", "next_24_hours", "next_7_days", "month"}
    duration = estimate["next_sync"]["duration_seconds"]
    assert 0 < duration["p05"] <= duration["p50"] <= duration["p80"] <= duration["p95"]
    assert {line["plan"] for line in estimate["next_sync"]["cost_lines"]} == {"volume", "compute"}
    assert estimate["next_sync"]["cost"]["p50"]["currency"] == "USD"
    assert 0 < local["failure_probability"] < 1


def test_one_connection_is_told_whole(place: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    forecast(place, "-o", "json")
    found = json.loads(capsys.readouterr().out)
    key = next(each["connection_id"] for each in found if each["method"] == "local")
    assert forecast(place, key, "--deadline", "06:00", "--zone", "Europe/Berlin") == 0
    text = capsys.readouterr().out
    for words in ("usual ", "next sync", "next 7 days", "÷ 1,000,000 ×", "failure: ", "rests on "):
        assert words in text
    assert text.count("by 06:00 Europe/Berlin") == 7
    assert main(["forecast", *place, *AT, key]) == 0
    assert "Europe/Berlin" not in capsys.readouterr().out


def test_signals_limits_and_full_refreshes_are_told_in_words_and_as_json(
    place: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert forecast(place, "-o", "json") == 0
    found = json.loads(capsys.readouterr().out)
    scheduled = [each for each in found if "worst_at" in each["rate_limit"]]
    assert len(scheduled) > 6
    for each in scheduled:
        limit = each["rate_limit"]
        assert 0 < limit["next_sync_probability"] <= limit["worst_probability_within_24_hours"] < 1
    split = [each["full_refresh_and_incremental"] for each in found]
    whole = next(each for each in split if each.get("full_refresh", {}).get("streams"))
    assert whole["full_refresh"]["rows"]["p50"] > 0 == whole["incremental"]["rows"]["p50"]
    assert whole["full_refresh"]["cost_by_volume"]["p50"]["currency"] == "USD"
    assert [each["freshness"] for each in found[0]["signals"]] == ["missing", "fresh"]
    assert forecast(place, scheduled[0]["connection_id"]) == 0
    text = capsys.readouterr().out
    assert "rate limit: " in text
    assert "of the month" in text
    assert text.endswith("missing signal: holidays: gone.csv: there is no such file\n")
    assert "house" not in text


def test_the_learned_model_may_help_and_says_where(
    place: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert forecast(place, "-o", "json", "--ml") == 0
    found = json.loads(capsys.readouterr().out)
    assert {each["method"] for each in found} <= {"local", "ml", "thin", "family", "fleet"}
    for each in found:
        duration = each["estimated_duration_and_cost"]["next_sync"]["duration_seconds"]
        assert duration["p05"] <= duration["p50"] <= duration["p95"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nobody"], "'nobody'"),
        (["--deadline", "six"], "'six' is no time of day"),
        (["--deadline", "06:00", "--zone", "Mars"], "'Mars' is no time zone"),
    ],
)
def test_what_cannot_be_answered_is_said_in_a_sentence(
    place: list[str], arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert forecast(place, *arguments) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err


def test_a_history_that_was_never_filled_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with History.open(tmp_path / "h.duckdb") as history:
        history.record_fleet(WorkspaceId("w"), [], [], [], datetime(2026, 1, 1, tzinfo=UTC))
    assert main(["forecast", "--history", str(tmp_path / "h.duckdb")]) == 1
    assert "trimtab mine" in capsys.readouterr().err
