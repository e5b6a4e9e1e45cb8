"""Batch size control, the words of it: what a controller sees, and what it answers.

A controller is told of every slice that was written and says how many rows the next one may
carry. It is deterministic: the same observations in the same order give the same steps, which is
what lets yesterday's trace be replayed under other settings.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Observation:
    """One slice that was written.

    Args:
        page_rows: rows of the source page that the slice was cut from.
        rows: rows of the slice.
        errors: rows of the slice that failed.
        latency_ms: wall time of the write, in milliseconds.
    """

    page_rows: int
    rows: int
    errors: int
    latency_ms: float


class Decision(StrEnum):
    """What became of the size."""

    GROW = "grow"
    SHRINK = "shrink"
    HOLD = "hold"


class Reason(StrEnum):
    """Why: the first three change the size (and label the metrics), the others hold it.

    `PROBE` is `goodput`'s alone: the size leaves its settled value for a batch, or returns to it.
    """

    SUCCESS = "success"
    ERROR = "error"
    LATENCY = "latency"
    COOLDOWN = "cooldown"
    DEAD_BAND = "dead_band"
    AT_MAX = "at_max"
    AT_MIN = "at_min"
    PROBE = "probe"


@dataclass(frozen=True, slots=True)
class Step:
    """What a controller made of one observation.

    Args:
        size_before: rows that the slice was allowed.
        decision: whether the size rose, fell or stayed.
        reason: why.
        size_after: rows that the next slice is allowed.
        cooldown: clean slices still to be passed over before the size may grow.
        p50_latency_ms: the rolling median as it stands now, None without a latency target or
            before the first sample.
        window_full: the median rests on a whole window of samples.
    """

    size_before: int
    decision: Decision
    reason: Reason
    size_after: int
    cooldown: int
    p50_latency_ms: int | None
    window_full: bool

    @property
    def adjusted(self) -> bool:
        """Tell whether the settled size really changed (probes are no adjustments)."""
        return self.size_after != self.size_before and self.reason is not Reason.PROBE


class Controller(Protocol):
    """Something that finds the batch size."""

    @property
    def size(self) -> int:
        """Rows that the next slice may carry."""
        ...

    def cut(self, left_rows: int) -> int:
        """Return how many of the rows left in a page the next slice takes; at least one."""
        ...

    def observe(self, observation: Observation) -> Step:
        """Take one slice into account."""
        ...
