"""Knobs: real tuning options of real connectors."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.connection import KnobValue

_WHOLE_DAYS = re.compile(r"P(\d+)D")


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


class Direction(StrEnum):
    """Which way trimtab may turn a knob, measured from the value in force."""

    BOTH = "both"
    UP = "up"
    DOWN = "down"


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

    def __str__(self) -> str:
        low = "" if self.low is None else f"{self.low:.12g}"
        high = "" if self.high is None else f"{self.high:.12g}"
        if low == high:
            return low or "any"
        return f"{low}…{high}"


@dataclass(frozen=True, slots=True)
class Knob:
    """One tuning option: where it sits in the configuration, and what it may hold.

    `path` is the dotted path in the v1 JSON configuration, `typed_path` the one in the typed
    resources of provider 0.x (None when they do not have it). `type` is `integer`, `number` or
    `string`. `spec` is what the connector's own specification allows, `safe` what trimtab allows
    itself where the specification is silent, `caution` the rule that `safe` and `direction` come
    from; all bind. `requires` maps sibling paths to the values they must hold for the knob to
    exist (`format.format_type` → `Parquet`). `provenance` says which registry and date the facts
    are from.
    """

    connector: str
    path: str
    typed_path: str | None
    type: str
    kind: KnobKind
    effect: str
    provenance: str
    default: KnobValue | None = None
    spec: Bounds = Bounds()
    safe: Bounds = Bounds()
    direction: Direction = Direction.BOTH
    caution: str = ""
    enum: tuple[KnobValue, ...] | None = None
    pattern: str | None = None
    requires: Mapping[str, str] = field(default_factory=dict)

    @property
    def bounds(self) -> Bounds:
        """Return what both the specification and trimtab's own caution allow."""
        return self.spec.intersect(self.safe)

    @property
    def is_duration(self) -> bool:
        """Tell whether values are ISO 8601 durations; `number` then counts days."""
        return isinstance(self.default, str) and self.default.startswith("P")

    def number(self, value: KnobValue) -> float | None:
        """Return the number that `bounds` judges, or None when `value` holds none.

        A text of digits counts as its number, `P30D` as 30; other durations (`P1M`, `PT6H`) are
        not a whole number of days and count as none.
        """
        if isinstance(value, bool):
            return None
        if isinstance(value, int | float):
            return float(value)
        if self.is_duration:
            days = _WHOLE_DAYS.fullmatch(value)
            return float(days[1]) if days else None
        return float(value) if value.isascii() and value.isdigit() else None

    def spell(self, number: float) -> KnobValue:
        """Write `number` as the connector wants it: 30 → `30`, `"30"` or `"P30D"`."""
        if self.type == "number":
            return number
        whole = round(number)
        if self.type == "integer":
            return whole
        return f"P{whole}D" if self.is_duration else str(whole)

    def objection(self, value: KnobValue, current: KnobValue | None = None) -> str | None:
        """Say in a few words why trimtab may not set `value`, or None when it may.

        `current` is the value in force, needed to judge the direction; without it the default
        stands in, and without that the direction is not judged.
        """
        number = self.number(value)
        if number is None or isinstance(value, str) != (self.type == "string"):
            return f"{value!r} is not a value of type {self.type} for {self.path}"
        before = self.default if current is None else current
        return (
            self._out_of_form(value, number)
            or self._out_of_bounds(value, number)
            or self._turned_wrong(number, before)
        )

    def _out_of_form(self, value: KnobValue, number: float) -> str | None:
        if self.type == "integer" and number != round(number):
            return f"{value} is not a whole number"
        if self.enum is not None and value not in self.enum:
            return f"{value} is not one of {', '.join(map(str, self.enum))}"
        if self.pattern is not None and re.search(self.pattern, str(value)) is None:
            return f"{value} does not match the pattern {self.pattern}"
        return None

    def _out_of_bounds(self, value: KnobValue, number: float) -> str | None:
        if not self.spec.admits(number):
            return f"{value} is outside {self.spec}, which the connector allows"
        if not self.safe.admits(number):
            return f"{value} is outside {self.safe}, which trimtab allows itself ({self.caution})"
        return None

    def _turned_wrong(self, number: float, current: KnobValue | None) -> str | None:
        before = None if current is None else self.number(current)
        if before is None:
            return None
        if self.direction is Direction.UP and number < before:
            return f"{number:.12g} is below {before:.12g}, and this knob only goes up"
        if self.direction is Direction.DOWN and number > before:
            return f"{number:.12g} is above {before:.12g}, and this knob only goes down"
        return None
