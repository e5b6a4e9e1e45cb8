from datetime import UTC, datetime

from bot.domain.forecast import Quantiles, Unknown
from bot.domain.money import Money
from bot.domain.prices import (
    BillingClass,
    CapacityPrice,
    ComputePrice,
    PriceBook,
    VolumePrice,
)
from bot.forecast.cost import cost_lines, total
from bot.forecast.outlook import Amounts

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def amounts(seconds: Quantiles[int] | Unknown | None = None) -> Amounts:
    return Amounts(
        "next_sync",
        1,
        NOON,
        seconds or Quantiles(1800, 3600, 5400, 7200),
        Quantiles(10**6, 2 * 10**6, 3 * 10**6, 4 * 10**6),
        Quantiles(10**9, 2 * 10**9, 3 * 10**9, 4 * 10**9),
    )


def test_rows_of_an_api_are_credits() -> None:
    book = PriceBook(volume=VolumePrice(Money.of("2.50")))
    (line,) = cost_lines(book, "stripe", amounts())
    assert isinstance(line.amount, Quantiles)
    assert line.amount.p05 == Money.of(15)
    assert line.amount.p95 == Money.of(60)
    assert line.formula == "rows ÷ 1,000,000 × 6 credits × $2.50 a credit"


def test_bytes_of_a_database_are_credits() -> None:
    book = PriceBook(
        volume=VolumePrice(Money.of("2.50")), billing={"postgres": BillingClass.DATABASE}
    )
    (line,) = cost_lines(book, "postgres", amounts())
    assert isinstance(line.amount, Quantiles)
    assert line.amount.p50 == Money.of(20)
    assert line.formula.startswith("bytes ÷ 1,000,000,000 × 4 credits")


def test_plans_add_up_and_keep_their_intervals() -> None:
    book = PriceBook(capacity=CapacityPrice(Money.of(8)), compute=ComputePrice(Money.of("0.10")))
    capacity, compute = lines = cost_lines(book, "stripe", amounts())
    assert isinstance(capacity.amount, Quantiles)
    assert isinstance(compute.amount, Quantiles)
    assert capacity.amount.p50 == Money.of("1.40")  # 1.4 CPUs ÷ 8 × 1 h × $8
    assert compute.amount.p50 == Money.of("0.14")
    whole = total(lines)
    assert isinstance(whole, Quantiles)
    assert whole.p95 == Money.of("3.08")


def test_what_is_not_known_has_no_price() -> None:
    book = PriceBook(compute=ComputePrice(Money.of(1)))
    lines = cost_lines(book, "stripe", amounts(seconds=Unknown("nobody knows")))
    assert total(lines) == Unknown("compute: nobody knows")
    assert isinstance(total(cost_lines(PriceBook(), "stripe", amounts())), Unknown)
