"""Neighbourhoods: which connections are taken out together, so that all can be put back better."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.advise.schedule.placement import Placement
from bot.advise.schedule.problem import Flags, Ints

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
        self._busy = _Rows(placement, warehouse=False)
        self._on = _Rows(placement, warehouse=True)
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
        problem = self._placement.problem
        warehouse = int(problem.warehouse[seed])
        if warehouse >= 0 and dice < 0.5:  # noqa: PLR2004  as often as all other kinds
            return self._warehouse_slot(warehouse, seed, rng)
        ruin = self._in_the_way(seed, rng) if dice < 0.75 else self._mixed(seed, rng)  # noqa: PLR2004
        if problem.together.links and problem.together.links[seed]:
            others = (link.other for link in problem.together.links[seed])
            return Ruin(tuple(dict.fromkeys([*ruin.connections, *others])), ruin.wanted)
        return ruin

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
        keeping = others[self._on.of(others)[:, slot] & (others != seed)]
        return Ruin((seed, *dict.fromkeys(keeping[: 3 * self._largest].tolist())))

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
            others += there[self._busy.of(there)[:, target & full].any(axis=1)].tolist()
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


class _Rows:
    """The slots that each connection holds where it is now, worked out again once it has moved."""

    def __init__(self, placement: Placement, *, warehouse: bool) -> None:
        problem = placement.problem
        self._placement, self._warehouse = placement, warehouse
        self._held = np.zeros((len(problem.options), problem.slots), np.bool_)
        self._at = np.full(len(problem.options), -1, np.intp)

    def of(self, connections: Ints) -> Flags:
        """Return one row of slots for each of some connections."""
        problem, choice = self._placement.problem, self._placement.choice
        for moved in connections[self._at[connections] != choice[connections]].tolist():
            options, chosen = problem.options[moved], choice[moved]
            ends = options.on if self._warehouse else options.busy
            self._held[moved] = problem.covered(options.begin[chosen], ends[chosen]) > 0
            self._at[moved] = chosen
        return self._held[connections]
