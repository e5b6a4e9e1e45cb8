"""What another frequency saves in money: full refresh and incremental told apart.

A table that is read whole costs its rows at every sync: they fall with the number of syncs. What
changed is moved once, however often one looks: of an incremental stream only the time is saved
that each sync takes before its first row.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.advise.frequency_record import Record
from bot.advise.situation_money import Spread, less, month, price
from bot.domain.forecast import Quantiles, Unknown
from bot.domain.money import Money
from bot.domain.prices import PriceBook


def saving(
    prices: PriceBook, connector: str, record: Record, kept: float
) -> Quantiles[Money] | Unknown:
    """Return what a month gets cheaper when `kept` times as many syncs start as today.

    More than one means more syncs, and a negative saving.
    """
    share, full = abs(1 - kept), record.full_share
    # Nothing says how the rows of a mixed connection divide among its streams.
    moved = (share * (full == 1), share * full, share * (full > 0))
    rows = _part(_month(record, record.rows), moved)
    size = _part(_month(record, record.bytes), moved)
    cost = price(prices, connector, rows, size, _seconds(record, share))
    return cost if kept <= 1 else less(cost)


def _seconds(record: Record, share: float) -> Spread:
    """Return the time of the syncs that a share of all is."""
    whole = _part(_month(record, record.seconds), (share, share, share))
    # What fails does not start either.
    starts = _month(record, np.full(len(record.created), record.tries / len(record.created)))
    full = record.full_share
    if full == 1:
        return whole
    least, likely, most = record.overhead
    idle = _part(starts, (share * least, share * likely, share * most))
    if full == 0:
        return idle
    return _rising((idle[0], idle[1] + full * (whole[1] - idle[1]), whole[2], whole[3]))


def _month(record: Record, amounts: NDArray[Any]) -> Spread:
    return month(record.created, amounts.astype(np.float64), record.days)


def _part(whole: Spread, shares: tuple[float, float, float]) -> Spread:
    least, likely, most = shares
    return _rising(
        (whole[0] * least, whole[1] * likely, whole[2] * (likely + most) / 2, whole[3] * most)
    )


def _rising(values: Spread) -> Spread:
    p05, p50, p80, p95 = np.maximum.accumulate(np.asarray(values)).tolist()
    return p05, p50, p80, p95
