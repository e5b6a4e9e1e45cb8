"""Cost: what syncs cost under a price book, every figure with its interval and its formula."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from bot.domain.forecast import Quantiles, Unknown
from bot.domain.money import Money
from bot.domain.prices import (
    BillingClass,
    CapacityPrice,
    ComputePrice,
    PriceBook,
    VolumePrice,
    WarehousePrice,
)
from bot.domain.spans import format_span
from bot.forecast.outlook import Amounts

CPUS: Final[Mapping[BillingClass, Decimal]] = {
    BillingClass.API: Decimal("1.4"),
    BillingClass.CUSTOM: Decimal("1.4"),
    BillingClass.DATABASE: Decimal(4),
    BillingClass.FILE: Decimal(2),
}
"""CPU request of source, orchestrator and destination together, where nothing else is set.
Source: airbyte-server's application.yml, `kube-job-configs`."""


@dataclass(frozen=True, slots=True)
class CostLine:
    """One part of a cost: under which plan, how much, and how it is worked out."""

    plan: str
    amount: Quantiles[Money] | Unknown
    formula: str


def cost_lines(prices: PriceBook, connector: str, amounts: Amounts) -> tuple[CostLine, ...]:
    """Price the syncs of one horizon under every plan that the team pays for.

    Args:
        prices: the team's prices.
        connector: the source's, which says how Airbyte meters it.
        amounts: what the syncs take.
    """
    billing = prices.billing_class(connector)
    lines = []
    if prices.volume is not None:
        lines.append(_volume(prices.volume, billing, amounts))
    if prices.capacity is not None:
        lines.append(_capacity(prices.capacity, CPUS[billing], amounts))
    if prices.compute is not None:
        lines.append(_compute(prices.compute, CPUS[billing], amounts))
    return tuple(lines)


def total(lines: tuple[CostLine, ...]) -> Quantiles[Money] | Unknown:
    """Add up the lines, as if all were high or low together: the widest that they can be."""
    if not lines:
        return Unknown("no price is set")
    known = []
    for line in lines:
        if isinstance(line.amount, Unknown):
            return Unknown(f"{line.plan}: {line.amount.reason}")
        known.append(line.amount)
    first, *others = known
    for other in others:
        first = Quantiles(
            first.p05 + other.p05,
            first.p50 + other.p50,
            first.p80 + other.p80,
            first.p95 + other.p95,
        )
    return first


def _volume(price: VolumePrice, billing: BillingClass, amounts: Amounts) -> CostLine:
    if billing in (BillingClass.API, BillingClass.CUSTOM):
        formula = (
            f"rows ÷ 1,000,000 × {price.credits_per_million_rows} credits × {price.credit} a credit"
        )
        used = amounts.rows
    else:
        formula = (
            f"bytes ÷ {price.bytes_per_gigabyte:,} × {price.credits_per_gigabyte} credits "
            f"× {price.credit} a credit"
        )
        used = amounts.bytes
    if isinstance(used, Unknown):
        return CostLine("volume", used, formula)
    return CostLine("volume", used.map(lambda n: price.cost(billing, n, n)), formula)


def _capacity(price: CapacityPrice, cpus: Decimal, amounts: Amounts) -> CostLine:
    formula = (
        f"{cpus} CPUs ÷ {price.cpus_per_worker} × hours at work × {price.data_worker_hour} "
        "a data worker and hour"
    )
    if isinstance(amounts.seconds, Unknown):
        return CostLine("capacity", amounts.seconds, formula)
    held = amounts.seconds.map(lambda seconds: price.cost(cpus, timedelta(seconds=seconds)))
    return CostLine("capacity", held, formula)


def _compute(price: ComputePrice, cpus: Decimal, amounts: Amounts) -> CostLine:
    formula = f"{cpus} CPUs × hours at work × {price.cpu_hour} a CPU and hour"
    if isinstance(amounts.seconds, Unknown):
        return CostLine("compute", amounts.seconds, formula)
    held = amounts.seconds.map(lambda seconds: price.cost(cpus, timedelta(seconds=seconds)))
    return CostLine("compute", held, formula)


def warehouse_line(price: WarehousePrice, cost: Quantiles[Money] | Unknown) -> CostLine:
    """Say what a warehouse costs, and how that is worked out."""
    formula = (
        f"hours that {price.name} is on, each at its price: every sync, and "
        f"{format_span(price.auto_suspend)} until it suspends; what other work shares of that is "
        "not known here"
    )
    return CostLine("warehouse", cost, formula)
