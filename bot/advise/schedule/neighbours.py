"""Neighbourhoods: which connections are taken out together, so that all can be put back better."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.advise.schedule.placement import Placement
from bot.advise.schedule.problem import Floats, Ints

_LOOKED_AT: Final = 120
"""Of a capacity that everybody shares, so many members are looked at in one round."""


@dataclass(frozen=True, slots=True)
class Ruin:
    """Connections to take out; the first one is put back first, on `wanted` where that is set."""

    connections: tuple[int, ...]
    wanted: int | None = None


class Neighbours:
    """Who stands in whose way: members of one capacity, and syncs that keep one warehouse on."""

    def __init__(self, placement: Placement, largest: int) -> None:
        problem = placement.problem
        self._placement = placement
        self._largest = largest
        members: dict[int, list[int]] = {}
        sharing: dict[int, list[int]] = {}
        for connection, uses in enumerate(problem.uses):
            for capacity, _ in uses:
                members.setdefault(capacity, []).append(connection)
            if problem.warehouse[connection] >= 0:
                sharing.setdefault(int(problem.warehouse[connection]), []).append(connection)
        self._members = {key: np.array(found, np.intp) for key, found in members.items()}
        self._sharing = {key: np.array(found, np.intp) for key, found in sharing.items()}

    def around(self, seed: int, rng: np.random.Generator) -> Ruin:
        """Choose connections to take out together with `seed`."""
        dice = rng.random()
        warehouse = int(self._placement.problem.warehouse[seed])
        if warehouse >= 0 and dice < 0.5:  # noqa: PLR2004  as often as all other kinds
            return self._warehouse_slot(warehouse, seed, rng)
        if dice < 0.75:  # noqa: PLR2004
            return self._in_the_way(seed, rng)
        return self._mixed(seed, rng)

    def _warehouse_slot(self, warehouse: int, seed: int, rng: np.random.Generator) -> Ruin:
        """Free a slot of a warehouse of all that keeps it on, if they are few enough."""
        problem, placement = self._placement.problem, self._placement
        options, chosen = problem.options[seed], placement.choice[seed]
        held = np.flatnonzero(problem.covered(options.begin[chosen], options.on[chosen]))
        if not len(held):
            return Ruin((seed,))
        crowd = placement.on[warehouse][held]
        slot = int(held[(crowd + rng.random(len(held))).argmin()])
        others = self._sample(self._sharing[warehouse], rng)
        keeping = [c for c in others.tolist() if c != seed and self._keeps_on(c, slot)]
        return Ruin((seed, *dict.fromkeys(keeping[: 3 * self._largest])))

    def _in_the_way(self, seed: int, rng: np.random.Generator) -> Ruin:
        """Put the seed where it would be alone, and find another place for whoever is there."""
        problem, placement = self._placement.problem, self._placement
        options = problem.options[seed]
        alone = options.cost + rng.random(len(options.cost)) * 1e-6
        wanted = int(alone.argmin())
        target = problem.covered(options.begin[wanted], options.busy[wanted]) > 0
        others: list[int] = []
        for capacity, weight in problem.uses[seed]:
            full = placement.usage[capacity] + weight > problem.shared.limits[capacity]
            there = self._sample(self._members[capacity], rng)
            others += [c for c in there.tolist() if self._holds(c, target & full)]
        rng.shuffle(others)
        chosen = dict.fromkeys([seed, *others])
        return Ruin(tuple(chosen)[: int(rng.integers(2, self._largest + 1))], wanted)

    def _mixed(self, seed: int, rng: np.random.Generator) -> Ruin:
        """Take some members of the seed's smallest capacity, wherever they are."""
        uses = self._placement.problem.uses[seed]
        if not uses:
            return Ruin((seed,))
        smallest = min((len(self._members[capacity]), capacity) for capacity, _ in uses)[1]
        members = self._members[smallest]
        count = min(len(members), int(rng.integers(3, self._largest + 2)))
        taken = members[rng.permutation(len(members))[:count]].tolist()
        return Ruin(tuple(dict.fromkeys([seed, *taken])))

    def _sample(self, members: Ints, rng: np.random.Generator) -> Ints:
        if len(members) <= _LOOKED_AT:
            return members
        return members[rng.integers(0, len(members), _LOOKED_AT)]

    def _keeps_on(self, connection: int, slot: int) -> bool:
        options = self._placement.problem.options[connection]
        chosen = self._placement.choice[connection]
        begin, end = options.begin[chosen], options.on[chosen]
        return bool(((slot - begin) % self._placement.problem.slots < end - begin).any())

    def _holds(self, connection: int, slots: Floats) -> bool:
        problem = self._placement.problem
        options = problem.options[connection]
        chosen = self._placement.choice[connection]
        begin, end = options.begin[chosen], options.busy[chosen]
        if len(begin) > 8:  # noqa: PLR2004  with many runs one pass over the slots is faster
            return bool((problem.covered(begin, end) * slots).any())
        size = problem.slots
        return any(
            slots[first:last].any() or (last > size and slots[: last - size].any())
            for first, last in zip(begin.tolist(), end.tolist(), strict=True)
        )
