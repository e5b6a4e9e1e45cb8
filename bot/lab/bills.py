"""What a simulated fleet costs, in money and in broken promises, from the truth itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bot.domain.money import Money
from bot.domain.prices import BillingClass, PriceBook, VolumePrice, WarehousePrice
from bot.lab import constants as known
from bot.lab.fleet import Fleet
from bot.lab.jobs import JobStatus

Columns = Mapping[str, NDArray[Any]]
_HOURS_A_DAY: Final = 24


@dataclass(frozen=True, slots=True)
class Bill:
    """What a stretch of time cost; `warehouse` is paid by whoever keeps it awake."""

    volume: Money
    capacity: Money
    compute: Money
    warehouse: Money

    @property
    def total(self) -> Money:
        """Return the sum."""
        return self.volume + self.capacity + self.compute + self.warehouse


@dataclass(frozen=True, slots=True)
class Promise:
    """One deadline of one connection: epoch seconds, and whether fresh data was there."""

    connection_id: str
    at: int
    kept: bool


def price_book(fleet: Fleet) -> PriceBook:
    """Return the lab's prices: Cloud's volume plan, and a warehouse per database destination.

    A warehouse is dearer by day and at the nightly peak, as in the scheduling instances.
    """
    hours = [hour % _HOURS_A_DAY for hour in range(7 * _HOURS_A_DAY)]
    by_hour = tuple(Money.of(known.WAREHOUSE_BY_HOUR[hour]) for hour in hours)
    classes = {"api": BillingClass.API, "file": BillingClass.FILE}
    return PriceBook(
        volume=VolumePrice(Money.of(known.CREDIT)),
        warehouses={
            one.id: WarehousePrice(one.id, by_hour)
            for one in fleet.destinations.values()
            if one.connector.family == "database"
        },
        billing={
            one.connector.name: classes.get(one.connector.family, BillingClass.DATABASE)
            for one in fleet.sources.values()
        },
    )


def bill_of(columns: Columns, fleet: Fleet, prices: PriceBook) -> Bill:
    """Price jobs given in columns; a warehouse is on while any sync that writes to it runs."""
    nothing = Money.zero(prices.currency)
    volume = capacity = compute = nothing
    held = columns["updated"] - np.where(columns["started"], columns["started"], columns["updated"])
    order = len(fleet.by_index)
    rows = np.bincount(columns["connection"], columns["rows"], minlength=order)
    size = np.bincount(columns["connection"], columns["bytes"], minlength=order)
    seconds = np.bincount(columns["connection"], held, minlength=order)
    for link in fleet.by_index:
        connector = fleet.sources[link.source_id].connector
        cpus = Decimal(str(known.CPU_REQUEST[connector.family]))
        hours = Decimal(int(seconds[link.index])) / known.HOUR
        if prices.volume:
            billing = prices.billing_class(connector.name)
            volume += prices.volume.cost(billing, int(rows[link.index]), int(size[link.index]))
        if prices.capacity:
            workers = cpus / prices.capacity.cpus_per_worker
            capacity += prices.capacity.data_worker_hour * (workers * hours)
        if prices.compute:
            compute += prices.compute.cpu_hour * (cpus * hours)
    warehouse = nothing
    target = np.asarray([link.destination_id for link in fleet.by_index])
    for destination_id, price in prices.warehouses.items():
        mine = (target == destination_id)[columns["connection"]] & (columns["started"] > 0)
        warehouse += _on_time_cost(columns["started"][mine], columns["updated"][mine], price)
    return Bill(volume, capacity, compute, warehouse)


def promises_of(columns: Columns, fleet: Fleet, since: int, until: int) -> list[Promise]:
    """Say of every deadline in a stretch of time whether data fresh enough had arrived."""
    good = columns["status"] == JobStatus.SUCCEEDED
    found = []
    for link in fleet.by_index:
        if link.deadline is None or link.freshness is None:
            continue
        mine = good & (columns["connection"] == link.index)
        started, ended = columns["started"][mine], columns["updated"][mine]
        first = max(since, link.created_at)
        for day in range(first // known.DAY, until // known.DAY + 1):
            at = day * known.DAY + link.deadline
            if first <= at < until:
                fresh = (ended <= at) & (started >= at - link.freshness)
                found.append(Promise(link.id, at, kept=bool(fresh.any())))
    return found


def _on_time_cost(
    starts: NDArray[np.int64], ends: NDArray[np.int64], price: WarehousePrice
) -> Money:
    total = Money.zero(price.by_hour[0].currency)
    if not len(starts):
        return total
    on, off = on_time(starts, ends, int(price.auto_suspend.total_seconds()))
    off = np.maximum(off, on + int(price.minimum.total_seconds()))
    first, last = int(on[0]) // known.HOUR, int(off[-1]) // known.HOUR
    edges = np.arange(first, last + 2) * known.HOUR
    # Seconds on before each edge, so that their differences are the seconds on in each hour.
    lengths = np.concatenate(([0], np.cumsum(off - on)))
    place = np.searchsorted(on, edges, side="right") - 1
    inside = np.clip(edges - on[place], 0, (off - on)[place])
    before = np.where(place >= 0, lengths[np.maximum(place, 0)] + inside, 0)
    for hour, seconds in zip(edges[:-1].tolist(), np.diff(before).tolist(), strict=True):
        if seconds:
            instant = datetime.fromtimestamp(hour, UTC)
            total += price.at(instant) * (Decimal(seconds) / known.HOUR)
    return total


def on_time(
    starts: NDArray[np.int64], ends: NDArray[np.int64], tail: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Merge intervals, each `tail` seconds longer, into the stretches during which any is on."""
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], np.maximum.accumulate(ends[order] + tail)
    fresh = np.concatenate(([True], starts[1:] > ends[:-1]))
    last = np.concatenate((np.flatnonzero(fresh)[1:] - 1, [len(starts) - 1]))
    return starts[fresh], ends[last]
