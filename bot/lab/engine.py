"""The world's event loop: ticks, queueing, attempts, retries, one connection at a time.

Times are whole epoch seconds. Events of one second happen in a fixed order, so the same inputs
give the same jobs, and stopping the clock anywhere and going on changes nothing.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final

import numpy as np

from bot.domain.connection import Basic, Cron
from bot.lab import constants as known
from bot.lab import physics
from bot.lab.fleet import LabConnection, basic_seconds
from bot.lab.jobs import AttemptRecord, Created, Ended, Jobs, JobStatus
from bot.lab.nature import ConnectionNature, SourceNature
from bot.lab.physics import Pace
from bot.lab.sharing import SharedSource
from bot.lab.ticks import DayPlan, Ticks, jitter_bound, jitter_of
from bot.lab.volume import Volumes

_END: Final = 0
_RETRY: Final = 1
_RECHECK: Final = 2
_BEGIN: Final = 3
_BY_HAND: Final = 1 << 14


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
    """A job that is not finished."""

    __slots__ = (
        "attempt",
        "bits",
        "bytes",
        "changed",
        "created",
        "dead",
        "failure",
        "full_rows",
        "index",
        "kind",
        "left",
        "luck",
        "manual",
        "pace",
        "progress",
        "records",
        "row",
        "rows",
        "since",
        "started",
        "streak",
        "tries",
        "trouble",
        "wanted",
    )

    def __init__(self, row: int, index: int, created: int, bits: int) -> None:
        self.row = row
        self.index = index
        self.created = created
        self.bits = bits
        self.luck = physics.luck_of(bits)
        self.kind = 0
        self.manual = False
        self.started = 0
        self.since = 0
        self.attempt = 0
        self.left = self.wanted = self.full_rows = self.rows = self.bytes = 0
        self.changed = 0.0
        self.failure = physics.NO_FAILURE
        self.progress = 1.0
        self.records: list[AttemptRecord] = []
        self.streak = self.trouble = self.tries = 0
        self.dead = False
        self.pace: Pace

    @property
    def status(self) -> JobStatus:
        """Return where it stands, as Cloud puts it."""
        if not self.started:
            return JobStatus.QUEUED
        return JobStatus.RUNNING if self.since else JobStatus.INCOMPLETE


class Engine:
    """Connections in motion, from `start` on.

    Args:
        start: epoch seconds; a UTC midnight.
        deployment: how the installation behaves.
        on_disabled: called with (index, at) when too many failures switch a connection off.
    """

    def __init__(
        self, start: int, deployment: Deployment, on_disabled: Callable[[int, int], None]
    ) -> None:
        self.now = start
        self.first_day = start // known.DAY
        self.deployment = deployment
        self.jobs = Jobs()
        self.volumes = Volumes(self.first_day)
        self.ticks = Ticks()
        self.queue: deque[Run] = deque()
        self.used = 0.0
        self.running: dict[int, Run] = {}
        self._on_disabled = on_disabled
        self._shared: list[SharedSource[Run]] = []
        self._outages: list[tuple[tuple[int, int], ...]] = []
        self._sources: list[SourceNature] = []
        self._heap: list[tuple[int, int, int, int, object]] = []
        self._serial = 0
        self._rows = 0
        self._created: list[Created] = []
        self._ended: list[Ended] = []
        self._recheck_at = 0
        self._plan: DayPlan | None = None
        self._plan_day = -1
        # One entry per connection, by index.
        self._links: list[LabConnection] = []
        self._natures: list[ConnectionNature] = []
        self._paces: list[Pace] = []
        self._source_of: list[int] = []
        self._active: list[bool] = []
        self._waiting: list[int] = []
        self._generation: list[int] = []
        self._missed: list[bool] = []
        self._last_start: list[int] = []
        self._last_created: list[int] = []
        self._last_end: list[int] = []
        self._last_success: list[int] = []
        self._failed_in_a_row: list[int] = []
        self._mark: list[float] = []
        self._by_hand: list[int] = []

    # --- Who takes part ---------------------------------------------------------------------

    def add_source(self, nature: SourceNature) -> int:
        """Take in a source and return its place."""
        self._shared.append(SharedSource(nature.capacity))
        self._sources.append(nature)
        self._outages.append(self._outages_around(nature, self.now // known.DAY))
        return len(self._shared) - 1

    def add(self, links: Iterable[tuple[LabConnection, Pace, int]]) -> None:
        """Take in connections with their pace and the place of their source."""
        links = list(links)
        for link, pace, source in links:
            assert link.index == len(self._links)
            self._links.append(link)
            self._natures.append(pace.nature)
            self._paces.append(pace)
            self._source_of.append(source)
            self._active.append(link.status == "active")
            self._waiting.append(0)
            self._generation.append(0)
            self._missed.append(False)
            for column in (self._last_start, self._last_created):
                column.append(0)
            for column in (self._last_end, self._last_success):
                column.append(self.now)
            self._failed_in_a_row.append(0)
            self._by_hand.append(0)
        self.volumes.add([pace.nature for _, pace, _ in links])
        self.volumes.reach(self.now // known.DAY + 1)
        for link, pace, _ in links:
            changed = self.volumes.changed(link.index, self.now)
            self._mark.append(changed - 0.5 * pace.nature.rows_day)
            if isinstance(link.schedule, Basic):
                self._after(link.index, self.now)
        self._plan_day = -1

    def set_pace(self, index: int, pace: Pace) -> None:
        """Run later syncs of a connection at another pace."""
        self._paces[index] = pace

    def set_schedule(self, index: int, *, was: Cron | None) -> None:
        """Take in that the schedule or the status of a connection changed, now."""
        link = self._links[index]
        self._active[index] = link.status == "active"
        self._generation[index] += 1
        self._waiting[index] = 0
        self._missed[index] = False
        self._plan_day = -1
        if not self._active[index] or index in self.running:
            return
        if isinstance(link.schedule, Basic):
            self._after(index, self.now)
        elif isinstance(link.schedule, Cron) and was != link.schedule and self.deployment.catch_up:
            # The new calculation looks from the previous job on, and starts what it finds passed.
            since = self._last_created[index] + known.MIN_GAP
            if self._last_created[index] and self._ticked(link.schedule, since):
                self._push(self.now + 1, _BEGIN, index, self._generation[index])

    def start_by_hand(self, index: int, kind: int = 0) -> int | None:
        """Create a job now and return its row, or None when one is open already."""
        if index in self.running:
            return None
        self._waiting[index] = 0
        self._create(index, self.now, self._hand_bits(index), kind=kind, manual=True)
        self._flush()
        return self._rows - 1

    def cancel(self, row: int) -> bool:
        """Cancel an open job; tell whether it was open."""
        run = next((run for run in self.running.values() if run.row == row), None)
        if run is None:
            return False
        self._stop(run, self.now, physics.BY_PERSON)
        self._flush()
        return True

    # --- Time -------------------------------------------------------------------------------

    def advance(self, to: int) -> None:
        """Let everything happen up to and including second `to`."""
        while self.now < to:
            day = (self.now + 1) // known.DAY
            if day != self._plan_day:
                self._plan_for(day)
            stop = min(to, (day + 1) * known.DAY - 1)
            self._run_until(stop)
            self.now = stop
            self._flush()

    def _plan_for(self, day: int) -> None:
        self.volumes.reach(day + 1)
        self._outages = [self._outages_around(nature, day) for nature in self._sources]
        ticking = []
        for link in self._links:
            if self._active[link.index] and isinstance(link.schedule, Cron):
                offsets = self.ticks.on(link.schedule, day)
                if offsets:
                    ticking.append((link.index, offsets))
        keys = np.asarray([nature.key for nature in self._natures], dtype=np.uint64)
        self._plan = DayPlan(day, ticking, keys, self.now)
        self._plan_day = day

    def _run_until(self, stop: int) -> None:
        plan = self._plan
        assert plan is not None
        times, connections, bits, position = plan.times, plan.connections, plan.bits, plan.position
        total, heap = len(times), self._heap
        while True:
            tick = times[position] if position < total else stop + 1
            if heap and heap[0][0] <= tick:
                if heap[0][0] > stop:
                    break
                at, kind, _, number, item = heappop(heap)
                self._happen(at, kind, number, item)
            elif tick <= stop:
                self._tick(connections[position], tick, bits[position])
                position += 1
            else:
                break
        plan.position = position

    def _happen(self, at: int, kind: int, number: int, item: object) -> None:
        if kind == _END:
            shared = self._shared[number]
            if item == shared.version:
                for run in shared.leave_finished(at):
                    self._end_attempt(run, at)
                self._retime(number, at)
        elif kind == _RETRY:
            assert isinstance(item, Run)
            if not item.dead:
                self._begin_attempt(item, at)
        elif kind == _RECHECK:
            self._admit(at)
        elif item == self._generation[number] and number not in self.running:
            bits = self._waiting[number] or self._hand_bits(number, at)
            self._waiting[number] = 0
            self._create(number, at, bits)

    def _tick(self, index: int, at: int, bits: int) -> None:
        run = self.running.get(index)
        if run is not None:
            if run.started or run.manual or not self.deployment.cloud:
                self._missed[index] = True
                return
            self._stop(run, at, physics.REPLACED)
        if self._waiting[index] or at < self._last_start[index] + known.MIN_GAP:
            return
        delay = 0
        if self.deployment.cloud:
            delay = jitter_of(self._natures[index].key, at, at - self._last_end[index])
        if delay:
            self._waiting[index] = bits
            self._push(at + delay, _BEGIN, index, self._generation[index])
        else:
            self._create(index, at, bits)

    # --- A sync's life ----------------------------------------------------------------------

    def _create(
        self, index: int, at: int, bits: int, *, kind: int = 0, manual: bool = False
    ) -> None:
        run = Run(self._rows, index, at, bits)
        run.kind = kind
        run.manual = manual
        run.pace = self._paces[index]
        self._rows += 1
        self._created.append((index, kind, manual, at))
        self.running[index] = run
        self._last_created[index] = at
        pool = self.deployment.pool
        if pool is None or (not self.queue and self.used + run.pace.workers <= pool):
            self._start(run, at)
        else:
            self.queue.append(run)
            self._ask_recheck(at)

    def _start(self, run: Run, at: int) -> None:
        index = run.index
        run.started = at
        self.used += run.pace.workers
        self._last_start[index] = at
        run.changed = self.volumes.changed(index, at)
        if run.kind == 0:
            missing = run.changed - self._mark[index]
            day = at // known.DAY
            incremental, whole = physics.rows_of(
                run.pace, index, self.volumes, missing, day, run.luck
            )
            run.wanted = run.left = incremental + whole
            run.full_rows = whole
        self._begin_attempt(run, at)

    def _begin_attempt(self, run: Run, at: int) -> None:
        pace, source = run.pace, self._source_of[run.index]
        shared = self._shared[source]
        number = run.attempt
        chance = run.luck.fail if number == 0 else physics.retry_chance(run.bits, number)
        load = (shared.demand + pace.demand) / shared.capacity
        broken = pace.nature.broken
        day = at // known.DAY - self.first_day
        failure = physics.failure_of(
            pace,
            chance,
            load,
            down=any(begin <= at < end for begin, end in self._outages[source]),
            broken=broken is not None and broken[0] <= day < broken[1],
        )
        work = physics.work_seconds(pace, run.left, run.luck, at, self.first_day)
        run.since = at
        run.failure = failure
        run.progress = 1.0
        if failure:
            run.progress = physics.progress_of(failure, run.bits, number)
            work = pace.nature.overhead + (work - pace.nature.overhead) * run.progress
        shared.join(at, work, pace.demand, run)
        self._retime(source, at)

    def _retime(self, source: int, at: int) -> None:
        shared = self._shared[source]
        end = shared.next_end(at)
        if end is not None:
            heappush(self._heap, (end, _END, source, source, shared.version))

    def _end_attempt(self, run: Run, at: int) -> None:
        rows = int(run.left * run.progress)
        size = int(rows * run.pace.nature.row_bytes)
        run.left -= rows
        run.rows += rows
        run.bytes += size
        if run.failure or run.attempt:
            run.records.append(AttemptRecord(run.since, at, run.failure, rows, size))
        run.attempt += 1
        run.since = 0
        if not run.failure:
            self._finish(run, at, JobStatus.SUCCEEDED)
            return
        if run.progress:
            run.streak = 0
            run.trouble += 1
            again, delay = run.trouble < known.PARTIAL_FAILURES_TOTAL, 1
        else:
            run.streak += 1
            run.tries += 1
            again = (
                run.streak < known.COMPLETE_FAILURES_SUCCESSIVE
                and run.tries < known.COMPLETE_FAILURES_TOTAL
            )
            backoff = known.BACKOFF_FIRST * known.BACKOFF_FACTOR ** (run.streak - 1)
            delay = min(backoff, known.BACKOFF_MAX)
        if again and run.failure != physics.CREDENTIALS:
            self._push(at + delay, _RETRY, run.index, run)
        else:
            self._finish(run, at, JobStatus.FAILED)

    def _stop(self, run: Run, at: int, reason: int) -> None:
        """Cancel an open job, wherever it stands."""
        if run.since:
            source = self._source_of[run.index]
            self._shared[source].remove(at, run)
            self._retime(source, at)
            run.records.append(AttemptRecord(run.since, at, reason, 0, 0))
            run.attempt += 1
        if not run.started:
            self.queue.remove(run)
        run.dead = True
        run.failure = reason
        self._finish(run, at, JobStatus.CANCELLED)

    def _finish(self, run: Run, at: int, status: JobStatus) -> None:
        index = run.index
        del self.running[index]
        if run.started:
            self.used -= run.pace.workers
        if run.records:
            self.jobs.attempts[run.row] = tuple(run.records)
        failure = physics.NO_FAILURE if status == JobStatus.SUCCEEDED else run.failure
        full_rows = min(run.full_rows, run.rows)
        self._ended.append(
            (
                run.row,
                run.started,
                at,
                status,
                run.attempt,
                run.rows,
                full_rows,
                run.bytes,
                failure,
            )
        )
        if run.kind == 0 and run.wanted:
            # Checkpoints keep what incremental streams have committed, also of a failed sync.
            share = run.rows / run.wanted
            self._mark[index] += (run.changed - self._mark[index]) * share
        self._last_end[index] = at
        if status == JobStatus.SUCCEEDED:
            self._failed_in_a_row[index] = 0
            self._last_success[index] = at
        elif status == JobStatus.FAILED:
            self._failed_in_a_row[index] += 1
            self._disable_if_hopeless(index, at)
        if self._active[index]:
            self._after(index, at)
        if self.queue:
            self._ask_recheck(at)

    def _disable_if_hopeless(self, index: int, at: int) -> None:
        if (
            self._failed_in_a_row[index] >= known.DISABLE_FAILURES
            and at - self._last_success[index] >= known.DISABLE_AFTER
        ):
            self._active[index] = False
            self._links[index].status = "inactive"
            self._on_disabled(index, at)

    def _after(self, index: int, at: int) -> None:
        """Arrange what follows a finished job: a basic interval, or a tick that was missed."""
        schedule = self._links[index].schedule
        if isinstance(schedule, Basic):
            due = self._last_created[index] + basic_seconds(schedule.units, schedule.unit)
            if not self._last_created[index]:
                due = at
            if self.deployment.cloud and due > at:
                half = jitter_bound(due - at) / 2
                due += int(half * physics.basic_jitter(self._natures[index].key, due))
            self._push(max(at, due), _BEGIN, index, self._generation[index])
        elif self._missed[index] and self.deployment.catch_up:
            self._push(at, _BEGIN, index, self._generation[index])
        self._missed[index] = False

    # --- Capacity ---------------------------------------------------------------------------

    def _ask_recheck(self, at: int) -> None:
        due = at - at % known.RECHECK + known.RECHECK if self.deployment.cloud else at
        if self._recheck_at < due or self._recheck_at <= at < due:
            self._recheck_at = due
            self._push(due, _RECHECK, 0, None)

    def _admit(self, at: int) -> None:
        queue, pool = self.queue, self.deployment.pool
        while queue and pool is not None:
            run = queue[0]
            if run.manual and at - run.created > known.MANUAL_QUEUE_LIMIT:
                self._stop(run, at, physics.REPLACED)
                continue
            # A sync larger than the whole pool runs alone rather than never.
            if self.used > 0 and self.used + run.pace.workers > pool + 1e-9:
                break
            queue.popleft()
            self._start(run, at)

    # --- Small parts ------------------------------------------------------------------------

    def _push(self, at: int, kind: int, number: int, item: object) -> None:
        self._serial += 1
        heappush(self._heap, (at, kind, self._serial, number, item))

    def _hand_bits(self, index: int, at: int | None = None) -> int:
        day = (at if at is not None else self.now) // known.DAY
        self._by_hand[index] += 1
        return physics.luck_bits(self._natures[index].key, day, _BY_HAND + self._by_hand[index])

    def _ticked(self, cron: Cron, since: int) -> bool:
        return any(
            since <= day * known.DAY + offset <= self.now
            for day in range(since // known.DAY, self.now // known.DAY + 1)
            for offset in self.ticks.on(cron, day)
        )

    def _outages_around(self, nature: SourceNature, day: int) -> tuple[tuple[int, int], ...]:
        found = (physics.outage_of(nature, d) for d in (day - 1, day))
        return tuple(outage for outage in found if outage)

    def _flush(self) -> None:
        """Write what happened to the table, and where the open jobs stand."""
        self.jobs.write(self._created, self._ended)
        self._created = []
        self._ended = []
        waiting = JobStatus.QUEUED if self.deployment.cloud else JobStatus.PENDING
        for run in self.running.values():
            status = run.status if run.started else waiting
            self.jobs.mark(run.row, status, run.started, self.now)
