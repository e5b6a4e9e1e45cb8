"""Prospects: all that is forecast of one connection, put together and priced."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from bot.domain.connection import Connection, ConnectionId
from bot.domain.forecast import Evidence, Forecast, Quantiles, Unknown
from bot.domain.money import Money
from bot.domain.prices import PriceBook
from bot.domain.promises import Deadline
from bot.forecast.cost import CostLine, cost_lines, total
from bot.forecast.deadlines import DeadlineForecast, forecast_deadlines
from bot.forecast.failure import Asked, FailureModel, Outcomes
from bot.forecast.fleet import families, read_runs, sources
from bot.forecast.outlook import HORIZONS, Amounts, Outlook
from bot.forecast.runs import UNKNOWN_FAMILY, epoch

if TYPE_CHECKING:
    from bot.history.store import History


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
    weekday (Monday first), `failure` the probability that the next sync fails.
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

    def at(self, horizon: str) -> Priced:
        """Return one of `HORIZONS`."""
        return next(each for each in self.horizons if each.horizon == horizon)

    def forecast(self, horizon: str) -> Forecast:
        """Return one horizon as the domain's value, which recommendations carry."""
        priced = self.at(horizon)
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
            connection_id=self.connection.id,
            horizon=horizon,
            made_at=self.made_at,
            evidence=self.evidence,
            method=self.method,
            duration=duration,
            rows=rows,
            bytes=size,
            cost=priced.cost,
            failure=self.failure,
        )


@dataclass(frozen=True)
class Forecaster:
    """Everything that prospects are made from, read once for the fleet."""

    outlook: Outlook
    families: Mapping[ConnectionId, str]
    failures: Mapping[ConnectionId, float]
    prices: PriceBook = field(default_factory=PriceBook)

    @classmethod
    def read(cls, history: "History", now: datetime, prices: PriceBook) -> "Forecaster":
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
        return cls(Outlook(runs, now), families(history), failures, prices)

    def prospect(
        self,
        connection: Connection,
        deadlines: Sequence[Deadline] = (),
        horizons: Sequence[str] = HORIZONS,
    ) -> Prospect:
        """Put together what is forecast of one connection."""
        outlook, family = self.outlook, self.families.get(connection.id, UNKNOWN_FAMILY)
        fails = self.failures.get(connection.id)
        return Prospect(
            connection=connection,
            made_at=outlook.now,
            method=outlook.method(connection.id, family),
            evidence=outlook.evidence(connection.id),
            usual=outlook.usual(connection.id),
            growth=outlook.growth_per_week(connection.id),
            weekdays=outlook.weekday_factors(connection.id),
            horizons=tuple(self._priced(connection, family, each) for each in horizons),
            failure=Unknown("it has not run yet") if fails is None else _probability(fails),
            deadlines=forecast_deadlines(outlook, connection, family, deadlines, fails or 0.0),
        )

    def _priced(self, connection: Connection, family: str, horizon: str) -> Priced:
        amounts = self.outlook.amounts(connection, family, horizon)
        if isinstance(amounts, Unknown):
            return Priced(horizon, amounts, (), amounts)
        lines = cost_lines(self.prices, family, amounts)
        return Priced(horizon, amounts, lines, total(lines))


def _probability(share: float) -> Decimal:
    return Decimal(str(round(share, 4)))
