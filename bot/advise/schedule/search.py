"""The search: steepest descent from today, then ruin and recreate, bounded by iterations.

Time never decides, so that the same fleet gets the same plan on any machine. The method: Shaw
1998 and Schrimpf et al. 2000 (ruin and recreate), with one neighbourhood of our own that frees a
slot of a warehouse of everything that keeps it on.
"""

import heapq
from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.advise.schedule.neighbours import Neighbours, Ruin
from bot.advise.schedule.placement import Placement
from bot.advise.schedule.problem import STAY, Floats, Ints, Problem

EPSILON: Final = 1e-7
"""Smaller differences are rounding."""
_REFRESH: Final = 500
"""After so many rounds, or one a connection, regrets are looked at anew."""
_SETTLING: Final = 3
_MUCH: Final = 1.0
"""Whoever regrets more than this is taken as often: the most may have nowhere to go at all."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to search: `sweeps` over all connections, then `rounds` a connection.

    There are at least `fewest` rounds and at most `most`, where there are any; `largest` is how many
    connections one of them takes out, or three times as many to free a slot of a warehouse. A
    round may make things worse by about `heat`, less and less towards the end.
    """

    sweeps: int = 12
    rounds: float = 8.0
    fewest: int = 300
    most: int = 40_000
    largest: int = 14
    heat: float = 0.03
    seed: int = 20_260


@dataclass(frozen=True, slots=True)
class Found:
    """A plan, what it and today cost in a cycle, and the single moves that the search began with.

    A move is (connection, candidate); the first of them are the best that so few moves can do.
    """

    choice: Ints
    steps: tuple[tuple[int, int], ...]
    cost: float
    today: float


def search(problem: Problem, effort: Effort, start: Ints | None = None) -> Found:
    """Find a plan that costs no more than today's; `start` is a plan to set out from."""
    rng = np.random.default_rng(effort.seed)
    today = Placement(problem).total()
    placement = Placement(problem, start)
    steps = _descend(placement)
    _sweep(placement, rng, effort.sweeps)
    if effort.rounds and problem.options:
        _ruin_and_recreate(placement, rng, effort)
        _sweep(placement, rng, 2)
    cost = placement.total()
    if cost > today + EPSILON:
        return Found(np.full(len(problem.options), STAY, np.intp), (), today, today)
    return Found(placement.choice, tuple(steps), cost, today)


def search_few(problem: Problem, found: Found, most: int, first: Ints) -> Found:
    """Find the best plan of at most `most` changes, of two: `first`, and the best single moves.

    `first` is made of changes of the whole plan, and these go to places that others leave only later;
    single moves go where there is room today, and are settled among themselves.
    """
    placement = Placement(problem)
    for connection, candidate in found.steps[:most]:
        placement.remove(connection)
        placement.place(connection, candidate)
    for _ in range(_SETTLING):
        for connection, _candidate in found.steps[:most]:
            _, best = _best(placement, connection)
            placement.remove(connection)
            placement.place(connection, best)
    single, chosen = placement.total(), Placement(problem, first).total()
    if single < chosen:
        return Found(placement.choice, found.steps, single, found.today)
    return Found(first, found.steps, chosen, found.today)


def _descend(placement: Placement) -> list[tuple[int, int]]:
    """Take the best single move again and again, until no connection has one.

    Prices go stale with every move, so the best one is priced again before it is taken; moves
    that became better meanwhile are found by the sweeps. Of equals the last one moves, so that
    whoever was there first stays.
    """
    queue = [
        (-gain, -connection, candidate)
        for connection in range(len(placement.choice))
        for gain, candidate in (_best(placement, connection),)
        if gain > EPSILON
    ]
    heapq.heapify(queue)
    steps = []
    while queue:
        connection = -heapq.heappop(queue)[1]
        gain, candidate = _best(placement, connection)
        if gain <= EPSILON:
            continue
        if queue and gain < -queue[0][0] - EPSILON:
            heapq.heappush(queue, (-gain, -connection, candidate))
            continue
        placement.remove(connection)
        placement.place(connection, candidate)
        steps.append((connection, candidate))
    return steps


def _best(placement: Placement, connection: int) -> tuple[float, int]:
    """Return what the best candidate of a connection saves, and which it is."""
    current = placement.remove(connection)
    costs = placement.marginal(connection)
    placement.place(connection, current)
    best = int(costs.argmin())
    return float(costs[current] - costs[best]), best


def _sweep(placement: Placement, rng: np.random.Generator, sweeps: int) -> None:
    """Give every connection its best candidate, over and over until nothing moves.

    After the first sweep only those are looked at whose last look found something to regret:
    the others sit where nobody's absence could draw them away.
    """
    waiting = rng.permutation(len(placement.choice))
    for _ in range(sweeps):
        moved = False
        left = []
        for connection in waiting.tolist():
            current = placement.remove(connection)
            costs = placement.marginal(connection)
            best = int(costs.argmin())
            if costs[best] < costs[current] - EPSILON:
                moved = True
            else:
                best = current
            placement.place(connection, best)
            if costs[best] > placement.problem.options[connection].cost.min() + EPSILON:
                left.append(connection)
        if not moved:
            return
        waiting = rng.permutation(np.array(left, np.intp))


def _ruin_and_recreate(placement: Placement, rng: np.random.Generator, effort: Effort) -> None:
    """Take some connections out together and put them back better, or else as they were."""
    size = len(placement.choice)
    rounds = min(effort.most, max(effort.fewest, int(effort.rounds * size)))
    neighbours = Neighbours(placement, effort.largest)
    sums = np.zeros(1)
    for number in range(rounds):
        if number % max(_REFRESH, size) == 0:
            sums = np.sqrt(np.minimum(_regrets(placement), _MUCH)).cumsum()
        if sums[-1] <= 0:
            return
        seed = int(np.searchsorted(sums, rng.random() * sums[-1], side="right"))
        heat = effort.heat * (1 - number / rounds) ** 2
        _rearrange(placement, neighbours.around(seed, rng), rng, heat * rng.exponential())


def _regrets(placement: Placement) -> Floats:
    """Return what each connection pays above its cheapest: how much it wants to move.

    Its part of a warehouse that is on counts, even where others would keep it on without it.
    """
    regrets = np.zeros(len(placement.choice))
    for connection, options in enumerate(placement.problem.options):
        part = placement.power_shared(connection)
        current = placement.remove(connection)
        paid = placement.marginal(connection)[current]
        placement.place(connection, current)
        regret = max(float(paid), float(options.cost[current]) + part) - float(options.cost.min())
        regrets[connection] = regret if regret > EPSILON else 0.0
    return regrets


def _rearrange(placement: Placement, ruin: Ruin, rng: np.random.Generator, allowed: float) -> None:
    """Take the ruined connections out and put them back one by one, the first one as wanted."""
    before: list[tuple[int, int]] = []
    paid = 0.0
    for connection in ruin.connections:
        current = placement.remove(connection)
        paid += float(placement.marginal(connection)[current])
        before.append((connection, current))
    first, *others = ruin.connections
    back: list[int] = []
    spent = 0.0
    for connection in (first, *rng.permutation(np.array(others, np.intp)).tolist()):
        costs = placement.marginal(connection)
        wanted = ruin.wanted if connection == first else None
        best = int(costs.argmin()) if wanted is None else wanted
        spent += float(costs[best])
        if spent >= paid + allowed - EPSILON:
            break
        placement.place(connection, best)
        back.append(connection)
    else:
        return
    for connection in back:
        placement.remove(connection)
    for connection, current in before:
        placement.place(connection, current)
