from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.money import Money

amounts = st.decimals(-(10**9), 10**9, places=4).map(Money)


@given(amounts, amounts, amounts)
def test_addition_is_exact_and_orderless(a: Money, b: Money, c: Money) -> None:
    assert (a + b) + c == a + (b + c) == c + b + a
    assert a + b - b == a


@pytest.mark.parametrize(
    ("money", "shown"),
    [
        (Money.of("1234.5"), "$1,234.50"),
        (Money.of("-0.075"), "-$0.08"),
        (Money.of("-0.001"), "$0.00"),
        (Money.of(12, "EUR"), "12.00 EUR"),
    ],
)
def test_it_is_shown_as_people_write_it(money: Money, shown: str) -> None:
    assert str(money) == shown


def test_currencies_never_mix() -> None:
    with pytest.raises(ValueError, match="cannot combine USD with EUR"):
        Money.of(1) + Money.of(1, "EUR")
    with pytest.raises(ValueError, match="cannot combine"):
        assert Money.of(1) < Money.of(1, "EUR")


def test_it_scales_by_exact_numbers() -> None:
    assert Money.of("2.50") * Decimal("0.1") == Money.of("0.25")
    assert 3 * Money.of("2.50") == Money.of("7.5")
