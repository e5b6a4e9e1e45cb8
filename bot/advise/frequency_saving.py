"""What another frequency saves in money: full refresh and incremental told apart.

A table that is read whole costs its rows at every sync: they fall with the number of syncs. What
changed is moved once, however often one looks: of an incremental stream only the time saved that
each sync takes before its first row.
"""

from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bot.advise.frequency_record import Record
from bot.domain.forecast import Quantiles, Unknown
from bot.domain.money import Money
from bot.domain.prices import PriceBook
from bot.forecast.cost import CPUS
from bot.forecast.runs import DAY_SECONDS

_MONTH_DAYS: Final = 30
_Z80: Final = 0.8416
_Z95: Final = 1.6449

Spread = tuple[float, float, float, float]
"""A quantity of a month at p05, p50, p80 and p95."""


def saving(
    prices: PriceBook, connector: str, record: Record, kept: float
) -> Quantiles[Money] | Unknown:
    """Return what a month gets cheaper when `kept` times as many syncs start as today.

    More than one means more syncs, and a negative saving. How long a warehouse is kept awake is
    left out, since nothing says who else uses it.
    """
    if not (prices.volume or prices.capacity or prices.compute):
        return Unknown("no price is set")
    less = Less.of(record, abs(1 - kept))
    billing = prices.billing_class(connector)
    amounts = []
    for rows, size, seconds in zip(less.rows, less.bytes, less.seconds, strict=True):
        spared = Money.zero(prices.currency)
        if prices.volume:
            spared += prices.volume.cost(billing, round(rows), round(size))
        held = timedelta(seconds=seconds)
        if prices.capacity:
            spared += prices.capacity.cost(CPUS[billing], held)
        if prices.compute:
            spared += prices.compute.cost(CPUS[billing], held)
        amounts.append(spared)
    p05, p50, p80, p95 = amounts
    if kept <= 1:
        return Quantiles(p05, p50, p80, p95)
    p20 = p50 + p50 - p80
    return Quantiles(-p95, -p50, -max(min(p20, p50), p05), -p05)


class Less:
    """What a month moves less when a share of the syncs does not start: four quantiles each."""

    def __init__(self, rows: Spread, size: Spread, seconds: Spread) -> None:
        self.rows = rows
        self.bytes = size
        self.seconds = seconds

    @classmethod
    def of(cls, record: Record, share: float) -> "Less":
        """Work it out from what the syncs of the record moved and took."""
        full = record.full_share
        # Nothing says how the rows of a mixed connection divide among its streams.
        moved = (share * (full == 1), share * full, share * (full > 0))
        rows = _month(record, record.rows.astype(np.float64))
        size = _month(record, record.bytes.astype(np.float64))
        whole = _month(record, record.seconds.astype(np.float64))
        starts = _month(record, np.ones(len(record.created)))
        before_first_row = tuple(
            tuple(count * share * overhead for count in starts) for overhead in record.overhead
        )
        if full == 1:
            seconds = tuple(share * each for each in whole)
        elif full == 0:
            seconds = _joined(*before_first_row)
        else:
            read_whole = tuple(share * full * each for each in whole)
            seconds = _joined(before_first_row[0], read_whole, tuple(share * s for s in whole))
        return cls(_scaled(rows, moved), _scaled(size, moved), _ordered(seconds))


def _month(record: Record, amounts: NDArray[np.float64]) -> Spread:
    """Return the total of a month to come, from the days of the record.

    Days differ, and the mean of some weeks is not that of the next month: both are in the spread.
    """
    days = max(int(record.days), 1)
    place = (record.created - record.created[0]) // DAY_SECONDS if len(record.created) else []
    daily = np.bincount(place, weights=amounts, minlength=days)[: max(days, 1)]
    mean = float(daily.mean()) * _MONTH_DAYS
    spread = float(daily.std(ddof=1)) if days > 1 else mean
    deviation = spread * (_MONTH_DAYS + _MONTH_DAYS**2 / days) ** 0.5
    low = max(mean - _Z95 * deviation, 0.0)
    return low, mean, mean + _Z80 * deviation, mean + _Z95 * deviation


def _scaled(month: Spread, shares: tuple[float, float, float]) -> Spread:
    least, likely, most = shares
    return _ordered(
        (
            month[0] * least,
            month[1] * likely,
            month[2] * (likely + most) / 2,
            month[3] * most,
        )
    )


def _joined(
    low: tuple[float, ...], middle: tuple[float, ...], high: tuple[float, ...]
) -> tuple[float, ...]:
    return low[0], middle[1], (middle[2] + high[2]) / 2, high[3]


def _ordered(values: tuple[float, ...]) -> Spread:
    p05, p50, p80, p95 = np.maximum.accumulate(np.asarray(values)).tolist()
    return p05, p50, p80, p95
