"""Measure forecasts of a large fleet: `python -m tests.bench.bench_forecast`.

Fit, intervals and the next sync of every connection, from 90 days of runs that lie in memory;
beside it the seasonal naive forecast of the same runs, with no interval. SIZE=full takes 10,000
connections.
"""

import os
import resource
from statistics import median
from time import perf_counter, process_time
from typing import Final

import numpy as np

from bot.domain.connection import ConnectionId
from bot.forecast.order import Floats
from bot.forecast.outlook import Quantity
from bot.forecast.runs import DAY_SECONDS, Runs
from bot.forecast.series import Series

CONNECTIONS: Final = 10_000 if os.environ.get("SIZE") == "full" else 2_000
DAYS: Final = 90
ROUNDS: Final = 3
MIDNIGHT: Final = 1_772_409_600
CADENCES: Final = {24: 0.15, 4: 0.35, 1: 0.50}
"""Syncs a day, and the share of connections that run so often."""


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


def ours(runs: Runs, amounts: Floats) -> Floats:
    """Fit one quantity and forecast the next sync of every connection, at four quantiles."""
    end = MIDNIGHT + DAYS * DAY_SECONDS - 1
    found = Quantity(Series.of(runs, amounts, end))
    everyone = np.arange(len(runs.connections))
    due = np.full(len(everyone), end + 3600)
    points = found.series.fits.predict(everyone, due, np.full(len(everyone), found.origin))
    levels: Floats = np.exp(points[:, None] + found.near)
    return levels


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
    runs = fleet(CONNECTIONS)
    print(f"{CONNECTIONS:,} connections × {DAYS} days: {len(runs):,} runs; medians of {ROUNDS}")
    print(f"{'quantity':<12}{'trimtab s':>12}{'of it CPU':>12}{'seasonal naive s':>20}")
    whole = [0.0, 0.0]
    cpu_whole = 0.0
    for name in ("seconds", "rows", "bytes"):
        amounts = getattr(runs, name)
        times: tuple[list[float], list[float]] = ([], [])
        cpu = []
        for _ in range(ROUNDS):
            for place, method in enumerate((ours, seasonal_naive)):
                begin, cpu_begin = perf_counter(), process_time()
                levels = method(runs, amounts)
                times[place].append(perf_counter() - begin)
                if method is ours:
                    cpu.append(process_time() - cpu_begin)
                assert np.isfinite(levels).mean() > 0.99
        naive = median(times[1])
        print(f"{name:<12}{median(times[0]):>12.2f}{median(cpu):>12.2f}{naive:>20.4f}")
        cpu_whole += median(cpu)
        whole = [total + median(taken) for total, taken in zip(whole, times, strict=True)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{'all three':<12}{whole[0]:>12.2f}{cpu_whole:>12.2f}{whole[1]:>20.4f}")
    print(f"peak memory {peak:.2f} GB, the runs included")


if __name__ == "__main__":
    main()
