"""The schedule advisor: reads a situation, makes a plan, and answers with its best next changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from bot.advise.advisor import Situation
from bot.advise.schedule.bound import lower_bound
from bot.advise.schedule.effects import Change, Ledger, as_deadlines, as_money
from bot.advise.schedule.fleet import Fleet, read_fleet
from bot.advise.schedule.laying import SLOT, lay_out
from bot.advise.schedule.member import Member, Move
from bot.advise.schedule.penalties import Penalties
from bot.advise.schedule.placement import Placement
from bot.advise.schedule.problem import STAY, Ints, Problem
from bot.advise.schedule.search import EPSILON, Effort, Found, search, search_few
from bot.advise.schedule.steps import Step, first_changes, order
from bot.advise.schedule.timetable import Timetable
from bot.advise.schedule.wording import Context, against, reason, starts_at
from bot.domain.connection import ConnectionId
from bot.domain.forecast import Unknown
from bot.domain.recommendation import (
    Advice,
    Confidence,
    Effect,
    Keep,
    NotKnown,
    Recommendation,
    ScheduleChange,
)

_REFINING: Final = Effort(sweeps=4, rounds=0.0)
_MOST_DONORS: Final = 10
_MANY_SYNCS: Final = 30
_THIN: Final = frozenset({"thin", "family", "fleet"})


@dataclass(frozen=True, slots=True)
class ScheduleAdvisor:
    """Place every sync where it is cheapest and keeps its promises, in as few changes as pay.

    `effort` bounds the search. A proof of how good the plan is comes with it up to `bound_up_to`,
    the connections times the slots: beyond that, proving takes longer than planning.
    """

    name: str = "schedule"
    penalties: Penalties = field(default_factory=Penalties)
    effort: Effort = field(default_factory=Effort)
    bound_up_to: int = 20_000

    def advise(self, situation: Situation) -> list[Advice]:
        """Answer for every connection, in the order of their ids."""
        fleet = read_fleet(situation)
        most = situation.fleet_terms.blast.of(len(situation.subjects))
        plan = make_plan(fleet, self.penalties, self.effort, most)
        figures = self._figures(plan)
        made = {each.connection_id: each for each in _Answers(self, situation, plan, figures).all()}
        answers: list[Advice] = []
        for connection in sorted(situation.connections, key=lambda each: each.id):
            advice = made.get(connection.id) or self._unmoved(connection.id, fleet, plan)
            answers.append(advice)
        return answers

    def _unmoved(self, key: ConnectionId, fleet: Fleet, plan: "SchedulePlan") -> Advice:
        why = fleet.stays.get(key)
        if isinstance(why, Unknown):
            return NotKnown(key, self.name, why.reason)
        if why is not None:
            return Keep(key, self.name, why)
        if key in plan.waiting:
            return Keep(
                key,
                self.name,
                "a better start is known, and this run may not change more connections",
                waits=True,
            )
        return Keep(key, self.name, "no start in its reach is better by more than a change costs")

    def _is_too_big(self, problem: Problem) -> bool:
        return len(problem.options) * problem.slots > self.bound_up_to

    def _figures(self, plan: "SchedulePlan") -> Mapping[str, str]:
        if not plan.steps or self._is_too_big(plan.coarse):
            return {}
        try:
            bound = lower_bound(plan.coarse)
        except ArithmeticError:
            return {}  # a plan without its proof is still a plan
        if bound <= EPSILON:
            return {}
        share = max(0.0, plan.found.cost / bound - 1)
        return {"above the best possible plan": f"at most {share:.1%}, with all changes"}


@dataclass(frozen=True, slots=True)
class SchedulePlan:
    """A plan: the problem on slots and what was found for it, then on minutes, then as steps.

    `found` is the whole plan, `choice` what of it one run may do, as a choice of `moves`. `waiting` are connections with a better start that this run may not change any more.
    """

    fleet: Fleet
    coarse: Problem
    found: Found
    fine: Problem
    moves: tuple[tuple[Move, ...], ...]
    choice: Ints
    steps: tuple[Step, ...]
    waiting: frozenset[ConnectionId]


def make_plan(fleet: Fleet, penalties: Penalties, effort: Effort, most: int) -> SchedulePlan:
    """Plan on slots, refine inside them to the minute, and order at most `most` changes."""
    wide = [tuple(member.moves(SLOT)) for member in fleet.members]
    coarse = lay_out(fleet, wide, SLOT, penalties)
    found = few = search(coarse, effort)
    whole = found.choice != STAY
    if whole.sum() > most:
        few = search_few(coarse, found, most, first_changes(coarse, found.choice, most))
    chosen = [own[candidate] for own, candidate in zip(wide, few.choice.tolist(), strict=True)]
    near = tuple(
        tuple(member.near(move, SLOT)) for member, move in zip(fleet.members, chosen, strict=True)
    )
    fine = lay_out(fleet, near, 1, penalties)
    start = np.array([own.index(move) for own, move in zip(near, chosen, strict=True)], np.intp)
    refined = search(fine, replace(_REFINING, seed=effort.seed), start)
    # What an open pull request waives is for the search alone: the order, the effects and the proof
    # have to read the same before it was opened and after.
    plain = replace(fleet, members=_unasked(fleet))
    coarse, fine = lay_out(plain, wide, SLOT, penalties), lay_out(plain, near, 1, penalties)
    found = replace(found, cost=Placement(coarse, found.choice).total())
    steps = tuple(order(fine, refined.choice, most))
    taken = {connection for step in steps for connection in step.connections}
    waiting = frozenset(
        fleet.members[index].connection.id
        for index in np.flatnonzero(whole | (refined.choice != STAY)).tolist()
        if index not in taken
    )
    return SchedulePlan(fleet, coarse, found, fine, near, refined.choice, steps, waiting)


def _unasked(fleet: Fleet) -> tuple[Member, ...]:
    return tuple(replace(member, proposed=None) for member in fleet.members)


class _Answers:
    """Turns the steps of a plan into recommendations."""

    def __init__(
        self,
        advisor: ScheduleAdvisor,
        situation: Situation,
        plan: SchedulePlan,
        figures: Mapping[str, str],
    ) -> None:
        self._advisor, self._situation, self._plan = advisor, situation, plan
        self._figures = figures
        self._likes: dict[tuple[str, int], list[ConnectionId]] = {}
        moved = {index for step in plan.steps for index in step.connections}
        for index, member in enumerate(plan.fleet.members):
            if index not in moved:
                self._likes.setdefault(self._kind(member), []).append(member.connection.id)

    def all(self) -> list[Recommendation]:
        """Return one recommendation for each changed connection, the best first."""
        plan = self._plan
        ledger = Ledger(plan.fleet, plan.fine, plan.moves, self._advisor.penalties)
        found: list[Recommendation] = []
        for step in plan.steps:
            for change in ledger.make(step.connections, plan.choice):
                found.append(self._recommend(step, change, len(found)))
        return found

    def _recommend(self, step: Step, change: Change, rank: int) -> Recommendation:
        situation, plan = self._situation, self._plan
        member = plan.fleet.members[change.connection]
        connection = member.connection
        after = moved(member, change.move)
        cron = after.cron()
        evidence = situation.evidence[connection.id]
        context = Context(plan.fleet, situation.now, evidence.end)
        others = (*step.needs, *(each for each in step.connections if each != change.connection))
        return Recommendation(
            connection_id=connection.id,
            advisor=self._advisor.name,
            change=ScheduleChange(connection.schedule, cron),
            reason=reason(change, context, len(step.connections)),
            against=against(change, context, cron),
            evidence=evidence,
            effect=self._effect(change),
            confidence=self._confidence(connection.id, evidence.n),
            depends_on=tuple(sorted(plan.fleet.members[each].connection.id for each in others)),
            donors=tuple(self._likes.get(self._kind(member), ())[:_MOST_DONORS]),
            rank=rank,
            figures={
                "recommended_start": starts_at(after),
                "priority_score": str(member.duties.priority),
                **self._figures,
            },
        )

    def _effect(self, change: Change) -> Effect:
        return Effect(
            saving=as_money(change, self._situation.prices.currency),
            duration=Unknown("how much faster it gets without neighbours has not been measured"),
            deadlines=as_deadlines(change),
            delays=change.delays,
        )

    def _confidence(self, key: ConnectionId, n: int) -> Confidence:
        forecast = self._situation.forecasts.get(key)
        if forecast is None:
            return Confidence.MEDIUM
        if forecast.method in _THIN:
            return Confidence.LOW
        return Confidence.HIGH if n >= _MANY_SYNCS else Confidence.MEDIUM

    def _kind(self, member: Member) -> tuple[str, int]:
        return member.connection.source_id, len(member.starts)


def moved(member: Member, move: Move) -> Timetable:
    """Return a member's timetable after a move."""
    assert member.timetable is not None
    return member.timetable.shifted(move.shift).without(move.dropped)
