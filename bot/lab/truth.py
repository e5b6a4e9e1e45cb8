"""What really happened, and what would have: the lab's answers to every test and benchmark."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.domain.connection import ConnectionId
from bot.domain.prices import PriceBook
from bot.domain.sync import JobKind, Sync, SyncStatus
from bot.lab.actions import Action
from bot.lab.bills import Bill, Promise, bill_of, price_book, promises_of
from bot.lab.jobs import FIRST_JOB_ID, KIND_NAMES, STATUS_NAMES, TERMINAL
from bot.lab.nature import Curve
from bot.lab.physics import pace_of, prospect_of
from bot.lab.world import World


class Truth:
    """The truth about one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def syncs(self) -> list[Sync]:
        """Return every job that was ever created, in order of creation, pruned ones too.

        `updated_at` is None while a job is open, as in the public API.
        """
        jobs, fleet = self._world.engine.jobs, self._world.fleet
        names = ("connection", "kind", "created", "started", "updated", "status", "rows", "bytes")
        columns = [jobs.column(name).tolist() for name in names]
        found = []
        for row, values in enumerate(zip(*columns, strict=True)):
            index, kind, created, started, updated, status, rows, size = values
            ended = status >= TERMINAL
            found.append(
                Sync(
                    id=row + FIRST_JOB_ID,
                    connection_id=ConnectionId(fleet.by_index[index].id),
                    kind=JobKind(KIND_NAMES[kind]),
                    status=SyncStatus(STATUS_NAMES[status]),
                    created_at=_moment(created),
                    updated_at=_moment(updated) if ended else None,
                    started_at=_moment(started) if started else None,
                    duration=timedelta(seconds=updated - created) if ended else None,
                    rows=rows,
                    bytes=size,
                )
            )
        return found

    def table(self, since: datetime | None = None) -> Mapping[str, NDArray[Any]]:
        """Return the jobs created from `since` on in columns; times in epoch seconds.

        `connection` is a place in `connection_ids`, `status` and `kind` places in
        `jobs.STATUS_NAMES` and `jobs.KIND_NAMES`.
        """
        jobs = self._world.engine.jobs
        names = ("connection", "kind", "created", "started", "updated", "status", "attempts")
        columns = {name: jobs.column(name) for name in (*names, "rows", "bytes", "failure")}
        ids = np.arange(FIRST_JOB_ID, FIRST_JOB_ID + jobs.count)
        first = 0
        if since is not None:
            first = int(np.searchsorted(columns["created"], int(since.timestamp())))
        return {name: values[first:] for name, values in {"job_id": ids, **columns}.items()}

    @property
    def connection_ids(self) -> tuple[str, ...]:
        """Return the ids that `table` numbers."""
        return tuple(link.id for link in self._world.fleet.by_index)

    def under(self, changes: Sequence[Action], until: datetime | None = None) -> "Truth":
        """Return the truth of the world that would have been with `changes`, luck unchanged.

        The whole world is lived again, so the syncs that a change makes room for are faster too.
        Without changes it is what happened, to the second.
        """
        end = None if until is None else int(until.timestamp())
        return Truth(self._world.again(changes, until=end))

    def bill(
        self, since: datetime, prices: PriceBook | None = None, until: datetime | None = None
    ) -> Bill:
        """Price the syncs created in a stretch of time, at the lab's prices unless others are given."""
        fleet, table = self._world.fleet, self.table(since)
        if until is not None:
            end = int(np.searchsorted(table["created"], int(until.timestamp())))
            table = {name: values[:end] for name, values in table.items()}
        return bill_of(table, fleet, prices or price_book(fleet))

    def promises(self, since: datetime) -> list[Promise]:
        """Say of every deadline from `since` on whether it was kept."""
        world = self._world
        return promises_of(self.table(), world.fleet, int(since.timestamp()), world.now)

    def knobs(self, source_id: str) -> tuple[Curve, ...]:
        """Return how the run time of a source's syncs bends around each knob's optimum."""
        return self._world.source_natures[source_id].curves

    def seconds_alone(self, connection_id: str, at: datetime) -> float:
        """Return how long a sync of average luck would run from `at` on, with nobody beside it.

        It reads what changes in one day; settings are the present ones.
        """
        world = self._world
        link = world.fleet.connections[connection_id]
        source = world.fleet.sources[link.source_id]
        natures = (world.natures[link.index], world.source_natures[link.source_id])
        pace, second = pace_of(link, source, natures), int(at.timestamp())
        world.engine.volumes.reach(second // 86_400 + 1)
        plain = 1 << 63 | 1 << 31 | 0xFFFF << 16 | 0xFFFF
        _, hot, whole, _, per_row, _ = prospect_of(
            pace, link.index, world.engine.volumes, second, plain
        )
        changed = world.engine.volumes.level(link.index, second // 86_400)
        rows = whole + (1 - pace.full_share) * hot * (1 - np.exp(-changed / hot))
        return float(natures[0].overhead + rows * per_row)


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)
