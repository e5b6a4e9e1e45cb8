"""Contrasts: how much slower or faster the syncs of a connection were, stretch by stretch.

Only differences within a connection count. Large tables have other settings than small ones, so
that across connections a setting and its effect cannot be told apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bot.advise.advisor import Situation
from bot.advise.knobs_dials import Panel
from bot.forecast.order import Flags, Ints
from bot.forecast.runs import DAY_SECONDS, Runs, epoch

Numbers = NDArray[np.float64]

WEATHER: Final = 0.04
"""By so much do stretches of time differ for all syncs of an endpoint, whatever is set."""
FEWEST: Final = 3
"""So many syncs of a connection make a stretch of it."""
_MOST_CONNECTIONS: Final = 24
_SLOPE: Final = (0.7, 0.3)
"""How time grows with rows, on log scales: mean and deviation of what is expected beforehand."""
_CALENDAR: Final = 0.3
"""How much an hour or a weekend may differ, as a deviation of logs."""
_CLIP: Final = 2.5
_DESIGN: Final = 1.5
"""Errors of one connection hang together, so that its syncs count for less than their number."""
_FIRST_NOISE: Final = 0.2
_LEAST_NOISE: Final = 0.03
_ROUNDS: Final = 3
_DOUBTLESS: Final = 2.5
_TO_DEVIATION: Final = 1.4826
_EPOCH_WEEKDAY: Final = 3
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class Contrast:
    """One connection: the mean log seconds of each of its stretches, with their covariance.

    The means are those of syncs of equal rows at equal hours. `stretches` numbers them in the panel,
    `work` are the seconds that its syncs took in all.
    """

    stretches: tuple[int, ...]
    means: Numbers
    covariance: Numbers
    work: float

    def slower(self, now: int, before: int) -> tuple[float, float] | None:
        """Return by how much it got slower between two stretches, and the variance of that."""
        if now not in self.stretches or before not in self.stretches:
            return None
        a, b = self.stretches.index(now), self.stretches.index(before)
        own = self.covariance
        return float(self.means[a] - self.means[b]), float(own[a, a] + own[b, b] - 2 * own[a, b])


@dataclass(frozen=True, slots=True)
class Turn:
    """What became of run time after the last change, in logs: weighed by time at work.

    `mean` and `deviation` are of all connections together; `worst` is the largest slow-down of one
    connection that is beyond doubt, 0 where none is.
    """

    mean: float
    deviation: float
    worst: float

    @classmethod
    def of(cls, found: Sequence[Contrast], now: int) -> "Turn | None":
        """Compare the present stretch with the one before; None where no connection shows both."""
        both = [(each.slower(now, now - 1), each.work) for each in found]
        seen_twice = [(change, work) for change, work in both if change is not None]
        if not seen_twice:
            return None
        total = sum(work for _, work in seen_twice)
        mean = sum(change[0] * work for change, work in seen_twice) / total
        variance = sum(change[1] * work**2 for change, work in seen_twice) / total**2
        doubtless = [
            change[0]
            for change, _ in seen_twice
            if change[0] > _DOUBTLESS * (change[1] + 2 * WEATHER**2) ** 0.5
        ]
        return cls(mean, (variance + 2 * WEATHER**2) ** 0.5, max(doubtless, default=0.0))


def contrasts(situation: Situation, panel: Panel) -> list[Contrast]:
    """Return the contrasts of a panel's connections, of those with the most time at work."""
    runs = situation.runs
    if runs is None:
        return []
    places = []
    for subject in panel.subjects:
        index = runs.find(subject.connection.id)
        if index is not None:
            places.append(runs.place(index))
    places.sort(key=lambda mine: (-float(np.nansum(runs.seconds[mine])), mine.start))
    found = (_contrast(runs, mine, panel) for mine in places[:_MOST_CONNECTIONS])
    return [each for each in found if each is not None]


def seen(runs: Runs, mine: slice, panel: Panel) -> Ints:
    """Return the stretch in which each run began; -1 where nobody looked."""
    created = runs.created[mine]
    stretch = np.full(len(created), -1)
    for number, each in enumerate(panel.stretches):
        inside = (created >= epoch(each.start)) & (created <= epoch(each.end))
        stretch[inside] = number
    return stretch


def _contrast(runs: Runs, mine: slice, panel: Panel) -> Contrast | None:
    stretch = seen(runs, mine, panel)
    with np.errstate(invalid="ignore"):
        usable = runs.succeeded[mine] & (runs.rows[mine] > 0) & (runs.seconds[mine] > 0)
    usable &= stretch >= 0
    counts = np.bincount(stretch[usable], minlength=len(panel.stretches))
    enough = np.flatnonzero(counts >= FEWEST)
    usable &= np.isin(stretch, enough)
    if not len(enough):
        return None
    means, covariance = _means(runs, mine, usable, np.searchsorted(enough, stretch[usable]))
    work = float(runs.seconds[mine][usable].sum(dtype=np.float64))
    return Contrast(tuple(enough.tolist()), means, covariance, work)


def _means(runs: Runs, mine: slice, usable: Flags, stretch: Ints) -> tuple[Numbers, Numbers]:
    """Fit log seconds by stretch, rows, hour and weekend, with outliers clipped."""
    seconds = np.log(runs.seconds[mine][usable].astype(np.float64))
    rows = np.log(runs.rows[mine][usable].astype(np.float64))
    created = runs.created[mine][usable]
    count = int(stretch.max()) + 1
    design, prior, centre = _design(stretch, count, rows, created)
    weight, noise = np.ones(len(seconds)), _FIRST_NOISE
    covariance, solution = _fit(design, seconds, weight / noise**2, (prior, centre))
    for _ in range(_ROUNDS):
        residual = np.abs(seconds - design @ solution)
        noise = max(_TO_DEVIATION * float(np.median(residual)), _LEAST_NOISE)
        weight = np.minimum(1.0, _CLIP * noise / np.maximum(residual, 1e-9))
        covariance, solution = _fit(design, seconds, weight / noise**2, (prior, centre))
    return solution[:count], covariance[:count, :count] * _DESIGN


def _fit(
    design: Numbers, seconds: Numbers, weight: Numbers, expected: tuple[Numbers, Numbers]
) -> tuple[Numbers, Numbers]:
    prior, centre = expected
    scaled = design.T * weight
    covariance = np.linalg.inv(scaled @ design + np.diag(prior)).astype(np.float64)
    return covariance, covariance @ (scaled @ seconds + prior * centre)


def _design(
    stretch: Ints, count: int, rows: Numbers, created: Ints
) -> tuple[Numbers, Numbers, Numbers]:
    """Return the columns of the fit, and how sure of which coefficient one is beforehand."""
    hours, hour = np.unique(created // 3600 % 24, return_inverse=True)
    weekend = (created // DAY_SECONDS + _EPOCH_WEEKDAY) % 7 >= _SATURDAY
    columns = [np.eye(count)[stretch], (rows - rows.mean())[:, None]]
    if len(hours) > 1:
        columns.append(np.eye(len(hours))[hour])
    columns.append(weekend.astype(np.float64)[:, None])
    design = np.concatenate(columns, axis=1)
    prior = np.full(design.shape[1], 1 / _CALENDAR**2)
    prior[:count] = 1e-6
    prior[count] = 1 / _SLOPE[1] ** 2
    centre = np.zeros(design.shape[1])
    centre[count] = _SLOPE[0]
    return design, prior, centre
