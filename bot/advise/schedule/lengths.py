"""Lengths: how long a sync takes, as planning wants it, and how probably it is done by when."""

from dataclasses import dataclass
from datetime import timedelta
from math import ceil, log
from typing import Final

import numpy as np

from bot.advise.schedule.problem import Floats
from bot.domain.forecast import Quantiles

LEVELS: Final = (0.05, 0.5, 0.8, 0.95)
_STEP: Final = 1.1
"""Lengths go up in steps of a tenth: a plan must not change because a forecast moved by seconds."""
_SUREST: Final = 0.995
"""Four quantiles say nothing of what is beyond them: nobody is surer than this."""
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Lengths:
    """Minutes that a sync takes at `LEVELS`, as forecast, and rounded up to a step for planning."""

    exact: tuple[float, float, float, float]
    minutes: tuple[float, float, float, float]

    @classmethod
    def of(cls, duration: Quantiles[timedelta]) -> "Lengths":
        """Read a forecast."""
        quantiles = (duration.p05, duration.p50, duration.p80, duration.p95)
        return cls.of_minutes(*(quantile / _MINUTE for quantile in quantiles))

    @classmethod
    def of_minutes(cls, p05: float, p50: float, p80: float, p95: float) -> "Lengths":
        """Take four quantiles in minutes."""
        return cls((p05, p50, p80, p95), (steady(p05), steady(p50), steady(p80), steady(p95)))

    @property
    def usual(self) -> float:
        """Return p50: what a warehouse is paid for."""
        return self.minutes[1]

    @property
    def planned(self) -> float:
        """Return p80: what capacity is kept free for."""
        return self.minutes[2]

    @property
    def safe(self) -> float:
        """Return p95: what deadlines and windows are held against."""
        return self.minutes[3]

    def done_within(self, minutes: Floats) -> Floats:
        """Return the probability to be done within each of some times, in minutes.

        Between the quantiles it is read off their logs; beyond the highest, what is left halves
        with each further step of the tail's own width.
        """
        logs = np.log(np.maximum(self.minutes, 1e-3))
        logs = np.maximum.accumulate(logs + np.arange(len(logs)) * 1e-6)
        wanted = np.log(np.maximum(minutes, 1e-9))
        below = LEVELS[0] * np.clip(1 - (logs[0] - wanted) / (logs[1] - logs[0]), 0.0, 1.0)
        steps = np.clip((wanted - logs[-1]) / (logs[-1] - logs[1]), 0.0, 50.0)
        above = np.minimum(_SUREST, 1 - (1 - LEVELS[-1]) * 0.5**steps)
        between = np.interp(wanted, logs, LEVELS)
        chance = np.where(wanted <= logs[0], below, np.where(wanted >= logs[-1], above, between))
        return np.where(minutes <= 0, 0.0, chance)


def steady(minutes: float) -> float:
    """Round a length up to the next step; half a minute is the shortest."""
    if minutes <= 0.5:  # noqa: PLR2004
        return 0.5
    return float(_STEP ** ceil(round(log(minutes, _STEP), 6)))
