"""Measure forecasts of a large fleet: `python -m tests.bench.bench_forecast`.

Fits and intervals of three quantities, then the next sync and the month of every connection with
their cost, from 90 days of runs that lie in memory; beside it the seasonal naive forecast of the
same runs, with neither interval nor cost. SIZE=full takes 10,000 connections.
"""

import gc
import os
import resource
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter, process_time
from typing import Final, TypeVar

import numpy as np

from bot.cli.main import GARBAGE_AFTER
from bot.domain.connection import (
    Connection,
    ConnectionId,
    ConnectionStatus,
    Cron,
    DestinationId,
    SourceId,
    WorkspaceId,
)
from bot.domain.money import Money
from bot.domain.prices import ComputePrice, PriceBook, VolumePrice, WarehousePrice
from bot.forecast.fleet_forecasts import FleetForecasts, forecast_fleet
from bot.forecast.order import Floats
from bot.forecast.outlook import Outlook
from bot.forecast.prospect import Forecaster
from bot.forecast.runs import DAY_SECONDS, Runs, moment

CONNECTIONS: Final = 10_000 if os.environ.get("SIZE") == "full" else 2_000
DAYS: Final = 90
ROUNDS: Final = 3
MIDNIGHT: Final = 1_772_409_600
CADENCES: Final = {24: 0.15, 4: 0.35, 1: 0.50}
"""Syncs a day, and the share of connections that run so often."""
Result = TypeVar("Result")


def fleet(connections: int, seed: int = 5) -> Runs:
    """Build the runs of a fleet with weekly and daily seasons and heavy tails."""
    dice = np.random.default_rng(seed)
    often = dice.choice(list(CADENCES), connections, p=list(CADENCES.values()))
    who = np.repeat(np.arange(connections), often * DAYS)
    first = np.concatenate([[0], np.cumsum(often * DAYS)[:-1]])
    tick = np.arange(len(who)) - first[who]
    offset = dice.integers(0, 3600, connections)
    created = MIDNIGHT + offset[who] + tick * (DAY_SECONDS // often[who])
    usual = dice.lognormal(6.0, 1.0, connections)
    week = np.where((created // DAY_SECONDS + 3) % 7 >= 5, 0.8, 1.0)
    noise = dice.lognormal(0, 0.15, len(who)) * (1 + (dice.random(len(who)) < 0.02) * 3)
    seconds = (usual[who] * week * noise).astype(np.float32)
    return Runs(
        connections=tuple(ConnectionId(f"{number:06}") for number in range(connections)),
        families=tuple(f"family {number % 12}" for number in range(connections)),
        connection=who,
        created=created,
        ended=created + seconds.astype(np.int64),
        succeeded=dice.random(len(who)) > 0.01,
        cancelled=np.zeros(len(who), np.bool_),
        seconds=seconds,
        elapsed=seconds,
        rows=seconds * 900,
        bytes=seconds * 200_000,
    )


def schedules() -> list[Connection]:
    """Return the fleet's connections, with crons that fit how often they run."""
    dice = np.random.default_rng(5)
    often = dice.choice(list(CADENCES), CONNECTIONS, p=list(CADENCES.values()))
    minutes = dice.integers(0, 60, CONNECTIONS)
    hours = {24: "*", 4: "0/6", 1: "2"}
    return [
        Connection(
            ConnectionId(f"{number:06}"),
            f"{number}",
            SourceId(f"s{number % 800}"),
            DestinationId("d"),
            WorkspaceId("w"),
            ConnectionStatus.ACTIVE,
            Cron(f"0 {minutes[number]} {hours[int(often[number])]} * * ?"),
        )
        for number in range(CONNECTIONS)
    ]


def fit(runs: Runs) -> Outlook:
    """Fit duration, rows and bytes with their intervals."""
    found = Outlook(runs, moment(MIDNIGHT + DAYS * DAY_SECONDS - 1))
    for quantity in (found.seconds, found.rows, found.bytes):
        assert np.isfinite(quantity.near).mean() > 0.99
    return found


def forecast(outlook: Outlook, connections: list[Connection]) -> FleetForecasts:
    """Forecast the next sync and the month of every connection, priced under three plans."""
    price = WarehousePrice.flat("w", Money.of(4))
    compute, volume = ComputePrice(Money.of("0.05")), VolumePrice(Money.of("2.50"))
    book = PriceBook(compute=compute, volume=volume, warehouses={"w": price})
    families = dict(zip(outlook.runs.connections, outlook.runs.families, strict=True))
    made = Forecaster(outlook, families, {}, book, {DestinationId("d"): "w"})
    return forecast_fleet(made, connections)


def seasonal_naive(runs: Runs, amounts: Floats) -> Floats:
    """Take what each connection's sync took a week before the next one."""
    due = MIDNIGHT + DAYS * DAY_SECONDS + 3600 - 7 * DAY_SECONDS
    keys = runs.connection * (1 << 34) + runs.created
    everyone = np.arange(len(runs.connections))
    place = np.searchsorted(keys, everyone * (1 << 34) + due, side="right") - 1
    naive: Floats = amounts[place]
    return naive


def main() -> None:
    """Print seconds and peak memory."""
    gc.set_threshold(GARBAGE_AFTER)  # as every verb does
    runs, connections = fleet(CONNECTIONS), schedules()
    print(f"{CONNECTIONS:,} connections × {DAYS} days: {len(runs):,} runs; medians of {ROUNDS}")
    print(f"{'':<34}{'seconds':>10}{'of CPU':>10}")
    times: dict[str, list[tuple[float, float]]] = {}

    def timed(name: str, work: Callable[[], Result]) -> Result:
        begin, cpu_begin = perf_counter(), process_time()
        result = work()
        taken = (perf_counter() - begin, process_time() - cpu_begin)
        times.setdefault(name, []).append(taken)
        return result

    for _ in range(ROUNDS):
        outlook = timed("fit, intervals", lambda: fit(runs))
        found = timed("next sync and month, priced", partial(forecast, outlook, connections))
        assert len(found.months) == CONNECTIONS
        for name in ("seconds", "rows", "bytes"):
            timed(f"seasonal naive, {name}", partial(seasonal_naive, runs, getattr(runs, name)))
    for name, taken in times.items():
        wall, cpu = (median(each) for each in zip(*taken, strict=True))
        print(f"{name:<34}{wall:>10.3f}{cpu:>10.3f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"peak memory {peak:.2f} GB, the runs included")


if __name__ == "__main__":
    main()
