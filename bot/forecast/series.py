"""Series: one quantity of a fleet's syncs, with what was forecast for each and how wrong it was."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from bot.forecast.conformal import (
    CALIBRATION_DAYS,
    EMPTY_SCORE,
    LEVELS,
    Pools,
    quantiles,
    scales,
)
from bot.forecast.local import Fits, Grid, fit
from bot.forecast.order import Flags, Floats, Ints, grouped_median
from bot.forecast.runs import Runs

LOCAL_RUNS: Final = 14
"""So many recent runs make a connection's own forecast."""
THIN_RUNS: Final = 3
"""So many make its own median, with the pool's interval; below, its family speaks for it."""


@dataclass(frozen=True)
class Series:
    """One quantity of a fleet: the fits at every midnight, and the errors that they made.

    Attributes:
        runs: the successful runs that tell the quantity.
        amounts: the quantity of each run; 0 where nothing was moved.
        fits: the local fits.
        pools: whom each connection shares its intervals with.
    """

    runs: Runs
    amounts: Floats
    fits: Fits
    pools: Pools

    @classmethod
    def of(cls, runs: Runs, values: Floats, until: int) -> "Series":
        """Fit `values`, one for each of `runs`, up to the day that holds `until`."""
        chosen = runs.succeeded & np.isfinite(values)
        runs, values = runs.where(chosen), values[chosen]
        grid = Grid.over(runs, until)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.where(values > 0, np.log(values), np.nan).astype(np.float32)
        fits = fit(runs, logs, grid)
        return cls(runs, values, fits, Pools.of(runs.families, fits.daily[:, -1]))

    @cached_property
    def logs(self) -> Floats:
        """Return the log of each value; minus infinity for nothing."""
        with np.errstate(divide="ignore"):
            logs: Floats = np.log(self.amounts)
        return logs

    @cached_property
    def days(self) -> Ints:
        """Return the day of the grid on which each run was due."""
        return self.fits.grid.day(self.runs.created)

    @cached_property
    def known(self) -> Ints:
        """Return the first origin that knew how each run ended."""
        return self.fits.grid.day(self.runs.ended) + 1

    def origins(self, ahead: int) -> Ints:
        """Return the day at whose midnight each run was forecast, `ahead` days ahead (1: today)."""
        return np.maximum(self.days - ahead + 1, 0)

    def predicted(self, ahead: int) -> Floats:
        """Return the log that was forecast for each run; NaN where nothing was known."""
        return self._a_day_ahead if ahead == 1 else self._predicted(ahead)

    @cached_property
    def _a_day_ahead(self) -> Floats:
        return self._predicted(1)

    def _predicted(self, ahead: int) -> Floats:
        runs = self.runs
        return self.fits.predict(runs.connection, runs.created, self.origins(ahead))

    def is_local(self, ahead: int) -> Flags:
        """Tell which runs had enough of their own history when they were forecast."""
        enough: Flags = self.fits.count[self.runs.connection, self.origins(ahead)] >= LOCAL_RUNS
        return enough

    @cached_property
    def daily_errors(self) -> Floats:
        """Return the median absolute error of each connection and day, one day ahead."""
        errors = np.abs(self.logs - self.predicted(1))
        finite = np.isfinite(errors)
        shape = (len(self.runs.connections), self.fits.grid.days)
        # A run that ended after midnight was not known at once; the day of its end is.
        day = np.minimum(np.maximum(self.days, self.known - 1), shape[1] - 1)
        cell = self.runs.connection * shape[1] + day
        return grouped_median(cell[finite], errors[finite], shape[0] * shape[1]).reshape(shape)

    @cached_property
    def scale(self) -> Floats:
        """Return what errors are counted in, per connection and origin, from those before it."""
        origins = range(self.fits.grid.days + 1)
        return np.stack([scales(self.daily_errors, origin) for origin in origins], axis=1)


class Calibration:
    """The scores of forecasts at one horizon, and the quantiles that they gave at each origin.

    Args:
        series: the quantity that was forecast.
        ahead: how many days ahead; 1 is the day that begins at the origin.
        predicted: the log that was forecast for each run; the local forecaster's when None.
    """

    def __init__(self, series: Series, ahead: int, predicted: Floats | None = None) -> None:
        self.series = series
        self.ahead = ahead
        self.origins = series.origins(ahead)
        self.predicted = series.predicted(ahead) if predicted is None else predicted
        errors = series.logs - self.predicted
        scored = np.where(np.isneginf(errors), EMPTY_SCORE, errors)
        scale = series.scale[series.runs.connection, self.origins]
        self.scores: Floats = (scored / scale).astype(np.float32)

    def at(self, origin: int) -> Floats:
        """Return what to add to the predicted log at `LEVELS`, per connection: (n, levels)."""
        series = self.series
        recent = (
            (series.known <= origin)
            & (series.days >= origin - CALIBRATION_DAYS)
            & (series.days >= self.ahead)
            & np.isfinite(self.scores)
            & series.is_local(self.ahead)
        )
        if not recent.any():
            return np.full((len(series.runs.connections), len(LEVELS)), np.nan, np.float32)
        found = quantiles(
            series.runs.connection[recent],
            self.scores[recent],
            series.pools,
            careful=self.ahead > 1,
        )
        widths: Floats = found * series.scale[:, origin, None]
        return widths
