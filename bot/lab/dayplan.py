"""One day ahead: every cron tick of the fleet in order, with what it will meet if it is on time.

All that does not depend on other syncs is worked out here for the whole fleet at once; the
event loop is left with what does.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bot.lab import constants as known
from bot.lab.nature import ConnectionNature
from bot.lab.noise import mix_arrays
from bot.lab.physics import Pace
from bot.lab.run import Prospect
from bot.lab.ticks import Offsets
from bot.lab.volume import NORMAL, SHAPES, Volumes

_QUARTER = 900
_SATURDAY = 5
_SHAPES = np.asarray(SHAPES)
Floats = NDArray[np.float64]


class DayPlan:
    """The ticks of one day: parallel lists, consumed from `position` on."""

    __slots__ = ("bits", "connections", "position", "prospects", "times")

    def __init__(self, times: NDArray[np.int64], connections: NDArray[np.int64]) -> None:
        self.times: list[int] = times.tolist()
        self.connections: list[int] = connections.tolist()
        self.bits: list[int] = []
        self.prospects: list[Prospect] = []
        self.position = 0


def plan_day(
    day: int,
    ticking: Sequence[tuple[int, Offsets]],
    paces: Sequence[Pace],
    volumes: Volumes,
    after: int,
) -> DayPlan:
    """Plan the ticks of a day that are later than `after` (epoch seconds).

    `ticking` lists (connection, seconds of the day), `paces` every connection's pace.
    """
    counts = [len(offsets) for _, offsets in ticking]
    total = sum(counts)
    connections = np.repeat(np.asarray([c for c, _ in ticking], dtype=np.int64), counts)
    seconds = np.fromiter((s for _, offs in ticking for s in offs), np.int64, total)
    ordinals = np.fromiter((n for count in counts for n in range(count)), np.uint64, total)
    order = np.lexsort((connections, seconds))
    order = order[seconds[order] + day * known.DAY > after]
    connections, seconds, ordinals = connections[order], seconds[order], ordinals[order]
    plan = DayPlan(seconds + day * known.DAY, connections)
    if len(seconds):
        natures = [pace.nature for pace in paces]
        keys = np.asarray([nature.key for nature in natures], dtype=np.uint64)[connections]
        bits = mix_arrays(keys, np.full(len(keys), day, np.uint64), ordinals)
        plan.bits = bits.tolist()
        plan.prospects = _prospects(day, seconds, connections, bits, (paces, volumes))
    return plan


def _prospects(
    day: int,
    seconds: NDArray[np.int64],
    connections: NDArray[np.int64],
    bits: NDArray[np.uint64],
    world: tuple[Sequence[Pace], Volumes],
) -> list[Prospect]:
    paces, volumes = world
    natures = [pace.nature for pace in paces]
    changed = _changed(day, seconds, connections, natures, volumes)
    growth = volumes.growths(day)
    hot = _column([n.hot_days * n.rows_day for n in natures]) * np.maximum(1.0, growth)
    stock = _column([p.full_share * p.nature.stock_rows for p in paces]) * growth
    per_row = _column([p.row_seconds for p in paces]) * _paced(natures, day - volumes.first_day)
    luck = NORMAL[(bits >> np.uint64(48)).astype(np.intp)]
    row_luck = NORMAL[((bits >> np.uint64(32)) & np.uint64(0xFFFF)).astype(np.intp)]
    tail = (((bits >> np.uint64(16)) & np.uint64(0xFFFF)).astype(np.float64) + 0.5) / 65_536
    chance = ((bits & np.uint64(0xFFFF)).astype(np.float64) + 0.5) / 65_536
    sigma = _column([n.sigma for n in natures])[connections]
    tails = _column([n.tail_share for n in natures])[connections]
    stretch = np.minimum(known.TAIL_LARGEST, (tails / tail) ** (1 / known.TAIL_EXPONENT))
    hours = _busy_hours(paces, day)[connections, seconds // known.HOUR]
    seconds_per_row = (
        per_row[connections] * hours * np.exp(sigma * luck) * np.where(tail < tails, stretch, 1.0)
    )
    columns = (
        changed,
        hot[connections],
        stock[connections] * np.exp(0.01 * row_luck),
        np.exp(0.04 * row_luck),
        seconds_per_row,
        chance,
    )
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _changed(
    day: int,
    seconds: NDArray[np.int64],
    connections: NDArray[np.int64],
    natures: Sequence[ConnectionNature],
    volumes: Volumes,
) -> Floats:
    before, level = volumes.on(day)
    shapes = np.asarray([nature.shape for nature in natures])[connections]
    quarter, rest = seconds // _QUARTER, seconds % _QUARTER
    low, high = _SHAPES[shapes, quarter], _SHAPES[shapes, quarter + 1]
    share = low + (high - low) * (rest / _QUARTER)
    result: Floats = before[connections] + level[connections] * share
    return result


def _paced(natures: Sequence[ConnectionNature], offset: int) -> Floats:
    steps = (nature.pace_step for nature in natures)
    return _column([step[1] if step and offset >= step[0] else 1.0 for step in steps])


def _busy_hours(paces: Sequence[Pace], day: int) -> Floats:
    weekend = (day + 3) % 7 >= _SATURDAY
    return np.asarray([p.source.weekend if weekend else p.source.weekday for p in paces])


def _column(values: list[float]) -> Floats:
    return np.asarray(values, dtype=np.float64)
