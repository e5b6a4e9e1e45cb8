"""The learned forecaster: one gradient-boosted model for the whole fleet, next to the local one.

It learns what a sync of the next day differs by from its connection's level, from what is alike for all
connections: how the last days went, what the same weekday did, what the family is going through,
the hour, the weekday, the day of the month. Its forecast is averaged with the local one, and
a family gets it only after it has been better there in each of the last three weeks. It is fitted
anew each week, on what had ended by then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from bot.forecast.order import Flags, Floats, Ints, grouped_median, median
from bot.forecast.series import Series

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingRegressor

WEEK: Final = 7
GATE_WEEKS: Final = 3
_TRAIN_DAYS: Final = 56
_LARGEST_SAMPLE: Final = 40_000
_FEWEST_TO_LEARN: Final = 500
_FEWEST_TO_JUDGE: Final = 30
_LAGS: Final = 7
_SAME_WEEKDAY: Final = 4
_SEED: Final = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """Syncs to forecast: whose, when they start, and from which origin."""

    connection: Ints
    created: Ints
    origin: Ints

    def where(self, chosen: Flags | Ints) -> "Asked":
        """Return some of them."""
        return Asked(self.connection[chosen], self.created[chosen], self.origin[chosen])


class Learned:
    """What the model forecasts for a series, one day ahead, in each week of its past."""

    def __init__(self, series: Series) -> None:
        self.series = series
        runs = series.runs
        self._asked = Asked(runs.connection, runs.created, series.origins(1))
        self._local = series.predicted(1)
        self._usable = series.is_local(1) & np.isfinite(series.logs) & np.isfinite(self._local)
        self._family = _codes(runs.families)
        self._source = _codes(runs.sources or runs.connections)
        self._models: dict[int, HistGradientBoostingRegressor | None] = {}

    def predicted(self, first: int) -> Floats:
        """Return the log that is forecast for each run, learned where that is promoted.

        Args:
            first: the first day of the grid that is asked for; before it the local forecast
                stands.
        """
        result = self._local.copy()
        for begin in self._weeks(first):
            mine = self._in_week(begin)
            if mine.any():
                promoted = self.promoted(begin)[self._family[self.series.runs.connection[mine]]]
                blend = self._blend(begin, mine)
                result[mine] = np.where(promoted & np.isfinite(blend), blend, self._local[mine])
        return result

    def shift(self, connection: Ints, created: Ints) -> Floats:
        """Return what to add to the local forecasts of syncs to come; 0 where not promoted."""
        series, last = self.series, self.series.fits.grid.days
        asked = Asked(connection, created, np.full(len(connection), last))
        model = self._model(last)
        none: Floats = np.zeros(len(connection), np.float32)
        if model is None or not len(connection):
            return none
        local = series.fits.predict(connection, created, asked.origin)
        learned = self._level(asked) + model.predict(self._features(asked)).astype(np.float32)
        promoted = self.promoted(last)[self._family[connection]]
        shifts = np.where(promoted & np.isfinite(learned), (learned - local) / 2, 0)
        return shifts.astype(np.float32)

    def promoted(self, begin: int) -> Flags:
        """Tell which families (by number) have been better with it in each of three weeks."""
        size = int(self._family.max(initial=-1)) + 1
        better = np.ones(size, np.bool_)
        for back in range(1, GATE_WEEKS + 1):
            better &= self._better(begin - back * WEEK, size, known_by=begin)
        return better

    def of_connection(self, begin: int) -> Flags:
        """Tell which connections have it from a day on."""
        return self.promoted(begin)[self._family] if len(self._family) else np.empty(0, np.bool_)

    def _better(self, begin: int, size: int, known_by: int) -> Flags:
        series = self.series
        if begin < WEEK:
            return np.zeros(size, np.bool_)
        mine = self._in_week(begin) & self._usable & (series.known <= known_by)
        blend = self._blend(begin, mine)
        judged = np.isfinite(blend)
        family = self._family[series.runs.connection[mine]][judged]
        logs = series.logs[mine][judged]
        errors = [
            np.bincount(family, weights=np.abs(logs - each[judged]), minlength=size)
            for each in (blend, self._local[mine])
        ]
        enough = np.bincount(family, minlength=size) >= _FEWEST_TO_JUDGE
        better: Flags = enough & (errors[0] < errors[1])
        return better

    def _weeks(self, first: int) -> range:
        """Return the begins of weeks, counted back from the end, that reach to `first`."""
        days = self.series.fits.grid.days
        weeks = -(-(days - max(first, 0)) // WEEK)
        return range(days - weeks * WEEK, days, WEEK)

    def _in_week(self, begin: int) -> Flags:
        """Tell which runs are forecast from an origin in the week that begins then."""
        origin = self._asked.origin
        mine: Flags = (origin >= max(begin, 0)) & (origin < begin + WEEK)
        return mine

    def _blend(self, begin: int, mine: Flags) -> Floats:
        """Return the mean of the learned and the local forecast; NaN where nothing was learned."""
        model = self._model(begin)
        if model is None or not mine.any():
            return np.full(int(mine.sum()), np.nan, np.float32)
        asked = self._asked.where(mine)
        learned = self._level(asked) + model.predict(self._features(asked))
        blend: Floats = ((learned + self._local[mine]) / 2).astype(np.float32)
        return blend

    def _model(self, begin: int) -> "HistGradientBoostingRegressor | None":
        """Return the model that was fitted on what had ended when a week began."""
        if begin not in self._models:
            self._models[begin] = self._fit(begin)
        return self._models[begin]

    def _fit(self, begin: int) -> "HistGradientBoostingRegressor | None":
        from sklearn.ensemble import HistGradientBoostingRegressor

        series = self.series
        rows = np.flatnonzero(
            self._usable & (series.known <= begin) & (series.days >= begin - _TRAIN_DAYS)
        )
        if len(rows) < _FEWEST_TO_LEARN:
            return None
        if len(rows) > _LARGEST_SAMPLE:
            rows = rows[np.linspace(0, len(rows) - 1, _LARGEST_SAMPLE).astype(np.int64)]
        asked = self._asked.where(rows)
        wanted = series.logs[rows] - self._level(asked)
        model = HistGradientBoostingRegressor(
            loss="absolute_error",  # What is forecast is a median; delays have one long tail.
            max_iter=50,
            learning_rate=0.15,
            min_samples_leaf=40,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=_SEED,
        )
        return model.fit(self._features(asked), wanted)

    def _level(self, asked: Asked) -> Floats:
        level: Floats = self.series.fits.level[asked.connection, asked.origin]
        return level

    @cached_property
    def _days(self) -> Floats:
        """Return the median log of each connection and day; complete when the day is over."""
        series = self.series
        finite = np.isfinite(series.logs)
        shape = (len(series.runs.connections), series.fits.grid.days)
        day = np.minimum(np.maximum(series.days, series.known - 1), shape[1] - 1)
        cell = (series.runs.connection * shape[1] + day)[finite]
        return grouped_median(cell, series.logs[finite], shape[0] * shape[1]).reshape(shape)

    @cached_property
    def _shocks(self) -> tuple[Floats, Floats, Floats]:
        """Return how far each source's, family's, and all days were off their levels: (…, days)."""
        off = self._days - self.series.fits.level[:, :-1]
        everyone = np.zeros(len(off), np.int64)
        by_source, by_family, by_all = (
            _medians(off, each) for each in (self._source, self._family, everyone)
        )
        return by_source, by_family, by_all

    def _features(self, asked: Asked) -> Floats:
        """Return one row for each sync, of what was known at its origin, relative to its level."""
        series, fits = self.series, self.series.fits
        who, origin, level = asked.connection, asked.origin, self._level(asked)
        day, hour = fits.grid.day(asked.created), asked.created // 3600 % 24
        weekday = fits.grid.weekday(day)
        source, family, everyone = self._shocks
        all_alike = np.zeros_like(who)

        def on(days: Floats, which: Ints, when: Ints) -> Floats:
            """Look a day up; NaN where it was not over at the origin, or lies before the grid."""
            known = (when >= 0) & (when < origin)
            found = days[which, np.clip(when, 0, days.shape[1] - 1)]
            return np.where(known, found, np.nan).astype(np.float32)

        last = np.stack([on(self._days, who, origin - lag) for lag in range(1, _LAGS + 1)], axis=1)
        same = np.stack(
            [on(self._days, who, day - WEEK * week) for week in range(1, _SAME_WEEKDAY + 1)], axis=1
        )
        date = (np.asarray(asked.created // 86_400, "datetime64[D]")).astype("datetime64[M]")
        of_month = asked.created // 86_400 - date.astype("datetime64[D]").astype(np.int64)
        columns = (
            fits.predict(who, asked.created, origin) - level,
            fits.settled[who, origin] - level,
            fits.weekdays[who, origin, weekday],
            fits.hour_effects(who, asked.created, origin),
            series.scale[who, origin],
            fits.daily[who, origin],
            *(last - level[:, None]).T,
            median(last) - level,
            *(same[:, :2] - level[:, None]).T,
            median(same) - level,
            *(on(source, self._source[who], origin - lag) for lag in (1, 2, 3)),
            *(on(family, self._family[who], origin - lag) for lag in (1, 2)),
            on(family, self._family[who], day - WEEK),
            on(everyone, all_alike, origin - 1),
            on(everyone, all_alike, day - WEEK),
            weekday,
            hour,
            of_month,
        )
        return np.stack([np.asarray(each, np.float32) for each in columns], axis=1)


def _codes(names: Sequence[str]) -> Ints:
    if not names:
        return np.empty(0, np.int64)
    _, codes = np.unique(np.asarray(names, dtype=object).astype(str), return_inverse=True)
    return codes.astype(np.int64)


def _medians(off: Floats, group: Ints) -> Floats:
    """Return the median of each group and day."""
    groups, days = int(group.max(initial=-1)) + 1, off.shape[1]
    cell = (group[:, None] * days + np.arange(days))[np.isfinite(off)]
    return grouped_median(cell, off[np.isfinite(off)], groups * days).reshape(groups, days)
