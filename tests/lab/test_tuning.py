"""A closed loop on a process that speaks Airbyte's protocol, and is slow where its knobs are wrong."""

import os
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from bot.cli.main import main
from bot.domain.errors import InputError
from bot.lab.real import Connector
from bot.lab.sample_source import PACKAGE, find_command
from bot.lab.tuning import SAMPLES, Trial, tune
from bot.lab.tuning_outcome import Course, Outcome, change_of

PROGRAM = f"""#!{sys.executable} -S
import json, sys, time
arguments = dict(zip(sys.argv[2::2], sys.argv[3::2]))
config = json.load(open(arguments["--config"]))
names = ("users", "purchases", "products")
if sys.argv[1] == "discover":
    streams = [
        {{"name": name, "json_schema": {{}}, "supported_sync_modes": ["full_refresh"]}}
        for name in names
    ]
    print(json.dumps({{"type": "CATALOG", "catalog": {{"streams": streams}}}}))
else:
    time.sleep(0.05 + 0.08 * abs(config["parallelism"] - 3))
    for number in range(config["count"] // 100):
        record = {{"stream": "users", "data": {{"id": number}}, "emitted_at": 0}}
        print(json.dumps({{"type": "RECORD", "record": record}}, separators=(",", ":")))
"""


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("connector") / "source-slow"
    path.write_text(PROGRAM)
    path.chmod(0o755)
    return str(path)


@pytest.fixture(scope="module")
def told() -> list[str]:
    return []


@pytest.fixture(scope="module")
def outcome(command: str, told: list[str]) -> Outcome:
    trial = Trial(Connector((command,)), ("users",), 16, 1, timedelta(minutes=5))
    return tune(trial, told.append)


def test_every_sync_of_the_loop_is_a_run_of_the_process(outcome: Outcome) -> None:
    assert (outcome.days, outcome.runs, outcome.failed) == (16, 3 * 8, 0)


def test_what_the_advisor_recommends_is_done_and_reported(
    outcome: Outcome, told: list[str]
) -> None:
    assert {step.name for step in outcome.steps} == {f"{count:,} users" for count, *_ in SAMPLES}
    for course in outcome.courses:
        assert course.last["parallelism"] < course.first["parallelism"]
    for step in outcome.steps:
        line = (
            f"day {step.day}: {step.name}: {step.path} {step.before} → {step.after} ({step.move})"
        )
        assert line in told


def test_what_it_came_to_is_measured_in_pairs_of_runs(outcome: Outcome) -> None:
    for each in outcome.courses:
        assert len(each.pairs) == 6
        # What the script sleeps for at the first knobs, at least, and at the last ones.
        slept = [0.05 + 0.08 * abs(knobs["parallelism"] - 3) for knobs in (each.first, each.last)]
        assert min(first for first, _ in each.pairs) > slept[0]
        assert min(last for _, last in each.pairs) > slept[1]
    change = change_of(outcome.courses)
    assert change is not None
    assert change.is_told_from_luck
    assert change.high < 0


def course(*pairs: tuple[float, float]) -> Course:
    return Course("a", {"parallelism": 8}, {"parallelism": 4}, pairs)


def test_a_change_is_that_within_pairs_whatever_the_machine_did_between_them() -> None:
    found = change_of([course((4.0, 2.0), (8.0, 4.1), (4.0, 1.95), (16.0, 8.0))])
    assert found is not None
    assert found.low < found.share < found.high < 0
    assert found.share == pytest.approx(-0.5, abs=0.01)
    assert found.is_told_from_luck
    luck = change_of([course((4.0, 2.0), (2.0, 4.0), (3.0, 3.0))])
    assert luck is not None
    assert not luck.is_told_from_luck


def test_connections_count_alike_and_those_that_were_not_turned_not_at_all() -> None:
    half, same = [(4.0, 2.0)] * 3, [(4.0, 4.0)] * 6
    found = change_of([course(*half), course(*same), course()])
    assert found is not None
    assert found.share == pytest.approx(0.5**0.5 - 1)


def test_nothing_is_compared_where_pairs_are_few() -> None:
    assert change_of([]) is None
    assert change_of([course()]) is None
    assert change_of([course((4.0, 2.0), (4.0, 2.0))]) is None


def test_the_command_prints_a_table_and_keeps_to_its_time(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--command", command, "--days", "700", "--minutes", "0.05"]
    assert main(["lab", "connectors", *arguments]) == 0
    said = capsys.readouterr().out
    assert "records/slice" in said
    assert "(0 failed)" in said
    assert "700 days" not in said


def test_a_command_that_is_not_there_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "connectors", "--command", "no-such-source"]) == 1
    said = capsys.readouterr().err
    assert "no-such-source: there is no such command" in said
    assert PACKAGE in said


def test_a_connector_that_always_fails_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "source-broken"
    broken.write_text(PROGRAM.replace("time.sleep(", "sys.exit('no such account') or time.sleep("))
    broken.chmod(0o755)
    trial = Trial(Connector((str(broken),)), ("users",), 4, 1, timedelta(minutes=5))
    with pytest.raises(InputError, match="no run of it ended well: no such account"):
        tune(trial, print)


def test_without_a_command_it_is_the_one_on_path_or_the_one_installed_before(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    installed = tmp_path / "cache/trimtab" / PACKAGE.replace("==", "-") / "bin/source-faker"
    installed.parent.mkdir(parents=True)
    installed.symlink_to(command)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_command(None, told.append) == str(installed)
    on_path = tmp_path / "path/source-faker"
    on_path.parent.mkdir()
    on_path.symlink_to(command)
    monkeypatch.setenv("PATH", str(on_path.parent))
    assert find_command(None, told.append) == str(on_path)
    assert not told


def test_a_pip_that_has_no_network_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    told: list[str] = []
    with pytest.raises(InputError, match=f"{PACKAGE} cannot be installed") as raised:
        find_command(None, told.append)
    assert raised.value.hint
    assert "--command" in raised.value.hint
    assert "pip installs" in told[0]
