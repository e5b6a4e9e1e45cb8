"""Regret of batch size controllers against the oracle, on seven simulated sinks.

Run as `python -m tests.bench.bench_controllers [--seeds 50]`. Regret is 1 − rows / rows that the
best fixed size (per regime) lands without noise; the noise alone costs about 6.5 points.
"""

import math
import os
import statistics
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import click

from bot.domain.aimd import AimdController, AimdSettings
from bot.domain.batch_size import Controller, Decision, Observation, Reason, Step
from bot.domain.goodput import GoodputController
from tests.bench.simulated_sinks import SINKS, SimulatedSink, regret

FIRST_ROWS = 1000
SETTINGS = AimdSettings()
FIXED_SEEDS = 5
"""A size that stands still needs few seeds."""
STATIONARY_AIM, DRIFTING_AIM, FAILED_AIM = 0.12, 0.20, 15


class FixedSize:
    """No controller at all: the yardstick."""

    def __init__(self, rows: int) -> None:
        self.size = rows

    def cut(self, left_rows: int) -> int:
        return min(self.size, left_rows)

    def observe(self, observation: Observation) -> Step:
        return Step(self.size, Decision.HOLD, Reason.DEAD_BAND, self.size, 0, None, False)


def best_fixed(sink: SimulatedSink) -> FixedSize:
    """Return the size that is best for the first regime."""
    return FixedSize(sink.best()[0][0])


CONTROLLERS: dict[str, Callable[[SimulatedSink], Controller]] = {
    "fixed 1,000": lambda _: FixedSize(1000),
    "fixed 10,000": lambda _: FixedSize(10_000),
    "best fixed": best_fixed,
    "aimd": lambda _: AimdController(SETTINGS, FIRST_ROWS),
    "aimd 1000 ms": lambda _: AimdController(replace(SETTINGS, target_latency_ms=1000), FIRST_ROWS),
    "aimd 100 ms": lambda _: AimdController(replace(SETTINGS, target_latency_ms=100), FIRST_ROWS),
    "goodput": lambda _: GoodputController(SETTINGS, FIRST_ROWS),
}


@click.command()
@click.option(
    "--seeds",
    default=50 if os.environ.get("SIZE") == "full" else 20,
    show_default=True,
    type=click.IntRange(1),
)
def main(seeds: int) -> None:
    """Print mean regret in percent (and failed batches), per sink and controller."""
    print(f"{seeds} seeds; start at {FIRST_ROWS:,} rows; regret in %, worst seed in brackets")
    print(f"{'':14}" + "".join(f"{name:>18}" for name in CONTROLLERS))
    means: dict[str, list[float]] = {name: [] for name in CONTROLLERS}
    missed: list[str] = []
    for sink in SINKS:
        cells = []
        for name, build in CONTROLLERS.items():
            count = seeds if "fixed" not in name else min(seeds, FIXED_SEEDS)
            runs = [regret(sink, partial(build, sink), seed) for seed in range(count)]
            mean, failed = statistics.mean(r for r, _ in runs), max(f for _, f in runs)
            means[name].append(mean)
            worst = max(r for r, _ in runs)
            cells.append(f"{mean:.1%} ({worst:.0%})" + (f" f{failed}" if failed else ""))
            if name == "goodput":
                aim = DRIFTING_AIM if len(sink.regimes) > 1 else STATIONARY_AIM
                if mean > aim or failed > FAILED_AIM:
                    missed.append(f"{sink.name}: {mean:.1%} (aim {aim:.0%}), {failed} failed")
        print(f"{sink.name:14}" + "".join(f"{cell:>18}" for cell in cells))
    average = {name: statistics.mean(values) for name, values in means.items()}
    print(f"{'average':14}" + "".join(f"{average[name]:>18.1%}" for name in CONTROLLERS))
    ratio = average["goodput"] / average["aimd"]
    if not math.isfinite(ratio) or ratio > 0.5:
        missed.append(f"goodput has {ratio:.0%} of the average regret of aimd (aim 50%)")
    print("aims met" if not missed else "aims missed: " + "; ".join(missed))
    raise SystemExit(bool(missed))


if __name__ == "__main__":
    main()
