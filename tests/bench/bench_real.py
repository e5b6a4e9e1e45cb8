"""Tune on real runs: where does the knob advisor end? `python -m tests.bench.bench_real`.

The 280 runs of `tests/data/real_syncs.jsonl` make a world (`tests/real_world.py`): a sync is a run
that was measured at its setting, or around it. From every measured setting within trimtab's bounds
the advisor is asked once a week for a year, and what it says is done. Reported is by how much longer
a sync takes where it ends than at the best measured setting.

The best measured setting is the luckiest of 42 means of about seven runs, so the second table deals
the runs out into halves: on one the advisor walks and a person picks the best setting, on the other
both are judged. SIZE=full takes more seeds and more splits.
"""

import os
from math import expm1
from typing import Final

import numpy as np

from tests.real_syncs import real_runs
from tests.real_world import Measured, Setting, follow, judge, starts

FULL: Final = os.environ.get("SIZE") == "full"
SEEDS: Final = range(1, 6 if FULL else 2)
SPLITS: Final = range(1, 41 if FULL else 9)
AIM: Final = 0.05


def print_walks(world: Measured) -> list[float]:
    """Print a row a start, and return by how much (log) each end is above the best."""
    least = world.mean(world.best())
    print(f"{'start':>12}{'above best':>12}{'ends at':>14}{'above best':>12}{'steps':>7}")
    above: list[float] = []
    for start in starts(world):
        for seed in SEEDS:
            walk = follow(world, start, seed)
            above.append(world.expected(walk.setting) - least)
            print(
                f"{_text(start):>12}{expm1(world.mean(start) - least):>+12.1%}"
                f"{_text(walk.setting):>14}{expm1(above[-1]):>+12.1%}{len(walk.steps):>7}",
                flush=True,
            )
    return above


def main() -> None:
    """Print the noise of the data, a row a start, and a row a split."""
    world = Measured.of(real_runs())
    best = world.best()
    print(
        f"best measured: {_text(best)}, {len(world.effects[best])} runs, "
        f"{world.mean(best):+.3f} in logs, standard error {world.error(best):.3f}; "
        f"a single run deviates by {world.noise:.3f}"
    )
    above = print_walks(world)
    within = float(np.mean(np.asarray(above) <= np.log1p(AIM)))
    print(
        f"{len(above)} walks: median {expm1(float(np.median(above))):+.1%} above the best, "
        f"mean {expm1(float(np.mean(above))):+.1%}, {within:.0%} within {AIM:.0%}"
    )
    print(f"\n{'split':>6}{'start':>9}{'advised':>9}{'picked':>9}   (log effect on the other half)")
    found = []
    for seed in SPLITS:
        verdict = judge(seed, starts(world)[::4])
        found.append((verdict.started, verdict.ended, verdict.picked))
        print(f"{seed:>6}" + "".join(f"{each:>+9.3f}" for each in found[-1]), flush=True)
    start, advised, picked = np.mean(found, axis=0)
    apart = np.std([each[1] - each[2] for each in found], ddof=1)
    print(
        f"advised against picked {expm1(advised - picked):+.1%} (one split deviates by "
        f"{apart:.3f}); against the start {expm1(advised - start):+.1%}"
    )


def _text(setting: Setting) -> str:
    return f"{setting[0]} / {setting[1]:,}"


if __name__ == "__main__":
    main()
