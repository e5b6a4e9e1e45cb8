"""`trimtab load` from the outside: files and databases that are real, and input that is wrong."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from bot.cli.main import main
from bot.loader.state import FileState

ROWS = 1000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    lines = [json.dumps({"id": n, "name": f"n{n}"}) for n in range(ROWS)]
    Path("in.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


def pipeline(sink: str, rest: str = "", dlq: str = "") -> str:
    text = f"""\
version: 1
name: moved
pipeline:
  source: {{type: jsonl, config: {{path: in.jsonl, batch_size: 100}}}}
  sink: {sink}
{dlq}{rest}"""
    Path("moved.yaml").write_text(text)
    return "moved.yaml"


JSONL = "{type: jsonl, config: {path: out.jsonl}}"
SQLITE = "{type: sqlite, config: {path: out.db, table: moved}}"
DLQ = "  dlq:\n    sink: {type: jsonl, config: {path: dead/moved.jsonl}}\n"


def ids(path: str) -> list[int]:
    return [json.loads(line)["id"] for line in Path(path).read_text().splitlines()]


def table(path: str = "out.db") -> list[int]:
    with sqlite3.connect(path) as connection:
        found = [row[0] for row in connection.execute("SELECT id FROM moved ORDER BY id")]
    connection.close()
    return found


def strict_table(check: str) -> None:
    with sqlite3.connect("out.db") as connection:
        connection.execute(f"CREATE TABLE moved (id INTEGER CHECK ({check}), name TEXT)")
    connection.close()


def test_rows_are_moved_and_counted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["load", "run", pipeline(JSONL), "-o", "json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert ids("out.jsonl") == list(range(ROWS))
    expected = {"status": "completed", "rows_in": ROWS, "rows_out": ROWS, "dlq_count": 0}
    assert {key: summary[key] for key in expected} == expected


def test_the_summary_for_people_names_what_was_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["load", "run", pipeline(JSONL)]) == 0
    assert "moved: completed: 1,000 rows written of 1,000 read" in capsys.readouterr().out


def test_rows_on_stdout_are_alone_there(folder: Path) -> None:
    command = [sys.executable, "-c", "from bot.cli.main import run; run()", "load", "run"]
    config = pipeline("{type: stdout}")
    done = subprocess.run([*command, config], capture_output=True, text=True, check=True)
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == list(range(ROWS))
    assert "1,000 rows written" in done.stderr


def test_bad_rows_become_dead_letters_and_can_be_replayed_once_mended(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strict_table("id % 250 <> 7")
    config = pipeline(SQLITE, dlq=DLQ)
    assert main(["load", "run", config, "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["dlq_count"] == 4
    assert table() == [n for n in range(ROWS) if n % 250 != 7]

    assert main(["load", "dlq", "inspect", config, "-o", "json"]) == 0
    seen: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert seen["count"] == 4
    assert [letter["payload"]["id"] for letter in seen["last"]] == [7, 257, 507, 757]
    assert [letter["record_index"] for letter in seen["last"]] == [7, 57, 7, 57]

    assert main(["load", "dlq", "replay", config]) == 1
    assert "4 failed again" in capsys.readouterr().out
    assert len(Path("dead/moved.replay-failed.jsonl").read_text().splitlines()) == 4
    Path("dead/moved.archived.jsonl").rename("dead/moved.jsonl")

    with sqlite3.connect("out.db") as connection:
        connection.execute("ALTER TABLE moved RENAME TO strict")
        connection.execute("CREATE TABLE moved AS SELECT * FROM strict")
    connection.close()
    assert main(["load", "dlq", "replay", config, "--dry-run"]) == 0
    assert "4 dead letters to replay" in capsys.readouterr().out
    assert main(["load", "dlq", "replay", config]) == 0
    assert table() == list(range(ROWS))
    assert Path("dead/moved.jsonl").read_text() == ""
    assert main(["load", "dlq", "replay", config]) == 0
    assert table() == list(range(ROWS))


def test_a_run_that_stopped_goes_on_after_its_letters_were_taken_out(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strict_table("id % 250 <> 7")
    config = pipeline(SQLITE, dlq=f"{DLQ}    max_failures_total: 1\n")
    assert main(["load", "run", config]) == 1
    assert "2 rows failed, more than max_failures_total (1)" in capsys.readouterr().err
    assert main(["load", "dlq", "discard", config]) == 0
    assert main(["load", "run", pipeline(SQLITE, dlq=DLQ)]) == 0
    assert table() == [n for n in range(ROWS) if n % 250 != 7]
    letters = [json.loads(line) for line in Path("dead/moved.jsonl").read_text().splitlines()]
    assert [letter["payload"]["id"] for letter in letters] == [507, 757]


@pytest.mark.parametrize("verb", ["replay", "discard"])
def test_letters_are_not_taken_out_under_a_run_that_writes_them(
    folder: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    config = pipeline(SQLITE, dlq=DLQ)
    Path("dead").mkdir()
    Path("dead/moved.jsonl").write_text('{"payload": {"id": 1, "name": "n"}}\n')
    with FileState(Path(".trimtab/state")).hold("moved::default"):
        assert main(["load", "dlq", "replay", config, "--dry-run"]) == 0
        assert main(["load", "dlq", verb, config]) == 1
    assert "moved is already being run by another process" in capsys.readouterr().err
    assert Path("dead/moved.jsonl").read_text() == '{"payload": {"id": 1, "name": "n"}}\n'
    assert main(["load", "dlq", verb, config]) == 0
    assert Path("dead/moved.jsonl").read_text() == ""


def test_discarded_letters_go_to_the_archive_by_reason_and_age(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = pipeline(SQLITE, dlq=DLQ)
    Path("dead").mkdir()
    letters = [
        {"payload": {"id": 1}, "reason": "partial", "ts_ms": 0},
        {"payload": {"id": 2}, "reason": "dlq_all", "ts_ms": 0},
        {"payload": {"id": 3}, "reason": "partial", "ts_ms": 99_999_999_999_999},
    ]
    file = Path("dead/moved.jsonl")
    file.write_text("".join(json.dumps(letter) + "\n" for letter in letters))
    assert main(["load", "dlq", "discard", config, "--reason", "partial", "--before", "7d"]) == 0
    assert [json.loads(line)["payload"]["id"] for line in file.read_text().splitlines()] == [2, 3]
    archived = Path("dead/moved.archived.jsonl").read_text().splitlines()
    assert [json.loads(line)["payload"]["id"] for line in archived] == [1]
    assert main(["load", "dlq", "discard", config, "--delete"]) == 0
    assert file.read_text() == ""
    assert len(Path("dead/moved.archived.jsonl").read_text().splitlines()) == 1


def test_an_age_is_written_in_one_way(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = pipeline(SQLITE, dlq=DLQ)
    assert main(["load", "dlq", "discard", config, "--before", "last week"]) == 2
    assert "write 7d, 12h or 30m" in capsys.readouterr().err


def test_a_file_that_holds_no_letters_is_refused_with_its_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = pipeline(SQLITE, dlq=DLQ)
    Path("dead").mkdir()
    Path("dead/moved.jsonl").write_text('{"payload": {"id": 1}}\n{"id": 2}\n')
    assert main(["load", "dlq", "inspect", config]) == 1
    assert "moved.jsonl:2: not a dead letter" in capsys.readouterr().err


def test_trace_of_a_run_can_be_replayed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizing = "execution: {adaptive_batch_size: {enabled: true, min: 10, increase_step: 5}}\n"
    config = pipeline(SQLITE, sizing)
    assert main(["load", "run", config, "--trace", "t.jsonl", "-q", "-o", "json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    lines = [json.loads(line) for line in Path("t.jsonl").read_text().splitlines()]
    assert sum(line["rows"] for line in lines) == ROWS
    assert {tuple(line) for line in lines} == {("page_rows", "rows", "errors", "latency_ms")}
    assert main(["load", "replay", config, "--trace", "t.jsonl"]) == 0
    steps = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert steps[0]["size_before"] == 100
    assert steps[-1]["size_after"] == summary["batch_size"]


def test_a_sink_of_single_records_is_said_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sizing = "execution: {adaptive_batch_size: {enabled: true}}\n"
    assert main(["load", "run", pipeline(JSONL, sizing)]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert said.count("has no effect on") == 1


@pytest.mark.parametrize("sink", [JSONL, "{type: stdout}", "{type: csv, config: {path: o.csv}}"])
def test_dlq_all_on_a_sink_that_refuses_no_row_is_a_mistake(
    folder: Path, capsys: pytest.CaptureFixture[str], sink: str
) -> None:
    dlq = "  dlq: {sink: {type: jsonl, config: {path: d.jsonl}}, on_batch_error: dlq_all}\n"
    assert main(["load", "validate", pipeline(sink, dlq=dlq)]) == 1
    assert "moved.yaml:6:" in (said := capsys.readouterr().err)
    assert "dlq_all needs a sink with atomic batches" in said


def test_dlq_all_on_sinks_that_can(folder: Path) -> None:
    dlq = "  dlq: {sink: {type: jsonl, config: {path: d.jsonl}}, on_batch_error: dlq_all}\n"
    duckdb = "{type: duckdb, config: {path: o.duckdb, table: t}}"
    assert main(["load", "validate", pipeline(SQLITE, dlq=dlq)]) == 0
    assert main(["load", "validate", pipeline(duckdb, dlq=dlq)]) == 0


def test_validate_for_machines_lists_findings(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = pipeline(JSONL, "excution: {}\n")
    assert main(["load", "validate", config, "-o", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["valid"] is False
    assert found["findings"][0]["where"] == "moved.yaml:6:1"


def test_status_follows_the_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = pipeline(SQLITE)
    assert main(["load", "status", config, "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "never run"
    assert main(["load", "run", config, "-q"]) == 0
    capsys.readouterr()
    assert main(["load", "status", config, "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "finished"


def test_damaged_state_says_how_to_go_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = pipeline(SQLITE)
    state = Path(".trimtab/state/moved.default.json")
    state.parent.mkdir(parents=True)
    state.write_text('{"version": 1}')
    assert main(["load", "run", config]) == 1
    assert "--fresh" in capsys.readouterr().err
    assert main(["load", "run", config, "--fresh"]) == 0


def test_preview_writes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["load", "preview", pipeline(JSONL), "-n", "2"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [{"id": 0, "name": "n0"}, {"id": 1, "name": "n1"}]
    assert not Path("out.jsonl").exists()


def test_doctor_reports_each_part(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["load", "doctor", pipeline(SQLITE, dlq=DLQ)]) == 0
    assert "delivery: exactly once" in capsys.readouterr().out
    Path("in.jsonl").unlink()
    assert main(["load", "doctor", pipeline(SQLITE)]) == 1
    assert "FAIL" in capsys.readouterr().out


def test_a_missing_input_is_one_sentence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("in.jsonl").unlink()
    assert main(["load", "run", pipeline(JSONL)]) == 1
    assert "in.jsonl" in (said := capsys.readouterr().err)
    assert "Traceback" not in said


def test_a_starter_is_a_pipeline_file_once_filled_in(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["load", "init", "jsonl", "sqlite", "--name", "moved"]) == 0
    text = capsys.readouterr().out
    filled = text.replace("<path>", "in.jsonl", 1).replace("<path>", "o.db").replace("<table>", "t")
    Path("starter.yaml").write_text(filled)
    assert main(["load", "validate", "starter.yaml"]) == 0
    assert main(["load", "init", "jsonl", "sqlit"]) == 1
    assert "did you mean sqlite" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["run", "validate", "doctor", "preview", "status"])
def test_a_missing_file_is_an_expected_error(
    folder: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    assert main(["load", verb, "nowhere.yaml"]) == 1
    assert "nowhere.yaml: there is no such file" in capsys.readouterr().err


def test_ctrl_c_keeps_what_is_written_and_the_next_run_goes_on(folder: Path) -> None:
    lines = (json.dumps({"id": n, "name": "x" * 50}) for n in range(60_000))
    Path("in.jsonl").write_text("\n".join(lines) + "\n")
    config = pipeline(JSONL)
    command = [sys.executable, "-c", "from bot.cli.main import run; run()", "load", "run", config]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    while not (Path("out.jsonl").exists() and Path("out.jsonl").stat().st_size):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said.decode()
    written = ids("out.jsonl")
    assert 0 < len(written) < 60_000
    assert written == list(range(len(written)))
    assert main(["load", "run", config, "-q"]) == 0
    assert ids("out.jsonl") == list(range(60_000))


def test_a_source_that_breaks_half_way_leaves_a_parquet_folder_that_can_be_read(
    folder: Path,
) -> None:
    """Buffered formats write their footer at the end: an early one has to come all the same."""
    whole = Path("in.jsonl").read_text()
    Path("in.jsonl").write_text(whole[:15_000] + "\n{broken\n")
    config = pipeline("{type: parquet, config: {path: out}}")
    assert main(["load", "run", config, "-q"]) == 1
    before = parquet.read_table("out").column("id").to_pylist()
    assert before == list(range(len(before)))
    assert len(before) >= 100
    Path("in.jsonl").write_text(whole)
    assert main(["load", "run", config, "-q"]) == 0
    assert sorted(parquet.read_table("out").column("id").to_pylist()) == list(range(ROWS))


def test_integers_past_a_double_stay_whole(folder: Path) -> None:
    numbers = [2**53 + 1, 2**63 - 1, 1 - 2**63]
    Path("in.jsonl").write_text("".join(f'{{"id": {n}}}\n' for n in numbers))
    assert main(["load", "run", pipeline(JSONL), "-q"]) == 0
    assert ids("out.jsonl") == numbers
    assert main(["load", "run", pipeline(SQLITE), "-q"]) == 0
    assert table() == sorted(numbers)
