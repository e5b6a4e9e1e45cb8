"""Batch size and parallelism: turned in small steps, from what changes within a connection showed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import exp, log
from typing import Final

import numpy as np

from bot.advise.advisor import Situation
from bot.advise.knobs_contrast import Contrast, Turn, contrasts
from bot.advise.knobs_control import (
    BACK_OFF,
    COOL_DOWN,
    STEP,
    WINDOW_SYNCS,
    Rails,
    Watch,
    cooling,
    last_change,
    recent_incident,
    taken_back,
    watches,
)
from bot.advise.knobs_dials import BUSY, Panel, Stretch, is_busy, panels
from bot.advise.knobs_finding import Finding, Move
from bot.advise.knobs_surface import Gain, Surface, Told, surfaces, told
from bot.advise.knobs_words import answers
from bot.advise.situation_peers import Peers
from bot.domain.connection import ConnectionStatus
from bot.domain.knob import Bounds, Knob, KnobKind
from bot.domain.promises import Phase
from bot.domain.recommendation import Advice, Keep, Recommendation
from bot.domain.spans import format_span
from bot.domain.trouble import Cause

LEAST_GAIN: Final = 0.10
SURE: Final = 2.0
"""A gain is proposed as such when it is at least 10 %, and at least two of its deviations."""
WORTH_TRYING: Final = 0.01
"""What a canary has to promise: its upside over a quarter, less what the trial may cost."""
_TRIAL_SHARE: Final = 14 / 90
_WORSE: Final = 0.7
_MUCH_SLOWER: Final = log(1.15)
_CERTAIN: Final = 0.95
_FEWEST_TO_TAKE_BACK: Final = 3
_USUAL_CHANGE: Final = 0.1
"""The deviation of what one step changes, as it is expected beforehand."""
_NOTICED: Final = 0.01
_SAME: Final = 0.05
_STOP: Final = timedelta(days=60)
_FAILED_DIRECTIONS: Final = 2
_CLEAN_SYNCS: Final = 20
_FAR: Final = 3.0
_POINTS: Final = 31


@dataclass(frozen=True, slots=True)
class Reading:
    """One panel, what was seen of it, what is believed of it, and how far its dials may turn."""

    situation: Situation
    panel: Panel
    watched: Sequence[Watch]
    contrasts: Sequence[Contrast]
    told: Told
    surface: Surface
    rails: Mapping[str, Rails]

    @property
    def now(self) -> Watch:
        """Return what was seen of the present stretch."""
        return self.watched[-1]

    def gain(self, rails: Rails, value: float) -> Gain:
        """Return what a value of a dial gains over how all stand."""
        return self.surface.gain(self.panel.now.values, rails.knob.path, value)


@dataclass(frozen=True, slots=True)
class KnobAdvisor:
    """Turn one dial of an endpoint at a time, a step at a time, and take back what did not help."""

    name: str = "knobs"

    def advise(self, situation: Situation) -> list[Advice]:
        """Answer for every connection, in the order of their ids."""
        peers = Peers(situation)
        found: dict[str, list[Advice]] = {}
        for reading in readings(situation):
            finding = decide(reading)
            for advice in answers(situation, reading.panel, finding, peers, self.name):
                found.setdefault(advice.connection_id, []).append(advice)
        chosen: list[Advice] = []
        for subject in sorted(situation.subjects, key=lambda each: each.connection.id):
            key, status = subject.connection.id, subject.connection.status
            if status is not ConnectionStatus.ACTIVE:
                chosen.append(Keep(key, self.name, f"it is {status.value} and starts no syncs"))
            elif key in found:
                # It may have options at both ends, and one of them is turned at a time.
                turns = (each for each in found[key] if isinstance(each, Recommendation))
                chosen.append(next(turns, found[key][0]))
            else:
                reason = "no option of its connectors changes how fast it works"
                figures = {"can_parallelize": "no: no option of its source's connector does"}
                chosen.append(Keep(key, self.name, reason, figures))
        return chosen


def readings(situation: Situation) -> list[Reading]:
    """Read every panel, and believe of each what its like have shown too."""
    every = list(panels(situation))
    shown = [contrasts(situation, panel) for panel in every]
    said = [told(panel, each) for panel, each in zip(every, shown, strict=True)]
    found = []
    for panel, own, one, surface in zip(every, shown, said, surfaces(every, said), strict=True):
        watched = watches(situation, panel)
        rails = {
            knob.path: Rails.of(panel, knob, watched, _bounds(situation, panel, knob), factor)
            for knob in panel.knobs
            if (factor := panel.ratio(situation, knob, STEP)) is not None
        }
        found.append(Reading(situation, panel, watched, own, one, surface, rails))
    return found


def decide(reading: Reading) -> Finding:
    """Find the one thing to say: back off, wait, take back, step, try, keep, or not known."""
    steps = (_back_off, _take_back, _wait, _cool, _improve, _try)
    found = (step(reading) for step in steps if reading.rails)
    finding = next((each for each in found if each is not None), None)
    if finding is None:
        reason = (
            "no value within reach is better by enough to be worth a change"
            if reading.rails
            else "policy lets none of its options change"
        )
        finding = Finding(Move.KEEP, reason)
    return finding.knowing(_optimal(reading))


def _back_off(reading: Reading) -> Finding | None:
    """Shrink after trouble of load, at once: memory is for sizes, quotas and time for parallelism."""
    now = reading.now
    too_high = [each for each in reading.rails.values() if each.is_too_high]
    if not now.is_overloaded and not too_high:
        return None
    memory = now.troubled.get(Cause.OUT_OF_MEMORY, 0) or too_high
    order = sorted(
        reading.rails.values(),
        key=lambda each: (each.knob.kind is KnobKind.PARALLELISM) == bool(memory),
    )
    words = ", ".join(f"{n} {c.value}" for c, n in sorted(now.troubled.items()) if c.is_of_load)
    said = (
        f"of {now.ended} syncs at its present values some failed for load: {words}"
        if words
        else f"it stands above {BACK_OFF:.0%} of a size that ran out of memory before"
    )
    for rails in order:
        value = rails.back_off()
        if value is not None:
            gain = reading.gain(rails, value)
            against = (f"It is expected to run {-gain.mean:+.0%} longer.",) if gain.mean < 0 else ()
            return Finding(Move.BACK_OFF, _sentence(said), rails.knob, value, gain, against)
    return Finding(Move.KEEP, f"{said}, but its options are at their lowest already")


def _take_back(reading: Reading) -> Finding | None:
    """Return to the value before, when the present one turns out worse."""
    if len(reading.watched) < 2:  # noqa: PLR2004  a stretch before this one
        return None
    before, now = reading.watched[-2:]
    earlier = (each.values for each in reading.panel.stretches[:-2])
    if now.stretch.values in earlier:
        return None  # It has just returned to where it was, and must not swing.
    if before.is_overloaded or now.good < _FEWEST_TO_TAKE_BACK:
        return None
    for rails in reading.rails.values():
        value = before.stretch.values[rails.knob.path]
        if value == rails.now or not rails.reachable().admits(value):
            continue
        said = _why_back(reading, rails, value)
        if said is not None:
            gain = reading.gain(rails, value)
            return Finding(Move.TAKE_BACK, _sentence(said), rails.knob, value, gain)
    return None


def _why_back(reading: Reading, rails: Rails, value: float) -> str | None:
    """Say why the value before was better, or None when it was not.

    Three ways to tell: by all that is believed, by the last change alone, which counts where the
    surface fits badly, and by one connection that suffers while the others gain little.
    """
    gain, good = reading.gain(rails, value), reading.now.good
    where = (
        f"{good} syncs at {_number(rails.now)} were slower than those at {_number(value)} before"
    )
    enough = good >= WINDOW_SYNCS and gain.chance >= _WORSE
    if enough or (gain.mean >= _MUCH_SLOWER and gain.chance >= _CERTAIN):
        return f"{where}: by {gain.mean:.1%}, give or take {gain.deviation:.1%}"
    turn = Turn.of(reading.contrasts, len(reading.panel.stretches) - 1)
    if turn is None or good < WINDOW_SYNCS:
        return None
    trust = _USUAL_CHANGE**2 / (_USUAL_CHANGE**2 + turn.deviation**2)
    alone = Gain(turn.mean * trust, turn.deviation * trust**0.5)
    if alone.mean >= _NOTICED and alone.chance >= _WORSE:
        return f"{where}: by {turn.mean:.1%} of all their time, give or take {turn.deviation:.1%}"
    if turn.worst >= _MUCH_SLOWER and -turn.mean < LEAST_GAIN:
        return (
            f"one of its connections got {turn.worst:.0%} slower since, and the others gain little"
        )
    return None


def _wait(reading: Reading) -> Finding | None:
    """Wait for an evidence window at the present values."""
    good = reading.now.good
    if good >= WINDOW_SYNCS:
        return None
    said = f"{good} syncs were seen at its present values, and {WINDOW_SYNCS} are needed"
    return Finding(Move.UNKNOWN, said)


def _cool(reading: Reading) -> Finding | None:
    """Hold still while an incident, or the effect of the last change, is still being seen."""
    if recent_incident(reading.situation, reading.panel):
        return Finding(
            Move.KEEP, "its syncs have just failed for another reason: nothing is tried now"
        )
    if cooling(reading.watched):
        return Finding(Move.KEEP, "it has just backed off, and cools down")
    changed = last_change(reading.panel)
    if changed is not None and reading.situation.now - changed < COOL_DOWN:
        ago = format_span(reading.situation.now - changed)
        said = f"its options changed {ago} ago, and stand still for {COOL_DOWN.days} days"
        return Finding(Move.KEEP, said)
    return None


def _improve(reading: Reading) -> Finding | None:
    """Step towards a value that its own changes have shown to be better, for sure and by enough."""
    if not reading.told.is_anything:
        return None
    best: Finding | None = None
    for rails in reading.rails.values():
        aim = max(_grid(rails), key=lambda value: reading.gain(rails, value).mean)
        gain = reading.gain(rails, aim)
        if gain.mean < max(LEAST_GAIN, SURE * gain.deviation):
            continue
        value = rails.up() if aim > rails.now else rails.down()
        if value is None or not _may_rise(reading, rails, value):
            continue
        failed = taken_back(reading.panel, reading.situation.now - _STOP)
        if any(_is_near(rails, value, tried) for tried in failed):
            continue  # The belief fits badly there: what was seen of this very value counts.
        step = reading.gain(rails, value)
        if best is None or (best.gain and step.mean > best.gain.mean):
            said = (
                f"changes within its connections put the best {rails.knob.kind.value} near "
                f"{_number(aim)}, where it runs {gain.mean:.0%} shorter, give or take "
                f"{gain.deviation:.0%}; this is one step towards it"
            )
            best = Finding(Move.IMPROVE, _sentence(said), rails.knob, value, step)
    return best


def _try(reading: Reading) -> Finding | None:
    """Propose a canary where policy allows one, and say what it would be where it does not."""
    options = [
        (worth, rails, value, gain)
        for rails in reading.rails.values()
        for value in (rails.down(), rails.up())
        if value is not None and _may_rise(reading, rails, value) and _is_new(reading, rails, value)
        for gain in (reading.gain(rails, value),)
        if (worth := _worth(gain)) >= WORTH_TRYING
    ]
    if not options:
        if reading.told.is_anything:
            return None
        return Finding(
            Move.UNKNOWN,
            "none of its options was ever changed while it was watched, and no small step "
            "promises enough to try one",
        )
    worth, rails, value, gain = max(options, key=lambda each: (each[0], each[1].knob.path))
    if _given_up(reading):
        said = f"{_FAILED_DIRECTIONS} trials were taken back in the last {_STOP.days} days"
        return Finding(Move.KEEP, said)
    what = f"{rails.knob.path} {_number(rails.now)} → {_number(value)}"
    known = (
        "what its own changes and others with this option have shown"
        if reading.told.is_anything
        else "the connector's default and others with this option"
    )
    said = (
        f"how its speed depends on {rails.knob.path} is not known well: a canary, {what}, would "
        f"tell; by {known} it runs {gain.mean:+.1%} shorter, give or take {gain.deviation:.1%}"
    )
    if reading.panel.phase(reading.situation) < Phase.CANARY:
        return Finding(Move.UNKNOWN, f"{said}; policy allows no canary")
    against = (
        f"It may well be slower: the chance that it is faster is {gain.chance:.0%}. It is taken "
        f"back when {WINDOW_SYNCS} syncs or more show so."
    )
    return Finding(Move.TRY, _sentence(said), rails.knob, value, gain, (against,))


def _worth(gain: Gain) -> float:
    """Return what a trial promises over a quarter: kept where it helps, two weeks where it does not."""
    return gain.upside * (1 - _TRIAL_SHARE) + gain.mean * _TRIAL_SHARE


def _may_rise(reading: Reading, rails: Rails, value: float) -> bool:
    """Tell whether a dial may go up: only after many syncs with hardly any trouble of load."""
    if value < rails.now:
        return True
    return reading.now.is_clean and reading.now.good >= _CLEAN_SYNCS


def _is_new(reading: Reading, rails: Rails, value: float) -> bool:
    """Tell whether nothing near a value was seen before: a second trial would tell little more."""
    return not any(_is_near(rails, value, each) for each in reading.panel.stretches)


def _is_near(rails: Rails, value: float, stretch: Stretch) -> bool:
    return abs(log(value / stretch.values[rails.knob.path])) <= _SAME


def _given_up(reading: Reading) -> bool:
    """Tell whether values that were tried lately were taken back in both directions, or twice."""
    return len(taken_back(reading.panel, reading.situation.now - _STOP)) >= _FAILED_DIRECTIONS


def _bounds(situation: Situation, panel: Panel, knob: Knob) -> Bounds:
    """Narrow the bounds of parallelism to the present where the source is busy already."""
    found = panel.bounds(situation, knob)
    if knob.kind is KnobKind.PARALLELISM and is_busy(situation, panel):
        return found.intersect(Bounds(None, panel.now.values[knob.path]))
    return found


def _grid(rails: Rails) -> list[float]:
    """Return the values that a dial can take near where it stands, the present one among them."""
    around = Bounds(rails.now / _FAR, rails.now * _FAR)
    near = rails.bounds.intersect(Bounds(None, rails.cap)).intersect(around)
    low, high = near.low or rails.now, near.high or rails.now
    if low > high:
        return [rails.now]
    points = {rails.now, *(exp(z) for z in np.linspace(log(low), log(high), _POINTS))}
    whole = points if rails.knob.type == "number" else {float(round(each)) for each in points}
    return sorted(each for each in whole if near.admits(each)) or [rails.now]


def _optimal(reading: Reading) -> dict[str, str]:
    """Say where each dial is best, with the values that are as good as far as can be told."""
    figures: dict[str, str] = {}
    for rails in reading.rails.values():
        if not reading.told.is_anything:
            continue
        gains = {value: reading.gain(rails, value) for value in _grid(rails)}
        best = max(gains, key=lambda value: gains[value].mean)
        as_good = [
            value
            for value, gain in gains.items()
            if gains[best].mean - gain.mean <= max(gain.deviation, gains[best].deviation)
        ]
        parallel = rails.knob.kind is KnobKind.PARALLELISM
        name = "optimal_parallel_streams" if parallel else "optimal_batch_size"
        figures.setdefault(
            name,
            f"{_number(best)} ({rails.knob.path}; {_number(min(as_good))} to "
            f"{_number(max(as_good))} are about as good)",
        )
    figures["can_parallelize"] = _can_parallelize(reading)
    return figures


def _can_parallelize(reading: Reading) -> str:
    rails = next(
        (each for each in reading.rails.values() if each.knob.kind is KnobKind.PARALLELISM), None
    )
    if rails is None:
        return "no: no option of its source's connector does, or policy lets it not change"
    if is_busy(reading.situation, reading.panel):
        return f"no: its source is at {BUSY:.0%} of what it can bear, or above"
    if not reading.now.is_clean:
        return "no: its syncs failed for load at the present value"
    if rails.up() is None:
        return f"no: {rails.knob.path} is at its highest"
    return f"yes: {rails.knob.path} is at {_number(rails.now)}, below its limit"


def _sentence(said: str) -> str:
    return f"{said[0].upper()}{said[1:]}."


def _number(value: float) -> str:
    return f"{value:,.12g}"
