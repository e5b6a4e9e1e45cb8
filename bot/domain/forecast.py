"""Forecasts: predictions that say how sure they are, and of what."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Generic, Self, TypeVar

from bot.domain.connection import ConnectionId
from bot.domain.money import Money

Q = TypeVar("Q", timedelta, int, Decimal, Money)
R = TypeVar("R", timedelta, int, Decimal, Money)


@dataclass(frozen=True, slots=True)
class Quantiles(Generic[Q]):
    """A predicted distribution by four of its quantiles; p05 to p95 is the 90 % interval."""

    p05: Q
    p50: Q
    p80: Q
    p95: Q

    def __post_init__(self) -> None:
        if not self.p05 <= self.p50 <= self.p80 <= self.p95:
            raise ValueError("quantiles must not cross")

    @classmethod
    def exactly(cls, value: Q) -> Self:
        """Build the distribution of something that is known."""
        return cls(value, value, value, value)

    def map(self, rule: Callable[[Q], R]) -> "Quantiles[R]":
        """Apply a rule that never falls as its argument grows."""
        return Quantiles(rule(self.p05), rule(self.p50), rule(self.p80), rule(self.p95))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a statement rests on: `n` syncs of the connection between two instants."""

    start: datetime
    end: datetime
    n: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """There is not enough to say; the reason is one sentence for a person."""

    reason: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the next sync of a connection, or a span of its syncs, will take.

    `method` names how it was made (`local`, `thin`, `family`, `fleet`, `ml`), which tells how far
    to trust it; `failure` is the probability that a sync fails.
    """

    connection_id: ConnectionId
    horizon: str
    made_at: datetime
    evidence: Evidence
    method: str
    duration: Quantiles[timedelta] | Unknown
    rows: Quantiles[int] | Unknown
    bytes: Quantiles[int] | Unknown
    cost: Quantiles[Money] | Unknown
    failure: Decimal | Unknown
