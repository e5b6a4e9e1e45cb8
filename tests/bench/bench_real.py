"""Tune on real runs: where does the knob advisor end? `python -m tests.bench.bench_real`.

The 280 runs of `tests/data/real_syncs.jsonl` make a world (`tests/real_world.py`): a sync is a run
that was measured at its setting, or around it. From every measured setting within trimtab's bounds
the advisor is asked once a week for a year, and what it says is done. Reported is by how much longer
a sync takes where it ends than at the best measured setting.

The best measured setting is the luckiest of 42 means of about seven runs, so the last lines deal
the runs out into halves: on one the advisor walks and a person picks the best setting, on the other
both are judged. SIZE=full takes more seeds and more splits.
"""

import os
from collections.abc import Sequence
from math import expm1
from typing import Final

import numpy as np

from tests.real_syncs import real_runs
from tests.real_world import Measured, Setting, follow, judge, starts

FULL: Final = os.environ.get("SIZE") == "full"
SEEDS: Final = range(1, 6 if FULL else 2)
SPLITS: Final = range(1, 41 if FULL else 9)
AIM: Final = 0.05
FAR: Final = 0.25
"""In logs."""


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
    """Print the noise of the data, a row a start, and what holds on runs held back."""
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
    every = starts(world)
    print_held_back("every fourth start", every[::4])
    far = [each for each in every if world.mean(each) - world.mean(best) > FAR]
    print_held_back(f"the {len(far)} starts more than {expm1(FAR):.0%} above the best", far)


def print_held_back(what: str, begun_at: Sequence[Setting]) -> None:
    """Print what walks on one half of the runs come to on the other, over the splits."""
    found = np.asarray(
        [(each.started, each.ended, each.picked) for each in (judge(n, begun_at) for n in SPLITS)]
    )
    start, ended, picked = found.mean(axis=0)
    apart = (found[:, 1] - found[:, 2]).std(ddof=1)
    print(
        f"held back, {what}, {len(found)} splits: ends against the start {expm1(ended - start):+.1%}, "
        f"against the setting picked as best {expm1(ended - picked):+.1%} (a split deviates by "
        f"{apart:.3f})",
        flush=True,
    )


def _text(setting: Setting) -> str:
    return f"{setting[0]} / {setting[1]:,}"


if __name__ == "__main__":
    main()
