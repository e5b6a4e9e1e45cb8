import errno
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.domain.errors import HistoryError
from bot.history.run_lock import Holder, held

NOW = datetime(2026, 11, 27, 2, tzinfo=UTC)
ME = Holder.this_process("r-1", NOW)
HOLD = """
import sys, time
from pathlib import Path
from bot.history.run_lock import Holder, held
with held(Path(sys.argv[1]), Holder(4711, "elsewhere", "r-0", "2026-11-27T01:00:00+00:00")):
    print("held", flush=True)
    time.sleep(60)
"""


def other_process(path: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", HOLD, str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_run_is_told_who_holds_the_lock_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    process = other_process(path)
    try:
        before = path.read_text()
        expected = "another run is under way .run r-0, process 4711 on elsewhere, since 2026-11-27"
        with pytest.raises(HistoryError, match=expected), held(path, ME):
            pass
        assert path.read_text() == before
    finally:
        process.kill()
        process.communicate()


def test_a_killed_run_leaves_no_lock_and_is_named(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    process = other_process(path)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with held(path, ME) as left_behind:
        assert left_behind is not None
        assert left_behind.run_id == "r-0"
    with held(path, ME) as left_behind:
        assert left_behind is None


def test_half_a_line_of_a_killed_run_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    path.write_text('{"pid": 47')
    with held(path, ME) as left_behind:
        assert left_behind is None


def test_an_error_inside_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "run.lock"
    with pytest.raises(KeyError), held(path, ME):
        raise KeyError
    with held(path, ME) as left_behind:
        assert left_behind is None


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(HistoryError, match=r"run\.lock: the lock cannot be opened"),
        held(tmp_path / "file" / "run.lock", ME),
    ):
        pass


def test_a_file_system_without_locks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", refuse)
    with (
        pytest.raises(HistoryError, match=r"run\.lock: the file system cannot lock \(No locks"),
        held(tmp_path / "run.lock", ME),
    ):
        pass
