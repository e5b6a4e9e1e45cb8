"""A job that is not finished, and the installation that it runs on."""

from dataclasses import dataclass

from bot.lab import constants as known
from bot.lab.jobs import AttemptRecord, JobStatus
from bot.lab.physics import CREDENTIALS, NO_FAILURE, Pace

Prospect = tuple[float, float, float, float, float, float]
"""What a tick will meet if it starts on time, worked out a day ahead: rows changed since the
beginning, size of the hot set, full-refresh rows, row noise, seconds per row, failure draw."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """How the simulated Airbyte behaves as an installation.

    `pool` is the number of data workers (None: no limit). `cloud` adds scheduling jitter, checks
    the queue once a minute, and lets a tick replace a queued sync. `catch_up` starts a missed
    tick right after the sync that hid it (`use-new-cron-schedule-calculation`).
    """

    cloud: bool = False
    catch_up: bool = False
    pool: float | None = None


class Run:
    """An open job. `since` is when its present attempt began, 0 between attempts.

    Defaults live on the class: almost every sync succeeds at once, and a fleet has millions.
    """

    kind = 0
    manual = False
    dead = False
    started = 0
    since = 0
    attempt = 0
    wanted = 0
    left = 0
    full_rows = 0
    rows = 0
    bytes = 0
    changed = 0.0
    failure = NO_FAILURE
    progress = 1.0
    streak = 0
    complete_failures = 0
    partial_failures = 0
    records: tuple[AttemptRecord, ...] = ()

    def __init__(self, row: int, index: int, created: int, pace: Pace, bits: int) -> None:
        self.row = row
        self.index = index
        self.created = created
        self.pace = pace
        self.bits = bits

    @property
    def status(self) -> JobStatus:
        """Return where it stands, as Cloud puts it."""
        if not self.started:
            return JobStatus.QUEUED
        return JobStatus.RUNNING if self.since else JobStatus.INCOMPLETE


def retry_delay(run: Run) -> int | None:
    """Count a failed attempt; return how long to wait for the next, None to give up."""
    if run.progress:
        run.streak = 0
        run.partial_failures += 1
        return 1 if run.partial_failures < known.PARTIAL_FAILURES_TOTAL else None
    run.streak += 1
    run.complete_failures += 1
    if (
        run.failure == CREDENTIALS
        or run.streak >= known.COMPLETE_FAILURES_SUCCESSIVE
        or run.complete_failures >= known.COMPLETE_FAILURES_TOTAL
    ):
        return None
    backoff: int = known.BACKOFF_FIRST * known.BACKOFF_FACTOR ** (run.streak - 1)
    return min(backoff, known.BACKOFF_MAX)
