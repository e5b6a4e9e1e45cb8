"""The response surface: how run time bends with the log of each setting, and how sure that is.

Around its best value, time bends like a parabola in the log of a setting, since per-row time is
1 + K/b + b/B. The two coefficients have a prior: that the connector's default is about right, and
that time bends little. What other endpoints with the same option have shown moves it; what this
one shows, by changes within its own connections, decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import erf, exp, log, pi, sqrt
from typing import Final

import numpy as np

from bot.advise.knobs_contrast import WEATHER, Contrast, Numbers
from bot.advise.knobs_dials import Panel
from bot.domain.knob import Knob

_BEND: Final = 0.08
_BEND_DEVIATION: Final = 0.05
_TILT_DEVIATION: Final = 0.12
"""Tilt is -2 · bend · the log distance of the best value from the default: 0.6, give or take."""
_FLEET_TILT: Final = 0.08
_FLEET_BEND: Final = 0.03
_FLAT: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Belief:
    """A normal distribution of coefficients, two for each knob: tilt and bend."""

    mean: Numbers
    covariance: Numbers


@dataclass(frozen=True, slots=True)
class Told:
    """What data say of the coefficients: precision, and precision times mean."""

    precision: Numbers
    shift: Numbers

    @property
    def is_anything(self) -> bool:
        """Tell whether anything was ever changed and watched."""
        return bool(np.abs(self.precision).max(initial=0.0) > _FLAT)


@dataclass(frozen=True, slots=True)
class Gain:
    """By which share of run time a value is better than the present one: mean and deviation."""

    mean: float
    deviation: float

    @property
    def chance(self) -> float:
        """Return the probability that it is better at all."""
        if self.deviation <= 0:
            return float(self.mean > 0)
        return 0.5 * (1 + erf(self.mean / self.deviation / sqrt(2)))

    @property
    def upside(self) -> float:
        """Return what is to be expected when what turns out worse is taken back."""
        if self.deviation <= 0:
            return max(self.mean, 0.0)
        z = self.mean / self.deviation
        return self.mean * self.chance + self.deviation * exp(-z * z / 2) / sqrt(2 * pi)


@dataclass(frozen=True, slots=True)
class Surface:
    """The belief about one panel, in logs relative to each knob's reference."""

    knobs: tuple[Knob, ...]
    references: tuple[float, ...]
    belief: Belief

    def gain(self, now: Mapping[str, float], path: str, value: float) -> Gain:
        """Return what turning one dial to a value gains over how all stand."""
        change = _features(self, {**now, path: value}) - _features(self, now)
        mean = -float(change @ self.belief.mean)
        return Gain(mean, sqrt(max(float(change @ self.belief.covariance @ change), 0.0)))


def reference(knob: Knob, panel: Panel) -> float:
    """Return the value that logs are taken from: the default, else where the dial stood first."""
    default = None if knob.default is None else knob.number(knob.default)
    return default or panel.stretches[0].values[knob.path]


def told(panel: Panel, found: Sequence[Contrast]) -> Told:
    """Say what the contrasts of a panel tell of its coefficients."""
    size = 2 * len(panel.knobs)
    nothing = Told(np.zeros((size, size)), np.zeros(size))
    several = [each for each in found if len(each.stretches) > 1]
    if not several:
        return nothing
    prior = Surface(panel.knobs, tuple(reference(k, panel) for k in panel.knobs), _PLAIN)
    rows = sum(len(each.stretches) for each in several)
    levels, slopes = np.zeros((rows, len(several))), np.zeros((rows, size))
    noise, means = np.zeros((rows, rows)), np.zeros(rows)
    numbers = np.concatenate([each.stretches for each in several])
    first = 0
    for column, each in enumerate(several):
        mine = slice(first, first + len(each.stretches))
        levels[mine, column] = 1
        means[mine] = each.means
        noise[mine, mine] = each.covariance
        for row, number in enumerate(each.stretches):
            slopes[first + row] = _features(prior, panel.stretches[number].values)
        first += len(each.stretches)
    noise += WEATHER**2 * (numbers[:, None] == numbers[None, :])
    sure = np.linalg.inv(noise)
    # Each connection has a level of its own, about which nothing is known beforehand.
    of_levels = levels.T @ sure @ levels
    across = slopes.T @ sure @ levels
    kept = across @ np.linalg.inv(of_levels)
    precision = slopes.T @ sure @ slopes - kept @ across.T
    shift = slopes.T @ sure @ means - kept @ (levels.T @ sure @ means)
    return Told(precision, shift)


def surfaces(panels: Sequence[Panel], said: Sequence[Told]) -> list[Surface]:
    """Return the belief about each panel: what its like have shown, and then what it shows itself."""
    like: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for number, panel in enumerate(panels):
        like.setdefault(_kind(panel), []).append(number)
    found: list[Surface | None] = [None] * len(panels)
    for members in like.values():
        knobs = panels[members[0]].knobs
        within, hyper = _spread(len(knobs)), _fleet(len(knobs))
        learnt = {number: _seen_through(said[number], within) for number in members}
        everyone = _sum(list(learnt.values()), 2 * len(knobs))
        for number in members:
            prior = _updated(hyper, _without(everyone, learnt[number]))
            wide = Belief(prior.mean, prior.covariance + within)
            panel = panels[number]
            references = tuple(reference(knob, panel) for knob in panel.knobs)
            found[number] = Surface(panel.knobs, references, _updated(wide, said[number]))
    return [each for each in found if each is not None]


def _kind(panel: Panel) -> tuple[tuple[str, str], ...]:
    return tuple((knob.connector, knob.path) for knob in panel.knobs)


def _features(surface: Surface, values: Mapping[str, float]) -> Numbers:
    found = []
    for knob, base in zip(surface.knobs, surface.references, strict=True):
        z = log(max(values[knob.path], 1e-9) / base)
        found += [z, z * z]
    return np.asarray(found)


def _spread(knobs: int) -> Numbers:
    """Return how endpoints with the same options differ from one another."""
    return np.diag([_TILT_DEVIATION**2, _BEND_DEVIATION**2] * knobs)


def _fleet(knobs: int) -> Belief:
    """Return what is believed of an option before anybody has turned it."""
    spread = np.diag([_FLEET_TILT**2, _FLEET_BEND**2] * knobs)
    return Belief(np.asarray([0.0, _BEND] * knobs), spread)


def _seen_through(one: Told, within: Numbers) -> Told:
    """Return what an endpoint tells of its like: its own peculiarity stands between."""
    blur = np.linalg.inv(np.linalg.inv(within) + one.precision)
    keep = np.eye(len(one.shift)) - one.precision @ blur
    return Told(keep @ one.precision, keep @ one.shift)


def _sum(parts: Sequence[Told], size: int) -> Told:
    precision, shift = np.zeros((size, size)), np.zeros(size)
    for part in parts:
        precision, shift = precision + part.precision, shift + part.shift
    return Told(precision, shift)


def _without(whole: Told, part: Told) -> Told:
    return Told(whole.precision - part.precision, whole.shift - part.shift)


def _updated(prior: Belief, data: Told) -> Belief:
    sure = np.linalg.inv(prior.covariance)
    covariance = np.linalg.inv(sure + data.precision).astype(np.float64)
    return Belief(covariance @ (sure @ prior.mean + data.shift), covariance)


_PLAIN: Final = Belief(np.zeros(0), np.zeros((0, 0)))
