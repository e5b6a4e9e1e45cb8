"""Prospects: all that is forecast of one connection, put together and priced."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bot.domain.connection import Connection, ConnectionId, DestinationId
from bot.domain.forecast import Evidence, Forecast, Quantiles, Unknown
from bot.domain.money import Money
from bot.domain.prices import PriceBook
from bot.domain.promises import Deadline
from bot.domain.signal import Signal
from bot.forecast.cost import CostLine, cost_lines, total, warehouse_line
from bot.forecast.deadlines import DeadlineForecast, forecast_deadlines
from bot.forecast.doubts import SURE, doubt_of, doubts
from bot.forecast.failure import Asked, FailureModel, Outcomes
from bot.forecast.fleet import READ, families, read_runs, sources
from bot.forecast.limits import UNSEEN, LimitForecast, Limits
from bot.forecast.outlook import HORIZONS, Amounts, FleetAmounts, Outlook
from bot.forecast.refresh import NOT_TOLD, Split, split
from bot.forecast.runs import UNKNOWN_FAMILY, epoch
from bot.forecast.warehouse import warehouse_costs
from bot.history import fleet
from bot.history.workload import StreamTotal, limited_syncs, stream_totals

if TYPE_CHECKING:
    from bot.history.store import History

_RECENT = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Priced:
    """What one horizon takes and costs; `amounts` is Unknown when nothing says what runs in it."""

    horizon: str
    amounts: Amounts | Unknown
    lines: tuple[CostLine, ...]
    cost: Quantiles[Money] | Unknown


@dataclass(frozen=True, slots=True)
class Prospect:
    """All that is forecast of one connection.

    `usual` is the seconds of a sync, whatever its weekday and hour; `growth` is the share by which its duration grows per week, `weekdays` the factor of each
    weekday (Monday first), `failure` the probability that the next sync fails. `doubts` name the
    signals that make its intervals wider, `limit` tells how likely its source turns it away, and
    `refresh` which share of it is read again every time.
    """

    connection: Connection
    made_at: datetime
    method: str
    evidence: Evidence
    usual: Quantiles[int] | None
    growth: float | None
    weekdays: tuple[float, ...]
    horizons: tuple[Priced, ...]
    failure: Decimal | Unknown
    deadlines: tuple[DeadlineForecast, ...]
    doubts: tuple[str, ...] = ()
    limit: LimitForecast | Unknown = UNSEEN
    refresh: Split | Unknown = NOT_TOLD

    def at(self, horizon: str) -> Priced:
        """Return one of `HORIZONS`."""
        return next(each for each in self.horizons if each.horizon == horizon)

    def forecast(self, horizon: str) -> Forecast:
        """Return one horizon as the domain's value, which recommendations carry."""
        about = About(self.made_at, self.evidence, self.method, self.failure)
        return as_forecast(self.connection, about, self.at(horizon))


@dataclass(frozen=True, slots=True)
class About:
    """What all horizons of a connection's forecast have in common."""

    made_at: datetime
    evidence: Evidence
    method: str
    failure: Decimal | Unknown


def as_forecast(connection: Connection, about: About, priced: Priced) -> Forecast:
    """Return one horizon as the domain's value."""
    found = priced.amounts
    if isinstance(found, Unknown):
        duration: Quantiles[timedelta] | Unknown = found
        rows: Quantiles[int] | Unknown = found
        size: Quantiles[int] | Unknown = found
    else:
        rows, size = found.rows, found.bytes
        seconds = found.seconds
        duration = (
            seconds if isinstance(seconds, Unknown) else seconds.map(lambda n: timedelta(0, n))
        )
    return Forecast(
        connection_id=connection.id,
        horizon=priced.horizon,
        made_at=about.made_at,
        evidence=about.evidence,
        method=about.method,
        duration=duration,
        rows=rows,
        bytes=size,
        cost=priced.cost,
        failure=about.failure,
    )


