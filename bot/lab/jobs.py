"""Every job that was ever created, in columns; the row number is the order of creation."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FIRST_JOB_ID: Final = 1001


class JobStatus(IntEnum):
    """Job states, as stored; the names are the API's."""

    PENDING = 0
    QUEUED = 1
    RUNNING = 2
    INCOMPLETE = 3
    FAILED = 4
    SUCCEEDED = 5
    CANCELLED = 6


TERMINAL: Final = int(JobStatus.FAILED)
STATUS_NAMES: Final = tuple(status.name.lower() for status in JobStatus)
KIND_NAMES: Final = ("sync", "reset", "refresh", "clear")


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One attempt: epoch seconds, rows and bytes committed, failure code (0 is none)."""

    started: int
    ended: int
    failure: int
    rows: int
    bytes: int


_COLUMNS: Final[dict[str, type[np.generic]]] = {
    "connection": np.int32,
    "kind": np.int8,
    "manual": np.bool_,
    "created": np.int64,
    "started": np.int64,
    "updated": np.int64,
    "status": np.int8,
    "attempts": np.int16,
    "rows": np.int64,
    "full_rows": np.int64,
    "bytes": np.int64,
    "failure": np.int8,
}

_BUFFERED: Final = 20_000
Created = tuple[int, int, bool, int]
"""connection index, kind, started by a person, created at."""
Ended = tuple[int, int, int, int, int, int, int, int, int]
"""row, started, updated, status, attempts, rows, full-refresh rows, bytes, failure."""


class Jobs:
    """The table of jobs. `version` changes whenever a row does."""

    def __init__(self) -> None:
        self.count = 0
        self.version = 0
        self._next = 0
        self._created: list[Created] = []
        self._ended: list[Ended] = []
        self.attempts: dict[int, tuple[AttemptRecord, ...]] = {}
        self._data: dict[str, NDArray[Any]] = {
            name: np.zeros(1024, dtype) for name, dtype in _COLUMNS.items()
        }

    def column(self, name: str) -> NDArray[Any]:
        """Return one column, as a view that the next write may move away from."""
        return self._data[name][: self.count]

    def create(self, job: Created) -> int:
        """Take in a new job and return its row; queries see it after `flush`."""
        self._created.append(job)
        self._next += 1
        return self._next - 1

    def settle(self, job: Ended) -> None:
        """Take in how a job ended."""
        self._ended.append(job)
        if len(self._ended) > _BUFFERED:
            self.flush()

    def flush(self) -> None:
        """Write what was created and what ended since the last time."""
        created, ended = self._created, self._ended
        if created:
            self._grow(self._next)
            where = slice(self.count, self._next)
            for name, values in zip(
                ("connection", "kind", "manual", "created"), zip(*created, strict=True), strict=True
            ):
                self._data[name][where] = values
            self._data["updated"][where] = self._data["created"][where]
            self.count = self._next
        if ended:
            columns = [np.asarray(values) for values in zip(*ended, strict=True)]
            names = ("started", "updated", "status", "attempts", "rows", "full_rows", "bytes")
            for name, settled in zip((*names, "failure"), columns[1:], strict=True):
                self._data[name][columns[0]] = settled
        self._created, self._ended = [], []
        self.version += 1

    def mark(self, row: int, status: JobStatus, started: int, updated: int) -> None:
        """Record where an open job stands."""
        self._data["status"][row] = status
        self._data["started"][row] = started
        self._data["updated"][row] = updated

    def _grow(self, wanted: int) -> None:
        size = len(self._data["created"])
        if wanted <= size:
            return
        for name, values in self._data.items():
            larger = np.zeros(max(wanted, 2 * size), values.dtype)
            larger[: self.count] = values[: self.count]
            self._data[name] = larger
