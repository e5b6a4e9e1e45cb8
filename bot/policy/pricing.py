"""Pricing: what the team pays, written beside its policies, and which warehouse a sync wakes."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import Field

from bot.documents.fields import Span, Zone
from bot.documents.validation import Strict
from bot.domain.connection import DestinationId, Endpoint
from bot.domain.errors import PolicyError
from bot.domain.money import Money
from bot.domain.prices import (
    HOURS_A_WEEK,
    CapacityPrice,
    ComputePrice,
    PriceBook,
    VolumePrice,
    WarehousePrice,
)
from bot.policy.fields import Amount, Weekday, Words

Hour = Annotated[int, Field(ge=0, le=24)]


class Hours(Strict):
    """A price that holds for some hours of some days, from `start` up to `end` o'clock."""

    start: Hour
    end: Hour
    days: tuple[Weekday, ...] = (0, 1, 2, 3, 4, 5, 6)
    per_hour: Amount


class Warehouse(Strict):
    """A warehouse that is paid for while it is on."""

    name: str
    destinations: Words = Field(description="names, or globs over names, of the destinations")
    per_hour: Amount
    hours: tuple[Hours, ...] = Field((), description="other prices; the last that fits counts")
    zone: Zone = "UTC"
    auto_suspend: Span = timedelta(minutes=10)
    minimum: Span = timedelta(seconds=60)


class Prices(Strict):
    """What a team pays; it adds to, and beats, the prices in trimtab.yaml."""

    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = Field(
        None, description="of these prices; left out: that of trimtab.yaml, USD where it gives none"
    )
    credit: Amount | None = Field(None, description="one Airbyte Cloud credit")
    credits_per_million_rows: Amount = Decimal(6)
    credits_per_gigabyte: Amount = Decimal(4)
    data_worker_hour: Amount | None = Field(None, description="Airbyte's capacity plans")
    cpu_hour: Amount | None = Field(None, description="self-managed: one CPU for an hour")
    warehouses: tuple[Warehouse, ...] = ()


def book(base: PriceBook, given: Iterable[Prices]) -> PriceBook:
    """Return a price book with what policies say laid over it, in order.

    Raises:
        PolicyError: prices that count together are in two currencies.
    """
    for prices in given:
        base = _laid_over(base, prices)
    return base


def warehouses_of(
    given: Iterable[Prices], destinations: Iterable[Endpoint]
) -> Mapping[DestinationId, str]:
    """Return the warehouse that each destination wakes; the last rule that fits counts."""
    rules = [
        (pattern, warehouse.name)
        for prices in given
        for warehouse in prices.warehouses
        for pattern in warehouse.destinations
    ]
    found: dict[DestinationId, str] = {}
    for destination in destinations:
        for pattern, name in rules:
            if fnmatchcase(destination.name, pattern):
                found[DestinationId(destination.id)] = name
    return found


def _laid_over(base: PriceBook, prices: Prices) -> PriceBook:
    currency = prices.currency or base.currency
    given = prices.credit, prices.data_worker_hour, prices.cpu_hour, *prices.warehouses
    if _parts(base) and all(each is None for each in given):
        return base

    def money(amount: Decimal) -> Money:
        return Money(amount, currency)

    made = replace(base, currency=currency)
    if prices.credit is not None:
        rows, size = prices.credits_per_million_rows, prices.credits_per_gigabyte
        made = replace(made, volume=VolumePrice(money(prices.credit), rows, size))
    if prices.data_worker_hour is not None:
        made = replace(made, capacity=CapacityPrice(money(prices.data_worker_hour)))
    if prices.cpu_hour is not None:
        made = replace(made, compute=ComputePrice(money(prices.cpu_hour)))
    warehouses = {one.name: _warehouse(one, currency) for one in prices.warehouses}
    made = replace(made, warehouses={**made.warehouses, **warehouses})
    if currency != base.currency and any(part in _parts(base) for part in _parts(made)):
        raise PolicyError(
            f"prices: these are in {currency}, and others that still count in {base.currency}",
            "Give all prices in one currency, in the policies and in trimtab.yaml.",
        )
    return made


def _parts(book: PriceBook) -> list[object]:
    plans = book.volume, book.capacity, book.compute
    return [*(plan for plan in plans if plan is not None), *book.warehouses.values()]


def _warehouse(warehouse: Warehouse, currency: str) -> WarehousePrice:
    by_hour = [warehouse.per_hour] * HOURS_A_WEEK
    for rule in warehouse.hours:
        span = range(rule.start, rule.end if rule.end > rule.start else rule.end + 24)
        for day in rule.days:
            for hour in span:
                by_hour[(day * 24 + hour) % HOURS_A_WEEK] = rule.per_hour
    return WarehousePrice(
        warehouse.name,
        tuple(Money(each, currency) for each in by_hour),
        warehouse.zone,
        warehouse.auto_suspend,
        warehouse.minimum,
    )
