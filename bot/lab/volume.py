"""How many rows change at each source: level per day, shape within the day, and what was missed.

Growth, weekly season, holidays, level steps and autocorrelated noise are pure functions of the
day, so the rows between two instants do not depend on who asks, or when.
"""

from math import exp

import numpy as np
from numpy.typing import NDArray

from bot.lab import constants as known
from bot.lab.nature import ConnectionNature
from bot.lab.noise import mix_arrays, normal_quantiles

_QUARTER = 900
_BLOCK = 32
_MEMORY = 12
_HOLIDAYS = frozenset({(1, 1), (5, 1), (7, 4), (11, 26), (12, 24), (12, 25), (12, 26)})
NORMAL = normal_quantiles()


def _shapes() -> list[list[float]]:
    """Tabulate, per profile, the share of a day's rows that changed up to each quarter hour."""
    hours = np.arange(0, 24, 0.25)
    office = 0.25 + np.exp(-(((hours - 14) / 3.5) ** 2))
    evening = 0.3 + np.exp(-(((hours - 20) / 3.0) ** 2))
    flat = np.ones_like(hours)
    tables = []
    for profile in (office, flat, evening):
        total = np.concatenate(([0.0], np.cumsum(profile / profile.sum())))
        tables.append([float(x) for x in total])
    return tables


SHAPES = _shapes()


class Volumes:
    """Rows changed at the source of every connection since the lab began.

    Args:
        first_day: day number (days since 1970) on which the lab begins.
    """

    def __init__(self, first_day: int) -> None:
        self.first_day = first_day
        self._natures: list[ConnectionNature] = []
        self._levels: list[list[float]] = []
        self._before: list[list[float]] = []
        self._days = 0

    def add(self, natures: list[ConnectionNature]) -> None:
        """Take in connections, in the order of their index."""
        self._natures += natures
        self._levels += [[] for _ in natures]
        self._before += [[0.0] for _ in natures]
        if self._days:
            self._extend(len(self._natures) - len(natures), 0, self._days)

    def reach(self, day: int) -> None:
        """Make levels known up to and including day number `day`."""
        while self.first_day + self._days <= day:
            self._extend(0, self._days, self._days + _BLOCK)
            self._days += _BLOCK

    def changed(self, index: int, at: int) -> float:
        """Return rows changed between the lab's beginning and `at` (epoch seconds)."""
        day, second = divmod(at, known.DAY)
        offset = day - self.first_day
        quarter, rest = divmod(second, _QUARTER)
        shape = SHAPES[self._natures[index].shape]
        share = shape[quarter] + (shape[quarter + 1] - shape[quarter]) * (rest / _QUARTER)
        return self._before[index][offset] + self._levels[index][offset] * share

    def level(self, index: int, day: int) -> float:
        """Return the rows that change on day number `day`."""
        return self._levels[index][day - self.first_day]

    def on(self, day: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return, per connection, the rows changed before a day and those of the day."""
        offset = day - self.first_day
        before = np.asarray([values[offset] for values in self._before])
        return before, np.asarray([values[offset] for values in self._levels])

    def growths(self, day: int) -> NDArray[np.float64]:
        """Return the growth of every connection's tables since the lab began."""
        return np.asarray([self.growth(index, day) for index in range(len(self._natures))])

    def growth(self, index: int, day: int) -> float:
        """Return how much the tables have grown since the lab began, as a factor."""
        nature = self._natures[index]
        step = nature.level_step
        factor = exp(nature.growth * (day - self.first_day))
        return factor * (step[1] if step and day - self.first_day >= step[0] else 1.0)

    def _extend(self, first_index: int, first: int, end: int) -> None:
        natures = self._natures[first_index:]
        if not natures:
            return
        levels = level_matrix(natures, self.first_day, first, end).tolist()
        for offset, row in enumerate(levels):
            self._levels[first_index + offset] += row
            before = self._before[first_index + offset]
            for level in row:
                before.append(before[-1] + level)


def level_matrix(
    natures: list[ConnectionNature], first_day: int, first: int, end: int
) -> NDArray[np.float64]:
    """Return rows changed per connection (rows) and day (columns `first`..`end`)."""
    offsets = np.arange(first, end)
    days = offsets + first_day
    keys = np.asarray([n.key for n in natures], dtype=np.uint64)[:, None]
    memory = np.arange(_MEMORY)
    lagged = (days[None, :, None] - memory[None, None, :]).astype(np.uint64)
    bits = mix_arrays(keys[:, :, None], lagged, np.full_like(lagged, 0xA5))
    shocks = NORMAL[(bits >> np.uint64(48)).astype(np.intp)]
    sigma = np.asarray([n.level_sigma for n in natures])[:, None]
    wander = (shocks * known.LEVEL_AR**memory).sum(axis=2) * sigma
    growth = np.exp(np.asarray([n.growth for n in natures])[:, None] * offsets)
    week = np.asarray([n.week for n in natures])[:, (days + 3) % 7]
    step_day = np.asarray([n.level_step[0] if n.level_step else 1 << 30 for n in natures])[:, None]
    step = np.asarray([n.level_step[1] if n.level_step else 1.0 for n in natures])[:, None]
    base = np.asarray([n.rows_day for n in natures])[:, None]
    stepped = np.where(offsets >= step_day, step, 1.0)
    quiet = np.asarray([known.HOLIDAY_FACTOR if _holiday(int(d)) else 1.0 for d in days])
    levels: NDArray[np.float64] = base * growth * week * stepped * quiet * np.exp(wander)
    return levels


def _holiday(day: int) -> bool:
    date = np.datetime64(day, "D").item()
    return (date.month, date.day) in _HOLIDAYS
