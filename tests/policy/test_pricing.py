from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.domain.connection import Endpoint, WorkspaceId
from bot.domain.errors import PolicyError
from bot.domain.money import Money
from bot.domain.prices import BillingClass, ComputePrice, PriceBook
from bot.policy.judging import Judge
from tests.policy.cases import rules_of

PRICES = """\
version: 1
prices:
  credit: 2.50
  data_worker_hour: 1.2
  cpu_hour: 0.05
  warehouses:
    - name: loading
      destinations: ["Snowflake*", "Big *"]
      per_hour: 2
      zone: America/New_York
      hours:
        - {start: 8, end: 20, days: [mon, tue, wed, thu, fri], per_hour: 3}
        - {start: 22, end: 2, days: [sun], per_hour: 1}
"""


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(rules_of(PRICES))


def test_policies_add_to_the_prices_of_the_settings_and_beat_them(judge: Judge) -> None:
    settings = PriceBook(compute=ComputePrice(Money.of(9)))
    book = judge.prices(settings)
    assert book.compute == ComputePrice(Money.of("0.05"))
    assert book.volume is not None
    assert book.volume.cost(BillingClass.API, 1_000_000, 0) == Money.of(15)
    assert book.capacity is not None
    assert book.capacity.cost(Decimal(8), timedelta(hours=2)) == Money.of("2.4")
    assert Judge(rules_of("version: 1\n")).prices(settings) == settings


@pytest.mark.parametrize(
    ("moment", "price"),
    [
        ("2026-03-10T12:00", 3),
        ("2026-03-10T11:59", 2),
        ("2026-03-10T23:59", 3),
        ("2026-03-11T00:00", 2),
        ("2026-03-14T15:00", 2),
        ("2026-01-12T13:00", 3),
        ("2026-01-12T12:59", 2),
        # From 22 on Sunday to 2 on Monday, in New York.
        ("2026-03-16T02:00", 1),
        ("2026-03-16T05:59", 1),
        ("2026-03-16T06:00", 2),
    ],
)
def test_a_warehouse_costs_what_its_hour_costs_where_it_stands(
    judge: Judge, moment: str, price: int
) -> None:
    warehouse = judge.prices(PriceBook()).warehouses["loading"]
    assert warehouse.at(datetime.fromisoformat(moment).replace(tzinfo=UTC)) == Money.of(price)


def test_a_destination_wakes_the_warehouse_that_names_it(judge: Judge) -> None:
    ends = [
        Endpoint(str(number), name, "destination-x", WorkspaceId("w"))
        for number, name in enumerate(["Snowflake prod", "Big Query", "S3"])
    ]
    assert judge.warehouses(ends) == {"0": "loading", "1": "loading"}


EUROS = PriceBook("EUR", compute=ComputePrice(Money.of(9, "EUR")))


def test_prices_without_a_currency_are_in_that_of_the_settings() -> None:
    book = Judge(rules_of("version: 1\nprices: {credit: 2}\n")).prices(EUROS)
    assert book.volume is not None
    assert book.volume.cost(BillingClass.API, 1_000_000, 0) == Money.of(12, "EUR")


def test_a_currency_without_a_price_changes_no_prices() -> None:
    judge = Judge(rules_of("version: 1\nprices: {currency: USD}\n"))
    assert judge.prices(EUROS) == EUROS
    assert Judge(rules_of("version: 1\nprices: {currency: CHF}\n")).prices(PriceBook()) == (
        PriceBook("CHF")
    )


def test_prices_in_two_currencies_are_refused_where_both_count() -> None:
    with pytest.raises(PolicyError, match="these are in USD, and others that still count in EUR"):
        Judge(rules_of("version: 1\nprices: {currency: USD, credit: 2}\n")).prices(EUROS)
    replaced = Judge(rules_of("version: 1\nprices: {currency: USD, cpu_hour: 2}\n"))
    assert replaced.prices(EUROS) == PriceBook(compute=ComputePrice(Money.of(2)))
