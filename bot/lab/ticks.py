"""When schedules tick: the fires of a day, and the delay that Airbyte Cloud adds to them."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from bot.domain.connection import Cron
from bot.domain.cron import parse
from bot.lab import constants as known
from bot.lab.noise import mix_arrays, unit

_BLOCK_DAYS = 32
Offsets = tuple[int, ...]


class Ticks:
    """Fires per UTC day of many crons, each expression evaluated once per day pattern."""

    def __init__(self) -> None:
        self._every_day: dict[tuple[str, str], Offsets] = {}
        self._blocks: dict[tuple[str, str, int], dict[int, list[int]]] = {}

    def on(self, cron: Cron, day: int) -> Offsets:
        """Return the seconds of UTC day number `day` at which `cron` fires."""
        key = (cron.expression, cron.zone)
        same = self._every_day.get(key)
        if same is not None:
            return same
        if _same_every_day(cron):
            same = tuple(at - day * known.DAY for at in _fires(cron, day, day + 1))
            self._every_day[key] = same
            return same
        block = day // _BLOCK_DAYS
        days = self._blocks.get((*key, block))
        if days is None:
            days = {}
            for at in _fires(cron, block * _BLOCK_DAYS, (block + 1) * _BLOCK_DAYS):
                days.setdefault(at // known.DAY, []).append(at % known.DAY)
            self._blocks[(*key, block)] = days
        return tuple(days.get(day, ()))

    def in_28_days(self, cron: Cron, day: int) -> int:
        """Count the fires of the 28 days from `day`."""
        return sum(len(self.on(cron, d)) for d in range(day, day + 28))


class DayPlan:
    """All cron ticks of one day in order of time: parallel lists, consumed by the engine."""

    __slots__ = ("bits", "connections", "position", "times")

    def __init__(
        self, day: int, ticking: list[tuple[int, Offsets]], keys: NDArray[np.uint64], after: int
    ) -> None:
        counts = [len(offsets) for _, offsets in ticking]
        total = sum(counts)
        connections = np.repeat(np.asarray([c for c, _ in ticking], dtype=np.int64), counts)
        times = np.fromiter((s for _, offs in ticking for s in offs), np.int64, total)
        ordinals = np.fromiter((n for count in counts for n in range(count)), np.uint64, total)
        bits = mix_arrays(keys[connections], np.full(total, day, np.uint64), ordinals)
        times += day * known.DAY
        order = np.lexsort((connections, times))
        order = order[times[order] > after]
        self.times: list[int] = times[order].tolist()
        self.connections: list[int] = connections[order].tolist()
        self.bits: list[int] = bits[order].tolist()
        self.position = 0


def jitter_bound(wait: int) -> int:
    """Return the largest delay Airbyte Cloud adds after a wait of `wait` seconds."""
    for longest, bound in known.JITTER:
        if wait <= longest:
            return bound
    return known.JITTER_MAX


def jitter_of(key: int, tick: int, wait: int) -> int:
    """Return the delay of one tick: positive only, for crons."""
    bound = jitter_bound(wait)
    return int(unit(key, tick, 0x11) * (bound + 1)) if bound else 0


def _same_every_day(cron: Cron) -> bool:
    fields = cron.expression.split()
    return cron.zone == "UTC" and all(field in {"*", "?"} for field in fields[3:])


def _fires(cron: Cron, first_day: int, end_day: int) -> Sequence[int]:
    """Return epoch seconds of the fires from the start of one day to the start of another."""
    start = datetime.fromtimestamp(first_day * known.DAY, UTC)
    end = datetime.fromtimestamp(end_day * known.DAY, UTC)
    return parse(cron.expression, cron.zone).epochs_between(start, end)
