"""Warehouse time: what it costs that a warehouse is on for syncs, for many syncs at once."""

from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from bot.domain.forecast import Quantiles, Unknown
from bot.domain.money import Money
from bot.domain.prices import WarehousePrice
from bot.forecast.order import Ints
from bot.forecast.outlook import MONTH, FleetAmounts, Outlook, month_start
from bot.forecast.runs import DAY_SECONDS, epoch

_HOUR: Final = 3600
_PLACES: Final = 6
_LONGEST_SECONDS: Final = 4 * DAY_SECONDS
"""A sync that is planned last may run so long; Airbyte ends one after three days."""
Numbers: TypeAlias = NDArray[np.float64]


class OnTime:
    """The price of a warehouse as a running total over a span of time.

    Args:
        price: the warehouse's.
        start: the first instant that is asked for, in epoch seconds.
        end: the last one.
    """

    def __init__(self, price: WarehousePrice, start: float, end: float) -> None:
        self.price = price
        first, last = int(start // _HOUR), int(end // _HOUR) + 1
        zone = ZoneInfo(price.zone)
        # Zones whose offset is no whole hour are billed by the hour that begins within ours.
        local = (datetime.fromtimestamp(at * _HOUR, zone) for at in range(first, last))
        hourly = [float(price.by_hour[at.weekday() * 24 + at.hour].amount) for at in local]
        self._at = np.arange(first, last + 1, dtype=np.float64) * _HOUR
        self._total = np.concatenate([[0.0], np.cumsum(hourly)])

    def costs(self, who: Ints, started: Ints, worked: Numbers, size: int) -> Numbers:
        """Return what each of `size` groups pays, in the price's currency.

        A warehouse is on from the start of a sync until `auto_suspend` after its end; what two
        syncs of a group share is paid once. Other work that keeps it on is not known here.

        Args:
            who: the group of each sync; syncs lie by group, then by start.
            started: epoch seconds.
            worked: seconds at work.
            size: how many groups there are.
        """
        minimum = self.price.minimum.total_seconds()
        suspend = self.price.auto_suspend.total_seconds()
        ends = (started + np.maximum(worked, minimum) + suspend).astype(np.float64)
        before = np.concatenate([[-np.inf], ends[:-1]])
        same = np.concatenate([[False], who[1:] == who[:-1]])
        begins: Numbers = np.where(same, np.maximum(started, np.minimum(before, ends)), started)
        paid = self._until(ends) - self._until(begins)
        return np.bincount(who, weights=paid, minlength=size).astype(np.float64)

    def money(self, cost: float) -> Money:
        """Return a cost as exact money, to a millionth."""
        return Money(Decimal(f"{cost:.{_PLACES}f}"), self.price.by_hour[0].currency)

    def _until(self, seconds: Numbers) -> Numbers:
        total: Numbers = np.interp(seconds, self._at, self._total)
        return total


def warehouse_costs(
    outlook: Outlook, amounts: FleetAmounts, members: Ints, price: WarehousePrice
) -> list[Quantiles[Money] | Unknown]:
    """Price what each connection's syncs keep a warehouse on for, past syncs of a month included.

    Args:
        outlook: the fleet's outlook, which knows the past syncs.
        amounts: what is planned, of which the seconds at work are priced.
        members: the place of each connection in the outlook's runs, or -1.
        price: the warehouse's.
    """
    plans, size = amounts.plans, amounts.plans.size
    counts = np.maximum(plans.counts, 1)
    month = month_start(outlook.now)
    last = max(int(plans.when.max(initial=0)), epoch(outlook.now))
    had = np.zeros(size)
    on = OnTime(price, epoch(month) - DAY_SECONDS, last + _LONGEST_SECONDS)
    if amounts.horizon == MONTH:
        had = _had(outlook, on, epoch(month))[members]
    levels = np.exp(amounts.seconds.logs)
    costs = np.stack(
        [
            had + on.costs(plans.who, plans.when, (level / counts)[plans.who], size)
            for level in levels.T
        ],
        axis=1,
    )
    return [_quantiles(on, row, amounts.seconds.at(place)) for place, row in enumerate(costs)]


def _had(outlook: Outlook, on: OnTime, since: int) -> Numbers:
    """Return what each connection of the runs has paid since a time; nothing in the last place."""
    runs = outlook.runs
    recent = runs.created >= since
    worked = np.nan_to_num(runs.seconds[recent].astype(np.float64))
    return on.costs(
        runs.connection[recent], runs.created[recent], worked, len(runs.connections) + 1
    )


def _quantiles(
    on: OnTime, costs: Numbers, seconds: Quantiles[int] | Unknown
) -> Quantiles[Money] | Unknown:
    if isinstance(seconds, Unknown):
        return seconds
    p05, p50, p80, p95 = (on.money(each) for each in np.maximum.accumulate(costs).tolist())
    return Quantiles(p05, p50, p80, p95)
