"""Tenures: what a setting was, and over which stretch of time that was looked at."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Tenure(Generic[T]):
    """A setting that was `value` at every look from `first_seen` to `last_seen`.

    Before the first tenure, and between two of them, nobody looked: what ran then says nothing
    of what a setting does.
    """

    value: T
    first_seen: datetime
    last_seen: datetime

    def covers(self, instant: datetime) -> bool:
        """Tell whether an instant lies inside, both ends included."""
        return self.first_seen <= instant <= self.last_seen
