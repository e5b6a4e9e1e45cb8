"""AIMD: additive increase, multiplicative decrease, of a size under an error and a latency signal.

The rules are those of the adaptive batch sizing documentation (see `docs/loader.md`), in strict
order: an error shrinks, even in cool-down; cool-down swallows a clean slice; a latency target
shrinks, grows or holds by the rolling median; without a target a clean slice grows.
"""

import math
from collections import deque
from dataclasses import dataclass

from bot.domain.batch_size import Decision, Observation, Reason, Step


@dataclass(frozen=True, slots=True)
class AimdSettings:
    """The knobs of the rule; bounds are checked where settings are read.

    Args:
        min_rows: the size never falls below.
        max_rows: nor rises above.
        increase_rows: what a clean slice adds.
        decrease_factor: what an error or a slow spell multiplies by, in (0, 1).
        cooldown_batches: clean slices passed over after a shrink.
        target_latency_ms: wanted time of a write; None reacts to errors only.
        latency_window: samples that the median is taken over.
        error_threshold: share of failed rows above which (strictly) a slice counts as an error.
    """

    min_rows: int = 100
    max_rows: int = 50_000
    increase_rows: int = 250
    decrease_factor: float = 0.5
    cooldown_batches: int = 5
    target_latency_ms: int | None = None
    latency_window: int = 10
    error_threshold: float = 0.01


def clamp(size: int, settings: AimdSettings) -> int:
    """Bring a size between the bounds."""
    return min(max(size, settings.min_rows), settings.max_rows)


def grow(size: int, settings: AimdSettings) -> int:
    """Return the size after one additive increase."""
    return min(settings.max_rows, size + settings.increase_rows)


def shrink(size: int, settings: AimdSettings) -> int:
    """Return the size after one multiplicative decrease, rounded down."""
    return max(settings.min_rows, math.floor(size * settings.decrease_factor))


def too_many_errors(errors: int, rows: int, settings: AimdSettings) -> bool:
    """Judge a slice by its failed rows: the threshold itself is still clean, no rows no verdict."""
    return rows > 0 and errors / rows > settings.error_threshold


class AimdController:
    """The rule with its state: the size, the cool-down, and the latency window.

    Args:
        settings: the knobs.
        first_page_rows: rows of the first page with rows; the size starts there, clamped.
    """

    def __init__(self, settings: AimdSettings, first_page_rows: int) -> None:
        self._settings = settings
        self._size = clamp(first_page_rows, settings)
        self._cooldown = 0
        self._window: deque[int] = deque(maxlen=settings.latency_window)

    @property
    def size(self) -> int:
        """Rows that the next slice may carry."""
        return self._size

    def cut(self, left_rows: int) -> int:
        """Cut a slice of the size, or what is left of the page."""
        return min(self._size, left_rows)

    def observe(self, observation: Observation) -> Step:
        """Take one slice into account; the first rule that matches decides."""
        if too_many_errors(observation.errors, observation.rows, self._settings):
            return self._shrink(Reason.ERROR)
        if self._cooldown > 0:
            # The sample of a slice in cool-down is not recorded: the spell that armed it is over
            # or not, and the first slice after it will tell.
            self._cooldown -= 1
            return self._step(Decision.HOLD, Reason.COOLDOWN, self._size)
        target = self._settings.target_latency_ms
        if target is None:
            return self._grow()
        self._window.append(int(observation.latency_ms))
        p50 = self._p50()
        assert p50 is not None
        # In integers, so that the edges of the band are inside it whatever the target.
        if 10 * p50 > 12 * target:
            return self._shrink(Reason.LATENCY)
        if 2 * p50 < target:
            return self._grow()
        return self._step(Decision.HOLD, Reason.DEAD_BAND, self._size)

    def _shrink(self, reason: Reason) -> Step:
        self._cooldown = self._settings.cooldown_batches
        before, self._size = self._size, shrink(self._size, self._settings)
        if self._size == before:
            return self._step(Decision.HOLD, Reason.AT_MIN, before)
        return self._step(Decision.SHRINK, reason, before)

    def _grow(self) -> Step:
        before, self._size = self._size, grow(self._size, self._settings)
        if self._size == before:
            return self._step(Decision.HOLD, Reason.AT_MAX, before)
        return self._step(Decision.GROW, Reason.SUCCESS, before)

    def _step(self, decision: Decision, reason: Reason, before: int) -> Step:
        full = len(self._window) == self._settings.latency_window
        return Step(before, decision, reason, self._size, self._cooldown, self._p50(), full)

    def _p50(self) -> int | None:
        """Return the upper median of the window, from the first sample on."""
        if not self._window:
            return None
        return sorted(self._window)[len(self._window) // 2]
