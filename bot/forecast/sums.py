"""Sums: what the planned syncs of a whole fleet take of one quantity, worked out in columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bot.domain.forecast import Quantiles, Unknown
from bot.forecast.conformal import LEVELS
from bot.forecast.order import Flags, Floats, Ints, median
from bot.forecast.plans import Plans
from bot.forecast.quantity import FEWEST_IN_FAMILY, Quantity
from bot.forecast.runs import epoch
from bot.forecast.series import LOCAL_RUNS, THIN_RUNS

Numbers: TypeAlias = NDArray[np.float64]
NEVER_RUN = Unknown("neither it nor enough others have run yet")
NEVER_TESTED = Unknown("no forecast of this fleet has been tested yet: it needs more history")
_P50 = LEVELS.index(0.5)


@dataclass(frozen=True)
class Members:
    """Connections as a quantity knows them: their place in its runs, or -1, and their families."""

    index: Ints
    families: Sequence[str]

    def local(self, quantity: Quantity) -> Flags:
        """Tell which have enough syncs for a forecast of their own."""
        return self._known(quantity.series.fits.count[:, quantity.origin] >= LOCAL_RUNS)

    def thin(self, quantity: Quantity) -> Flags:
        """Tell which have a handful, which makes a median."""
        return self._known(quantity.counts >= THIN_RUNS) & ~self.local(quantity)

    def _known(self, those: Flags) -> Flags:
        if not len(those):
            return np.zeros(len(self.index), np.bool_)
        known: Flags = (self.index >= 0) & those[np.maximum(self.index, 0)]
        return known


@dataclass(frozen=True)
class Sums:
    """The quantiles of each connection's sum: `logs` (connections, levels) of what is to come.

    `had` is what the span has had already. NaN is not known; `untested` tells which of these lack
    past forecasts, rather than syncs.
    """

    logs: Numbers
    had: Numbers
    counts: Ints
    untested: Flags

    def at(self, place: int) -> Quantiles[int] | Unknown:
        """Return one connection's quantiles."""
        had = round(float(self.had[place]))
        if not self.counts[place]:
            return Quantiles.exactly(had)
        logs = self.logs[place]
        if np.isnan(logs).any():
            return NEVER_TESTED if self.untested[place] else NEVER_RUN
        return whole(logs, had)


def sums(
    quantity: Quantity, plans: Plans, members: Members, widths: Floats, since: datetime | None
) -> Sums:
    """Forecast the sum over each connection's planned starts.

    Args:
        quantity: what is summed up.
        plans: when syncs start.
        members: the connections of the plans.
        widths: what to add to the log of a sum, (connections of the runs, levels).
        since: from when on what has been moved already is added; None for nothing.
    """
    counts = plans.counts
    local, thin = members.local(quantity), members.thin(quantity)
    logs = np.full((len(counts), len(LEVELS)), np.nan)
    points = _points(quantity, plans, members, local)
    own = local | thin
    added = widths_of(quantity, members, widths)
    logs[own] = points[own, None] + added[own]
    for place in np.flatnonzero(~own & (counts > 0)).tolist():
        found = quantity.of_family(members.families[place])
        if found is not None:
            logs[place] = found[0] + np.log(counts[place])
    logs[counts == 0] = np.nan
    had = np.zeros(len(counts)) if since is None else _had(quantity, members, since)
    return Sums(logs, had, counts, own)


def whole(logs: Numbers, had: int = 0) -> Quantiles[int]:
    """Return quantiles in whole numbers, on top of what is there already."""
    p05, p50, p80, p95 = (had + round(value) for value in np.exp(logs).tolist())
    return Quantiles(p05, max(p05, p50), max(p05, p50, p80), max(p05, p50, p80, p95))


def wider(logs: Numbers, factors: Numbers) -> Numbers:
    """Move each row's bounds away from its median by a factor, on the log scale."""
    middle = logs[:, _P50 : _P50 + 1]
    return middle + (logs - middle) * factors[:, None]


def _points(quantity: Quantity, plans: Plans, members: Members, local: Flags) -> Numbers:
    """Return the log of the sum of each connection's median forecasts."""
    size, counts = plans.size, plans.counts
    mine = local[plans.who]
    who, when = plans.who[mine], plans.when[mine]
    fits = quantity.series.fits
    logs = fits.predict(members.index[who], when, np.full(len(who), quantity.origin))
    total = np.bincount(who, weights=np.exp(logs.astype(np.float64)), minlength=size)
    with np.errstate(divide="ignore"):
        points: Numbers = np.log(total)
        if len(quantity.medians):
            usual = quantity.medians[np.maximum(members.index, 0)] + np.log(counts)
            points = np.where(local, points, usual)
    return points


def widths_of(quantity: Quantity, members: Members, widths: Floats) -> Numbers:
    """Return each member's widths; a thin one gets the middle ones of its like.

    Its own few errors say too little of how large errors are.
    """
    if not len(widths):
        return np.full((len(members.index), len(LEVELS)), np.nan)
    found = widths[np.maximum(members.index, 0)].astype(np.float64)
    alike: dict[str, Floats] = {}
    for place in np.flatnonzero(members.thin(quantity)).tolist():
        family = members.families[place]
        if family not in alike:
            alike[family] = _of_like(quantity, widths, family)
        found[place] = alike[family]
    return found


def _of_like(quantity: Quantity, widths: Floats, family: str) -> Floats:
    local = quantity.series.fits.count[:, quantity.origin] >= LOCAL_RUNS
    like = local & (np.asarray(quantity.series.runs.families, dtype=object) == family)
    chosen = widths[like if like.sum() >= FEWEST_IN_FAMILY else local]
    return median(chosen.T) if len(chosen) else np.full(len(LEVELS), np.nan, np.float32)


def _had(quantity: Quantity, members: Members, since: datetime) -> Numbers:
    series = quantity.series
    recent = series.runs.created >= epoch(since)
    moved: Numbers = np.bincount(
        series.runs.connection[recent],
        weights=series.amounts[recent],
        minlength=len(series.runs.connections) + 1,
    ).astype(np.float64)
    # The last place is nobody's: what a connection without runs has had.
    had: Numbers = moved[np.where(members.index >= 0, members.index, len(moved) - 1)]
    return had
