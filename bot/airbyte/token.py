"""Tokens: minted early, shared by all threads, and minted once more when refused."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

_RENEW_AT: Final = 0.8
"""Airbyte gives no refresh token, so a new one is minted at this share of the old one's life."""


@dataclass(frozen=True, slots=True)
class Minted:
    """A fresh token and how long it lives."""

    value: str
    life: timedelta


class Tokens:
    """Hold the current token; ask `mint` for another one when it is old or was refused."""

    def __init__(
        self, mint: Callable[[], Minted], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._mint = mint
        self._now = now
        self._lock = threading.Lock()
        self._value: str | None = None
        self._renew_after = 0.0

    def current(self) -> str:
        """Return a token that is good for a while; one thread mints, the others wait for it."""
        with self._lock:
            if self._value is None or self._now() >= self._renew_after:
                asked = self._now()
                minted = self._mint()
                self._value = minted.value
                self._renew_after = asked + minted.life.total_seconds() * _RENEW_AT
            return self._value

    def refuse(self, value: str) -> None:
        """Forget a token that Airbyte refused, unless another thread has replaced it already."""
        with self._lock:
            if self._value == value:
                self._value = None
