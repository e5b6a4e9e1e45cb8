"""Months: what syncs move and take in a month to come, as quantiles, and what that costs."""

from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bot.domain.forecast import Quantiles, Unknown
from bot.domain.money import Money
from bot.domain.prices import PriceBook
from bot.forecast.cost import CPUS
from bot.forecast.order import Ints
from bot.forecast.runs import DAY_SECONDS

MONTH_DAYS: Final = 30
_Z80: Final = 0.8416
_Z95: Final = 1.6449
_STEPS: Final = 0.2

Spread = tuple[float, float, float, float]
"""A quantity of a month at p05, p50, p80 and p95."""
NOTHING: Final[Spread] = (0.0, 0.0, 0.0, 0.0)


def month(created: Ints, amounts: NDArray[np.float64], days: float) -> Spread:
    """Return the total of a month to come, from `days` days of syncs.

    Days differ, and the mean of some weeks is not that of the next month: both are in the spread. So
    is what drifts: the later half is the better guess of the level, and what it differs by from the
    earlier one may happen again, up to the middle of the month to come. Levels step as well, which
    days taken for independent do not show; how much was set on fleets of the lab that no published
    figure is from (docs/results.md).
    """
    if not len(created):
        return NOTHING
    days = max(days, 1.0)
    daily = np.bincount((created - created[0]) // DAY_SECONDS, weights=amounts)[: int(days)]
    half = len(daily) // 2
    early, late = (
        (float(daily[:half].mean()), float(daily[half:].mean()))
        if half
        else (float(amounts.sum()) / days,) * 2
    )
    mean = late * MONTH_DAYS
    spread = float(daily.std(ddof=1)) if len(daily) > 1 else mean
    deviation = spread * (MONTH_DAYS + MONTH_DAYS**2 / days) ** 0.5
    # From the middle of the later half to the middle of the month, in units of half the record.
    ahead = 0.5 + MONTH_DAYS / days
    drifted = (late - early) * MONTH_DAYS * ahead
    deviation = (deviation**2 + drifted**2 + (_STEPS * mean) ** 2) ** 0.5
    low = max(mean - _Z95 * deviation, 0.0)
    return low, mean, mean + _Z80 * deviation, mean + _Z95 * deviation


def price(
    prices: PriceBook, connector: str, rows: Spread, size: Spread, seconds: Spread
) -> Quantiles[Money] | Unknown:
    """Price the syncs of a month under every plan that the team pays for.

    How long a warehouse is kept awake is left out, since nothing says who else uses it.
    """
    if not (prices.volume or prices.capacity or prices.compute):
        return Unknown("no price is set")
    billing = prices.billing_class(connector)
    amounts = []
    for moved, weighed, worked in zip(rows, size, seconds, strict=True):
        cost = Money.zero(prices.currency)
        if prices.volume:
            cost += prices.volume.cost(billing, round(moved), round(weighed))
        held = timedelta(seconds=worked)
        if prices.capacity:
            cost += prices.capacity.cost(CPUS[billing], held)
        if prices.compute:
            cost += prices.compute.cost(CPUS[billing], held)
        amounts.append(cost)
    return Quantiles(*amounts)


def less(cost: Quantiles[Money] | Unknown) -> Quantiles[Money] | Unknown:
    """Turn a cost into a saving: what is dear is a loss."""
    if isinstance(cost, Unknown):
        return cost
    p20 = cost.p50 + cost.p50 - cost.p80
    return Quantiles(-cost.p95, -cost.p50, -max(min(p20, cost.p50), cost.p05), -cost.p05)
