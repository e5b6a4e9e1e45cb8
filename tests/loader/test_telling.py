"""What a run tells people: log, live view, summary."""

import io
import threading
from pathlib import Path

from rich.console import Console

from bot.documents.redaction import Redactor
from bot.loader.config import AdaptiveBatchSize
from bot.loader.events import Note, ReadFailed, Sized, WriteFailed
from bot.loader.log import Log
from bot.loader.retry import Tries
from bot.loader.summary import Summary
from bot.loader.view import View
from tests.loader.scripted import FIXED_QUICKLY, Bench, ScriptedSink, ScriptedSource, World


def run(folder: Path) -> Bench:
    sizing = AdaptiveBatchSize(enabled=True, min=1, max=100, increase_step=1)
    sink = ScriptedSink(World(), bad=frozenset({7}))
    bench = Bench(folder, ScriptedSource(40, 10), sink, sizing=sizing)
    bench.run()
    return bench


def test_the_log_hides_secrets_and_counts_adjustments(tmp_path: Path) -> None:
    lines: list[str] = []
    log = Log(lines.append, Redactor(["hunter2"]), log_every=2)
    for event in run(tmp_path).events:
        log(event)
    log(WriteFailed("Sink", "no hunter2", retried=True, pause_seconds=0.5))
    log(ReadFailed("Source", "no hunter2", retried=True))
    log(Note("mind the gap", warning=True))
    assert lines[0] == "arrow plane: the only one"
    assert next(line for line in lines if "adjustment" in line).endswith("adjustment 2")
    assert lines[-3:] == [
        "write failed (Sink: no ***); trying again in 0.5 s",
        "read failed (Source: no ***); trying again",
        "warning: mind the gap",
    ]


def test_log_every_zero_is_silent_about_sizes(tmp_path: Path) -> None:
    lines: list[str] = []
    log = Log(lines.append, Redactor(), log_every=0)
    for event in run(tmp_path).events:
        log(event)
    assert not [line for line in lines if "adjustment" in line]


def test_the_view_shows_rows_size_and_failures(tmp_path: Path) -> None:
    summary = Summary("bench")
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    bench = run(tmp_path)
    with View(summary, console) as view:
        for event in bench.events:
            summary(event)
            view(event)
        table = view.table()
    shown = Console(file=io.StringIO(), width=100)
    shown.print(table)
    assert isinstance(shown.file, io.StringIO)
    text = shown.file.getvalue()
    last = bench.of(Sized)[-1].size
    assert {"bench", "39", "1", str(last)} <= set(text.split())


def test_the_summary_adds_up(tmp_path: Path) -> None:
    summary = Summary("bench")
    for event in run(tmp_path).events:
        summary(event)
    told = summary.as_json()
    assert (told["rows_in"], told["rows_out"], told["dlq_count"]) == (40, 39, 1)
    assert told["dlq_reasons"] == {"partial": 1}
    assert told["status"] == "completed"
    assert "39 rows written of 40 read, 1 dead letters" in summary.as_text()


def test_pauses_grow_within_their_cap() -> None:
    tries = Tries(
        FIXED_QUICKLY.model_copy(update={"base_ms": 100, "cap_ms": 300}), threading.Event()
    )
    for planned in (0.1, 0.2, 0.3, 0.3):
        assert 0.5 * planned <= tries.next_pause() <= 1.5 * planned
        tries.made += 1
