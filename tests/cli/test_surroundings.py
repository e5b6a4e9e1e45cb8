import json
from pathlib import Path

import pytest

from bot.cli.surroundings import alone
from bot.domain.errors import ForgeError, HistoryError

SETTINGS = 'version: 1\nairbyte: {url: "http://127.0.0.1:1", auth: none}\n'


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CI", "true")
    (tmp_path / "trimtab.yaml").write_text(SETTINGS)
    return tmp_path / "trimtab.yaml"


def test_a_second_run_stays_away_while_the_first_is_under_way(config: Path) -> None:
    with (
        alone(config),
        pytest.raises(HistoryError, match="another run is under way"),
        alone(config),
    ):
        pass
    with alone(config):
        pass


def test_the_log_of_a_failed_run_ends_with_the_reason(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ForgeError), alone(config):
        raise ForgeError("no such branch")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["run started", "run failed"]
    assert lines[-1]["why"] == "no such branch"
    assert len({line["run"] for line in lines}) == 1
