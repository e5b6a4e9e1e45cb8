"""What really happened, and what would have: the lab's answers to every test and benchmark."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot.domain.connection import ConnectionId
from bot.domain.sync import JobKind, Sync, SyncStatus
from bot.lab.actions import Action
from bot.lab.jobs import FIRST_JOB_ID, KIND_NAMES, STATUS_NAMES, TERMINAL
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

    def under(self, changes: Sequence[Action], until: datetime | None = None) -> "Truth":
        """Return the truth of the world that would have been with `changes`, luck unchanged."""
        end = None if until is None else int(until.timestamp())
        return Truth(self._world.again(changes, until=end))


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)
