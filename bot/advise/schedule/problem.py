"""The problem: what each connection could do on a cyclic grid, and what it shares with others.

Everything here is arrays of numbers; who they belong to is known to the callers. Amounts are in
the price book's currency and per cycle, positions are slots of the grid.
"""

from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.intp]
Flags: TypeAlias = NDArray[np.bool_]

STAY: Final = 0
"""The candidate that changes nothing: the first one of every connection."""
_FEW: Final = 8
"""Up to so many runs are laid on the slots one by one: that is faster than sorting their ends."""


@dataclass(frozen=True, slots=True)
class Options:
    """The candidates of one connection, one a row; the first is to stay as it is.

    Each run of a candidate holds capacity from `begin` up to `busy` and keeps a warehouse on up to
    `on`; both may lie behind the end of the cycle. A candidate with fewer runs than another
    has the number of slots in all three. `cost` is what no other connection has a say in, and
    `finish` is where in the day its last run ends.
    """

    begin: Ints
    busy: Ints
    on: Ints
    cost: Floats
    finish: Floats


@dataclass(frozen=True, slots=True)
class Shared:
    """The capacities: how much of each may be in use, and how much those that never move use.

    `limits` has one number a capacity, `base` a row of slots for each. Each unit above a limit
    costs `rate` a slot; above what is in use there today it costs `forbidden`, which is more than
    anything can save.
    """

    limits: Floats
    base: Floats
    rate: float
    forbidden: float


@dataclass(frozen=True, slots=True)
class Warehouses:
    """What each warehouse costs in each slot while it is on, and how many keep it on anyhow."""

    price: Floats
    base: Floats


@dataclass(frozen=True, slots=True)
class Crowd:
    """How much may start in one slot before what starts beyond that costs `rate`.

    `weights` says what a start of each connection counts; 0 where it does not matter.
    """

    limit: float
    weights: Floats
    rate: float


@dataclass(frozen=True, slots=True)
class Link:
    """Another connection beside which to finish, and what each slot apart costs."""

    other: int
    rate: float


@dataclass(frozen=True, slots=True)
class Together:
    """How far apart linked connections may finish at no cost, and from where on it is all one."""

    near: float
    far: float
    day: int
    links: tuple[tuple[Link, ...], ...] = ()

    def apart(self, one: Floats | float, other: Floats | float) -> Any:
        """Return by how many slots two finishes are too far apart, around the clock."""
        gap = np.abs(np.subtract(one, other)) % self.day
        return np.clip(np.minimum(gap, self.day - gap) - self.near, 0.0, self.far - self.near)


@dataclass(frozen=True, slots=True)
class Problem:
    """All connections on one grid of `slots`; `uses` names capacities and weights of each.

    `warehouse` is -1 where a connection keeps no warehouse on.
    """

    slots: int
    options: tuple[Options, ...]
    uses: tuple[tuple[tuple[int, float], ...], ...]
    shared: Shared
    warehouse: Ints
    warehouses: Warehouses
    crowd: Crowd
    together: Together
    reach: int = field(init=False)
    ceiling: Floats = field(init=False)

    def __post_init__(self) -> None:
        ends = (max(int(o.busy.max()), int(o.on.max())) for o in self.options)
        object.__setattr__(self, "reach", max(0, max(ends, default=0) - self.slots))
        if self.reach > self.slots:
            raise ValueError("a run is longer than the cycle")
        ceiling = np.maximum(self.shared.base, self.shared.limits[:, None])
        usage = self.shared.base.copy()
        for options, uses in zip(self.options, self.uses, strict=True):
            if uses:
                held = self.covered(options.begin[STAY], options.busy[STAY])
                for capacity, weight in uses:
                    usage[capacity] += weight * held
        object.__setattr__(self, "ceiling", np.maximum(ceiling, usage))

    def covered(self, begin: Ints, end: Ints) -> Floats:
        """Count for each slot how many of the spans [begin, end) hold it."""
        held = np.zeros(self.slots + self.reach)
        if len(begin) <= _FEW:
            for first, last in zip(begin.tolist(), end.tolist(), strict=True):
                held[first:last] += 1.0
        else:
            steps = np.bincount(begin, minlength=len(held) + 1)
            steps -= np.bincount(end, minlength=len(held) + 1)
            np.cumsum(steps[:-1], out=held)
        if self.reach:
            held[: self.reach] += held[self.slots :]
        return held[: self.slots]
