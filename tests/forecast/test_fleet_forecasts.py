from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from bot.domain.connection import Basic, Connection, ConnectionId, Cron, Manual, Schedule, SourceId
from bot.domain.forecast import Forecast, Quantiles, Unknown
from bot.domain.money import Money
from bot.domain.prices import ComputePrice, PriceBook, VolumePrice
from bot.domain.signal import Freshness, Signal
from bot.forecast.doubts import doubts
from bot.forecast.fleet_forecasts import FleetForecasts, forecast_fleet
from bot.forecast.outlook import MONTH, NEXT_SYNC, Outlook
from bot.forecast.prospect import Forecaster
from bot.forecast.runs import Runs, moment
from tests.forecast.fleets import DAY, MONDAY, Kind, families, runs
from tests.forecast.test_outlook import connection

DAYS = 84
NOW = moment(MONDAY + DAYS * DAY)
KINDS = {
    f"c{n}": Kind(seconds=100 * (n + 1), weekday={0: 1.5}, per_day=1 + n % 3) for n in range(9)
}
BOOK = PriceBook(compute=ComputePrice(Money.of("0.05")), volume=VolumePrice(Money.of("2.50")))
FLEET: tuple[Connection, ...] = (
    *(connection(name) for name in KINDS),
    connection("new", Basic(6, "hours")),
    replace(connection("c8", Manual()), id=ConnectionId("unseen")),
)


@pytest.fixture(scope="module")
def past() -> Runs:
    return runs(KINDS, DAYS + 3)


def forecaster(past: Runs, *signals: Signal) -> Forecaster:
    outlook = Outlook(past, NOW, doubts(signals, FLEET))
    return Forecaster(outlook, families(KINDS), {ConnectionId("c1"): 0.02}, BOOK, {}, signals)


def test_a_whole_fleet_is_forecast_as_each_connection_alone(past: Runs) -> None:
    made = forecaster(past)
    found = forecast_fleet(made, FLEET)
    for each in FLEET:
        alone = made.prospect(each, horizons=(NEXT_SYNC, MONTH))
        assert found.next_syncs[each.id] == alone.forecast(NEXT_SYNC)
        assert found.months[each.id] == alone.forecast(MONTH)
    assert found.next_syncs[ConnectionId("new")].method == "fleet"
    assert isinstance(found.months[ConnectionId("unseen")].duration, Unknown)
    assert isinstance(found.next_syncs[ConnectionId("unseen")].duration, Quantiles)


def test_neither_the_order_nor_the_future_changes_a_forecast(past: Runs) -> None:
    found = forecast_fleet(forecaster(past), FLEET)
    assert forecast_fleet(forecaster(past), FLEET[::-1]) == found
    later = past.ended > MONDAY + DAYS * DAY
    shuffled = replace(
        past,
        seconds=np.where(later, past.seconds * 7, past.seconds).astype(np.float32),
        rows=np.where(later, 1, past.rows).astype(np.float32),
    )
    assert later.any()
    assert forecast_fleet(forecaster(shuffled), FLEET) == found


def test_a_fleet_that_is_slower_by_a_factor_is_forecast_slower_by_it(past: Runs) -> None:
    def p95(found: FleetForecasts, of: Connection) -> timedelta:
        duration = found.next_syncs[of.id].duration
        assert isinstance(duration, Quantiles)
        return duration.p95

    slow = replace(past, seconds=past.seconds * 64)
    one, other = (forecast_fleet(forecaster(each), FLEET) for each in (past, slow))
    for each in FLEET:
        assert p95(other, each) / p95(one, each) == pytest.approx(64, rel=0.01)


@pytest.mark.parametrize(
    ("freshness", "factor"), [(Freshness.STALE, 1.1), (Freshness.MISSING, 1.25)]
)
def test_a_signal_that_fails_makes_what_it_speaks_of_less_sure(
    past: Runs, freshness: Freshness, factor: float
) -> None:
    signal = Signal("load", freshness, reason="it is gone", about=frozenset({"s"}))
    elsewhere = replace(signal, about=frozenset({"another source"}))
    who = ConnectionId("c4")

    def width(found: Forecast) -> tuple[float, timedelta]:
        assert isinstance(found.duration, Quantiles)
        return float(np.log(found.duration.p95 / found.duration.p50)), found.duration.p50

    sure, other, less = (
        width(forecast_fleet(forecaster(past, *each), FLEET).next_syncs[who])
        for each in ((), (elsewhere,), (signal,))
    )
    assert other == sure
    assert less[1] == sure[1]
    assert less[0] / sure[0] == pytest.approx(factor, rel=0.03)
    told = forecaster(past, signal).prospect(FLEET[4])
    assert told.doubts == (f"load is {freshness}: it is gone",)
    assert FLEET[4].source_id == SourceId("s")


def test_a_month_of_syncs_every_five_minutes_is_summed_up(past: Runs) -> None:
    schedule: Schedule = Cron("0 0/5 * * * ?")
    found = forecast_fleet(forecaster(past), [connection("c0", schedule)])
    rows = found.months[ConnectionId("c0")].rows
    assert isinstance(rows, Quantiles)
    assert rows.p50 > 7 * 288 * 50_000
