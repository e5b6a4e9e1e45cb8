"""Comparison: one stretch of time in two worlds, as figures and as a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Final

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from numpy.typing import NDArray

from bot.domain.money import Money
from bot.domain.prices import PriceBook
from bot.lab.bills import Bill
from bot.lab.jobs import JobStatus
from bot.lab.truth import Truth

_HOUR: Final = 3600
_HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class Stretch:
    """What happened from an instant on: money, promises, failures, and how busy it was.

    `busy` has the mean number of syncs at work in each hour of the UTC day, `peak` is the most that
    were ever at work at once. `daily` is the cost of each day by when its syncs were created.
    """

    bill: Bill
    days: int
    promised: int
    missed: int
    failed: int
    syncs: int
    busy: tuple[float, ...]
    peak: int
    daily: tuple[Money, ...]


def stretch(truth: Truth, since: datetime, until: datetime, prices: PriceBook) -> Stretch:
    """Measure what happened between two instants."""
    table = truth.table(since)
    inside = table["created"] < int(until.timestamp())
    status = table["status"][inside]
    started, ended = table["started"][inside], table["updated"][inside]
    worked = started > 0
    promises = [each for each in truth.promises(since) if each.at < until.timestamp()]
    days = max(1, (until - since).days)
    return Stretch(
        bill=truth.bill(since, prices, until),
        days=days,
        promised=len(promises),
        missed=sum(not each.kept for each in promises),
        failed=int((status == JobStatus.FAILED).sum()),
        syncs=len(status),
        busy=_busy(started[worked], ended[worked], days),
        peak=_peak(started[worked], ended[worked]),
        daily=tuple(
            truth.bill(since + timedelta(days=day), prices, since + timedelta(days=day + 1)).total
            for day in range(days)
        ),
    )


def _busy(started: NDArray[np.int64], ended: NDArray[np.int64], days: int) -> tuple[float, ...]:
    seconds = np.zeros(_HOURS)
    for begin, end in zip(started.tolist(), ended.tolist(), strict=True):
        at = begin
        while at < end:
            until = min(end, at - at % _HOUR + _HOUR)
            seconds[at // _HOUR % _HOURS] += until - at
            at = until
    return tuple(float(value) for value in seconds / _HOUR / days)


def _peak(started: NDArray[np.int64], ended: NDArray[np.int64]) -> int:
    times = np.concatenate([started, ended])
    steps = np.concatenate([np.ones(len(started), int), -np.ones(len(ended), int)])
    # One that ends in the second in which another starts makes room for it.
    order = np.lexsort((steps, times))
    return int(np.cumsum(steps[order]).max(initial=0))


def picture(before: Stretch, after: Stretch) -> str:
    """Draw both as one SVG: syncs at work by the hour, and cost by the day."""
    top = max(*before.busy, *after.busy, 1e-9)
    most = max((each.amount for each in (*before.daily, *after.daily)), default=Decimal(1))
    return _template().render(
        bars=[
            (hour, _height(before.busy[hour], top), _height(after.busy[hour], top))
            for hour in range(_HOURS)
        ],
        lines=[_points(each.daily, float(most) or 1.0) for each in (before, after)],
        before=before,
        after=after,
        most=Money(most, before.bill.total.currency),
        top=top,
    )


def _height(value: float, top: float) -> float:
    return round(150 * value / top, 1)


def _points(daily: Sequence[Money], most: float) -> str:
    step = 340 / max(1, len(daily) - 1)
    return " ".join(
        f"{460 + step * day:.1f},{210 - 150 * float(each.amount) / most:.1f}"
        for day, each in enumerate(daily)
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("bot.lab"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("comparison.svg.j2")
