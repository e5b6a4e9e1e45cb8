"""Run a program and measure it: seconds, and the most memory that it and its children held."""

import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLE_S = 0.2


@dataclass(frozen=True)
class Run:
    """One run of a program.

    Memory is the sum of the peaks of resident memory of its processes, as the kernel keeps them:
    sampling the exact share of each page would slow the program that is measured.
    """

    seconds: float
    peak_mb: float
    exit_code: int
    output: str


def run_measured(command: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path) -> Run:
    """Run `command` to its end and measure it."""
    peaks: dict[int, float] = {}
    started = time.perf_counter()
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stdout=output, stderr=output, env=env, cwd=cwd) as process,
    ):
        done = threading.Event()

        def watch() -> None:
            while not done.wait(SAMPLE_S):
                _note_peaks(process.pid, peaks)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        process.wait()
        seconds = time.perf_counter() - started
        done.set()
        watcher.join()
    text = log.read_text("utf-8", "replace")
    return Run(seconds, sum(peaks.values()), process.returncode, text)


def _note_peaks(pid: int, peaks: dict[int, float]) -> None:
    """Note the peak of a process and of its children; one that has just ended stays as it was."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        tasks = Path(f"/proc/{pid}/task").glob("*/children")
        children = [int(child) for task in tasks for child in task.read_text().split()]
    except OSError:
        return
    for line in lines:
        if line.startswith("VmHWM:"):
            peaks[pid] = int(line.split()[1]) / 1024
    for child in children:
        _note_peaks(child, peaks)
