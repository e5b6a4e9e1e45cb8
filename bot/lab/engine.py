"""The world's event loop: ticks, queueing, attempts, retries, one connection at a time.

Times are whole epoch seconds. Events of one second happen in a fixed order, so the same inputs
give the same jobs, and stopping the clock anywhere and going on changes nothing.
"""

import gc
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from math import exp

from bot.domain.connection import Cron
from bot.lab import constants as known
from bot.lab import physics
from bot.lab.capacity import Pool
from bot.lab.dayplan import DayPlan, plan_day
from bot.lab.fleet import LabConnection
from bot.lab.jobs import AttemptRecord, Jobs, JobStatus
from bot.lab.members import Members
from bot.lab.nature import SourceNature
from bot.lab.physics import Pace
from bot.lab.run import Deployment, Meeting, Prospect, Run, SourceDay, retry_delay
from bot.lab.sharing import SharedSource
from bot.lab.ticks import Ticks, jitter_of
from bot.lab.volume import Volumes

_END, _RETRY, _RECHECK, _BEGIN, _LATE_TICK = range(5)


class Engine:
    """Connections in motion, from `start` on.

    Args:
        start: epoch seconds; a UTC midnight.
        deployment: how the installation behaves.
        on_disabled: called with (index, at) when too many failures switch a connection off.

    `meetings` replaces `physics.prospect_of` for some connections.
    """

    def __init__(
        self, start: int, deployment: Deployment, on_disabled: Callable[[int, int], None]
    ) -> None:
        self.now = start
        self.deployment = deployment
        self.jobs = Jobs()
        self.ticks = Ticks()
        self.volumes = Volumes(start // known.DAY)
        self.members = Members()
        self.running: dict[int, Run] = {}
        self.meetings: dict[int, Meeting] = {}
        self._on_disabled = on_disabled
        self.pool = Pool(deployment.pool)
        self._sources: list[SourceNature] = []
        self._shared: list[SharedSource[Run]] = []
        self._days: list[SourceDay] = []
        self._heap: list[tuple[int, int, int, int, Run | None]] = []
        self._serial = 0
        self._plan: DayPlan | None = None
        self._plan_day = -1

    def add_source(self, nature: SourceNature) -> int:
        """Take in a source and return its place."""
        self._sources.append(nature)
        self._shared.append(SharedSource(nature.capacity))
        self._days.append(self._day_of(nature, self.now // known.DAY))
        return len(self._shared) - 1

    def add(self, newcomers: Iterable[tuple[LabConnection, Pace, int]]) -> None:
        """Take in connections with their pace and the place of their source."""
        newcomers = list(newcomers)
        for link, pace, source in newcomers:
            self.members.add(link, pace, source, self.now)
        self.volumes.add([pace.nature for _, pace, _ in newcomers])
        self.volumes.reach(self.now // known.DAY + 1)
        for link, pace, _ in newcomers:
            changed = self.volumes.changed(link.index, self.now)
            self.members.mark[link.index] = changed - 0.5 * pace.nature.rows_day
            if self.members.active[link.index]:
                self._follow(link.index, self.now)
                self._tick_anew(link.index)

    def set_pace(self, index: int, pace: Pace) -> None:
        """Run later syncs of a connection at another pace."""
        self.members.paces[index] = pace
        self.members.repaced_on[index] = self._plan_day

    def set_schedule(self, index: int, was: Cron | None) -> None:
        """Take in that the schedule or the status of a connection changed, now."""
        members = self.members
        members.read_settings(index)
        members.generation[index] += 1
        members.waiting[index] = 0
        members.missed[index] = False
        self._tick_anew(index)
        if not members.active[index] or index in self.running:
            return
        self._follow(index, self.now)
        schedule = members.links[index].schedule
        if isinstance(schedule, Cron) and was != schedule and self.deployment.catch_up:
            # The new calculation looks from the previous job on, and starts what it finds passed.
            since = members.last_created[index] + known.MIN_GAP
            if members.last_created[index] and self.ticks.fired(schedule, since, self.now):
                self._push(self.now + 1, _BEGIN, index, members.generation[index])

    def start_by_hand(self, index: int, kind: int = 0) -> int | None:
        """Create a job now and return its row, or None when one is open already."""
        if index in self.running:
            return None
        self.members.waiting[index] = 0
        self._create(
            index, self.now, self.members.luck_by_hand(index, self.now), None, (kind, True)
        )
        self.flush()
        return self.jobs.count - 1

    def cancel(self, row: int) -> bool:
        """Cancel an open job; tell whether it was open."""
        run = next((run for run in self.running.values() if run.row == row), None)
        if run is None:
            return False
        self._stop(run, self.now, physics.BY_PERSON)
        self.flush()
        return True

    def advance(self, to: int) -> None:
        """Let everything happen up to and including second `to`."""
        self.run_to(to)
        self.flush()

    def run_to(self, to: int) -> None:
        """Like `advance`, without writing to the table yet."""
        # Nothing here makes reference cycles, and looking for them costs a third of the time.
        collects = gc.isenabled()
        gc.disable()
        try:
            while self.now < to:
                day = (self.now + 1) // known.DAY
                if day != self._plan_day:
                    self._plan_for(day)
                stop = min(to, (day + 1) * known.DAY - 1)
                self._run_until(stop)
                self.now = stop
        finally:
            if collects:
                gc.enable()

    def _plan_for(self, day: int) -> None:
        self.volumes.reach(day + 1)
        self._days = [self._day_of(nature, day) for nature in self._sources]
        members = self.members
        ticking = []
        for link in members.links:
            if members.active[link.index]:
                offsets = self.ticks.of(link, day)
                if offsets:
                    ticking.append((link.index, offsets))
        self._plan = plan_day(day, ticking, members.paces, self.volumes, self.now)
        self._plan_day = day
        for index in self.meetings:
            members.repaced_on[index] = day

    def _tick_anew(self, index: int) -> None:
        """Put today's plan for a connection out of force, and arrange its ticks one by one."""
        members = self.members
        members.unplanned_on[index] = self._plan_day
        if (self.now + 1) // known.DAY != self._plan_day or not members.active[index]:
            return
        for offset in self.ticks.of(members.links[index], self._plan_day):
            at = self._plan_day * known.DAY + offset
            if at > self.now:
                self._push(at, _LATE_TICK, index, members.generation[index])

    def _run_until(self, stop: int) -> None:
        plan, heap = self._plan, self._heap
        assert plan is not None
        times, connections, position = plan.times, plan.connections, plan.position
        total, prospects, today = len(times), plan.prospects, self._plan_day
        unplanned, repaced = self.members.unplanned_on, self.members.repaced_on
        while True:
            tick = times[position] if position < total else stop + 1
            if heap and heap[0][0] <= tick:
                if heap[0][0] > stop:
                    break
                at, kind, _, number, run = heappop(heap)
                if kind == _END:
                    shared = self._shared[number]
                    if at == shared.next_at:
                        for done in shared.leave_finished(at):
                            self._end_attempt(done, at)
                        self._retime(number, at)
                else:
                    self._happen(at, kind, number, run)
            elif tick <= stop:
                index = connections[position]
                if unplanned[index] != today:
                    prospect = prospects[position] if repaced[index] != today else None
                    self._tick(index, tick, plan.bits[position], prospect)
                position += 1
            else:
                break
        plan.position = position

    def _happen(self, at: int, kind: int, number: int, run: Run | None) -> None:
        members = self.members
        if kind == _RETRY:
            assert run is not None
            if not run.dead:
                self._begin_attempt(run, at, None)
        elif kind == _RECHECK:
            self._admit(at)
        else:
            index, generation = number >> 24, number & 0xFFFFFF
            if generation != members.generation[index] & 0xFFFFFF:
                return
            if kind == _LATE_TICK:
                day, second = divmod(at, known.DAY)
                ordinal = self.ticks.of(members.links[index], day).index(second)
                key = members.paces[index].nature.key
                self._tick(index, at, physics.luck_bits(key, day, ordinal), None)
            elif index not in self.running:
                bits = members.waiting[index] or members.luck_by_hand(index, at)
                members.waiting[index] = 0
                self._create(index, at, bits, None)

    def _tick(self, index: int, at: int, bits: int, prospect: Prospect | None) -> None:
        members, cloud = self.members, self.deployment.cloud
        run = self.running.get(index)
        if run is not None:
            if run.started or run.manual or not cloud:
                members.missed[index] = True
                return
            self._stop(run, at, physics.REPLACED)
        soon = at < members.last_start[index] + known.MIN_GAP
        if members.waiting[index] or soon or not members.active[index]:
            return
        if members.orchestrated[index]:
            self._create(index, at, bits, prospect, (0, True))
            return
        if cloud:
            key = members.paces[index].nature.key
            delay = jitter_of(key, at, at - members.last_end[index])
            if delay:
                members.waiting[index] = bits
                self._push(at + delay, _BEGIN, index, members.generation[index])
                return
        self._create(index, at, bits, prospect)

    def _create(
        self,
        index: int,
        at: int,
        bits: int,
        prospect: Prospect | None,
        how: tuple[int, bool] = (0, False),
    ) -> None:
        pace = self.members.paces[index]
        run = Run(self.jobs.create((index, *how, at)), index, at, pace, bits)
        run.kind, run.manual = how
        self.running[index] = run
        self.members.last_created[index] = at
        if self.pool.admits(run):
            self._start(run, at, prospect)
        else:
            self.pool.queue.append(run)
            self._ask_recheck(at)

    def _start(self, run: Run, at: int, prospect: Prospect | None) -> None:
        index, members = run.index, self.members
        run.started = at
        self.pool.used += run.pace.workers
        members.last_start[index] = at
        if run.kind == 0:
            prospect = prospect or self._meet(run, at)
            run.changed, hot, whole, noise, _, _ = prospect
            missing = run.changed - members.mark[index]
            rows = int(whole)
            if missing > 0:
                incremental = 1 - run.pace.full_share
                rows += int(incremental * hot * (1 - exp(-missing / hot)) * noise)
            run.full_rows = int(whole)
            run.wanted = run.left = rows
        self._begin_attempt(run, at, prospect)

    def _begin_attempt(self, run: Run, at: int, prospect: Prospect | None) -> None:
        pace, source = run.pace, self.members.source_of[run.index]
        shared = self._shared[source]
        prospect = prospect or self._meet(run, at)
        load = (shared.demand + pace.demand) / shared.capacity
        work = pace.nature.overhead + run.left * prospect[4]
        work = run.begin(at, work, prospect[5], load, self._days[source])
        shared.join(at, work, pace.demand, run)
        self._retime(source, at)

    def _meet(self, run: Run, at: int) -> Prospect:
        meet = self.meetings.get(run.index, physics.prospect_of)
        return meet(run.pace, run.index, self.volumes, at, run.bits)

    def _retime(self, source: int, at: int) -> None:
        shared = self._shared[source]
        end = shared.find_next_end(at)
        if end:
            self._serial += 1
            heappush(self._heap, (end, _END, self._serial, source, None))

    def _end_attempt(self, run: Run, at: int) -> None:
        run.end(at)
        if not run.failure:
            self._finish(run, at, JobStatus.SUCCEEDED)
            return
        delay = retry_delay(run)
        if delay is None:
            self._finish(run, at, JobStatus.FAILED)
        else:
            self._serial += 1
            heappush(self._heap, (at + delay, _RETRY, self._serial, 0, run))

    def _stop(self, run: Run, at: int, reason: int) -> None:
        """Cancel an open job, wherever it stands."""
        if run.since:
            source = self.members.source_of[run.index]
            self._shared[source].remove(at, run)
            self._retime(source, at)
            run.records += (AttemptRecord(run.since, at, reason, 0, 0),)
            run.attempt += 1
        if not run.started:
            self.pool.queue.remove(run)
        run.dead, run.failure = True, reason
        self._finish(run, at, JobStatus.CANCELLED)

    def _finish(self, run: Run, at: int, status: JobStatus) -> None:
        index, members = run.index, self.members
        del self.running[index]
        if run.started:
            self.pool.used -= run.pace.workers
        if run.records:
            self.jobs.attempts[run.row] = run.records
        rows = run.rows
        full_rows = min(run.full_rows, rows)
        self.jobs.settle(
            (run.row, run.started, at, status, run.attempt, rows, full_rows, run.bytes, run.failure)
        )
        if run.wanted:
            # Checkpoints keep what incremental streams have committed, also of a failed sync.
            mark = members.mark[index]
            members.mark[index] = mark + (run.changed - mark) * (rows / run.wanted)
        members.last_end[index] = at
        if status is JobStatus.SUCCEEDED:
            members.failed_in_a_row[index] = 0
            members.last_success[index] = at
        elif status is JobStatus.FAILED:
            members.failed_in_a_row[index] += 1
            if members.is_hopeless(index, at):
                members.active[index] = False
                members.links[index].status = "inactive"
                self._on_disabled(index, at)
        if members.active[index] and (members.interval[index] or members.missed[index]):
            self._follow(index, at)
        if self.pool.queue:
            self._ask_recheck(at)

    def _follow(self, index: int, at: int) -> None:
        """Arrange what comes next by itself: a basic interval, or a tick that was missed."""
        members = self.members
        if members.interval[index]:
            due = members.interval_due(index, at, cloud=self.deployment.cloud)
            self._push(due, _BEGIN, index, members.generation[index])
        elif members.missed[index] and self.deployment.catch_up:
            self._push(at, _BEGIN, index, members.generation[index])
        members.missed[index] = False

    def _ask_recheck(self, at: int) -> None:
        due = self.pool.recheck_due(at, known.RECHECK if self.deployment.cloud else 1)
        if due:
            self._push(due, _RECHECK, 0, 0)

    def _admit(self, at: int) -> None:
        pool = self.pool
        pool.recheck_at = 0
        for run in pool.tired_of_waiting(at):
            self._stop(run, at, physics.REPLACED)
        while head := pool.next_waiting():
            pool.queue.popleft()
            self._start(head, at, None)

    def _push(self, at: int, kind: int, index: int, generation: int) -> None:
        self._serial += 1
        number = (index << 24) | (generation & 0xFFFFFF)
        heappush(self._heap, (at, kind, self._serial, number, None))

    def _day_of(self, nature: SourceNature, day: int) -> SourceDay:
        return SourceDay(day - self.volumes.first_day, physics.outages_around(nature, day))

    def flush(self) -> None:
        """Write what happened to the table, and where the open jobs stand."""
        self.jobs.flush()
        waiting = JobStatus.QUEUED if self.deployment.cloud else JobStatus.PENDING
        for run in self.running.values():
            status = run.status if run.started else waiting
            self.jobs.mark(run.row, status, run.started, self.now)
