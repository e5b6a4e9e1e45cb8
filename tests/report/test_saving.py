from dataclasses import replace

from bot.domain.forecast import Quantiles
from bot.domain.money import Money
from tests.report.summaries import EMPTY, FULL, KEPT, OPENED, UNPRICED


def test_the_total_adds_the_ends_of_what_is_proposed_and_nothing_held_back() -> None:
    assert FULL.saving == (Money.of(5), Money.of(100))


def test_nothing_known_is_no_total_rather_than_zero() -> None:
    assert EMPTY.saving is None
    assert replace(EMPTY, entries=(UNPRICED,)).saving is None


def test_two_currencies_are_not_added() -> None:
    euros = Quantiles.exactly(Money.of(3, "EUR"))
    assert replace(EMPTY, entries=(OPENED, replace(KEPT, saving=euros))).saving is None


def test_what_no_pull_request_carries_counts_as_blocked() -> None:
    assert FULL.blocked == 2
