"""Conformal intervals: quantiles of what went wrong before, per connection, shrunk to its pool.

Scores are past errors of real forecasts over a scale of their connection. A connection's own
quantiles count for more the more scores it has; the rest is its pool's, the connections of one
family and cadence. What is rolling is what works: calibrated once, intervals go wrong as soon as
the world drifts (Barber et al., "Conformal prediction beyond exchangeability", 2023).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.forecast.order import Floats, Ints, grouped_quantiles, median

LEVELS: Final = (0.05, 0.5, 0.8, 0.95)
"""The levels of `bot.domain.forecast.Quantiles`."""
CALIBRATION_DAYS: Final = 42
EMPTY_SCORE: Final = -1e3
"""The score of a sync that moved nothing: below every other, so that a quantile can be zero."""

_FEWEST_OWN: Final = 20
_MOST_OWN: Final = 60
"""Scores of one day resemble each other: an hourly connection knows less than it has of them."""
_FEWEST_IN_POOL: Final = 100
_LOWER_HALF: Final = 0.5
_UPPER: Final = 0.9
_FARTHEST: Final = 3.0
_SCALE_DAYS: Final = 28
_SMALLEST_SCALE: Final = 0.03
_LARGEST_SCALE: Final = 1.5


@dataclass(frozen=True, slots=True)
class Pools:
    """Which pool each connection belongs to, and the wider one to ask when that is too small."""

    own: Ints
    wider: Ints

    @classmethod
    def of(cls, families: tuple[str, ...], daily: Floats) -> "Pools":
        """Pool by family and cadence, and wider by cadence; `daily` is syncs per active day."""
        cadence = np.searchsorted(_CADENCES, np.nan_to_num(daily)).astype(np.int64)
        _, family = np.unique(np.asarray(families, dtype=object).astype(str), return_inverse=True)
        _, own = np.unique(family * (len(_CADENCES) + 1) + cadence, return_inverse=True)
        return cls(own.astype(np.int64), cadence)


_CADENCES: Final = (1.5, 8.0)


def scales(errors: Floats, origin: int) -> Floats:
    """Return the usual size of each connection's errors before an origin.

    Args:
        errors: (connections, days), the median absolute error of each day; NaN where none.
        origin: the first day that must not be looked at.
    """
    recent = errors[:, max(origin - _SCALE_DAYS, 0) : origin]
    if recent.shape[1] == 0:
        return np.full(len(errors), _SMALLEST_SCALE, np.float32)
    usual = np.clip(np.nan_to_num(median(recent), nan=0.3), 0, _LARGEST_SCALE)
    scale: Floats = (usual + _SMALLEST_SCALE).astype(np.float32)
    return scale


def quantiles(connection: Ints, scores: Floats, pools: Pools, *, careful: bool = False) -> Floats:
    """Return the score quantiles of every connection at `LEVELS`.

    Args:
        connection: whose score each one is.
        scores: finite scores of the calibration window, all of them from before the origin.
        pools: the pools of all connections.
        careful: put p05 and p95 halfway to the wider one of own and pool; for forecasts further
            ahead, whose errors hang together for days and so tell less than they count.

    Returns:
        (connections, levels), never falling along the levels; NaN where there is no score at
        all in the fleet.
    """
    connections = len(pools.own)
    own, count = grouped_quantiles(connection, scores, connections, LEVELS)
    pooled = _pooled(connection, scores, pools)
    farthest = np.abs(pooled) * _FARTHEST
    clipped = np.clip(own, -farthest, farthest)
    tail = np.minimum(np.asarray(LEVELS), 1 - np.asarray(LEVELS))
    counted = np.minimum(count, _MOST_OWN)[:, None]
    weight = counted / (counted + 2 / tail)
    weight = np.where(count[:, None] >= _FEWEST_OWN, weight, 0)
    mixed = np.where(weight > 0, weight * clipped + (1 - weight) * pooled, pooled)
    if careful:
        wide = np.where(np.asarray(LEVELS) < _LOWER_HALF, np.fmin(clipped, pooled), mixed)
        wide = np.where(np.asarray(LEVELS) > _UPPER, np.fmax(clipped, pooled), wide)
        mixed = np.where(weight > 0, (mixed + wide) / 2, mixed)
    rising: Floats = np.maximum.accumulate(mixed, axis=1).astype(np.float32)
    return rising


def _pooled(connection: Ints, scores: Floats, pools: Pools) -> Floats:
    """Return the quantiles of each connection's pool, or of a wider one where that is small."""
    result = np.empty((len(pools.own), len(LEVELS)), np.float32)
    everyone = np.zeros(len(pools.own), np.int64)
    for pool in (everyone, pools.wider, pools.own):
        of_pool, count = grouped_quantiles(
            pool[connection], scores, int(pool.max(initial=0)) + 1, LEVELS
        )
        enough = (count >= _FEWEST_IN_POOL)[pool] | (pool is everyone)
        result[enough] = of_pool[pool[enough]]
    return result
