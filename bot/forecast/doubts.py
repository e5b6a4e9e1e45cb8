"""Doubts: what is looked at and cannot be relied on makes forecasts less sure, and is named."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bot.domain.connection import Connection, ConnectionId
from bot.domain.signal import Freshness, Signal

WIDER: Final[Mapping[Freshness, float]] = {
    Freshness.FRESH: 1.0,
    Freshness.PARTIAL: 1.05,
    Freshness.STALE: 1.1,
    Freshness.MISSING: 1.25,
}
"""By how much the distance of each bound from the median grows, on a log scale. Set, not learned:
histories in which signals come and go are not at hand."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """By how much intervals grow, and one sentence for each signal that is to blame."""

    factor: float = 1.0
    reasons: tuple[str, ...] = ()


SURE: Final = Doubt()


def doubt_of(signals: Iterable[Signal], ids: frozenset[str]) -> Doubt:
    """Return the doubt about something: of the signals that speak of it, the worst counts."""
    blamed = [
        each for each in signals if each.freshness is not Freshness.FRESH and each.about & ids
    ]
    if not blamed:
        return SURE
    reasons = tuple(f"{each.name} is {each.freshness}: {each.reason}" for each in blamed)
    return Doubt(max(WIDER[each.freshness] for each in blamed), reasons)


def doubts(
    signals: Iterable[Signal], connections: Iterable[Connection]
) -> dict[ConnectionId, Doubt]:
    """Return the doubt about each connection; one about which there is none is left out."""
    doubtful = tuple(each for each in signals if each.freshness is not Freshness.FRESH)
    found = {
        each.id: doubt_of(doubtful, frozenset({each.source_id, each.destination_id}))
        for each in connections
    }
    return {key: doubt for key, doubt in found.items() if doubt.reasons}
