"""The installation's data workers: how many are busy, and who waits for them, first come first."""

from collections import deque

from bot.lab import constants as known
from bot.lab.run import Run


class Pool:
    """A limited number of data workers; without a limit nobody ever waits.

    `recheck_at` is when the queue is next looked at, 0 when that is not arranged.
    """

    def __init__(self, limit: float | None) -> None:
        self.limit = limit
        self.used = 0.0
        self.queue: deque[Run] = deque()
        self.recheck_at = 0

    def admits(self, run: Run) -> bool:
        """Tell whether a new job may start at once."""
        return self.limit is None or (not self.queue and self._has_room_for(run))

    def next_waiting(self) -> Run | None:
        """Return the head of the queue if there is room for it, without taking it out."""
        return self.queue[0] if self.queue and self._has_room_for(self.queue[0]) else None

    def tired_of_waiting(self, at: int) -> list[Run]:
        """Return the jobs started by hand that have waited too long."""
        limit = known.MANUAL_QUEUE_LIMIT
        return [run for run in self.queue if run.manual and at - run.created > limit]

    def recheck_due(self, at: int, every: int) -> int:
        """Return when to look at the queue after something changed, 0 if that is arranged."""
        due = at - at % every + every if every > 1 else at
        if self.recheck_at == due:
            return 0
        self.recheck_at = due
        return due

    def _has_room_for(self, run: Run) -> bool:
        # A sync larger than the whole pool runs alone rather than never.
        assert self.limit is not None
        return self.used < known.TINY or self.used + run.pace.workers <= self.limit + known.TINY
