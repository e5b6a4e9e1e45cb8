from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.money import Money
from bot.domain.prices import (
    BillingClass,
    CapacityPrice,
    ComputePrice,
    PriceBook,
    VolumePrice,
    WarehousePrice,
    hours,
)

CREDIT = Money.of("2.50")


def test_a_million_api_rows_cost_fifteen_dollars_on_a_volume_plan() -> None:
    assert VolumePrice(CREDIT).cost(BillingClass.API, 1_000_000, 0) == Money.of(15)


def test_a_gigabyte_of_a_database_costs_ten_dollars_whatever_its_rows() -> None:
    price = VolumePrice(CREDIT)
    assert price.cost(BillingClass.DATABASE, 5, 1_000_000_000) == Money.of(10)
    assert price.cost(BillingClass.FILE, 9, 500_000_000) == Money.of(5)


def test_a_capacity_plan_charges_for_workers_held() -> None:
    cpus = Decimal("1.4")
    assert CapacityPrice(Money.of(8)).cost(cpus, timedelta(minutes=30)) == Money.of("0.7")


def test_self_managed_compute_charges_for_cpus_reserved() -> None:
    assert ComputePrice(Money.of("0.04")).cost(Decimal(4), timedelta(hours=2)) == Money.of("0.32")


def test_a_warehouse_charges_each_hour_at_its_own_price() -> None:
    prices = [Money.of(1)] * 168
    prices[1] = Money.of(10)
    price = WarehousePrice("wh", tuple(prices))
    monday = datetime(2026, 3, 2, tzinfo=UTC)
    start, end = monday + timedelta(minutes=30), monday + timedelta(hours=2, minutes=15)
    assert price.cost(start, end) == Money.of("0.5") + Money.of(10) + Money.of("0.25")


def test_a_warehouse_week_is_read_in_its_own_zone() -> None:
    prices = [Money.of(1)] * 168
    prices[0] = Money.of(9)
    price = WarehousePrice("wh", tuple(prices), zone="America/New_York")
    assert price.at(datetime(2026, 3, 2, 5, 30, tzinfo=UTC)) == Money.of(9)


def test_a_week_with_hours_missing_is_refused() -> None:
    with pytest.raises(ValueError, match="24 prices; a week has 168"):
        WarehousePrice("wh", (Money.of(1),) * 24)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_price_of_a_span_is_the_sum_of_its_parts(a: int, b: int, c: int) -> None:
    price = WarehousePrice("wh", tuple(Money.of(i) for i in range(168)))
    first, middle, last = (
        datetime(2026, 3, 2, tzinfo=UTC) + timedelta(seconds=s) for s in sorted((a, b, c))
    )
    whole = price.cost(first, last).amount
    parts = price.cost(first, middle).amount + price.cost(middle, last).amount
    assert abs(whole - parts) < Decimal("1e-15")


def test_connectors_are_metered_as_the_book_says_and_by_row_otherwise() -> None:
    book = PriceBook(billing={"source-postgres": BillingClass.DATABASE})
    assert book.billing_class("source-postgres") is BillingClass.DATABASE
    assert book.billing_class("source-stripe") is BillingClass.API


def test_hours_are_exact() -> None:
    assert hours(timedelta(minutes=90)) == Decimal("1.5")


@pytest.mark.parametrize("written", ["postgres", "source-postgres"])
@pytest.mark.parametrize("asked", ["postgres", "source-postgres", "airbyte/source-postgres"])
def test_a_connector_is_metered_alike_however_it_is_named(written: str, asked: str) -> None:
    prices = PriceBook(billing={written: BillingClass.DATABASE})
    assert prices.billing_class(asked) is BillingClass.DATABASE
    assert prices.billing_class("source-stripe") is BillingClass.API
