"""The canary: one connection of the lowest risk first, then more by steps.

The seam for promotion from outcomes is `merged`: today every merged proposal counts as a step taken.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from bot.domain.connection import ConnectionId
from bot.domain.verdict import Deny
from bot.policy.case import Ruling

if TYPE_CHECKING:
    from bot.policy.judging import Judge

FIRST: Final = 1
FACTOR: Final = 2
"""With so many merged, up to twice as many connections may carry a change."""


def admitted(
    judge: "Judge", rulings: Sequence[Ruling], merged: frozenset[ConnectionId]
) -> dict[int, Deny]:
    """Return what the canary's steps hold back, by the place of the ruling."""
    waiting: dict[ConnectionId, list[int]] = {}
    known = 0
    for position, ruling in enumerate(rulings):
        phase = judge.standing(ruling.case.subject).phase()
        if phase is None or phase.value != "canary" or isinstance(ruling.verdict, Deny):
            continue
        key = ruling.case.subject.connection.id
        if key not in merged:
            waiting.setdefault(key, []).append(position)
    known = sum(1 for key in merged if _is_canary(judge, key))
    room = max(FIRST, FACTOR * known) - known
    order = sorted(waiting, key=lambda key: _risk(judge, rulings[waiting[key][0]]))
    held: dict[int, Deny] = {}
    for key in order[room:]:
        for position in waiting[key]:
            standing = judge.standing(rulings[position].case.subject)
            said = standing.phase()
            assert said is not None
            sentence = (
                f"its phase is canary: {room} more may be changed now, those of the lowest risk"
            )
            held[position] = Deny((said.cite(sentence, merged=str(known)),))
    return held


def _is_canary(judge: "Judge", key: ConnectionId) -> bool:
    kept = judge._standings.get(key)  # noqa: SLF001  our own cache: who was not asked is no canary
    phase = None if kept is None else kept[1].phase()
    return phase is not None and phase.value == "canary"


def _risk(judge: "Judge", ruling: Ruling) -> tuple[int, int, int, str]:
    """Order by what depends on a connection: its priority, its deadlines, its readers."""
    subject = ruling.case.subject
    terms = judge.terms(subject)
    readers = len(subject.downstream.readers) + len(subject.downstream.models)
    return terms.priority, len(terms.deadlines), readers, subject.connection.id
