"""Knobs: real tuning options of real connectors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.connection import KnobValue


class KnobKind(StrEnum):
    """What turning the knob changes."""

    PARALLELISM = "parallelism"
    BATCH_SIZE = "batch_size"
    WINDOW = "window"
    BUFFER = "buffer"
    CHECKPOINT = "checkpoint"
    RATE_LIMIT = "rate_limit"
    INTERVAL = "interval"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class Bounds:
    """Inclusive limits of a number; None is "no limit on this side"."""

    low: float | None = None
    high: float | None = None

    def admits(self, value: float) -> bool:
        """Tell whether `value` lies inside."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def clamp(self, value: float) -> float:
        """Move `value` to the nearest end when it lies outside."""
        if self.low is not None and value < self.low:
            return self.low
        if self.high is not None and value > self.high:
            return self.high
        return value

    def intersect(self, other: "Bounds") -> "Bounds":
        """Keep what both admit."""
        lows = [low for low in (self.low, other.low) if low is not None]
        highs = [high for high in (self.high, other.high) if high is not None]
        return Bounds(max(lows, default=None), min(highs, default=None))


@dataclass(frozen=True, slots=True)
class Knob:
    """One tuning option: where it sits in the configuration, and what it may hold.

    `path` is the dotted path in the v1 JSON configuration, `typed_path` the one in the typed
    resources of provider 0.x. `spec` is what the connector's own specification allows, `safe`
    what trimtab allows itself where the specification is silent; both bind. `requires` maps
    sibling paths to the values they must hold for the knob to exist (`format.format_type` →
    `Parquet`). `provenance` says which registry and date the facts are from.
    """

    connector: str
    path: str
    typed_path: str
    type: str
    kind: KnobKind
    effect: str
    provenance: str
    default: KnobValue | None = None
    spec: Bounds = Bounds()
    safe: Bounds = Bounds()
    enum: tuple[KnobValue, ...] | None = None
    pattern: str | None = None
    requires: Mapping[str, str] = field(default_factory=dict)

    @property
    def bounds(self) -> Bounds:
        """Return what both the specification and trimtab's own caution allow."""
        return self.spec.intersect(self.safe)
