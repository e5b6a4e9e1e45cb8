"""The agenda: the recommendations of all advisors as one list, the best next move first."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from bot.domain.forecast import Unknown
from bot.domain.recommendation import Advice, Keep, Recommendation

if TYPE_CHECKING:
    from bot.domain.connection import ConnectionId

Merit = tuple[Decimal, Decimal]
_NOTHING: Final = Decimal(0)


def agenda(advice: Iterable[Advice]) -> tuple[Advice, ...]:
    """Order recommendations, and keep one for each setting of each connection.

    What spares deadlines comes before what saves money, and more before less; recommendations of
    one advisor stay in the advisor's own order, since later ones may build on earlier ones. Where
    two advisors want the same setting, the one that comes first is kept, and the other becomes a
    `Keep` that says so. Recommendations are numbered from rank 0; all other advice follows them.
    """
    recommended: dict[str, list[Recommendation]] = {}
    others: list[Advice] = []
    for each in advice:
        if isinstance(each, Recommendation):
            recommended.setdefault(each.advisor, []).append(each)
        else:
            others.append(each)
    chosen: list[Recommendation] = []
    taken: dict[tuple[ConnectionId, str], Recommendation] = {}
    for each in _merged(recommended):
        place = (each.connection_id, each.change.setting)
        first = taken.setdefault(place, each)
        if first is each:
            chosen.append(replace(each, rank=len(chosen)))
        else:
            reason = f"the {first.advisor} advisor has a better use for its {each.change.setting}"
            others.append(Keep(each.connection_id, each.advisor, reason, waits=True))
    return (*chosen, *others)


def merit(recommendation: Recommendation) -> Merit:
    """Return the missed deadlines a month that a change spares, and what it saves a month.

    Both are medians; what is not known counts as nothing.
    """
    effect = recommendation.effect
    spared = _NOTHING if isinstance(effect.deadlines, Unknown) else -effect.deadlines.p50
    saved = _NOTHING if isinstance(effect.saving, Unknown) else effect.saving.p50.amount
    return spared, saved


def _merged(by_advisor: dict[str, list[Recommendation]]) -> Iterable[Recommendation]:
    """Yield the best head of the advisors' lists again and again; names break ties."""
    queues = [
        deque(sorted(found, key=lambda each: (each.rank, each.connection_id, each.change.setting)))
        for _, found in sorted(by_advisor.items())
    ]
    while queues := [queue for queue in queues if queue]:
        best = max(range(len(queues)), key=lambda index: (merit(queues[index][0]), -index))
        yield queues[best].popleft()
