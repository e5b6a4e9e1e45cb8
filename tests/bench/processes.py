"""Run a program and measure it: seconds, and the most memory that it and its children held."""

import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLE_S = 0.05


@dataclass(frozen=True)
class Run:
    """One run of a program. Memory is the proportional set size of its process tree."""

    seconds: float
    peak_mb: float
    exit_code: int
    output: str


def run_measured(command: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path) -> Run:
    """Run `command` to its end and measure it."""
    peak = [0.0]
    started = time.perf_counter()
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stdout=output, stderr=output, env=env, cwd=cwd) as process,
    ):

        def watch() -> None:
            while process.poll() is None:
                peak[0] = max(peak[0], _tree_mb(process.pid))
                time.sleep(SAMPLE_S)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        process.wait()
        seconds = time.perf_counter() - started
        watcher.join()
    text = log.read_text("utf-8", "replace")
    return Run(seconds, peak[0], process.returncode, text)


def _tree_mb(pid: int) -> float:
    """Add up a process and its children; one that has just ended counts for nothing."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        kilobytes = sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        tasks = Path(f"/proc/{pid}/task").glob("*/children")
        children = [int(child) for task in tasks for child in task.read_text().split()]
    except (OSError, ProcessLookupError):
        return 0.0
    return kilobytes / 1024 + sum(map(_tree_mb, children))
