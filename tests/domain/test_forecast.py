from datetime import timedelta

import pytest

from bot.domain.forecast import Quantiles
from bot.domain.money import Money


def test_quantiles_may_not_cross() -> None:
    with pytest.raises(ValueError, match="must not cross"):
        Quantiles(2, 1, 3, 4)


def test_a_rising_rule_maps_each_quantile() -> None:
    minutes = Quantiles(*(timedelta(minutes=m) for m in (1, 2, 3, 5)))
    priced = minutes.map(lambda span: Money.of(span.seconds))
    assert priced == Quantiles(*(Money.of(60 * m) for m in (1, 2, 3, 5)))


def test_what_is_known_has_no_spread() -> None:
    assert Quantiles.exactly(7) == Quantiles(7, 7, 7, 7)
