"""Retries: typed, bounded, with pauses that a cancel cuts short."""

import random
import threading
from dataclasses import dataclass, field

from bot.loader.config import Retry
from bot.loader.protocol import ConnectorError

_JITTER = random.SystemRandom()


@dataclass(slots=True)
class Tries:
    """The tries of one operation: how many were made, and how long they paused."""

    policy: Retry
    cancelled: threading.Event
    made: int = 1
    paused_seconds: float = field(default=0.0)

    def may_go_on(self, error: ConnectorError) -> bool:
        """Tell whether another try is allowed after this failure."""
        return (
            error.retry in self.policy.classes
            and self.made < self.policy.attempts
            and not self.cancelled.is_set()
        )

    def next_pause(self) -> float:
        """Return the pause before the next try, in seconds: ×0.5 to ×1.5 of the plan."""
        base, cap = self.policy.base_ms / 1000, self.policy.cap_ms / 1000
        if self.policy.backoff == "none":
            return 0.0
        planned = base if self.policy.backoff == "fixed" else base * 2 ** (self.made - 1)
        return min(planned, cap) * _JITTER.uniform(0.5, 1.5)

    def pause(self, seconds: float) -> None:
        """Wait, unless cancelled, and count the next try."""
        self.cancelled.wait(seconds)
        self.paused_seconds += seconds
        self.made += 1
