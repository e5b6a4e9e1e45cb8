import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cli.main import main
from bot.domain.connection import WorkspaceId
from bot.history.store import History
from tests.forecast.fleets import Kind, table


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("history") / "history.duckdb", 112)


def written(path: Path, days: int) -> Path:
    kinds = {f"c{n}": Kind(spread=0.2, weekday={0: 1.5}) for n in range(8)}
    rows = table(kinds | {"c8": Kind(fails=0.2)}, days)
    made = rows.append_column("kind", [["sync"] * rows.num_rows]).append_column(
        "updated_at", [[datetime(2026, 8, 1, tzinfo=UTC).replace(tzinfo=None)] * rows.num_rows]
    )
    with History.open(path) as store:
        store.upsert_table(made, WorkspaceId("w"))
    return path


def test_the_table_sets_trimtab_beside_simpler_methods(
    history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backtest", "--history", str(history), "--quantity", "duration"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("duration, ") for line in lines) == 2
    for method in ("trimtab", "last value", "seasonal naive", "weekday median"):
        assert sum(line.strip().startswith(f"{method} ") for line in lines) == 2


def test_the_learned_model_is_judged_one_day_ahead_when_asked_for(
    history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["backtest", "--history", str(history), "--days", "7", "--quantity", "duration"]
    assert main([*asked, "--ml"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.strip().startswith("trimtab with ml ") for line in lines) == 1


def test_scores_come_as_json(history: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtest", "--history", str(history), "--days", "14", "-o", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    scores = found["forecasts"]
    assert found["failure"]["n"] == 9 * 14
    assert {score["quantity"] for score in scores} == {"duration", "rows", "bytes"}
    ours = [score for score in scores if score["method"] == "trimtab"]
    assert all(8 * 14 <= score["n"] < 9 * 14 for score in ours)


def test_failure_risk_is_held_against_failures(
    history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backtest", "--history", str(history), "--quantity", "failure"]) == 0
    text = capsys.readouterr().out
    assert "AUC" in text
    assert "tenths by risk" in text
    assert "MAPE" not in text


def test_an_empty_history_is_said_to_be_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with History.open(tmp_path / "h.duckdb"):
        pass
    assert main(["backtest", "--history", str(tmp_path / "h.duckdb")]) == 1
    assert "trimtab mine" in capsys.readouterr().err


def test_a_short_history_gives_no_figures_rather_than_odd_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = str(written(tmp_path / "h.duckdb", 10))
    assert main(["backtest", "--history", history]) == 0
    assert "No connection has 14 successful syncs" in capsys.readouterr().out
    assert main(["backtest", "--history", history, "-o", "json"]) == 0
    text = capsys.readouterr().out
    assert "NaN" not in text
    assert all(score["wape"] is None for score in json.loads(text)["forecasts"])
