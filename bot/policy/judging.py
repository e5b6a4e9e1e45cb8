"""Judging: what the rules allow beforehand, and what they say of recommendations afterwards."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from bot.domain.connection import ConnectionId, DestinationId, Endpoint
from bot.domain.forecast import Forecast
from bot.domain.manners import Manners
from bot.domain.prices import PriceBook
from bot.domain.promises import (
    BlastLimit,
    Capacity,
    CapacityScope,
    FleetTerms,
    SharedCapacity,
    Terms,
)
from bot.domain.subject import Subject
from bot.domain.verdict import Allow, Citation, Deny, NeedsApproval, Verdict, combine
from bot.policy.canary import admitted
from bot.policy.caps import over_caps
from bot.policy.case import Case, Ruling
from bot.policy.checks import CHECKS
from bot.policy.clamping import clamp
from bot.policy.pricing import book, warehouses_of
from bot.policy.rules import Rule, Rules
from bot.policy.standing import Memory, Standing


@dataclass(frozen=True)
class Judge:
    """The rules of a team, asked twice: for limits before advising, for verdicts after."""

    rules: Rules
    _standings: dict[ConnectionId, tuple[Subject, Standing]] = field(
        default_factory=dict, init=False, repr=False
    )
    _memory: Memory = field(default_factory=dict, init=False, repr=False)

    def standing(self, subject: Subject) -> Standing:
        """Return the rules that speak of a subject; worked out once for each."""
        kept = self._standings.get(subject.connection.id)
        if kept is None or kept[0] is not subject:
            kept = (subject, Standing.of(self.rules, subject, self._memory))
            self._standings[subject.connection.id] = kept
        return kept[1]

    def terms(self, subject: Subject) -> Terms:
        """Return what policy says of a connection beforehand."""
        return self.standing(subject).terms()

    def fleet_terms(self, subjects: Sequence[Subject]) -> FleetTerms:
        """Return what policy says of all connections together beforehand."""
        shared: list[SharedCapacity] = []
        for rule in self.rules.all():
            guarantee = rule.clauses.guarantee
            if guarantee.concurrency or guarantee.source_concurrency or guarantee.data_workers:
                shared += _capacities(
                    rule, [each for each in subjects if rule.test(each) is not False]
                )
        return FleetTerms(tuple(shared), _tightest(self._blasts(), len(subjects)))

    def _blasts(self) -> list[BlastLimit]:
        """Return what bounds a run, which is one thing for all.

        Policies about every connection replace the nearest default; those about some only tighten.
        """
        policies, defaults = (
            [(rule, rule.clauses.limits.blast) for rule in rules]
            for rules in (self.rules.policies, self.rules.fallbacks)
        )
        some = [blast for rule, blast in policies if blast and not rule.is_about_all]
        every = [blast for rule, blast in policies if blast and rule.is_about_all]
        nearest = [blast for _, blast in defaults if blast][:1]
        return [BlastLimit(each.connections, each.share) for each in (*some, *(every or nearest))]

    def prices(self, settings: PriceBook) -> PriceBook:
        """Return the settings' prices with what policies say laid over them."""
        return book(settings, self.rules.prices)

    def warehouses(self, destinations: Iterable[Endpoint]) -> Mapping[DestinationId, str]:
        """Return the warehouse that each destination wakes."""
        return warehouses_of(self.rules.prices, destinations)

    @property
    def manners(self) -> Manners:
        """Return how much the team wants to hear of trimtab."""
        return self.rules.manners

    def judge(self, case: Case) -> Ruling:
        """Say what all rules together say of one case: deny over needs approval over allow."""
        standing = self.standing(case.subject)
        clamped = clamp(standing, case)
        if isinstance(clamped, Deny):
            return Ruling(case, case.recommendation, clamped)
        judged = replace(case, recommendation=clamped.recommendation)
        verdict = combine(said for check in CHECKS for said in check(standing, judged))
        return Ruling(judged, clamped.recommendation, _with(verdict, clamped.citations))

    def judge_all(
        self,
        cases: Sequence[Case],
        months: Mapping[ConnectionId, Forecast] | None = None,
        subjects: Sequence[Subject] = (),
        merged: frozenset[ConnectionId] = frozenset(),
    ) -> list[Ruling]:
        """Judge the cases of one run, in their order, the best first.

        Beside what each rule says of each case, this holds the canary's steps and the caps that
        count several connections together.

        Args:
            cases: one for each recommendation.
            months: the forecasts of the month, of the whole fleet.
            subjects: the whole fleet, which caps are counted over.
            merged: connections of which a proposal has been merged before.
        """
        rulings = [self.judge(case) for case in cases]
        denied = over_caps(self, rulings, months or {}, subjects)
        denied |= admitted(self, rulings, merged)
        return [
            replace(ruling, verdict=combine([ruling.verdict, denied[position]]))
            if position in denied
            else ruling
            for position, ruling in enumerate(rulings)
        ]


def _with(verdict: Verdict, citations: tuple[Citation, ...]) -> Verdict:
    if not citations:
        return verdict
    kept = (*verdict.citations, *citations)
    match verdict:
        case Allow():
            return Allow(kept)
        case NeedsApproval(level):
            return NeedsApproval(level, kept)
        case Deny():
            return verdict


def _capacities(rule: Rule, members: Sequence[Subject]) -> list[SharedCapacity]:
    guarantee = rule.clauses.guarantee
    everyone = frozenset(each.connection.id for each in members)
    found: list[SharedCapacity] = []
    if guarantee.concurrency is not None:
        limit = Capacity(rule.name, CapacityScope.GROUP, Decimal(guarantee.concurrency))
        found.append(SharedCapacity(limit, everyone))
    if guarantee.data_workers is not None:
        limit = Capacity(rule.name, CapacityScope.POOL, guarantee.data_workers, "data workers")
        found.append(SharedCapacity(limit, everyone))
    if guarantee.source_concurrency is not None:
        by_source: dict[str, set[ConnectionId]] = {}
        for each in members:
            by_source.setdefault(each.connection.source_id, set()).add(each.connection.id)
        for source, ids in sorted(by_source.items()):
            if len(ids) > guarantee.source_concurrency:
                limit = Capacity(
                    source, CapacityScope.SOURCE, Decimal(guarantee.source_concurrency)
                )
                found.append(SharedCapacity(limit, frozenset(ids)))
    return found


def _tightest(limits: Sequence[BlastLimit], size: int) -> BlastLimit:
    """Return the one limit that admits the fewest of a fleet of this size."""
    return min(limits, key=lambda each: each.of(size), default=BlastLimit())
