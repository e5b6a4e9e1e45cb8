"""Mines: one reading of one workspace's syncs, and how much of it succeeded."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.connection import WorkspaceId


class MineOutcome(StrEnum):
    """How a mine ended; one that was killed stays `RUNNING` and counts as partial."""

    RUNNING = "running"
    COMPLETE = "complete"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True)
class Mine:
    """One reading of one workspace.

    Every sync created in `[read_from, read_to]` has been read; `read_from` None means "from the
    oldest that Airbyte keeps", `read_to` None means "nothing yet". `unread` holds one sentence
    for each thing that could not be read. `detailed` says that the attempts and streams of all
    these syncs were read with them.
    """

    workspace_id: WorkspaceId
    started_at: datetime
    read_from: datetime | None = None
    read_to: datetime | None = None
    finished_at: datetime | None = None
    outcome: MineOutcome = MineOutcome.RUNNING
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    unread: tuple[str, ...] = ()
    detailed: bool = False
