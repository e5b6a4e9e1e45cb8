"""Seven simulated sinks with a known best batch size, and the race of controllers on them.

A write of n rows takes `fixed + n·per_row`, plus a penalty that rises behind a knee; a sink with a
cap refuses larger batches whole. Noise is lognormal (sigma 0.15) and 2 % of the writes take four
times as long: that alone costs any controller 6 to 7 % against the noise-free oracle.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bot.domain.batch_size import Controller, Observation

NOISE_SIGMA = 0.15
SPIKE_SHARE = 0.02
SPIKE_FACTOR = 4.0


@dataclass(frozen=True)
class Regime:
    """How a sink behaves for a while; times in seconds."""

    fixed: float
    per_row: float
    knee_rows: int | None = None
    cap_rows: int | None = None

    def seconds(self, rows: int) -> float:
        """Return the noise-free time of a write."""
        base = self.fixed + rows * self.per_row
        if self.knee_rows is None or rows <= self.knee_rows:
            return base
        beyond = rows / self.knee_rows - 1
        return base * (1 + 1.2 * math.pow(beyond, 1.25))

    def refuses(self, rows: int) -> bool:
        """Tell whether a write of so many rows fails whole."""
        return self.cap_rows is not None and rows > self.cap_rows


@dataclass(frozen=True)
class SimulatedSink:
    """A sink over time: regimes one after another, equally long."""

    name: str
    regimes: Sequence[Regime]
    duration: float = 120.0
    page_rows: int = 50_000
    max_rows: int = 50_000

    def regime_at(self, clock: float) -> Regime:
        """Return the regime that holds at `clock` seconds."""
        index = int(clock / self.duration * len(self.regimes))
        return self.regimes[min(index, len(self.regimes) - 1)]

    def best(self) -> list[tuple[int, float]]:
        """Return the best size and its rows per second, for each regime."""
        sizes = sorted({round(100 * 1.02**k) for k in range(320)} | {self.max_rows})
        found = []
        for regime in self.regimes:
            limit = min(self.max_rows, self.page_rows, regime.cap_rows or self.max_rows)
            allowed = [*(size for size in sizes if size < limit), limit]
            if regime.knee_rows:
                allowed.append(regime.knee_rows)
            rates = [(size / regime.seconds(size), size) for size in allowed]
            rate, size = max(rates)
            found.append((size, rate))
        return found

    def oracle_rows(self) -> float:
        """Return the rows that the best fixed size per regime writes without noise."""
        return sum(rate for _, rate in self.best()) * self.duration / len(self.regimes)


SINKS = (
    SimulatedSink("local COPY", [Regime(0.004, 2.6e-6)]),
    SimulatedSink("WAN", [Regime(0.080, 3e-6)]),
    SimulatedSink("slow INSERT", [Regime(0.002, 25e-6)]),
    SimulatedSink("warehouse job", [Regime(3.0, 5e-6)], duration=900.0),
    SimulatedSink("knee at 8k", [Regime(0.020, 3e-6, knee_rows=8_000)]),
    SimulatedSink("hard cap 5k", [Regime(0.009, 2.6e-6, cap_rows=5_000)]),
    SimulatedSink(
        "drifting knee",
        [
            Regime(0.020, 3e-6, knee_rows=8_000),
            Regime(0.020, 3e-6, knee_rows=2_500),
            Regime(0.020, 3e-6, knee_rows=16_000),
        ],
    ),
)


@dataclass
class Outcome:
    """What one run brought: rows landed, and failed batches; `sizes` is (clock, size)."""

    rows: int = 0
    failed_batches: int = 0
    sizes: list[tuple[float, int]] = field(default_factory=list)


def simulate(sink: SimulatedSink, controller: Controller, seed: int) -> Outcome:
    """Run a controller on a sink until its time is up; it sees sizes, errors and seconds only.

    A refused batch costs its fixed time and is written again, smaller, as the loader does.
    """
    rng = random.Random(seed)
    outcome = Outcome()
    clock, left = 0.0, sink.page_rows
    while clock < sink.duration:
        rows = controller.cut(left)
        regime = sink.regime_at(clock)
        noise = rng.lognormvariate(0, NOISE_SIGMA)
        noise *= SPIKE_FACTOR if rng.random() < SPIKE_SHARE else 1.0
        failed = regime.refuses(rows)
        seconds = noise * (regime.fixed if failed else regime.seconds(rows))
        outcome.sizes.append((clock, rows))
        controller.observe(Observation(sink.page_rows, rows, rows if failed else 0, seconds * 1000))
        clock += seconds
        if failed:
            outcome.failed_batches += 1
            continue
        outcome.rows += rows
        left = left - rows or sink.page_rows
    return outcome


def regret(sink: SimulatedSink, build: Callable[[], Controller], seed: int) -> tuple[float, int]:
    """Return 1 − rows / oracle of one run, and its failed batches."""
    outcome = simulate(sink, build(), seed)
    return 1 - outcome.rows / sink.oracle_rows(), outcome.failed_batches
