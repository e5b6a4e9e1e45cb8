"""Clamping: a knob that goes too far is turned as far as policy lets it, and that is said."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
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
    found, citations = wanted, []
    for bounds, citation in _bounds(standing, case, change):
        inside = _whole(change.knob, bounds.clamp(found), bounds)
        if abs(inside - found) > _CLOSE:
            found = inside
            citations.append(citation)
    if not citations:
        return Clamped(case.recommendation, ())
    # What is left has to go the way that was wanted; anything else nobody has recommended.
    if today is None or (found - today) * (wanted - today) <= 0:
        return Deny(tuple(citations))
    return Clamped(_turned(case.recommendation, change, found), tuple(citations))


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
    if knob.type == "number" or number == round(number):
        return number
    return float(
        int(number) if bounds.high is not None and number >= bounds.high else -int(-number)
    )


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
