"""Members: one connection as the planner sees it, and which moves it may make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Final

import numpy as np

from bot.advise.schedule.cycle import DAY_MINUTES
from bot.advise.schedule.duties import Duties
from bot.advise.schedule.lengths import Lengths
from bot.advise.schedule.penalties import Penalties
from bot.advise.schedule.problem import Floats, Ints, Options
from bot.advise.schedule.timetable import Timetable
from bot.domain.connection import Basic, Connection

_HOUR: Final = 60


@dataclass(frozen=True, slots=True)
class Move:
    """All starts by some minutes later (earlier where negative), and some of them left out.

    `dropped` are minutes of the day after the shift.
    """

    shift: int = 0
    dropped: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a connection may be moved: from the earliest to the latest shift in minutes.

    `dropped` is the share of starts that may be left out.
    """

    earliest: int = 0
    latest: int = 0
    dropped: float = 0.0

    @property
    def is_nothing(self) -> bool:
        """Tell whether it has to stay."""
        return self.earliest >= 0 >= self.latest

    def holds(self, shift: int) -> bool:
        """Tell whether all starts may move by so many minutes."""
        return self.earliest <= shift <= self.latest


@dataclass(frozen=True, slots=True)
class Member:
    """One connection that starts syncs.

    `starts` are its starts on the cycle as they are today; `timetable` is None where they cannot be
    moved. `late` is by how many minutes the platform may start late, `tail` for how many a warehouse
    stays on afterwards. `busy` is what a minute of running costs at each minute of the cycle because
    its source is busy, and `power` what a minute of its warehouse costs; None where nothing does.
    `proposed` is the move that an open pull request asks for: a reviewer looks at it already, so that
    it costs no change, and a plan does not wander between equals from night to night.
    """

    connection: Connection
    starts: tuple[int, ...]
    timetable: Timetable | None
    lengths: Lengths
    duties: Duties
    reach: Reach = Reach()
    late: int = 0
    tail: float = 0.0
    uses: Mapping[int, float] = field(default_factory=dict)
    warehouse: int = -1
    busy: Floats | None = None
    power: Floats | None = None
    proposed: Move | None = None

    @property
    def share(self) -> float:
        """Return how many of its days really have it."""
        return self.timetable.share if self.timetable else 1.0

    def moves(self, step: int) -> list[Move]:
        """List what it may do on a grid of `step` minutes; the first is to stay.

        What policy, windows and promises forbid is not among them.
        """
        stay = Move()
        table = self.timetable
        if table is None or self.reach.is_nothing:
            return [stay]
        half = table.period // 2
        first, last = (
            max(self.reach.earliest, half - table.period + 1),
            min(self.reach.latest, half),
        )
        shifts = [
            shift
            for shift in range(first, last + 1)
            if shift and (table.times[0] + shift) % step == 0 and table.can_shift(shift)
        ]
        standing = self.proposed
        if standing is not None and first <= standing.shift <= last:
            shifts.append(standing.shift)
        return self.allowed([stay, *map(Move, shifts), *self._skipping([0, *shifts])])

    def near(self, move: Move, step: int) -> list[Move]:
        """List the moves by the minute inside the slot of `step` minutes that `move` starts in."""
        table = self.timetable
        if table is None or self.reach.is_nothing:
            return [Move()]
        into = (table.times[0] + move.shift) % step
        close = (
            Move(move.shift - into + minute, _shifted(move.dropped, minute - into))
            for minute in range(step)
        )
        good = [
            each for each in close if self.reach.holds(each.shift) and table.can_shift(each.shift)
        ]
        return self.allowed([Move(), *dict.fromkeys([move, *good])])

    @property
    def wanderings(self) -> list[Move]:
        """Return where its starts of today may have wandered to, besides where they are.

        An interval counts from the last start, whenever that was: after a late or a failed sync all
        that follow are later, and in a month they may be anywhere in their period.
        """
        table = self.timetable
        if table is None or not isinstance(self.connection.schedule, Basic):
            return []
        return [Move(quarters * table.period // 4) for quarters in (1, 2, 3)]

    def allowed(self, moves: Sequence[Move]) -> list[Move]:
        """Drop the moves that would break a promise or a window which today's starts keep."""
        unique = list(dict.fromkeys(moves))
        starts = self.placed(unique)
        broken = self.duties.kept(starts, self.lengths, self.late).broken_by_season
        kept = [broken <= broken[:, :1]]
        # Where only a long sync touches a window today, a usual one still has to keep clear of it.
        for length in (0.0, self.lengths.exact[2], self.late + self.lengths.safe):
            held = self._held(starts, length)
            hit = self.duties.hits_by_window(starts, held).sum(axis=2)
            kept.append(hit <= hit[:, :1])
        return [unique[place] for place in np.flatnonzero(np.concatenate(kept).all(axis=0))]

    def placed(self, moves: Sequence[Move]) -> Ints:
        """Return the starts of each move on the cycle, -1 where some are left out."""
        cycle = self.duties.cycle.minutes
        base = np.array(self.starts, np.intp)
        shifts = np.array([move.shift for move in moves], np.intp)
        starts = (base[None, :] + shifts[:, None]) % cycle
        for row, move in enumerate(moves):
            if move.dropped:
                starts[row, np.isin(starts[row] % DAY_MINUTES, list(move.dropped))] = -1
        return starts

    def options(self, moves: Sequence[Move], step: int, penalties: Penalties) -> Options:
        """Price the moves by themselves, and lay their runs on a grid of `step` minutes."""
        starts = self.placed(moves)
        there = starts >= 0
        slots = self.duties.cycle.minutes // step
        gap = self.gap
        held = min(self.late + self.lengths.planned, gap)
        kept = min(self.lengths.usual + self.tail, gap)
        finish = (starts.max(axis=1) + self.late + ceil(self.lengths.safe)) % DAY_MINUTES
        return Options(
            begin=np.where(there, starts // step, slots),
            busy=np.where(there, np.ceil((starts + held) / step), slots).astype(np.intp),
            on=np.where(there, np.ceil((starts + kept) / step), slots).astype(np.intp),
            cost=self.cost(moves, starts, penalties),
            finish=finish / step,
        )

    def cost(self, moves: Sequence[Move], starts: Ints, penalties: Penalties) -> Floats:
        """Return what each move costs in a cycle, whatever all others do."""
        days, duties = self.duties.cycle.days, self.duties
        kept = duties.kept(starts, self.lengths, self.late)
        shifts = np.abs([move.shift for move in moves]) / _HOUR
        other_day = np.array([self._changes_its_day(move) for move in moves])
        dropped = np.array([len(move.dropped) for move in moves]) * days
        changed = np.array([move not in (Move(), self.proposed) for move in moves])
        dear = penalties.miss * (1 + penalties.priority * duties.priority)
        a_cycle: Floats = self.share * (
            dear * (kept.excess + kept.broken)
            + penalties.allowed_miss * kept.misses
            + penalties.age * kept.age
            + penalties.blackout * self.hits(starts)
            + penalties.skipped * dropped
            + penalties.busy_source * self._spent(self.busy, starts, self.lengths.usual)
            + self._spent(self.power, starts, self.lengths.usual + self.tail)
        )
        a_day: Floats = (
            penalties.change * changed + penalties.shift * shifts + penalties.other_day * other_day
        )
        return a_cycle + days * a_day

    def busy_hours(self, starts: Ints) -> Floats:
        """Return for how many hours of a cycle each row of starts meets a busy source."""
        hours: Floats = self.share * self._spent(self.busy, starts, self.lengths.usual)
        return hours

    def hits(self, starts: Ints) -> Ints:
        """Return how many syncs of a cycle each row of starts has inside a closed window."""
        held = self._held(starts, self.late + self.lengths.safe)
        hits: Ints = self.duties.hits(starts, held).sum(axis=1)
        return hits

    def spent_on_power(self, starts: Ints, minutes: float) -> Floats:
        """Return what its own warehouse time costs in a cycle, where nobody else shares it."""
        spent: Floats = self.share * self._spent(self.power, starts, minutes + self.tail)
        return spent

    @property
    def gap(self) -> int:
        """Return the fewest minutes between two starts: a sync never overlaps itself."""
        cycle = self.duties.cycle.minutes
        following = (*self.starts[1:], self.starts[0] + cycle)
        return min(later - start for start, later in zip(self.starts, following, strict=True))

    def _changes_its_day(self, move: Move) -> bool:
        table = self.timetable
        return (
            table is not None
            and len(table.times) == 1
            and not 0 <= table.times[0] + move.shift < DAY_MINUTES
        )

    def _held(self, starts: Ints, minutes: float) -> Ints:
        """Return for how many minutes each start is taken to run."""
        held: Ints = np.full(starts.shape, min(ceil(minutes), self.gap), np.intp)
        return held

    def _spent(self, price: Floats | None, starts: Ints, length: float) -> Floats:
        """Add up the prices of all minutes in which each row's syncs run."""
        if price is None:
            return np.zeros(len(starts))
        run = min(ceil(length), self.gap)
        sums = np.concatenate([[0.0], np.cumsum(np.concatenate([price, price]))])
        spent: Floats = ((sums[starts + run] - sums[starts]) * (starts >= 0)).sum(axis=1)
        return spent

    def _skipping(self, shifts: Sequence[int]) -> list[Move]:
        """List the moves that leave out the starts which would meet a window."""
        table = self.timetable
        if table is None or not self.reach.dropped or not self.duties.closed:
            return []
        found = []
        for shift in shifts:
            starts = self.placed([Move(shift)])
            held = self._held(starts, self.late + self.lengths.safe)
            hit = self.duties.hits(starts, held)[0]
            dropped = frozenset((starts[0][hit] % DAY_MINUTES).tolist())
            left = len(table.times) - len(dropped)
            if not dropped or left < 1 or len(dropped) > self.reach.dropped * len(table.times):
                continue
            left_over = table.shifted(shift).without(dropped)
            if left_over.is_one_expression and self._is_fresh(left_over):
                found.append(Move(shift, dropped))
        return found

    def _is_fresh(self, table: Timetable) -> bool:
        """Tell whether data never gets older than it may, between one landing and the next."""
        stale = self.duties.stale
        following = (*table.times[1:], table.times[0] + DAY_MINUTES)
        longest = max(b - a for a, b in zip(table.times, following, strict=True))
        return stale is None or longest + self.late + ceil(self.lengths.safe) <= stale


def _shifted(times: frozenset[int], minutes: int) -> frozenset[int]:
    return frozenset((time + minutes) % DAY_MINUTES for time in times)
