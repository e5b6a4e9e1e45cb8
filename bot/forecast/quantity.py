"""One quantity of a fleet at the present: fits, intervals, and what cold starts borrow."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from bot.forecast.conformal import CALIBRATION_DAYS, LEVELS
from bot.forecast.learned import Learned
from bot.forecast.order import Flags, Floats, Ints, grouped_median, grouped_quantiles
from bot.forecast.series import LOCAL_RUNS, THIN_RUNS, Calibration, Series
from bot.forecast.totals import Totals

FEWEST_IN_FAMILY: Final = 5
FAR_DAYS: Final = 7
LONGEST_SPAN_DAYS: Final = 28
OWN: Final = frozenset({"local", "ml"})
"""The methods of a connection with a history of its own."""


@dataclass(frozen=True)
class Quantity:
    """One quantity as of now; see `Series` for its past.

    With `learn`, a next sync within a day is forecast with the learned forecaster too, where that
    is promoted; sums, and what lies further ahead, stay with the local one.
    """

    series: Series
    learn: bool = False

    @cached_property
    def origin(self) -> int:
        """Return the origin that knows everything up to now."""
        return self.series.fits.grid.days

    @cached_property
    def near(self) -> Floats:
        """Return the widths of forecasts up to a day ahead: (connections, levels)."""
        predicted = None
        if self.learn:
            predicted = self._learned.predicted(self.origin - CALIBRATION_DAYS - 1)
        return Calibration(self.series, 1, predicted).at(self.origin)

    @cached_property
    def far(self) -> Floats:
        """Return the widths of forecasts up to a week ahead."""
        return Calibration(self.series, FAR_DAYS).at(self.origin)

    def shift(self, connection: Ints, created: Ints) -> Floats:
        """Return what the learned forecaster adds to the local forecasts of syncs to come."""
        if not self.learn:
            return np.zeros(len(connection), np.float32)
        return self._learned.shift(connection, created)

    def is_learned(self, index: int) -> bool:
        """Tell whether the next sync of a connection is forecast with the learned forecaster."""
        return self.learn and bool(self._promoted[index])

    @cached_property
    def _learned(self) -> Learned:
        return Learned(self.series)

    @cached_property
    def _promoted(self) -> Flags:
        return self._learned.of_connection(self.origin)

    @cached_property
    def _spans(self) -> dict[int, Floats]:
        return {}

    def over(self, days: int) -> Floats:
        """Return the widths of sums over so many days; the longest that the history can test."""
        for span in (min(max(days, 1), LONGEST_SPAN_DAYS), FAR_DAYS, 1):
            if span not in self._spans:
                self._spans[span] = Totals(self.series, span).widths()
            if not np.isnan(self._spans[span]).all():
                return self._spans[span]
        return self.near

    @cached_property
    def medians(self) -> Floats:
        """Return the median log of each connection over all that was read."""
        finite = np.isfinite(self.series.logs)
        runs = self.series.runs
        return grouped_median(
            runs.connection[finite], self.series.logs[finite], len(runs.connections)
        )

    @cached_property
    def counts(self) -> Ints:
        """Return how many runs each connection has, over all that was read."""
        return np.bincount(self.series.runs.connection, minlength=len(self.series.runs.connections))

    def method(self, index: int | None) -> str:
        """Tell how connection `index` is forecast: `local`, `ml`, `thin`, or by its `family`."""
        if index is not None:
            if self.series.fits.count[index, self.origin] >= LOCAL_RUNS:
                return "ml" if self.is_learned(index) else "local"
            if self.counts[index] >= THIN_RUNS:
                return "thin"
        return "family"

    @cached_property
    def _families(self) -> dict[str, tuple[Floats, str] | None]:
        return {}

    def of_family(self, family: str) -> tuple[Floats, str] | None:
        """Return the log quantiles of a connection of which only the family is known."""
        if family not in self._families:
            self._families[family] = self._family(family)
        return self._families[family]

    def _family(self, family: str) -> tuple[Floats, str] | None:
        families = np.asarray(self.series.runs.families, dtype=object)
        known = np.isfinite(self.medians)
        for chosen, method in ((known & (families == family), "family"), (known, "fleet")):
            if chosen.sum() >= FEWEST_IN_FAMILY:
                levels = self.medians[chosen]
                group = np.zeros(len(levels), np.int64)
                return grouped_quantiles(group, levels, 1, LEVELS)[0][0], method
        return None
