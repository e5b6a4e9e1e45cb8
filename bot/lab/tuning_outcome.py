"""What came of tuning a real connector: steps, and the runs before the first and after the last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import expm1
from typing import Final

import numpy as np

_FEWEST: Final = 3
_ROUNDS: Final = 2000


@dataclass(frozen=True, slots=True)
class Step:
    """One change that was made: on which day of the lab, where, of what, and which kind of step."""

    day: int
    name: str
    path: str
    before: int
    after: int
    move: str


@dataclass(frozen=True, slots=True)
class Course:
    """A connection's knobs at the start and at the end, and the real seconds of its runs there.

    One that was never turned has all its runs at both ends.
    """

    name: str
    first: Mapping[str, int]
    last: Mapping[str, int]
    first_seconds: tuple[float, ...]
    last_seconds: tuple[float, ...]

    @property
    def is_turned(self) -> bool:
        """Tell whether it ended with other knobs than it began with."""
        return self.first != self.last


@dataclass(frozen=True, slots=True)
class Outcome:
    """A whole trial: `days` of the lab that passed, `runs` that ended, those `failed` included."""

    courses: tuple[Course, ...]
    steps: tuple[Step, ...]
    days: int
    runs: int
    failed: int
    took: timedelta


@dataclass(frozen=True, slots=True)
class Change:
    """By which share the median run got longer (negative: shorter), with its 90 % interval."""

    share: float
    low: float
    high: float

    @property
    def is_told_from_luck(self) -> bool:
        """Tell whether the interval leaves out that nothing changed."""
        return self.low > 0 or self.high < 0


def change_of(courses: Sequence[Course], seed: int) -> Change | None:
    """Compare the last runs with the first by drawing them again; connections count alike.

    None where none of them was turned, or one that was has fewer than three runs at either end.
    """
    turned = [each for each in courses if each.is_turned]
    fewest = min(
        (min(len(each.first_seconds), len(each.last_seconds)) for each in turned), default=0
    )
    if fewest < _FEWEST:
        return None
    dice = np.random.default_rng(seed)
    mean, drawn = 0.0, np.zeros(_ROUNDS)
    for each in turned:
        first, last = np.log(each.first_seconds), np.log(each.last_seconds)
        mean += float(np.median(last) - np.median(first)) / len(turned)
        for runs, sign in ((last, 1), (first, -1)):
            medians = np.median(dice.choice(runs, (_ROUNDS, len(runs))), axis=1)
            drawn += sign * medians / len(turned)
    low, high = np.quantile(drawn, (0.05, 0.95))
    return Change(expm1(mean), expm1(low), expm1(high))
