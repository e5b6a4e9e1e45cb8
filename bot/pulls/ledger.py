"""The ledger: what pull requests promise to save, as far as they promise it in money.

Interval ends are added up, which is wider than the 90 % interval of the sum: pull requests of one
fleet are wrong together, so that nothing is taken for granted between them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from bot.domain.money import Money
from bot.pulls.change import Interval
from bot.pulls.snapshot import Pull, PullState

_PER_MONTH: Final = "/month"
_CURRENCY_LENGTH: Final = 3
_MOST: Final = Decimal(10) ** 12
"""The metadata is untrusted, and a sum is no better than its largest part."""


@dataclass(frozen=True, slots=True)
class Saving:
    """Predicted savings per month of 30 days, with the ends of their intervals."""

    low: Money
    middle: Money
    high: Money

    def __add__(self, other: "Saving") -> "Saving":
        return Saving(self.low + other.low, self.middle + other.middle, self.high + other.high)


@dataclass(frozen=True, slots=True)
class Line:
    """The pull requests in one state: how many, how many of them promise money, and how much.

    `savings` holds one sum for each currency.
    """

    pulls: int
    promising: int
    savings: tuple[Saving, ...]


def add_up(pulls: Iterable[Pull], state: PullState) -> Line:
    """Add up what the pull requests in a state promise."""
    counted, promising = 0, 0
    by_currency: dict[str, Saving] = {}
    for pull in pulls:
        if pull.state is not state:
            continue
        counted += 1
        found = savings(pull)
        promising += bool(found)
        for each in found:
            currency = each.middle.currency
            before = by_currency.get(currency)
            by_currency[currency] = each if before is None else before + each
    return Line(counted, promising, tuple(by_currency[name] for name in sorted(by_currency)))


def savings(pull: Pull) -> list[Saving]:
    """Return what each change of a pull request promises in money."""
    changes = pull.metadata.changes if pull.metadata else ()
    read = [_read(change.prediction.saving) for change in changes]
    return [each for each in read if each is not None]


def _read(interval: Interval | None) -> Saving | None:
    if interval is None or not interval.unit.endswith(_PER_MONTH):
        return None
    currency = interval.unit.removesuffix(_PER_MONTH)
    if len(currency) != _CURRENCY_LENGTH or not (currency.isascii() and currency.isupper()):
        return None
    try:
        low, middle, high = (Decimal(t) for t in (interval.low, interval.middle, interval.high))
    except InvalidOperation:
        return None
    if not all(each.is_finite() and abs(each) < _MOST for each in (low, middle, high)):
        return None
    return Saving(Money(low, currency), Money(middle, currency), Money(high, currency))
