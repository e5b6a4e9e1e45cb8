"""`trimtab load dlq replay` after one that was interrupted: with the same letters, and with others."""

import json
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from bot.cli.main import main
from bot.loader.events import Event, SliceWritten
from bot.loader.letters_file import filter_letters
from bot.loader.pipeline import load_pipeline
from bot.loader.replaying import replay_letters

PIPELINE = """\
version: 1
name: moved
pipeline:
  source: {type: jsonl, config: {path: in.jsonl}}
  sink: {type: sqlite, config: {path: out.db, table: moved, batch_size: 2}}
  dlq: {sink: {type: jsonl, config: {path: dead.jsonl}}}
"""


def written() -> list[int]:
    with closing(sqlite3.connect("out.db")) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM moved ORDER BY id")]


def letter(number: int) -> str:
    reason = "partial" if number % 2 else "dlq_all"
    return json.dumps({"payload": {"id": number}, "reason": reason}) + "\n"


def interrupted_replay(config: str, reason: str | None) -> None:
    """Replay until the first slice is written."""
    cancelled = threading.Event()

    def listen(event: Event) -> None:
        if isinstance(event, SliceWritten):
            cancelled.set()

    wanted = filter_letters(reason, None)
    path = Path("dead.jsonl")
    status, _ = replay_letters(load_pipeline(Path(config)), path, wanted, listen, cancelled)
    assert status == "cancelled"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("in.jsonl").write_text('{"id": 0}\n')
    Path("dead.jsonl").write_text("".join(map(letter, range(10))))
    Path("moved.yaml").write_text(PIPELINE)
    return "moved.yaml"


def test_an_interrupted_replay_goes_on_with_the_letters_that_came_since(config: str) -> None:
    interrupted_replay(config, None)
    assert written() == [0, 1]
    with Path("dead.jsonl").open("a") as file:
        file.write(letter(10))
    assert main(["load", "dlq", "replay", config]) == 0
    assert written() == list(range(11))
    assert Path("dead.jsonl").read_text() == ""


def test_an_interrupted_replay_does_not_go_on_among_other_letters(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted_replay(config, "partial")
    assert written() == [1, 3]
    assert main(["load", "dlq", "replay", config]) == 1
    assert "a replay of other letters was interrupted" in capsys.readouterr().err
    assert written() == [1, 3]
    assert len(Path("dead.jsonl").read_text().splitlines()) == 10
    assert main(["load", "dlq", "replay", config, "--reason", "partial"]) == 0
    assert written() == [1, 3, 5, 7, 9]
    assert main(["load", "dlq", "replay", config]) == 0
    assert written() == list(range(10))


def test_an_interrupted_replay_can_be_forgotten(config: str) -> None:
    interrupted_replay(config, "partial")
    assert main(["load", "dlq", "replay", config, "--fresh"]) == 0
    assert written() == sorted([*range(10), 1, 3])
