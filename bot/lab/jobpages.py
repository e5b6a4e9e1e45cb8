"""Pages of jobs: which rows a query means, in which order, and their JSON, made fast."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bot.lab import constants as known
from bot.lab.clocktext import java_duration, java_time
from bot.lab.faults import LATE_STATS_SECONDS, NEWER_STATUS, Faults
from bot.lab.jobs import FIRST_JOB_ID, KIND_NAMES, STATUS_NAMES, TERMINAL, JobStatus
from bot.lab.noise import key_of, mix, unit
from bot.lab.world import World

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class JobQuery:
    """What is asked for; times in epoch seconds, both ends inclusive."""

    connection: int | None = None
    workspaces: frozenset[str] | None = None
    kind: int | None = None
    status: int | None = None
    created: tuple[int | None, int | None] = (None, None)
    updated: tuple[int | None, int | None] = (None, None)
    order: str = "createdAt"
    descending: bool = False


_KEPT: Final = 64
_TEXTS_KEPT: Final = 1_000_000


class JobPages:
    """Answers job queries from a world's table; what it sorted, it keeps until a job changes."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self._faults = faults
        self._key = key_of("jobs", faults.seed)
        self._version = -1
        self._kept: dict[JobQuery, Rows] = {}
        self._texts: dict[int, str] = {}

    def rows(self, query: JobQuery) -> Rows:
        """Return the rows that match, in order."""
        jobs = self._world.engine.jobs
        if self._version != jobs.version:
            self._kept.clear()
            self._version = jobs.version
        found = self._kept.get(query)
        if found is None:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            found = self._kept[query] = self._find(query)
        return found

    def page(self, query: JobQuery, offset: int, limit: int, number: int) -> Rows:
        """Return one page of rows; `number` is the request's, which ties may depend on."""
        rows = self.rows(query)
        if not self._faults.shuffled_ties:
            return rows[offset : offset + limit]
        return self._shuffled(rows, query, slice(offset, offset + limit), number)

    def json(self, rows: Rows) -> str:
        """Return rows as a JSON list of public-API jobs."""
        texts = self._texts
        missing = [row for row in rows.tolist() if row not in texts]
        fresh = self._render(np.asarray(missing, dtype=np.int64)) if missing else {}
        return "[" + ",".join([texts.get(row) or fresh[row] for row in rows.tolist()]) + "]"

    def _render(self, rows: Rows) -> dict[int, str]:
        """Write jobs as JSON; what can change no more is kept for the next time."""
        jobs, fleet = self._world.engine.jobs, self._world.fleet
        columns = ("connection", "kind", "created", "updated", "status", "rows", "bytes")
        texts: dict[int, str] = {}
        values = [jobs.column(name)[rows].tolist() for name in columns]
        for row, *job in zip(rows.tolist(), *values, strict=True):
            index, kind, created, updated, status, moved, size = job
            name, settled = STATUS_NAMES[status], status >= TERMINAL
            if settled:
                if self._is_late(row, updated):
                    moved, size, settled = 0, 0, False
                tail = (
                    f'"lastUpdatedAt":"{java_time(updated)}",'
                    f'"duration":"{java_duration(updated - created)}",'
                )
            elif status == JobStatus.PENDING:
                tail = ""
            else:
                tail = f'"duration":"{java_duration(updated - created)}",'
            if self._faults.unknown_status and self._drawn(row, 2) < self._faults.unknown_status:
                name = NEWER_STATUS
            texts[row] = (
                f'{{"jobId":{row + FIRST_JOB_ID},"status":"{name}","jobType":"{KIND_NAMES[kind]}",'
                f'"startTime":"{java_time(created)}","connectionId":"{fleet.by_index[index].id}",'
                f'{tail}"bytesSynced":{size},"rowsSynced":{moved}}}'
            )
            if settled and len(self._texts) < _TEXTS_KEPT:
                self._texts[row] = texts[row]
        return texts

    def has(self, row: int) -> bool:
        """Tell whether a job exists and has not been pruned."""
        return self.first_kept() <= row < self._world.engine.jobs.count

    def first_kept(self) -> int:
        """Return the first row that the daily prune has left."""
        midnight = self._world.now - self._world.now % known.DAY
        edge = midnight - known.JOB_RETENTION_DAYS * known.DAY
        return int(np.searchsorted(self._column("created"), edge, side="left"))

    def _find(self, query: JobQuery) -> Rows:
        created = self._column("created")
        first, end = self.first_kept(), len(created)
        low, high = query.created
        if low is not None:
            first = max(first, int(np.searchsorted(created, low, side="left")))
        if high is not None:
            end = min(end, int(np.searchsorted(created, high, side="right")))
        rows = np.arange(first, max(first, end))
        rows = rows[self._mask(query, rows)]
        if query.order == "updatedAt":
            rows = rows[np.argsort(self._column("updated")[rows], kind="stable")]
        return rows[::-1] if query.descending else rows

    def _mask(self, query: JobQuery, rows: Rows) -> NDArray[np.bool_]:
        connection = self._column("connection")[rows]
        mask = np.ones(len(rows), np.bool_)
        if query.connection is not None:
            mask &= connection == query.connection
        elif query.workspaces is not None:
            member = np.asarray(
                [one.workspace_id in query.workspaces for one in self._world.fleet.by_index],
                dtype=np.bool_,
            )
            if not member.all():
                mask &= member[connection]
        if query.kind is not None:
            mask &= self._column("kind")[rows] == query.kind
        if query.status is not None:
            mask &= self._column("status")[rows] == query.status
        low, high = query.updated
        if low is not None:
            mask &= self._column("updated")[rows] >= low
        if high is not None:
            mask &= self._column("updated")[rows] <= high
        return mask

    def _shuffled(self, rows: Rows, query: JobQuery, where: slice, number: int) -> Rows:
        """Order rows of one second anew, in every answer differently, as no id breaks ties."""
        times = self._column("updated" if query.order == "updatedAt" else "created")[rows]
        if query.descending:
            times = -times
        page = times[where]
        if not len(page):
            return rows[where]
        first = int(np.searchsorted(times, page[0], side="left"))
        end = int(np.searchsorted(times, page[-1], side="right"))
        part = rows[first:end]
        luck = np.asarray([mix(self._key, int(row), number) >> 1 for row in part], np.int64)
        order = np.lexsort((luck, times[first:end]))
        return part[order][where.start - first : where.stop - first]

    def _is_late(self, row: int, updated: int) -> bool:
        if not self._faults.late_stats or self._drawn(row, 3) >= self._faults.late_stats:
            return False
        return self._world.now < updated + int(LATE_STATS_SECONDS * self._drawn(row, 4))

    def _drawn(self, row: int, what: int) -> float:
        return unit(self._key, row, what)

    def _column(self, name: str) -> NDArray[Any]:
        return self._world.engine.jobs.column(name)
