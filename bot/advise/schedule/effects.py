"""Effects: what each step changes, in the order in which the steps are made.

Counted on the minute, with all steps before it already made: money, missed deadlines, load. Money
is counted at each quantile of how long syncs take, as if all were short or long together.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from math import ceil, sqrt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bot.advise.schedule.fleet import Fleet
from bot.advise.schedule.member import Member, Move
from bot.advise.schedule.penalties import Penalties
from bot.advise.schedule.placement import Placement
from bot.advise.schedule.problem import STAY, Floats, Ints, Problem
from bot.domain.connection import ConnectionId
from bot.domain.forecast import Quantiles, Unknown
from bot.domain.money import Money

MONTH_DAYS: Final = 30
_QUANTILES: Final = 4
_USUAL: Final = 1
_CENT: Final = Decimal("0.01")
_Z95, _Z80 = 1.645, 0.842
_OF_SAVING: Final = 0.25
_OF_BILL: Final = 0.0075


@dataclass(frozen=True, slots=True)
class Change:
    """What one connection's part of a step changes; figures are per month of 30 days.

    `misses` and `broken` are expected misses, and promises that do not reach their probability, before
    and after; `hits` syncs inside a closed window. `overload` are hours above each capacity,
    `crowd` starts in a crowded minute (beside which `beside` others start), `apart` hours too far from syncs that feed the same model,
    `busy` hours at a busy source: all of them positive when there are fewer. `due` is how many
    deadlines a month has. `bill` is what a month of its warehouse costs before, `together` how many
    changes share a saving that none of them has alone.
    """

    connection: int
    move: Move
    misses: tuple[float, float] = (0.0, 0.0)
    broken: tuple[float, float] = (0.0, 0.0)
    hits: tuple[float, float] = (0.0, 0.0)
    due: float = 0.0
    saving: tuple[float, ...] | None = None
    bill: float = 0.0
    together: int = 1
    overload: Mapping[int, float] = field(default_factory=dict)
    crowd: float = 0.0
    beside: int = 0
    apart: float = 0.0
    busy: float = 0.0
    delays: Mapping[ConnectionId, timedelta] = field(default_factory=dict)


class Ledger:
    """Makes steps one after the other and notes what each of them changes."""

    def __init__(
        self, fleet: Fleet, problem: Problem, moves: Sequence[Sequence[Move]], penalties: Penalties
    ) -> None:
        self._fleet, self._problem, self._moves = fleet, problem, moves
        self._penalties = penalties
        self._placement = Placement(problem)
        self._month = MONTH_DAYS / fleet.cycle.days
        count = len(fleet.warehouses)
        self._on = np.zeros((count, _QUANTILES, fleet.cycle.minutes), np.int32)
        self._starting = np.zeros(problem.slots + 1, np.int32)
        for index, member in enumerate(fleet.members):
            self._start(index, STAY, 1)
            if member.warehouse >= 0:
                self._keep_on(index, Move(), 1)

    def make(self, connections: Sequence[int], choice: Ints) -> list[Change]:
        """Make one step, and return what each of its connections changes.

        What several of them only save together is divided evenly among them.
        """
        made = _evenly([self._change(each, int(choice[each])) for each in connections])
        saved = [each.saving for each in made if each.saving is not None]
        if len(saved) < len(made) or len(made) == 1:
            return made
        even = tuple(float(total) / len(made) for total in np.sum(saved, axis=0))
        return [replace(each, saving=even, together=len(made)) for each in made]

    def _change(self, index: int, target: int) -> Change:
        member, move = self._fleet.members[index], self._moves[index][target]
        placement, rows = self._placement, [STAY, target]
        capacities = [capacity for capacity, _ in self._problem.uses[index]]
        starts = member.placed([Move(), move])
        kept = member.duties.kept(starts, member.lengths, member.late)
        month = self._month * member.share
        bill = 0.0
        if member.warehouse >= 0:
            bill = float(self._bill(member.warehouse)[_USUAL]) * self._month
        above = placement.overload(capacities)
        placement.remove(index)
        crowd, apart = self._soft(index, rows)
        beside = self._beside(index)
        placement.place(index, target)
        fewer = (above - placement.overload(capacities)) / 60 * self._month
        self._start(index, STAY, -1)
        self._start(index, target, 1)
        busy = member.busy_hours(starts)
        hits = member.hits(starts)
        return Change(
            connection=index,
            move=move,
            misses=_pair(kept.misses * month),
            broken=_pair(kept.broken * month),
            hits=_pair(hits * month),
            due=sum(max(map(len, due.by)) for due in member.duties.due) * month,
            saving=self._save(index, member, move, starts),
            bill=bill,
            overload=dict(zip(capacities, fewer.tolist(), strict=True)),
            crowd=crowd,
            beside=beside,
            apart=apart,
            busy=float(busy[0] - busy[1]) * self._month,
            delays=self._delays(index, target),
        )

    def _soft(self, index: int, rows: list[int]) -> tuple[float, float]:
        placement, problem = self._placement, self._problem
        crowd = apart = 0.0
        if problem.crowd.weights[index]:
            before, after = placement.crowding(index)[rows]
            crowd = float(before - after) / problem.crowd.rate * self._month
        if problem.together.links:
            before, after = placement.apart(index)[rows]
            apart = float(before - after) / self._penalties.apart * MONTH_DAYS
        return crowd, apart

    def _beside(self, index: int) -> int:
        """Count who else starts in the minute of its first start today."""
        if not self._problem.crowd.weights[index]:
            return 0
        return int(self._starting[self._fleet.members[index].starts[0]]) - 1

    def _start(self, index: int, candidate: int, sign: int) -> None:
        begin = self._problem.options[index].begin[candidate]
        np.add.at(self._starting, begin, sign)

    def _save(
        self, index: int, member: Member, move: Move, starts: Ints
    ) -> tuple[float, ...] | None:
        """Return what is saved a month: the least, the usual, at long syncs, and the most.

        The ends are over the lengths of syncs, and over where an interval may have wandered to.
        """
        if member.power is not None:
            spent = [member.spent_on_power(starts, minutes) for minutes in member.lengths.exact]
            saved = [float(before - after) * self._month for before, after in spent]
            wandered = member.placed(member.wanderings)
            bills = member.spent_on_power(wandered, member.lengths.exact[_USUAL])
            after = float(spent[_USUAL][1])
        elif member.warehouse >= 0:
            today, bills = self._bill(member.warehouse), self._wandered(index, member)
            self._keep_on(index, Move(), -1)
            self._keep_on(index, move, 1)
            then = self._bill(member.warehouse)
            saved = ((today - then) * self._month).tolist()
            after = float(then[_USUAL])
        else:
            return None
        usual = saved[_USUAL]
        ends = saved + ((bills - after) * self._month).tolist()
        return min(ends), usual, max(usual, saved[2]), max(ends)

    def _wandered(self, index: int, member: Member) -> Floats:
        """Return the bills of its warehouse with its starts where they may have wandered to."""
        bills = []
        self._keep_on(index, Move(), -1)
        for move in member.wanderings:
            self._keep_on(index, move, 1)
            bills.append(float(self._bill(member.warehouse)[_USUAL]))
            self._keep_on(index, move, -1)
        self._keep_on(index, Move(), 1)
        return np.array(bills)

    def _bill(self, warehouse: int) -> Floats:
        bill: Floats = (self._on[warehouse] > 0) @ self._fleet.power[warehouse]
        return bill

    def _keep_on(self, index: int, move: Move, sign: int) -> None:
        member = self._fleet.members[index]
        starts = member.placed([move])[0]
        starts = starts[starts >= 0]
        cycle = self._fleet.cycle.minutes
        for row, length in enumerate(member.lengths.exact):
            steps = np.zeros(2 * cycle + 1, np.int32)
            kept = min(ceil(length + member.tail), member.gap)
            np.add.at(steps, starts, sign)
            np.add.at(steps, starts + kept, -sign)
            level = steps.cumsum()
            self._on[member.warehouse, row] += level[:cycle] + level[cycle : 2 * cycle]

    def _delays(self, index: int, target: int) -> Mapping[ConnectionId, timedelta]:
        """Find whose syncs wait for it: those above a capacity while its new runs hold it."""
        problem, placement = self._problem, self._placement
        options = problem.options[index]
        own = problem.covered(options.begin[target], options.busy[target]) > 0
        own &= problem.covered(options.begin[STAY], options.busy[STAY]) == 0
        waiting: dict[ConnectionId, timedelta] = {}
        for capacity, _ in problem.uses[index]:
            over = own & (placement.usage[capacity] > problem.shared.limits[capacity])
            if not over.any():
                continue
            for other, member in enumerate(self._fleet.members):
                if other == index or capacity not in member.uses:
                    continue
                theirs, chosen = problem.options[other], placement.choice[other]
                held = problem.covered(theirs.begin[chosen], theirs.busy[chosen]) > 0
                minutes = int((held & over).sum())
                if minutes:
                    runs = max(1, int((theirs.begin[chosen] < problem.slots).sum()))
                    waiting[member.connection.id] = timedelta(minutes=ceil(minutes / runs))
        return waiting


def as_money(change: Change, currency: str) -> Quantiles[Money] | Unknown:
    """Turn savings at four quantiles into exact money, to the cent, as far as they can be relied on.

    The lengths of syncs are the least of what is not known: others drift, fail and are moved too,
    and keep a warehouse on or let it go. So the interval is wider by a quarter of the saving and
    three quarters of a per cent of the warehouse's month; where several changes save only together,
    by the whole saving of all, since any of them may be turned down. Both were set so that nine in
    ten savings came true on some fleets of the lab, and then measured on others (docs/results.md).
    """
    if change.saving is None:
        return Unknown("no warehouse with a price belongs to its destination")
    low, middle, high, highest = change.saving
    wider = _OF_SAVING * abs(middle) + _OF_BILL * change.bill
    if change.together > 1:
        wider += change.together * abs(middle)
    values = (low - wider, middle, high + wider * _Z80 / _Z95, highest + wider)
    return Quantiles(*(Money(Decimal(str(each)).quantize(_CENT), currency) for each in values))


def as_deadlines(change: Change) -> Quantiles[Decimal] | Unknown:
    """Return by how many a month's missed deadlines change, as they would be counted.

    Both counts are taken as binomial, and independent: the interval is the normal one.
    """
    if not change.due:
        return Unknown("no deadline is declared for it")
    before, after = change.misses
    middle = after - before
    spread = sqrt(sum(each * max(0.0, 1 - each / change.due) for each in change.misses))
    low, high, highest = (
        min(max(middle + z * spread, -change.due), change.due) for z in (-_Z95, _Z80, _Z95)
    )
    return Quantiles(*(Decimal(str(each)).quantize(_CENT) for each in (low, middle, high, highest)))


def _evenly(made: list[Change]) -> list[Change]:
    """Divide what they spare each capacity: some only move into the way so that others can leave."""
    users = Counter(capacity for each in made for capacity in each.overload)
    total = {
        capacity: sum(each.overload.get(capacity, 0.0) for each in made) / count
        for capacity, count in users.items()
    }
    return [
        replace(each, overload={capacity: total[capacity] for capacity in each.overload})
        for each in made
    ]


def _pair(values: NDArray[Any]) -> tuple[float, float]:
    return float(values[0]), float(values[1])
