"""The outlook: what each connection's next syncs will take, as values with their evidence."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

import numpy as np

from bot.domain.connection import Connection, ConnectionId
from bot.domain.forecast import Evidence, Quantiles, Unknown
from bot.forecast.doubts import SURE, Doubt
from bot.forecast.order import Floats, Ints
from bot.forecast.plans import Plans
from bot.forecast.quantity import OWN, Quantity
from bot.forecast.runs import DAY_SECONDS, Runs, epoch, moment
from bot.forecast.series import Series
from bot.forecast.sums import Members, Numbers, Sums, sums, whole, wider, widths_of

NEXT_SYNC: Final = "next_sync"
NEXT_DAY: Final = "next_24_hours"
NEXT_WEEK: Final = "next_7_days"
MONTH: Final = "month"
HORIZONS: Final = (NEXT_SYNC, NEXT_DAY, NEXT_WEEK, MONTH)

_DAY: Final = timedelta(days=1)
_FORTNIGHT: Final = 14


@dataclass(frozen=True, slots=True)
class Amounts:
    """What the syncs of a horizon take: `syncs` of them, the `first` at a time, of each quantity."""

    horizon: str
    syncs: int
    first: datetime | None
    seconds: Quantiles[int] | Unknown
    rows: Quantiles[int] | Unknown
    bytes: Quantiles[int] | Unknown


@dataclass(frozen=True)
class FleetAmounts:
    """What the syncs of one horizon take, of many connections: sums by quantity, and their plan."""

    horizon: str
    plans: Plans
    seconds: Sums
    rows: Sums
    bytes: Sums

    def at(self, place: int) -> Amounts | Unknown:
        """Return those of one connection; Unknown when nothing says when it starts."""
        if place in self.plans.unknown:
            return self.plans.unknown[place]
        first = self._firsts[place]
        return Amounts(
            self.horizon,
            int(self.seconds.counts[place]),
            moment(first) if first >= 0 else None,
            self.seconds.at(place),
            self.rows.at(place),
            self.bytes.at(place),
        )

    @cached_property
    def _firsts(self) -> Ints:
        counts = self.plans.counts
        place = np.cumsum(counts) - counts
        when = np.concatenate([self.plans.when, [-1]])
        return np.where(counts > 0, when[place], -1)


class Outlook:
    """Forecasts for a fleet as of one instant, from the runs that had ended by then.

    Args:
        runs: at least nine weeks of them for full intervals.
        now: the present; it is the same for all.
        doubts: what makes the intervals of a connection wider.
        learn: forecast the next sync with the learned forecaster where it has proved better.
    """

    def __init__(
        self,
        runs: Runs,
        now: datetime,
        doubts: Mapping[ConnectionId, Doubt] | None = None,
        *,
        learn: bool = False,
    ) -> None:
        self.runs = runs.known_at(now)
        self.now = now
        self.doubts = doubts or {}
        self._index = {each: number for number, each in enumerate(self.runs.connections)}
        succeeded, until = self.runs.where(self.runs.succeeded), epoch(now)
        # Most of the work is sorting, which lets other threads run.
        with ThreadPoolExecutor(2) as pool:
            fitted = pool.map(
                lambda values: Quantity(Series.of(succeeded, values, until), learn=learn),
                (succeeded.seconds, succeeded.rows, succeeded.bytes),
            )
            self.seconds, self.rows, self.bytes = fitted

    @cached_property
    def elapsed(self) -> Quantity:
        """Return creation to end, queueing included, which is what deadlines ask for."""
        return Quantity(Series.of(self.runs, self.runs.elapsed, epoch(self.now)))

    def elapsed_logs(
        self, connection_id: ConnectionId, family: str, start: datetime
    ) -> Floats | None:
        """Return the log quantiles of the seconds from a start to its end; None if unknown."""
        plan = Plans(1, np.zeros(1, np.int64), np.asarray([epoch(start)], np.int64), {})
        widths = self.elapsed.near if start - self.now <= _DAY else self.elapsed.far
        found = sums(self.elapsed, plan, self._members([(connection_id, family)]), widths, None)
        logs = wider(found.logs, self._factors([connection_id]))[0].astype(np.float32)
        return None if np.isnan(logs).any() else logs

    def usual(self, connection_id: ConnectionId) -> Quantiles[int] | None:
        """Return the seconds of a usual sync, whatever its weekday and hour; None if unknown."""
        index = self.index(connection_id)
        if index is None or self.seconds.method(index) == "family":
            return None
        level = self.seconds.medians[index]
        if self.seconds.method(index) in OWN:
            level = self.seconds.series.fits.level[index, self.seconds.origin]
        members = self._members([(connection_id, self.runs.families[index])])
        logs = level + widths_of(self.seconds, members, self.seconds.near)
        logs = wider(logs, self._factors([connection_id]))[0]
        return None if np.isnan(logs).any() else whole(logs)

    def growth_per_week(self, connection_id: ConnectionId) -> float | None:
        """Return by which share its duration grew per week of the last two; None if unknown."""
        index, origin = self.index(connection_id), self.seconds.origin
        settled = self.seconds.series.fits.settled
        if index is None or self.seconds.method(index) not in OWN or origin <= _FORTNIGHT:
            return None
        change = settled[index, origin] - settled[index, origin - _FORTNIGHT]
        return None if np.isnan(change) else float(np.exp(change / 2) - 1)

    def weekday_factors(self, connection_id: ConnectionId) -> tuple[float, ...]:
        """Return by which factor each weekday's syncs differ in duration; Monday first."""
        index = self.index(connection_id)
        if index is None or self.seconds.method(index) not in OWN:
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

    def fleet_amounts(
        self, connections: Sequence[Connection], families: Sequence[str], horizon: str
    ) -> FleetAmounts:
        """Forecast one horizon of many connections; `families` are their sources' connectors."""
        plans = self._plans(connections, horizon)
        ids = [each.id for each in connections]
        members = self._members(list(zip(ids, families, strict=True)))
        factors = self._factors(ids)
        since = month_start(self.now) if horizon == MONTH else None
        found = []
        for quantity in (self.seconds, self.rows, self.bytes):
            if horizon == NEXT_SYNC:
                soon = plans.when - epoch(self.now) <= DAY_SECONDS
                one = sums(quantity, plans, members, quantity.near, since)
                logs = one.logs + _shifts(quantity, plans, members)[:, None]
                if not soon.all():
                    far = sums(quantity, plans, members, quantity.far, since).logs
                    logs = np.where(soon[:, None], logs, far)
                one = replace(one, logs=logs)
            else:
                one = sums(quantity, plans, members, quantity.over(self._days(horizon)), since)
            found.append(replace(one, logs=wider(one.logs, factors)))
        return FleetAmounts(horizon, plans, *found)

    def amounts(self, connection: Connection, family: str, horizon: str) -> Amounts | Unknown:
        """Forecast one horizon of one connection; Unknown when nothing says when it starts."""
        return self.fleet_amounts([connection], [family], horizon).at(0)

    def _plans(self, connections: Sequence[Connection], horizon: str) -> Plans:
        if horizon == NEXT_SYNC:
            return Plans.of_next(connections, self.last_start, self.now)
        end = month_end(self.now) if horizon == MONTH else self.now + self._days(horizon) * _DAY
        return Plans.until(connections, self.last_start, self.now, end)

    def _days(self, horizon: str) -> int:
        if horizon == MONTH:
            return -((self.now - month_end(self.now)) // _DAY)
        return {NEXT_DAY: 1, NEXT_WEEK: 7}[horizon]

    def _members(self, those: Sequence[tuple[ConnectionId, str]]) -> Members:
        index = np.asarray([self._index.get(each, -1) for each, _ in those], np.int64)
        return Members(index, [family for _, family in those])

    def _factors(self, those: Sequence[ConnectionId]) -> Numbers:
        return np.asarray([self.doubts.get(each, SURE).factor for each in those], np.float64)


def _shifts(quantity: Quantity, plans: Plans, members: Members) -> Numbers:
    """Return what the learned forecaster adds to each connection's next sync."""
    shifts = np.zeros(plans.size)
    mine = members.local(quantity)[plans.who]
    who = plans.who[mine]
    shifts[who] = quantity.shift(members.index[who], plans.when[mine])
    return shifts


def month_start(now: datetime) -> datetime:
    """Return the first instant of the month, UTC."""
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def month_end(now: datetime) -> datetime:
    """Return the first instant of the next month, UTC."""
    return (month_start(now) + 32 * _DAY).replace(day=1)
