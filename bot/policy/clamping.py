"""Clamping: a knob that goes too far is turned as far as policy lets it, and that is said."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from math import ceil, floor
from typing import Final

from bot.domain.forecast import Unknown
from bot.domain.knob import Bounds, Knob
from bot.domain.recommendation import Effect, KnobChange, Recommendation
from bot.domain.verdict import Citation, Deny
from bot.policy.case import Case
from bot.policy.standing import Standing

_CLOSE: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Clamped:
    """A recommendation within bounds, and the rules that brought it there."""

    recommendation: Recommendation
    citations: tuple[Citation, ...]


def clamp(standing: Standing, case: Case) -> Clamped | Deny:
    """Bring a knob within what policy admits; a schedule is never touched.

    Denied where nothing is left of the change.
    """
    change = case.recommendation.change
    if not isinstance(change, KnobChange):
        return Clamped(case.recommendation, ())
    wanted, today = change.knob.number(change.after), _today(change)
    if wanted is None:
        return Clamped(case.recommendation, ())
    given = list(_bounds(standing, case, change))
    citations = tuple(citation for bounds, citation in given if not _admits(bounds, wanted))
    if not citations:
        return Clamped(case.recommendation, ())
    joined = Bounds()
    for bounds, _ in given:
        joined = joined.intersect(bounds)
    found = _whole(change.knob, joined.clamp(wanted), joined)
    # What is left has to go the way that was wanted; anything else nobody has recommended.
    if today is None or not _admits(joined, found) or (found - today) * (wanted - today) <= 0:
        return Deny(citations)
    return Clamped(_turned(case.recommendation, change, found), citations)


def _admits(bounds: Bounds, number: float) -> bool:
    return abs(bounds.clamp(number) - number) <= _CLOSE and (
        bounds.low is None or bounds.high is None or bounds.low <= bounds.high
    )


def _bounds(
    standing: Standing, case: Case, change: KnobChange
) -> Iterator[tuple[Bounds, Citation]]:
    for said in standing.bounds(change.knob.path):
        yield (
            said.value,
            said.cite(f"{change.knob.path} may be {said.value}", asked=str(change.after)),
        )
    ratio = standing.ratio(change.knob.kind.value)
    if ratio is None or not isinstance(ratio.value, Decimal):
        return
    for number in _starting_points(standing, case, change):
        factor = float(ratio.value)
        low, high = sorted((number / factor, number * factor))
        sentence = f"one step may change it by a factor of {ratio.value} at most"
        yield Bounds(low, high), ratio.cite(sentence, asked=str(change.after))


def _starting_points(standing: Standing, case: Case, change: KnobChange) -> Iterator[float]:
    """Yield what steps are counted from: today's value, and the one when their time began."""
    today = _today(change)
    if today is not None:
        yield today
    span = standing.step_window()
    if span is None:
        return
    for tenure in case.knobs:
        if tenure.last_seen >= case.now - span:
            value = tenure.value.get(change.knob.path, change.knob.default)
            number = None if value is None else change.knob.number(value)
            if number is not None:
                yield number
            return


def _today(change: KnobChange) -> float | None:
    value = change.before if change.before is not None else change.knob.default
    return None if value is None else change.knob.number(value)


def _whole(knob: Knob, number: float, bounds: Bounds) -> float:
    """Round towards the inside, where the knob takes whole numbers."""
    if knob.type == "number":
        return number
    is_upper = bounds.high is not None and number >= bounds.high
    return float(floor(number + _CLOSE) if is_upper else ceil(number - _CLOSE))


def _turned(recommendation: Recommendation, change: KnobChange, number: float) -> Recommendation:
    value = change.knob.spell(number)
    why = (
        f"policy bounds it at {value}; what {change.after} was expected to do does not hold for it"
    )
    effect = recommendation.effect
    return replace(
        recommendation,
        change=replace(change, after=value),
        against=(*recommendation.against, f"{change.after} was advised; {why}."),
        effect=Effect(Unknown(why), Unknown(why), effect.deadlines, effect.delays),
    )
