"""Forecasts of a whole fleet as the domain's values: the next sync, and the calendar month."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.domain.connection import Connection, ConnectionId
from bot.domain.forecast import Forecast
from bot.forecast.outlook import MONTH, NEXT_SYNC
from bot.forecast.prospect import Forecaster, as_forecast


@dataclass(frozen=True, slots=True)
class FleetForecasts:
    """What advisors are given: forecasts of each next sync, and of the month so far and to its end."""

    next_syncs: Mapping[ConnectionId, Forecast]
    months: Mapping[ConnectionId, Forecast]


def forecast_fleet(forecaster: Forecaster, connections: Sequence[Connection]) -> FleetForecasts:
    """Forecast both horizons of every connection, in columns: 10,000 take a few seconds."""
    about = [forecaster.about(each) for each in connections]
    found = []
    for horizon in (NEXT_SYNC, MONTH):
        priced = forecaster.priced(connections, horizon)
        parts = zip(connections, about, priced, strict=True)
        found.append({each.id: as_forecast(each, common, one) for each, common, one in parts})
    return FleetForecasts(*found)
