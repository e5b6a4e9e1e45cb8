"""A job that is not finished, and the installation that it runs on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from bot.lab import constants as known
from bot.lab.jobs import AttemptRecord, JobStatus
from bot.lab.physics import (
    CREDENTIALS,
    NO_FAILURE,
    Pace,
    failure_of,
    progress_of,
    retry_chance,
)
from bot.lab.volume import Volumes

Prospect = tuple[float, float, float, float, float, float]
"""What a tick will meet if it starts on time, worked out a day ahead: rows changed since the
beginning, size of the hot set, full-refresh rows, row noise, seconds per row, failure draw."""

Meeting = Callable[[Pace, int, Volumes, int, int], Prospect]
"""What works a prospect out: of a pace, an index, the volumes, a second, and the luck's bits."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """How the simulated Airbyte behaves as an installation.

    `pool` is the number of data workers (None: no limit), `headroom` sizes the pool as a multiple
    of the fleet's mean load instead. `cloud` adds scheduling jitter, checks
    the queue once a minute, and lets a tick replace a queued sync. `catch_up` starts a missed
    tick right after the sync that hid it (`use-new-cron-schedule-calculation`).
    """

    cloud: bool = False
    catch_up: bool = False
    pool: float | None = None
    headroom: float | None = None


class SourceDay(NamedTuple):
    """A source on one day: its number since the beginning, and when the source is down."""

    number: int
    outages: tuple[tuple[int, int], ...]


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

    def begin(self, at: int, work: float, chance: float, load: float, day: SourceDay) -> float:
        """Begin an attempt and settle how it will end; return how long it takes when alone.

        `work` is how long a whole one takes, `chance` the sync's draw, `load` the demand on its
        source over the source's capacity.
        """
        pace = self.pace
        broken = pace.nature.broken
        stubborn = chance < pace.nature.fails * known.STUBBORN_SHARE
        if self.attempt and not stubborn:
            chance = retry_chance(self.bits, self.attempt)
        self.since, self.failure, self.progress = at, NO_FAILURE, 1.0
        if chance >= pace.calm and load <= known.OVERLOAD_KNEE and not day.outages and not broken:
            return work
        self.failure = failure_of(
            pace,
            chance,
            load,
            down=any(begin <= at < end for begin, end in day.outages),
            broken=broken is not None and broken[0] <= day.number < broken[1],
        )
        if not self.failure:
            return work
        # What no retry heals fails at the same place again, so nothing more is committed.
        again = stubborn and self.attempt > 0
        self.progress = 0.0 if again else progress_of(self.failure, self.bits, self.attempt)
        return pace.nature.overhead + (work - pace.nature.overhead) * self.progress

    def end(self, at: int) -> None:
        """End an attempt: count what it moved."""
        rows = int(self.left * self.progress)
        size = int(rows * self.pace.nature.row_bytes)
        self.left -= rows
        self.rows += rows
        self.bytes += size
        if self.failure or self.attempt:
            self.records += (AttemptRecord(self.since, at, self.failure, rows, size),)
        self.attempt += 1
        self.since = 0

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
