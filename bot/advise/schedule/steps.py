"""Steps: a plan as a list of changes, the best next one first, each worth making by itself.

Whoever stops reading the list anywhere is better off than before, and about as well off as with
the best plan of so few changes. Changes that pay only together are one step.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.advise.schedule.placement import Placement
from bot.advise.schedule.problem import STAY, Flags, Ints, Problem
from bot.advise.schedule.search import EPSILON

_BUNDLES: Final = 200
"""So many sets of changes are tried when no single one pays any more."""
_LARGEST: Final = 40
_MOST_NEEDED: Final = 8
_LOOKED_AT: Final = 200
_NEARLY: Final = 0.9


@dataclass(frozen=True, slots=True)
class Step:
    """Changes that are made together, mostly one; `needs` have to be made before it.

    `gain` is what it saves in a cycle, once those before it in the list are made.
    """

    connections: tuple[int, ...]
    gain: float
    needs: tuple[int, ...] = ()


def order(problem: Problem, choice: Ints, most: int) -> list[Step]:
    """Put the changes of a plan in order, at most `most` of them."""
    return _Ordering(problem, choice).steps(most)


def first_changes(problem: Problem, choice: Ints, most: int) -> Ints:
    """Return the first changes of a plan, in the order in which they pay, and stay with the rest."""
    first = np.full(len(choice), STAY, np.intp)
    for step in order(problem, choice, most):
        for connection in step.connections:
            first[connection] = choice[connection]
    return first


class _Ordering:
    def __init__(self, problem: Problem, choice: Ints) -> None:
        self.problem, self.choice = problem, choice
        self.placement = Placement(problem)
        self.today = Placement(problem)
        self.left = {int(c) for c in np.flatnonzero(choice != STAY)}
        self.done: list[int] = []
        self._slots: dict[int, Flags] = {}
        self._stays: dict[int, Flags] = {}

    def steps(self, most: int) -> list[Step]:
        found: list[Step] = []
        queue: list[tuple[float, int]] = []
        while self.left and len(self.done) < most:
            step = self._single(queue)
            if step is None:
                # Changes become worth more as others are made: look at all of them once more.
                queue = self._queue()
                step = self._single(queue) or self._bundle(most - len(self.done))
            if step is None:
                break
            found.append(step)
        return found

    def _queue(self) -> list[tuple[float, int]]:
        queue = [(-self._gain(connection), connection) for connection in sorted(self.left)]
        heapq.heapify(queue)
        return queue

    def _single(self, queue: list[tuple[float, int]]) -> Step | None:
        """Take the best change that pays by itself; prices of the others may be stale."""
        while queue:
            _, connection = heapq.heappop(queue)
            gain = self._gain(connection)
            if gain <= EPSILON:
                continue
            if queue and gain < -queue[0][0] - EPSILON:
                heapq.heappush(queue, (-gain, connection))
                continue
            return self._take((connection,), gain)
        return None

    def _bundle(self, most: int) -> Step | None:
        """Take the changes that pay together, by the most a change; None when nothing pays."""
        best: tuple[float, tuple[int, ...]] | None = None
        for bundle in self._bundles(most):
            gain = self._gain_of(bundle)
            if gain > EPSILON and (best is None or gain / len(bundle) > best[0]):
                best = gain / len(bundle), bundle
        return self._take(best[1], best[0] * len(best[1])) if best else None

    def _bundles(self, most: int) -> Iterable[tuple[int, ...]]:
        """List sets of changes that only pay together: smaller ones first."""
        found = set(self._vacating()) | set(self._linked()) | set(self._blocked())
        good = (each for each in found if 1 < len(each) <= min(most, _LARGEST))
        small = sorted(good, key=lambda each: (len(each), each))[:_BUNDLES]
        everything = tuple(sorted(self.left))
        return [*small, everything] if 1 < len(everything) <= min(most, 4 * _LARGEST) else small

    def _vacating(self) -> Iterable[tuple[int, ...]]:
        """Yield for each slot of a warehouse those who all have to leave it for it to go off."""
        problem = self.problem
        after = Placement(problem, self.choice).on if len(problem.warehouses.price) else None
        for warehouse in range(len(problem.warehouses.price)):
            assert after is not None
            own = [c for c in sorted(self.left) if problem.warehouse[c] == warehouse]
            if not own:
                continue
            freed = np.flatnonzero((self.placement.on[warehouse] > 0) & (after[warehouse] == 0))
            held = np.stack([self._on(connection)[freed] > 0 for connection in own])
            alone = held.sum(axis=0) == self.placement.on[warehouse][freed]
            for column in np.unique(held[:, alone], axis=1).T:
                yield tuple(np.array(own)[column].tolist())

    def _blocked(self) -> Iterable[tuple[int, ...]]:
        """Yield each change with those who have to make room for it first, and for them in turn."""
        for connection in sorted(self.left)[:_BUNDLES]:
            bundle = {connection}
            waiting = [connection]
            while waiting and len(bundle) <= _LARGEST:
                more = self._in_the_way(waiting.pop()) - bundle
                bundle |= more
                waiting += sorted(more)
            yield tuple(sorted(bundle))

    def _in_the_way(self, connection: int) -> set[int]:
        """Find who holds the slots of a full capacity that a change wants, and will leave them."""
        problem, placement = self.problem, self.placement
        options, target = problem.options[connection], int(self.choice[connection])
        wanted = problem.covered(options.begin[target], options.busy[target]) > 0
        found = set()
        for capacity, weight in problem.uses[connection]:
            room = np.maximum(problem.shared.limits[capacity], problem.ceiling[capacity])
            full = wanted & (placement.usage[capacity] + weight > room)
            for other in sorted(self.left) if full.any() else ():
                shares = any(capacity == each for each, _ in problem.uses[other])
                if shares and (self._held(other) & full).any():
                    found.add(other)
                if len(found) > _LARGEST:
                    return found
        return found

    def _held(self, connection: int) -> Flags:
        """Return the slots for which a connection holds capacity today."""
        if connection not in self._stays:
            options = self.problem.options[connection]
            held = self.problem.covered(options.begin[STAY], options.busy[STAY]) > 0
            self._stays[connection] = held
        return self._stays[connection]

    def _linked(self) -> Iterable[tuple[int, ...]]:
        for connection in self.left if self.problem.together.links else ():
            others = (link.other for link in self.problem.together.links[connection])
            yield tuple(sorted({connection, *(other for other in others if other in self.left)}))

    def _take(self, connections: tuple[int, ...], gain: float) -> Step:
        needs = self._needs(connections, gain)
        self._apply(self.placement, connections)
        self.left -= set(connections)
        self.done += connections
        return Step(connections, gain, needs)

    def _needs(self, connections: tuple[int, ...], gain: float) -> tuple[int, ...]:
        """Find the earlier changes without which a step would not gain what it does."""
        if self._alone(connections) >= _NEARLY * gain - EPSILON:
            return ()
        touched = np.logical_or.reduce([self._touched(each) for each in connections])
        needs: list[int] = []
        for earlier in self.done[: -_LOOKED_AT - 1 : -1]:
            if len(needs) == _MOST_NEEDED:
                break
            if self._related(connections, earlier) and (touched & self._touched(earlier)).any():
                needs.append(earlier)
        self._apply(self.today, needs)
        enough = self._alone(connections) >= _NEARLY * gain - EPSILON
        for need in sorted(needs) if enough else ():
            self._undo(self.today, (need,))
            if self._alone(connections) >= _NEARLY * gain - EPSILON:
                needs.remove(need)
            else:
                self._apply(self.today, (need,))
        self._undo(self.today, needs)
        return tuple(sorted(needs)) if enough else ()

    def _related(self, connections: Sequence[int], other: int) -> bool:
        problem = self.problem
        warehouse = problem.warehouse[other]
        capacities = {capacity for capacity, _ in problem.uses[other]}
        return any(
            (warehouse >= 0 and problem.warehouse[each] == warehouse)
            or any(capacity in capacities for capacity, _ in problem.uses[each])
            or (
                problem.together.links
                and other in {li.other for li in problem.together.links[each]}
            )
            for each in connections
        )

    def _touched(self, connection: int) -> Flags:
        """Return the slots that a connection leaves or enters."""
        if connection not in self._slots:
            options = self.problem.options[connection]
            held = np.zeros(self.problem.slots, np.bool_)
            for row in (STAY, int(self.choice[connection])):
                ends = np.maximum(options.busy[row], options.on[row])
                held |= self.problem.covered(options.begin[row], ends) > 0
            self._slots[connection] = held
        return self._slots[connection]

    def _on(self, connection: int) -> Ints:
        options = self.problem.options[connection]
        return self.problem.covered(options.begin[STAY], options.on[STAY]).astype(np.intp)

    def _gain(self, connection: int) -> float:
        current = self.placement.remove(connection)
        costs = self.placement.marginal(connection)
        self.placement.place(connection, current)
        return float(costs[current] - costs[self.choice[connection]])

    def _gain_of(self, bundle: Sequence[int]) -> float:
        gain = self._apply(self.placement, bundle)
        self._undo(self.placement, bundle)
        return gain

    def _alone(self, connections: Sequence[int]) -> float:
        gain = self._apply(self.today, connections)
        self._undo(self.today, connections)
        return gain

    def _apply(self, placement: Placement, connections: Sequence[int]) -> float:
        gain = 0.0
        for connection in connections:
            current = placement.remove(connection)
            costs = placement.marginal(connection)
            target = int(self.choice[connection])
            placement.place(connection, target)
            gain += float(costs[current] - costs[target])
        return gain

    def _undo(self, placement: Placement, connections: Sequence[int]) -> None:
        for connection in reversed(connections):
            placement.remove(connection)
            placement.place(connection, STAY)
