"""Money: an exact amount in one currency."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from functools import total_ordering


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in one currency (ISO 4217 code).

    Arithmetic between currencies raises `ValueError`: trimtab never guesses an exchange rate.
    """

    amount: Decimal
    currency: str = "USD"

    @classmethod
    def of(cls, amount: Decimal | int | str, currency: str = "USD") -> "Money":
        """Build from an exact number; floats are refused by type, on purpose."""
        return cls(Decimal(amount), currency)

    @classmethod
    def zero(cls, currency: str = "USD") -> "Money":
        """Return nothing, in `currency`."""
        return cls(Decimal(0), currency)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __mul__(self, factor: Decimal | int) -> "Money":
        return Money(self.amount * factor, self.currency)

    __rmul__ = __mul__

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._same(other)

    def rounded(self, places: int = 2) -> "Money":
        """Round half to even at `places` decimals."""
        step = Decimal(1).scaleb(-places)
        return Money(self.amount.quantize(step, ROUND_HALF_EVEN), self.currency)

    def __str__(self) -> str:
        shown = self.rounded()
        sign = "-" if shown.amount < 0 else ""
        body = f"{abs(shown.amount):,.2f}"
        return f"{sign}${body}" if self.currency == "USD" else f"{sign}{body} {self.currency}"

    def _same(self, other: "Money") -> Decimal:
        if other.currency != self.currency:
            raise ValueError(f"cannot combine {self.currency} with {other.currency}")
        return other.amount
