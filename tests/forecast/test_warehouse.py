from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.connection import ConnectionId, DestinationId
from bot.domain.forecast import Quantiles
from bot.domain.money import Money
from bot.domain.prices import PriceBook, WarehousePrice
from bot.domain.signal import Freshness, Signal
from bot.forecast.fleet_forecasts import forecast_fleet
from bot.forecast.outlook import Outlook
from bot.forecast.prospect import Forecaster
from bot.forecast.runs import moment
from bot.forecast.warehouse import OnTime
from tests.forecast.fleets import DAY, MONDAY, Kind, runs
from tests.forecast.test_outlook import connection

HOUR = 3600
NOON = MONDAY + 12 * HOUR
FLAT = WarehousePrice.flat("w", Money.of(6))


def cost(price: WarehousePrice, *starts: int, worked: float) -> float:
    who, size = np.zeros(len(starts), np.int64), len(starts)
    on = OnTime(price, MONDAY, MONDAY + 30 * DAY)
    return float(on.costs(who, np.asarray(starts), np.full(size, worked), 1)[0])


def test_a_warehouse_stays_on_between_syncs_that_are_close() -> None:
    # Ten minutes of work and ten until it suspends, twice; fifteen of them are shared when close.
    assert cost(FLAT, NOON, NOON + 300, worked=600) == pytest.approx(2.5)
    assert cost(FLAT, NOON, NOON + HOUR, worked=600) == pytest.approx(4)
    assert cost(FLAT, NOON, worked=1) == pytest.approx(1.1)  # At least a minute.


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 20 * DAY), st.integers(60, 2 * DAY), st.sampled_from(["UTC", "Asia/Tokyo"]))
def test_every_hour_is_paid_at_its_price(offset: int, worked: int, zone: str) -> None:
    hours = tuple(Money.of(Decimal(hour % 7)) for hour in range(168))
    price = WarehousePrice("w", hours, zone)
    start = moment(MONDAY + offset)
    exact = price.cost(start, start + timedelta(seconds=worked) + price.auto_suspend)
    assert cost(price, MONDAY + offset, worked=worked) == pytest.approx(float(exact.amount))


def test_a_month_pays_for_what_was_on_already_and_stale_prices_are_less_sure() -> None:
    now = moment(MONDAY + 84 * DAY)
    fleet = runs({f"c{n}": Kind(seconds=600, spread=0.2) for n in range(6)}, 84)
    wakes = {DestinationId("d"): "w"}
    book = PriceBook(warehouses={"w": FLAT})
    sure = Forecaster(Outlook(fleet, now), {}, {}, book, wakes)
    stale = Signal("prices: w", Freshness.STALE, reason="old", about=frozenset({"w"}))
    doubtful = Forecaster(Outlook(fleet, now), {}, {}, book, wakes, [stale])
    one, other = (forecast_fleet(each, [connection("c1")]) for each in (sure, doubtful))
    month = one.months[ConnectionId("c1")].cost
    assert isinstance(month, Quantiles)
    # Thirty-one syncs, twenty-four of them past, each ten minutes and ten more.
    assert float(month.p50.amount) == pytest.approx(31 * 2, rel=0.1)
    worse = other.months[ConnectionId("c1")].cost
    assert isinstance(worse, Quantiles)
    assert worse.p50 == month.p50
    assert worse.p95 > month.p95
    assert now == datetime(2026, 5, 25, tzinfo=UTC)
