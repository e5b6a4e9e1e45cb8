"""Baselines: what forecasts have to beat, made from the same runs at the same origins."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from bot.forecast.order import Floats, Ints, grouped_median, median
from bot.forecast.series import Series

_WEEK: Final = 7
_HOURS: Final = 24
_WEEKS: Final = 4

Baseline = Callable[[Series, int], Floats]
"""Returns the log forecast of each run of a series, so many days ahead; NaN for none."""


def last_value(series: Series, ahead: int) -> Floats:
    """Forecast what the last sync took that had ended by the origin."""
    runs = series.runs
    order = np.lexsort((runs.created, series.known, runs.connection))
    reach = series.fits.grid.days + 8
    keys = (runs.connection * reach + np.minimum(series.known, reach - 1))[order]
    asked = runs.connection * reach + series.origins(ahead)
    found = np.searchsorted(keys, asked, side="right") - 1
    mine = (found >= 0) & (runs.connection[order][np.maximum(found, 0)] == runs.connection)
    last = series.logs[order][np.maximum(found, 0)]
    return np.where(mine & np.isfinite(last), last, np.nan).astype(np.float32)


def seasonal_naive(series: Series, ahead: int) -> Floats:
    """Forecast what the same hour of the same weekday took a week before."""
    cells = _cells(series)
    return _back(series, cells, _WEEK * ((ahead - 1) // _WEEK + 1))


def weekday_median(series: Series, ahead: int) -> Floats:
    """Forecast the median of the last four such weekdays, all hours together."""
    runs, days = series.runs, series.fits.grid.days
    finite = np.isfinite(series.logs)
    cell = runs.connection * days + series.days
    size = len(runs.connections) * days
    daily = grouped_median(cell[finite], series.logs[finite], size).reshape(-1, days)
    stack = [_shifted(daily, runs.connection, series.days - lag) for lag in _lags(ahead)]
    return median(np.stack(stack, axis=1))


def weekday_hour_median(series: Series, ahead: int) -> Floats:
    """Forecast the median of the same hour on the last four such weekdays."""
    cells = _cells(series)
    return median(np.stack([_back(series, cells, lag) for lag in _lags(ahead)], axis=1))


BASELINES: Final[Mapping[str, Baseline]] = {
    "last value": last_value,
    "seasonal naive": seasonal_naive,
    "weekday median": weekday_median,
    "weekday and hour median": weekday_hour_median,
}


def _lags(ahead: int) -> list[int]:
    first = _WEEK * ((ahead - 1) // _WEEK + 1)
    return [first + _WEEK * week for week in range(_WEEKS)]


def _cells(series: Series) -> Floats:
    """Return the median log of each connection, day and hour."""
    days = series.fits.grid.days
    hour = series.runs.created // 3600 % _HOURS
    finite = np.isfinite(series.logs)
    cell = (series.runs.connection * days + series.days) * _HOURS + hour
    shape = (len(series.runs.connections), days, _HOURS)
    size = int(np.prod(shape))
    return grouped_median(cell[finite], series.logs[finite], size).reshape(shape)


def _back(series: Series, cells: Floats, lag: int) -> Floats:
    hour = series.runs.created // 3600 % _HOURS
    day = series.days - lag
    found = cells[series.runs.connection, np.maximum(day, 0), hour]
    return np.where(day >= 0, found, np.nan).astype(np.float32)


def _shifted(daily: Floats, connection: Ints, day: Ints) -> Floats:
    found = daily[connection, np.maximum(day, 0)]
    return np.where(day >= 0, found, np.nan).astype(np.float32)
