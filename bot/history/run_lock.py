"""The lock against two runs at once: held by the kernel, so that a killed run leaves none behind.

The file says who holds it, for the one who has to wait. The lock itself is `flock`: it ends
with the process, however that ends. It guards one machine; for several, let the scheduler run one
job at a time (`concurrency:` in GitHub Actions).
"""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from bot.domain.errors import HistoryError


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock: a process on a host, since when (ISO 8601), and for which run."""

    pid: int
    host: str
    run_id: str
    since: str

    @classmethod
    def this_process(cls, run_id: str, now: datetime) -> "Holder":
        """Describe ourselves."""
        return cls(os.getpid(), socket.gethostname(), run_id, now.isoformat(timespec="seconds"))

    def __str__(self) -> str:
        return f"run {self.run_id}, process {self.pid} on {self.host}, since {self.since}"


@contextmanager
def held(path: Path, holder: Holder) -> Iterator[Holder | None]:
    """Hold the lock at `path` while the block runs.

    Yields:
        The holder that was killed before it could let go, None after an orderly end.

    Raises:
        HistoryError: another process holds it, or the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise HistoryError(f"{path}: the lock cannot be opened ({error.strerror})") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = _read(file)
            raise HistoryError(
                f"{path}: another run is under way ({who or 'it has not said who it is'})",
                "Wait for it to end, or stop that process; there is no file to delete.",
            ) from None
        except OSError as error:
            raise HistoryError(
                f"{path}: the file system cannot lock ({error.strerror})",
                "Keep the folder of trimtab.yaml on a disk of this machine.",
            ) from None
        left_behind = _read(file)
        _write(file, json.dumps(asdict(holder)))
        try:
            yield left_behind
        finally:
            _write(file, "")


def _read(file: IO[str]) -> Holder | None:
    file.seek(0)
    try:
        return Holder(**json.loads(file.read()))
    except (ValueError, TypeError):
        # Empty after an orderly end; cut short when its writer was killed at that very moment.
        return None


def _write(file: IO[str], text: str) -> None:
    file.seek(0)
    file.truncate()
    file.write(text)
    file.flush()
