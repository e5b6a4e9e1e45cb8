"""Totals: what all the syncs of a span take together, with intervals of their own.

The errors of a connection's syncs hang together, so the interval of a sum is not the sum of
intervals. It comes from past spans of the same length: their totals against what was forecast.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.forecast.conformal import CALIBRATION_DAYS, EMPTY_SCORE, LEVELS, quantiles
from bot.forecast.local import FADE
from bot.forecast.order import Floats, Ints
from bot.forecast.series import LOCAL_RUNS, Series

_FEWEST_SPANS: Final = 7


@dataclass(frozen=True, slots=True)
class Totals:
    """Forecasts of sums over `days` days, calibrated on the sums of the past."""

    series: Series
    days: int

    def widths(self) -> Floats:
        """Return what to add to the log of a predicted sum, per connection: (n, levels).

        All NaN where the history is too short for a handful of such spans.
        """
        series, grid = self.series, self.series.fits.grid
        connections = len(series.runs.connections)
        actual, weight = self._by_day()
        last = grid.days - self.days - 1  # A day is complete one day after it is over.
        first = max(last - CALIBRATION_DAYS, 1)
        if last - first < _FEWEST_SPANS:
            return np.full((connections, len(LEVELS)), np.nan, np.float32)
        scores = np.full((connections, last - first), np.nan, np.float32)
        for origin in range(first, last):
            scores[:, origin - first] = self._scores(origin, actual, weight)
        who, when = np.nonzero(np.isfinite(scores))
        found = quantiles(who, scores[who, when], series.pools, careful=self.days > 1)
        result: Floats = found * series.scale[:, grid.days, None]
        return result

    def _by_day(self) -> tuple[Floats, Floats]:
        """Return, per connection and day, what was moved, and the weight of the syncs' hours."""
        series, grid = self.series, self.series.fits.grid
        runs, size = series.runs, len(series.runs.connections) * grid.days
        cell: Ints = runs.connection * grid.days + series.days
        hours = series.fits.hour_effects(runs.connection, runs.created, series.days)
        actual = np.bincount(cell, weights=series.amounts, minlength=size)
        weight = np.bincount(cell, weights=np.exp(hours), minlength=size)
        shape = (len(runs.connections), grid.days)
        return (
            actual.reshape(shape).astype(np.float32),
            weight.reshape(shape).astype(np.float32),
        )

    def _scores(self, origin: int, actual: Floats, weight: Floats) -> Floats:
        fits = self.series.fits
        predicted = np.zeros(len(actual))
        for ahead in range(self.days):
            day = origin + ahead
            weekday = int(fits.grid.weekday(day))
            settled = fits.settled[:, origin]
            log = settled + FADE**ahead * (fits.level[:, origin] - settled)
            predicted += np.exp(log + fits.weekdays[:, origin, weekday]) * weight[:, day]
        total = actual[:, origin : origin + self.days].sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            scores = np.log(total / predicted)
        scores = np.where(np.isneginf(scores), EMPTY_SCORE, scores) / self.series.scale[:, origin]
        scores[(fits.count[:, origin] < LOCAL_RUNS) | ~np.isfinite(scores)] = np.nan
        result: Floats = scores.astype(np.float32)
        return result