@dataclass(frozen=True)
class Forecaster:
    """Everything that forecasts are made from, read once for the fleet.

    `warehouses` names the warehouse of the price book that each destination wakes; `signals` are
    what was looked at beside the history. `fleet` is all connections, which crowd each other's
    sources, `streams` what their streams moved of late.
    """

    outlook: Outlook
    families: Mapping[ConnectionId, str]
    failures: Mapping[ConnectionId, float]
    prices: PriceBook = field(default_factory=PriceBook)
    warehouses: Mapping[DestinationId, str] = field(default_factory=dict)
    signals: Sequence[Signal] = ()
    fleet: Sequence[Connection] = ()
    limits: Limits = field(default_factory=lambda: Limits({}, None))
    streams: Mapping[ConnectionId, Sequence[StreamTotal]] = field(default_factory=dict)

    @classmethod
    def read(
        cls,
        history: "History",
        now: datetime,
        prices: PriceBook,
        warehouses: Mapping[DestinationId, str] | None = None,
        signals: Sequence[Signal] = (),
        *,
        learn: bool = False,
    ) -> "Forecaster":
        """Read what was known at `now`.

        Raises:
            HistoryError: the history cannot be read.
        """
        runs = read_runs(history, now)
        outcomes = Outcomes.of(runs, sources(history))
        model = FailureModel.fit(outcomes, epoch(now))
        everyone = np.arange(len(runs.connections))
        asked = Asked(everyone, np.full(len(everyone), epoch(now)))
        risk = model.risk(outcomes, asked).tolist()
        failures = dict(zip(runs.connections, risk, strict=True))
        everybody = fleet.connections(history)
        streams: dict[ConnectionId, list[StreamTotal]] = {}
        for each in stream_totals(history, now - _RECENT, now):
            streams.setdefault(each.connection_id, []).append(each)
        limited = limited_syncs(history, now - READ, now)
        return cls(
            Outlook(runs, now, doubts(signals, everybody), learn=learn),
            families(history),
            failures,
            prices,
            warehouses or {},
            signals,
            everybody,
            Limits.of(runs, sources(history), limited),
            streams,
        )

    def prospect(
        self,
        connection: Connection,
        deadlines: Sequence[Deadline] = (),
        horizons: Sequence[str] = HORIZONS,
    ) -> Prospect:
        """Put together what is forecast of one connection."""
        return self.prospects([connection], {connection.id: deadlines}, horizons)[0]

    def prospects(
        self,
        connections: Sequence[Connection],
        deadlines: Mapping[ConnectionId, Sequence[Deadline]],
        horizons: Sequence[str] = HORIZONS,
    ) -> list[Prospect]:
        """Put together what is forecast of many connections, in their order."""
        by_horizon = [self.priced(connections, each) for each in horizons]
        return [
            self._prospect(each, tuple(priced), deadlines.get(each.id, ()))
            for each, *priced in zip(connections, *by_horizon, strict=True)
        ]

    def _prospect(
        self, connection: Connection, horizons: tuple[Priced, ...], deadlines: Sequence[Deadline]
    ) -> Prospect:
        outlook, family = self.outlook, self.family(connection)
        about, fails = self.about(connection), self.failures.get(connection.id, 0.0)
        return Prospect(
            connection=connection,
            made_at=about.made_at,
            method=about.method,
            evidence=about.evidence,
            usual=outlook.usual(connection.id),
            growth=outlook.growth_per_week(connection.id),
            weekdays=outlook.weekday_factors(connection.id),
            horizons=horizons,
            failure=about.failure,
            deadlines=forecast_deadlines(outlook, connection, family, deadlines, fails),
            doubts=outlook.doubts.get(connection.id, SURE).reasons,
            limit=self._limit_forecasts.get(connection.id, UNSEEN),
            refresh=split(connection, self.streams.get(connection.id, ())),
        )

    @cached_property
    def _limit_forecasts(self) -> Mapping[ConnectionId, LimitForecast | Unknown]:
        return self.limits.forecast(self.outlook, self.fleet)

    def family(self, connection: Connection) -> str:
        """Return the connector of a connection's source."""
        return self.families.get(connection.id, UNKNOWN_FAMILY)

    def about(self, connection: Connection) -> About:
        """Return what all horizons of a connection have in common."""
        fails = self.failures.get(connection.id)
        return About(
            self.outlook.now,
            self.outlook.evidence(connection.id),
            self.outlook.method(connection.id, self.family(connection)),
            Unknown("it has not run yet") if fails is None else _probability(fails),
        )

    def priced(self, connections: Sequence[Connection], horizon: str) -> list[Priced]:
        """Forecast and price one horizon of many connections, in their order."""
        families = [self.family(each) for each in connections]
        amounts = self.outlook.fleet_amounts(connections, families, horizon)
        on = self._warehouse_lines(connections, amounts)
        found = []
        for place, family in enumerate(families):
            one = amounts.at(place)
            if isinstance(one, Unknown):
                found.append(Priced(horizon, one, (), one))
            else:
                lines = (*cost_lines(self.prices, family, one), *on.get(place, ()))
                found.append(Priced(horizon, one, lines, total(lines)))
        return found

    def _warehouse_lines(
        self, connections: Sequence[Connection], amounts: FleetAmounts
    ) -> dict[int, tuple[CostLine]]:
        """Return the cost of the warehouse that each connection wakes, where that has a price."""
        found: dict[int, tuple[CostLine]] = {}
        names = [self.warehouses.get(each.destination_id) for each in connections]
        index = [self.outlook.index(each.id) for each in connections]
        places = np.asarray([-1 if each is None else each for each in index], np.int64)
        for name in sorted(set(names) - {None}, key=str):
            price = self.prices.warehouses.get(str(name))
            if price is None:
                continue
            factor = doubt_of(self.signals, frozenset({str(name)})).factor
            costs = warehouse_costs(self.outlook, amounts, places, price)
            for place, each in enumerate(names):
                if each == name:
                    found[place] = (warehouse_line(price, _wider(costs[place], factor)),)
        return found


def _wider(cost: Quantiles[Money] | Unknown, factor: float) -> Quantiles[Money] | Unknown:
    """Move a cost's bounds away from its median: its prices cannot be relied on."""
    if isinstance(cost, Unknown) or factor == 1:
        return cost
    by, middle = Decimal(str(factor)), cost.p50
    nothing = Money.zero(middle.currency)
    return cost.map(lambda each: max(middle + (each - middle) * by, nothing))


def _probability(share: float) -> Decimal:
    return Decimal(str(round(share, 4)))
