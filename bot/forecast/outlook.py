"""The outlook: what each connection's next syncs will take, as values with their evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

import numpy as np

from bot.domain.connection import Connection, ConnectionId
from bot.domain.forecast import Evidence, Quantiles, Unknown
from bot.forecast.conformal import LEVELS
from bot.forecast.order import Floats, Ints, grouped_median, grouped_quantiles, median
from bot.forecast.plan import starts
from bot.forecast.runs import Runs, epoch, moment
from bot.forecast.series import LOCAL_RUNS, THIN_RUNS, Calibration, Series
from bot.forecast.totals import Totals

NEXT_SYNC: Final = "next_sync"
NEXT_DAY: Final = "next_24_hours"
NEXT_WEEK: Final = "next_7_days"
MONTH: Final = "month"
HORIZONS: Final = (NEXT_SYNC, NEXT_DAY, NEXT_WEEK, MONTH)

_DAY: Final = timedelta(days=1)
_FEWEST_IN_FAMILY: Final = 5
_FAR: Final = 7
_LONGEST_SPAN: Final = 28
_FORTNIGHT: Final = 14


@dataclass(frozen=True, slots=True)
class Amounts:
    """What the syncs of a horizon take: `starts` of them, in a number of each quantity."""

    horizon: str
    starts: tuple[datetime, ...]
    seconds: Quantiles[int] | Unknown
    rows: Quantiles[int] | Unknown
    bytes: Quantiles[int] | Unknown


@dataclass(frozen=True)
class Quantity:
    """One quantity of the fleet at the present: fits, intervals, and what cold starts borrow."""

    series: Series

    @cached_property
    def origin(self) -> int:
        """Return the origin that knows everything up to now."""
        return self.series.fits.grid.days

    @cached_property
    def near(self) -> Floats:
        """Return the widths of forecasts up to a day ahead: (connections, levels)."""
        return Calibration(self.series, 1).at(self.origin)

    @cached_property
    def far(self) -> Floats:
        """Return the widths of forecasts up to a week ahead."""
        return Calibration(self.series, _FAR).at(self.origin)

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
        """Tell how connection `index` is forecast: `local`, `thin`, `family` or `fleet`."""
        if index is not None:
            if self.series.fits.count[index, self.origin] >= LOCAL_RUNS:
                return "local"
            if self.counts[index] >= THIN_RUNS:
                return "thin"
        return "family"

    def width(self, index: int, widths: Floats) -> Floats:
        """Return a connection's row of widths; a thin one gets the middle one of its like.

        Its own few errors say too little of how large errors are.
        """
        if self.method(index) == "local":
            own: Floats = widths[index]
            return own
        local = self.series.fits.count[:, self.origin] >= LOCAL_RUNS
        families = np.asarray(self.series.runs.families, dtype=object)
        like = local & (families == families[index])
        chosen = widths[like if like.sum() >= _FEWEST_IN_FAMILY else local]
        return median(chosen.T) if len(chosen) else np.full(len(LEVELS), np.nan, np.float32)

    def logs_at(self, index: int, created: Sequence[datetime]) -> Floats:
        """Return the predicted log of each sync of a connection."""
        if self.method(index) != "local":
            return np.full(len(created), self.medians[index], np.float32)
        when = np.asarray([epoch(start) for start in created], np.int64)
        who = np.full(len(created), index)
        return self.series.fits.predict(who, when, np.full(len(created), self.origin))

    def of_family(self, family: str) -> tuple[Floats, str] | None:
        """Return the log quantiles of a connection of which only the family is known."""
        families = np.asarray(self.series.runs.families, dtype=object)
        known = np.isfinite(self.medians)
        for chosen, method in ((known & (families == family), "family"), (known, "fleet")):
            if chosen.sum() >= _FEWEST_IN_FAMILY:
                levels = self.medians[chosen]
                group = np.zeros(len(levels), np.int64)
                return grouped_quantiles(group, levels, 1, LEVELS)[0][0], method
        return None


class Outlook:
    """Forecasts for a fleet as of one instant, from the runs that had ended by then.

    Args:
        runs: at least nine weeks of them for full intervals.
        now: the present; it is the same for all.
    """

    def __init__(self, runs: Runs, now: datetime) -> None:
        self.runs = runs.known_at(now)
        self.now = now
        self._index = {each: number for number, each in enumerate(self.runs.connections)}
        until = epoch(now)
        self.seconds = Quantity(Series.of(self.runs, self.runs.seconds, until))
        self.rows = Quantity(Series.of(self.runs, self.runs.rows, until))
        self.bytes = Quantity(Series.of(self.runs, self.runs.bytes, until))
        self._widths: dict[tuple[int, int], Floats] = {}

    @cached_property
    def elapsed(self) -> Quantity:
        """Return creation to end, queueing included, which is what deadlines ask for."""
        return Quantity(Series.of(self.runs, self.runs.elapsed, epoch(self.now)))

    def elapsed_logs(
        self, connection_id: ConnectionId, family: str, start: datetime
    ) -> Floats | None:
        """Return the log quantiles of the seconds from a start to its end; None if unknown."""
        index = self.index(connection_id)
        if index is None or self.elapsed.method(index) == "family":
            found = self.elapsed.of_family(family)
            return found[0] if found else None
        widths = self.elapsed.near if start - self.now <= _DAY else self.elapsed.far
        logs = self.elapsed.logs_at(index, [start])[0] + self.elapsed.width(index, widths)
        return None if np.isnan(logs).any() else logs

    def usual(self, connection_id: ConnectionId) -> Quantiles[int] | None:
        """Return the seconds of a usual sync, whatever its weekday and hour; None if unknown."""
        index = self.index(connection_id)
        if index is None or self.seconds.method(index) == "family":
            return None
        level = self.seconds.medians[index]
        if self.seconds.method(index) == "local":
            level = self.seconds.series.fits.level[index, self.seconds.origin]
        logs = level + self.seconds.width(index, self.seconds.near)
        return None if np.isnan(logs).any() else _quantiles(logs, 0)

    def growth_per_week(self, connection_id: ConnectionId) -> float | None:
        """Return by which share its duration grew per week of the last two; None if unknown."""
        index, origin = self.index(connection_id), self.seconds.origin
        settled = self.seconds.series.fits.settled
        if index is None or self.seconds.method(index) != "local" or origin <= _FORTNIGHT:
            return None
        change = settled[index, origin] - settled[index, origin - _FORTNIGHT]
        return None if np.isnan(change) else float(np.exp(change / 2) - 1)

    def weekday_factors(self, connection_id: ConnectionId) -> tuple[float, ...]:
        """Return by which factor each weekday's syncs differ in duration; Monday first."""
        index = self.index(connection_id)
        if index is None or self.seconds.method(index) != "local":
            return (1.0,) * 7
        effects = self.seconds.series.fits.weekdays[index, self.seconds.origin]
        return tuple(float(each) for each in np.exp(effects))

    def index(self, connection_id: ConnectionId) -> int | None:
        """Return the place of a connection in the runs; None when it has none."""
        return self._index.get(connection_id)

    def evidence(self, connection_id: ConnectionId) -> Evidence:
        """Return what speaks for a connection's forecasts: its successful syncs."""
        index = self.index(connection_id)
        mine = self.seconds.series.runs
        created = mine.created[mine.place(index if index is not None else -1)]
        if not len(created):
            return Evidence(self.now, self.now, 0)
        return Evidence(moment(created[0]), moment(created[-1]), len(created))

    def last_start(self, connection_id: ConnectionId) -> datetime | None:
        """Return when the last known sync of a connection was created."""
        index = self.index(connection_id)
        if index is None:
            return None
        created = self.runs.created[self.runs.place(index)]
        return moment(created[-1]) if len(created) else None

    def method(self, connection_id: ConnectionId, family: str) -> str:
        """Tell how a connection is forecast: `local`, `thin`, `family` or `fleet`."""
        method = self.seconds.method(self.index(connection_id))
        if method == "family":
            found = self.seconds.of_family(family)
            return found[1] if found else "none"
        return method

    def amounts(self, connection: Connection, family: str, horizon: str) -> Amounts | Unknown:
        """Forecast one horizon of a connection; Unknown when nothing says when it starts."""
        last = self.last_start(connection.id)
        until = {
            NEXT_SYNC: self.now + 400 * _DAY,
            NEXT_DAY: self.now + _DAY,
            NEXT_WEEK: self.now + 7 * _DAY,
            MONTH: _month_end(self.now),
        }[horizon]
        planned = self._next(connection, last) if horizon == NEXT_SYNC else None
        found = planned or starts(connection, last, self.now, until)
        if isinstance(found, Unknown):
            if horizon != NEXT_SYNC:
                return found
            found = [self.now]  # Whenever it is started: what it would take now.
        quantities = (self.seconds, self.rows, self.bytes)
        forecasts = [
            self._forecast(each, connection, family, horizon, found) for each in quantities
        ]
        return Amounts(horizon, tuple(found), *forecasts)

    def _next(self, connection: Connection, last: datetime | None) -> list[datetime] | None:
        for days in (1, 8, 400):
            found = starts(connection, last, self.now, self.now + days * _DAY)
            if isinstance(found, Unknown):
                return None
            if found:
                return found[:1]
        return None

    def _forecast(
        self,
        quantity: Quantity,
        connection: Connection,
        family: str,
        horizon: str,
        planned: Sequence[datetime],
    ) -> Quantiles[int] | Unknown:
        so_far = self._month_to_date(quantity, connection) if horizon == MONTH else 0
        if not planned:
            return Quantiles.exactly(so_far)
        index = self.index(connection.id)
        if index is None or quantity.method(index) == "family":
            found = quantity.of_family(family)
            if found is None:
                return Unknown("neither it nor enough others have run yet")
            return _quantiles(found[0] + np.log(len(planned)), so_far)
        logs = quantity.logs_at(index, planned)
        if horizon == NEXT_SYNC:
            widths = quantity.near if planned[0] - self.now <= _DAY else quantity.far
        else:
            widths = self._span_widths(quantity, planned, horizon)
        width = quantity.width(index, widths)
        if np.isnan(width).any():
            return Unknown("no forecast of this fleet has been tested yet: it needs more history")
        return _quantiles(np.logaddexp.reduce(logs.astype(np.float64)) + width, so_far)

    def _span_widths(self, quantity: Quantity, planned: Sequence[datetime], horizon: str) -> Floats:
        """Return the widths of a sum; a span that is too long for the history gets the longest."""
        days = {NEXT_DAY: 1, NEXT_WEEK: 7}.get(horizon)
        if days is None:
            days = min(max((planned[-1] - self.now).days + 1, 1), _LONGEST_SPAN)
        for span in (days, 7, 1):
            key = (id(quantity), span)
            if key not in self._widths:
                self._widths[key] = Totals(quantity.series, span).widths()
            if not np.isnan(self._widths[key]).all():
                return self._widths[key]
        return quantity.near

    def _month_to_date(self, quantity: Quantity, connection: Connection) -> int:
        index = self.index(connection.id)
        if index is None:
            return 0
        mine = quantity.series.runs.place(index)
        first = epoch(self.now.replace(day=1, hour=0, minute=0, second=0))
        amounts = quantity.series.amounts[mine][quantity.series.runs.created[mine] >= first]
        return round(float(amounts.sum(dtype=np.float64)))


def _quantiles(logs: Floats, so_far: int) -> Quantiles[int]:
    values = [so_far + round(float(value)) for value in np.exp(logs.astype(np.float64))]
    return Quantiles(*np.maximum.accumulate(values).tolist())


def _month_end(now: datetime) -> datetime:
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + 32 * _DAY).replace(day=1)
