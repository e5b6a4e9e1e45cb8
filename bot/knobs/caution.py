"""trimtab's own limits for a knob where the connector's specification states none.

They are caution, not facts: each rule is named in `Knob.caution`, a policy may narrow it, and
none ever widens what a specification allows.
"""

from dataclasses import dataclass

from bot.domain.connection import KnobValue
from bot.domain.knob import Bounds, Direction, KnobKind

# The smallest maximum that any specification in the catalogue states for a parallelism knob
# is 10, so 8 workers are inside what every connector that says anything accepts.
_WORKERS = 8
# Rows in one request where neither a default nor a maximum is known.
_ROWS = 10_000
# A wait before a batch is sent that no sync of minutes would notice.
_WAIT_MS = 1_000


@dataclass(frozen=True, slots=True)
class Caution:
    """The limits that one rule gives, and the rule in a few words."""

    safe: Bounds
    rule: str
    direction: Direction = Direction.BOTH


@dataclass(frozen=True, slots=True)
class _Reach:
    """How far from the default a kind may go: down to default / `down`, up to default * `up`."""

    down: int
    up: int
    rule: str


_REACH = {
    KnobKind.BATCH_SIZE: _Reach(10, 10, "a tenth to ten times the default"),
    KnobKind.WINDOW: _Reach(10, 2, "a tenth to twice the default: long windows hit source limits"),
    KnobKind.BUFFER: _Reach(4, 2, "a quarter to twice the default: a buffer is memory"),
    KnobKind.CHECKPOINT: _Reach(10, 2, "a tenth to twice the default: lost work on failure"),
}


def limits(
    kind: KnobKind, path: str, default: KnobValue | None, default_number: float | None
) -> Caution:
    """Return the rule for a knob of `kind` at `path`.

    `default` is the value the specification states and `default_number` the number in it (days
    for a duration), None when there is none.
    """
    if kind is KnobKind.RATE_LIMIT:
        return Caution(Bounds(1, None), "a source's quota: only ever lowered", Direction.DOWN)
    if kind is KnobKind.PARALLELISM:
        high = max(_WORKERS, 2 * (default_number or 0))
        return Caution(Bounds(1, high), f"up to {_WORKERS}, or twice the default")
    if kind is KnobKind.INTERVAL:
        return Caution(Bounds(0, _WAIT_MS), f"waits of at most {_WAIT_MS} ms")
    if default_number is not None and default_number > 0:
        return _around(kind, path, default_number)
    return _without_anchor(default, default_number)


def _without_anchor(default: KnobValue | None, default_number: float | None) -> Caution:
    if default is None:
        return Caution(Bounds(1, _ROWS), f"no default is known: 1 to {_ROWS}")
    if default_number is None:
        return Caution(Bounds(0, 0), "the default is not a number that trimtab reads")
    still = Bounds(default_number, default_number)
    return Caution(still, "the default leaves it to the system")


def _around(kind: KnobKind, path: str, default: float) -> Caution:
    if kind is KnobKind.TIMEOUT:
        rule = "up to twice the default, never shortened: that fails syncs that work today"
        return Caution(Bounds(default, 2 * default), rule, Direction.UP)
    if path.rpartition(".")[2] == "limit":
        rule = "up to ten times the default, never lowered: a limit might be a cap"
        return Caution(Bounds(default, 10 * default), rule, Direction.UP)
    reach = _REACH[kind]
    return Caution(Bounds(max(1, default // reach.down), reach.up * default), reach.rule)
