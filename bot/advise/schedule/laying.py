"""Laying out: a fleet and the moves of its members as a problem on a grid."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from typing import Final

import numpy as np

from bot.advise.schedule.cycle import DAY_MINUTES
from bot.advise.schedule.fleet import Fleet
from bot.advise.schedule.member import Move
from bot.advise.schedule.penalties import Penalties
from bot.advise.schedule.problem import Crowd, Floats, Link, Problem, Shared, Together, Warehouses
from bot.domain.connection import ConnectionId

SLOT: Final = 15
"""Minutes of a slot: coarser than a sync, finer than a promise. Starts are refined to the minute."""

_HOUR: Final = 60
_FORBIDDEN: Final = 1e6
"""What a unit above its capacity costs where today it is kept: more than anything can save."""
_SLACK: Final = 2.0
"""A minute is crowded from twice what an even spread would give it, and never by one start."""
_PAIRS: Final = 5
"""With more members than this, a model's syncs are linked in a ring instead of each with each."""


def lay_out(
    fleet: Fleet, moves: Sequence[Sequence[Move]], step: int, penalties: Penalties
) -> Problem:
    """Build the problem of choosing one of its moves for every member, on slots of `step` minutes."""
    days, slots = fleet.cycle.days, fleet.cycle.minutes // step
    limits = np.array([float(shared.capacity.limit) for shared in fleet.capacities])
    power = fleet.power.reshape(len(fleet.power), slots, step).sum(axis=2)
    alone = [not member.uses for member in fleet.members]
    allowed = max(1.0, _SLACK * sum(alone) / DAY_MINUTES)
    return Problem(
        slots=slots,
        options=tuple(
            member.options(own, step, penalties)
            for member, own in zip(fleet.members, moves, strict=True)
        ),
        uses=tuple(tuple(sorted(member.uses.items())) for member in fleet.members),
        shared=Shared(
            limits,
            np.zeros((len(limits), slots)),
            penalties.overload * step / _HOUR,
            _FORBIDDEN,
        ),
        warehouse=np.array([member.warehouse for member in fleet.members], np.intp),
        warehouses=Warehouses(power, np.zeros(power.shape)),
        crowd=Crowd(allowed * step, _crowd_weights(fleet), penalties.crowded_start),
        together=Together(
            near=_HOUR / step,
            far=DAY_MINUTES / 2 / step,
            day=DAY_MINUTES // step,
            links=_links(fleet, penalties.apart * step / _HOUR * days),
        ),
    )


def _crowd_weights(fleet: Fleet) -> Floats:
    """Return what a start of each member counts in a crowd: a day of it counts one.

    Where a capacity is declared it says better than a crowd what may run at once.
    """
    days = fleet.cycle.days
    return np.array(
        [
            0.0 if member.uses else 1 / max(1.0, len(member.starts) / days)
            for member in fleet.members
        ]
    )


def _links(fleet: Fleet, rate: float) -> tuple[tuple[Link, ...], ...]:
    """Link the daily syncs that feed one model; () where there are none."""
    feeding: dict[str, list[int]] = defaultdict(list)
    for index, member in enumerate(fleet.members):
        if member.timetable is not None and len(member.timetable.times) == 1:
            for model in fleet.models.get(ConnectionId(member.connection.id), ()):
                feeding[model].append(index)
    rates: dict[tuple[int, int], float] = defaultdict(float)
    for model in sorted(feeding):
        feeders = feeding[model]
        ring = zip(feeders, [*feeders[1:], feeders[0]], strict=True)
        pairs = combinations(feeders, 2) if len(feeders) <= _PAIRS else ring
        for one, other in pairs:
            if one != other:
                rates[one, other] = rate
    if not rates:
        return ()
    links: list[list[Link]] = [[] for _ in fleet.members]
    for (one, other), cost in sorted(rates.items()):
        links[one].append(Link(other, cost))
        links[other].append(Link(one, cost))
    return tuple(tuple(each) for each in links)
