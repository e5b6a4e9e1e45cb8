"""Caps: what several connections together may cost in a month."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bot.domain.connection import ConnectionId
from bot.domain.forecast import Forecast, Unknown
from bot.domain.money import Money
from bot.domain.subject import Subject
from bot.domain.verdict import Citation, Deny
from bot.policy.case import Ruling
from bot.policy.model import CostCap
from bot.policy.rules import Rule

if TYPE_CHECKING:
    from bot.policy.judging import Judge


def over_caps(
    judge: "Judge",
    rulings: Sequence[Ruling],
    months: Mapping[ConnectionId, Forecast],
    subjects: Sequence[Subject],
) -> dict[int, Deny]:
    """Deny what may cost more where the group is over its cap, by the place of the ruling."""
    held: dict[int, Deny] = {}
    for rule, cap, members in groups(judge, subjects):
        total = total_of(members, months, cap)
        if not isinstance(total, Unknown) and total.amount <= cap.month:
            continue
        shown = total.reason if isinstance(total, Unknown) else str(total)
        citation = Citation(
            rule.name,
            rule.file,
            rule.line("limits", "cost_cap"),
            f"the {cap.per}'s month may cost {cap.month} at most, so nothing that may cost more",
            {f"month ({cap.quantile})": shown, "connections": str(len(members))},
        )
        for position, ruling in enumerate(rulings):
            if ruling.case.subject.connection.id in members and _may_cost(ruling):
                held[position] = Deny((citation,))
    return held


def groups(
    judge: "Judge", subjects: Sequence[Subject]
) -> list[tuple[Rule, CostCap, frozenset[ConnectionId]]]:
    """Return every cap that counts several connections, with those that it counts."""
    found = []
    for rule in judge.rules.all():
        cap = rule.clauses.limits.cost_cap
        if cap is None or cap.per == "connection":
            continue
        matched = [each for each in subjects if rule.test(each) is not False]
        by_group: dict[str, set[ConnectionId]] = {}
        for each in matched:
            name = str(each.connection.workspace_id) if cap.per == "workspace" else ""
            by_group.setdefault(name, set()).add(each.connection.id)
        found += [(rule, cap, frozenset(ids)) for _, ids in sorted(by_group.items())]
    return found


def total_of(
    members: frozenset[ConnectionId], months: Mapping[ConnectionId, Forecast], cap: CostCap
) -> Money | Unknown:
    """Add up a month; not known where one of its parts is not."""
    total: Money | None = None
    for key in sorted(members):
        month = months.get(key)
        if month is None or isinstance(month.cost, Unknown):
            return Unknown(f"what {key} costs is not known")
        part: Money = getattr(month.cost, cap.quantile)
        total = part if total is None else total + part
    return Unknown("nobody belongs to it") if total is None else total


def _may_cost(ruling: Ruling) -> bool:
    saving = ruling.recommendation.effect.saving
    return isinstance(saving, Unknown) or saving.p05.amount < 0
