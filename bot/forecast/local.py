"""The local forecaster: level, weekday and hour of each connection, fitted for all at once.

On a log scale, a sync is its connection's level, plus what its weekday adds, plus what its hour
adds, each a median of recent residuals that is shrunk towards nothing as far as the evidence is
thin. There is no training and nothing random. It is fitted at every midnight of the history, each
time from what had ended by then, so that its past errors are errors of real forecasts.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bot.forecast.order import Floats, Ints, grouped_median, median
from bot.forecast.runs import DAY_SECONDS, Runs

WINDOW_DAYS: Final = 28
"""What a fit looks at: four of each weekday."""
_WEEK: Final = 7
_HOURS: Final = 24
_LEVEL_DAYS: Final = 14
_EPOCH_WEEKDAY: Final = 3
"""1970-01-01 was a Thursday; Monday is 0."""
_SEVERAL_A_DAY: Final = 1.5
_MEMORY_DAILY: Final = 0.85
_MEMORY_SEVERAL: Final = 0.65
FADE: Final = 0.6
"""What is left, each day further ahead, of how the last days differ from the weeks before."""
_CLIP: Final = 2.0
_TO_DEVIATION: Final = 1.4826
_THIN_HOURS: Final = 0.5
_CAUTION: Final = 1.0


@dataclass(frozen=True, slots=True)
class Grid:
    """The days that fits are made on: `days` UTC days from day number `first` (since 1970)."""

    first: int
    days: int

    @classmethod
    def over(cls, runs: Runs, until: int) -> "Grid":
        """Span the days from the first run up to the one that holds `until` (epoch seconds)."""
        last = until // DAY_SECONDS
        first = int(runs.created.min()) // DAY_SECONDS if len(runs) else last
        return cls(min(first, last), max(last - first, 0) + 1)

    def day(self, seconds: Ints) -> Ints:
        """Return the day of the grid that each instant lies on."""
        return seconds // DAY_SECONDS - self.first

    def weekday(self, day: Ints | int) -> Ints:
        """Return the weekday of a day of the grid; Monday is 0."""
        return np.asarray((day + self.first + _EPOCH_WEEKDAY) % _WEEK)


@dataclass(frozen=True, slots=True)
class Fits:
    """What was fitted at each origin; origin `o` knows what had ended before day `o` began.

    Attributes:
        level: (connections, origins), the log level; NaN where nothing is known.
        settled: the same with a longer memory: where the level goes back to.
        weekdays: (connections, origins, 7), what each weekday adds.
        hours: (connections, weeks, 24), what each UTC hour adds, fitted once a week.
        count: (connections, origins), the runs in the window.
        daily: (connections, origins), runs per day that had any.
    """

    grid: Grid
    level: Floats
    settled: Floats
    weekdays: Floats
    hours: Floats
    count: Floats
    daily: Floats

    def predict(self, connection: Ints, created: Ints, origin: Ints) -> Floats:
        """Return the predicted log of syncs that start at `created`, from fits at `origin`."""
        day = self.grid.day(created)
        fade = FADE ** np.maximum(day - origin, 0)
        settled = self.settled[connection, origin]
        predicted: Floats = (
            settled
            + fade.astype(np.float32) * (self.level[connection, origin] - settled)
            + self.weekdays[connection, origin, self.grid.weekday(day)]
            + self.hour_effects(connection, created, origin)
        )
        return predicted

    def hour_effects(self, connection: Ints, created: Ints, origin: Ints) -> Floats:
        """Return what the hours of `created` add, as it was known at `origin`."""
        effects: Floats = self.hours[connection, origin // _WEEK, created // 3600 % _HOURS]
        return effects


def fit(runs: Runs, logs: Floats, grid: Grid) -> Fits:
    """Fit every connection at each midnight of the grid, and at its end.

    Args:
        runs: the fleet's runs; only those with a finite log are looked at.
        logs: the log of what is forecast, per run; NaN where there is none.
        grid: the days to fit on.
    """
    connection, created, ended = runs.connection, runs.created, runs.ended
    chosen = np.isfinite(logs)
    if not chosen.all():
        connection, created, ended = connection[chosen], created[chosen], ended[chosen]
        logs = logs[chosen]
    # A run counts on the day before the one in which it ended, or the day it was created on,
    # whichever is later: so a day is complete one day after it is over.
    due = grid.day(created)
    known = grid.day(ended)
    day = np.maximum(due, known - 1)
    cell = connection * grid.days + day
    shape = (len(runs.connections), grid.days)
    hour = created // 3600 % _HOURS
    size = shape[0] * shape[1]
    count = np.bincount(cell, minlength=size).reshape(shape).astype(np.float32)
    hours = _fit_hours(_means(cell, logs, shape), count, (connection, day, hour, logs))
    logs = logs - hours[connection, day // _WEEK, hour]
    level = grouped_median(cell, logs, size).reshape(shape)
    in_time = known <= day
    partial = grouped_median(cell[in_time], logs[in_time], size).reshape(shape)
    return _fit_days(level, partial, count, hours, grid)


def _means(cell: Ints, logs: Floats, shape: tuple[int, int]) -> Floats:
    size = shape[0] * shape[1]
    total = np.bincount(cell, weights=logs, minlength=size)
    count = np.bincount(cell, minlength=size)
    with np.errstate(invalid="ignore"):
        means: Floats = (total / count).astype(np.float32).reshape(shape)
    return means


def _fit_hours(means: Floats, count: Floats, cells: tuple[Ints, Ints, Ints, Floats]) -> Floats:
    """Return what each hour adds, per connection and week, from the weeks before it."""
    connection, day, hour, logs = cells
    connections, days = means.shape
    weeks = days // _WEEK + 1
    hours = np.zeros((connections, weeks, _HOURS), np.float32)
    several = np.flatnonzero(count.sum(axis=1) > _SEVERAL_A_DAY * np.maximum((count > 0).sum(1), 1))
    if not len(several):
        return hours
    place = np.full(connections, -1)
    place[several] = np.arange(len(several))
    mine = place[connection] >= 0
    cube = np.full((len(several), _HOURS, days + WINDOW_DAYS), np.nan, np.float32)
    cube[place[connection[mine]], hour[mine], day[mine] + WINDOW_DAYS] = (
        logs[mine] - means[connection[mine], day[mine]]
    )
    for week in range(weeks):
        end = _WEEK * week - 1 + WINDOW_DAYS
        seen = cube[:, :, end - WINDOW_DAYS : end] if end > WINDOW_DAYS else cube[:, :, :1]
        n = (~np.isnan(seen)).sum(axis=2)
        found = np.nan_to_num(median(seen))
        found *= n / (n + _THIN_HOURS)
        hours[several, week] = found
    return hours


def _fit_days(full: Floats, partial: Floats, count: Floats, hours: Floats, grid: Grid) -> Fits:
    """Fit level and weekdays at each origin from the days' medians before it."""
    connections, days = full.shape
    pad = np.full((connections, WINDOW_DAYS), np.nan, np.float32)
    full = np.concatenate([pad, full], axis=1)
    week_of_full = _trailing_medians(full)
    counts = np.concatenate([np.zeros_like(pad), count], axis=1).cumsum(axis=1, dtype=np.float32)
    counts = np.concatenate([np.zeros((connections, 1), np.float32), counts], axis=1)
    level = np.full((connections, days + 1), np.nan, np.float32)
    settled = level.copy()
    weekdays = np.zeros((connections, days + 1, _WEEK), np.float32)
    n = np.zeros((connections, days + 1), np.float32)
    active = np.zeros((connections, days + 1), np.float32)
    for origin in range(1, days + 1):
        window = full[:, origin : origin + WINDOW_DAYS].copy()
        window[:, -1] = partial[:, origin - 1]
        week = week_of_full[:, origin : origin + WINDOW_DAYS].copy()
        week[:, -1] = median(window[:, -_WEEK:])
        n[:, origin] = counts[:, origin + WINDOW_DAYS] - counts[:, origin]
        active[:, origin] = (~np.isnan(window)).sum(axis=1)
        added = _weekday_effects(window - week)
        several = n[:, origin] > _SEVERAL_A_DAY * np.maximum(active[:, origin], 1)
        memory = np.where(several, _MEMORY_SEVERAL, _MEMORY_DAILY)
        level[:, origin], settled[:, origin] = _levels(window - np.tile(added, 4), memory)
        weekdays[:, origin] = np.roll(added, int(grid.weekday(origin)), axis=1)
    daily: Floats = (n / np.maximum(active, 1)).astype(np.float32)
    return Fits(grid, level, settled, weekdays, hours, n, daily)


