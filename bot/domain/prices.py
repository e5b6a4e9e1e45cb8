"""Prices: what a sync costs, under each of the ways that teams pay."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from bot.domain.money import Money

HOURS_A_WEEK: Final = 168
_MILLION: Final = 1_000_000
_HOUR: Final = timedelta(hours=1)


class BillingClass(StrEnum):
    """How Airbyte Cloud meters a source: API sources by row, databases and files by byte."""

    API = "api"
    DATABASE = "database"
    FILE = "file"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class VolumePrice:
    """Airbyte Cloud's volume plans: credits for rows or for bytes.

    `bytes_per_gigabyte` is a parameter because Airbyte does not say which gigabyte it means.
    Source: Airbyte's documentation, "Manage credits" (6 credits a million API rows, 4 credits a
    gigabyte of database or file data, 2.50 USD a credit).
    """

    credit: Money
    credits_per_million_rows: Decimal = Decimal(6)
    credits_per_gigabyte: Decimal = Decimal(4)
    bytes_per_gigabyte: int = 1_000_000_000

    def cost(self, billing: BillingClass, rows: int, size_bytes: int) -> Money:
        """Price one sync that loaded `rows` rows and `size_bytes` bytes."""
        if billing in (BillingClass.API, BillingClass.CUSTOM):
            return self.credit * (self.credits_per_million_rows * rows / _MILLION)
        return self.credit * (self.credits_per_gigabyte * size_bytes / self.bytes_per_gigabyte)


@dataclass(frozen=True, slots=True)
class CapacityPrice:
    """Airbyte's capacity plans: data workers held for as long as a sync lives.

    A sync holds (source + destination + orchestrator CPU request) / 8 workers.
    """

    data_worker_hour: Money
    cpus_per_worker: Decimal = Decimal(8)

    def cost(self, cpus: Decimal, held: timedelta) -> Money:
        """Price one sync that requested `cpus` CPUs in all and was alive for `held`."""
        return self.data_worker_hour * (cpus / self.cpus_per_worker * hours(held))


@dataclass(frozen=True, slots=True)
class ComputePrice:
    """Self-managed Airbyte: the CPUs that a sync's containers reserve while they run."""

    cpu_hour: Money

    def cost(self, cpus: Decimal, held: timedelta) -> Money:
        """Price one sync that requested `cpus` CPUs in all and was alive for `held`."""
        return self.cpu_hour * (cpus * hours(held))


@dataclass(frozen=True, slots=True)
class WarehousePrice:
    """A warehouse that is paid for while it is on.

    `by_hour` has 168 prices an hour of running, from Monday 00:00 in `zone`. After the last
    query it stays on for `auto_suspend`; each start is billed for at least `minimum`.
    """

    name: str
    by_hour: tuple[Money, ...]
    zone: str = "UTC"
    auto_suspend: timedelta = timedelta(minutes=10)
    minimum: timedelta = timedelta(seconds=60)

    def __post_init__(self) -> None:
        if len(self.by_hour) != HOURS_A_WEEK:
            raise ValueError(f"{self.name}: {len(self.by_hour)} prices; a week has {HOURS_A_WEEK}")

    @classmethod
    def flat(cls, name: str, per_hour: Money) -> "WarehousePrice":
        """Build one that costs the same at any hour."""
        return cls(name, (per_hour,) * HOURS_A_WEEK)

    def at(self, instant: datetime) -> Money:
        """Return the price of an hour of running at an aware instant."""
        local = instant.astimezone(ZoneInfo(self.zone))
        return self.by_hour[local.weekday() * 24 + local.hour]

    def cost(self, start: datetime, end: datetime) -> Money:
        """Price the time from `start` to `end`, across hours of different price."""
        total = Money.zero(self.by_hour[0].currency)
        while start < end:
            into_hour = timedelta(
                minutes=start.minute, seconds=start.second, microseconds=start.microsecond
            )
            until = min(end, start + _HOUR - into_hour)
            total += self.at(start) * hours(until - start)
            start = until
        return total


@dataclass(frozen=True, slots=True)
class PriceBook:
    """Every price that applies to a team; a plan that the team does not pay for is None.

    `billing` says how a connector is metered where the default (`api`) is wrong for it.
    """

    currency: str = "USD"
    volume: VolumePrice | None = None
    capacity: CapacityPrice | None = None
    compute: ComputePrice | None = None
    warehouses: Mapping[str, WarehousePrice] = field(default_factory=dict)
    billing: Mapping[str, BillingClass] = field(default_factory=dict)

    def billing_class(self, connector: str) -> BillingClass:
        """Return how a source connector is metered, by its name with or without `source-`."""
        name = connector.rpartition("/")[2]
        short = name.removeprefix("source-")
        found = self.billing.get(name) or self.billing.get(short)
        return found or self.billing.get(f"source-{short}", BillingClass.API)


def hours(span: timedelta) -> Decimal:
    """Convert a span to exact hours."""
    return Decimal(span // timedelta(microseconds=1)) / Decimal(3_600_000_000)
