"""What came of tuning a real connector: the steps, and runs at the first and the last knobs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import expm1, log, sqrt
from statistics import mean, variance
from typing import Final

_FEWEST: Final = 3
_UPPER: Final = 0.95


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
    """A connection's knobs at the start and at the end, and real seconds of runs at both.

    The runs were made in pairs after the loop, one right after the other, so that what else the
    machine does weighs on both; one that ended where it began has none, and a pair of which a run
    failed is left out.
    """

    name: str
    first: Mapping[str, int]
    last: Mapping[str, int]
    pairs: tuple[tuple[float, float], ...] = ()


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
    """By which share a run gets longer (negative: shorter), with its 90 % interval."""

    share: float
    low: float
    high: float

    @property
    def is_told_from_luck(self) -> bool:
        """Tell whether the interval leaves out that nothing changed."""
        return self.low > 0 or self.high < 0


def change_of(courses: Sequence[Course]) -> Change | None:
    """Compare last with first, pair by pair; several connections count alike.

    The interval is Student's, of the mean log ratio. None where too few pairs were run to tell.
    """
    ratios = [[log(last / first) for first, last in each.pairs] for each in courses if each.pairs]
    if not ratios or min(map(len, ratios)) < _FEWEST:
        return None
    found = mean(mean(each) for each in ratios)
    error = sqrt(sum(variance(each) / len(each) for each in ratios)) / len(ratios)
    from scipy.stats import t

    reach = error * float(t.ppf(_UPPER, sum(len(each) - 1 for each in ratios)))
    return Change(expm1(found), expm1(found - reach), expm1(found + reach))