def _trailing_medians(days: Floats) -> Floats:
    """Return the median of each day and the six before it, in which each weekday counts once."""
    trailing = np.full_like(days, np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(days, _WEEK, axis=1)
    trailing[:, _WEEK - 1 :] = median(windows)
    return trailing


def _weekday_effects(residuals: Floats) -> Floats:
    """Return what each weekday of the window adds, shrunk by how much it stands out of noise."""
    by_weekday = residuals.reshape(len(residuals), WINDOW_DAYS // _WEEK, _WEEK).transpose(0, 2, 1)
    effect = median(by_weekday)
    count = (~np.isnan(by_weekday)).sum(axis=2)
    noise = median(np.abs(by_weekday - effect[:, :, None]).reshape(len(residuals), WINDOW_DAYS))
    # The median of a handful is about a quarter less sure than their mean.
    variance = (_CAUTION * _TO_DEVIATION * noise[:, None]) ** 2 * 1.57 / np.maximum(count, 1)
    present = ~np.isnan(effect)
    total = np.maximum(present.sum(axis=1, keepdims=True), 1)
    centred = np.where(present, effect, 0)
    centred = np.where(present, centred - centred.sum(axis=1, keepdims=True) / total, 0)
    spread = (centred**2).sum(axis=1, keepdims=True) / np.maximum(total - 1, 1)
    signal = np.maximum(
        spread - np.where(present, variance, 0).sum(axis=1, keepdims=True) / total, 0
    )
    trust = np.where(present & (signal > 0), signal / np.maximum(signal + variance, 1e-12), 0)
    shrunk: Floats = (centred * trust).astype(np.float32)
    return shrunk


def _levels(days: Floats, memory: NDArray[np.float64]) -> tuple[Floats, Floats]:
    """Return the level at the end of the window, with its own and with the longest memory.

    Each is a mean of the last days that forgets, with outliers clipped; `memory` is what a day
    keeps of its weight when it gets a day older.
    """
    centre = median(days[:, -_WEEK:])
    quiet = np.isnan(centre)
    if quiet.any():
        centre[quiet] = median(days[quiet])
    recent = days[:, -_LEVEL_DAYS:] - centre[:, None]
    spread = _TO_DEVIATION * median(np.abs(recent))
    limit = _CLIP * np.nan_to_num(spread)[:, None]
    clipped = np.clip(recent, -limit, limit)
    age = np.arange(clipped.shape[1])[::-1]

    def forgetting(kept: NDArray[np.float64] | float) -> Floats:
        weight = np.where(np.isnan(clipped), 0, np.power(kept, age))
        shift = (weight * np.nan_to_num(clipped)).sum(axis=1)
        level: Floats = (centre + shift / np.maximum(weight.sum(axis=1), 1e-9)).astype(np.float32)
        return level

    return forgetting(memory[:, None]), forgetting(_MEMORY_DAILY)
