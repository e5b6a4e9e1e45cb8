"""Let the knob advisor tune a simulated fleet: `python -m tests.bench.bench_knobs`.

For each seed a fleet is drawn, lives four weeks, and is then lived on three times with the same
luck: nobody touches it; the advisor is asked every day (and in the hour after anything ran out of
memory) and whatever it recommends is applied; and an oracle knows the truth. The optimum of a curve
is not always best, since more parallelism crowds a source, so the oracle lives through a handful of
settings from the first day and picks for each source, in hindsight, the best one. Reported is the
time at work of the connections that have an option to turn, against doing nothing. None of these
seeds was used to set anything in the advisor. SIZE=full takes larger fleets.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bot.lab.actions import ChangeEndpoint
from bot.lab.generate import put
from bot.lab.jobs import JobStatus
from bot.lab.lab import Setup, world_of
from bot.lab.physics import OUT_OF_MEMORY
from bot.lab.world import World
from tests.bench.knob_loop import Loop

SEEDS: Final = range(201, 221)
CONNECTIONS: Final = 150 if os.environ.get("SIZE") == "full" else 36
WARM_DAYS: Final = 28
DAYS: Final = 90
DAY: Final = 86_400
START: Final = 20_000 * DAY
ORACLE: Final = (1.0, 0.5)
"""Shares of the optimal parallelism that the oracle lives through."""
WORST_ALLOWED: Final = 0.04
"""What the 95th-percentile connection may lose at most."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """One seed: relative change of run time by connection under the advisor and under the oracle."""

    seed: int
    acting: Floats
    oracle: Floats
    memory_before: int
    memory_after: int
    answered: int
    asked: int
    moves: Counter[str]


def live(seed: int, connections: int) -> Outcome | None:
    """Live one fleet three times; None where no active connection has an option."""
    setup = Setup(seed=seed, fleet=connections, days=WARM_DAYS + DAYS)
    world = world_of(setup, START)
    begin, end = START + WARM_DAYS * DAY, START + (WARM_DAYS + DAYS) * DAY
    world.advance(begin)
    plain = world.again(until=end)
    tuned = [at_optimum(world, end, share) for share in ORACLE]
    loop = Loop(world)
    loop.run(end)
    before, after = worked(plain, begin), worked(world, begin)
    settings = [worked(each, begin) for each in tuned]
    sources = [world.fleet.sources[link.source_id] for link in world.fleet.by_index]
    turned = np.asarray([bool(each.connector.knobs) for each in sources]) & (before > 0)
    if not turned.any():
        return None
    oracle = before.copy()
    for key in {each.id for each, has in zip(sources, turned, strict=True) if has}:
        mine = np.asarray([each.id == key for each in sources]) & turned
        best = min((before, *settings), key=lambda each: (each[mine] / before[mine]).mean())
        oracle[mine] = best[mine]
    return Outcome(
        seed,
        after[turned] / before[turned] - 1,
        oracle[turned] / before[turned] - 1,
        out_of_memory(plain, begin),
        out_of_memory(world, begin),
        loop.answered,
        loop.asked,
        Counter(each.move for each in loop.changes),
    )


def at_optimum(world: World, until: int, share: float) -> World:
    """Live on with every option at its true optimum, parallelism at a share of it."""
    twin = world.again(until=world.now)
    for key, nature in twin.source_natures.items():
        configuration = dict(twin.fleet.sources[key].configuration)
        for curve in nature.curves:
            wanted = curve.optimum if curve.model.batch else share * curve.optimum
            inside = min(max(round(wanted), curve.model.low), curve.model.high)
            put(configuration, curve.model.path, inside)
        if nature.curves:
            twin.do(ChangeEndpoint(endpoint_id=key, configuration=configuration))
    twin.advance(until)
    return twin


def worked(world: World, since: int) -> Floats:
    """Return the seconds at work of each connection, failed attempts and retries included."""
    jobs = world.engine.jobs
    jobs.flush()
    mine = (jobs.column("created") >= since) & (jobs.column("started") > 0)
    mine &= jobs.column("status") >= JobStatus.FAILED
    seconds = (jobs.column("updated") - jobs.column("started"))[mine]
    who = jobs.column("connection")[mine]
    return np.bincount(who, seconds, len(world.fleet.by_index)).astype(np.float64)


def out_of_memory(world: World, since: int) -> int:
    """Count the syncs of which an attempt ran out of memory."""
    jobs = world.engine.jobs
    created = jobs.column("created")
    return sum(
        any(attempt.failure == OUT_OF_MEMORY for attempt in attempts)
        for row, attempts in jobs.attempts.items()
        if row < jobs.count and created[row] >= since
    )


def interval(values: Sequence[float], rounds: int = 4000) -> tuple[float, float]:
    """Return the 95 % interval of a mean, by drawing seeds again."""
    dice = np.random.default_rng(1)
    drawn = dice.choice(np.asarray(values), (rounds, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def main() -> None:
    """Print a row a seed, and what they come to; fail where an aim is missed."""
    print(
        f"{CONNECTIONS} connections, {DAYS} days after {WARM_DAYS}; run time against doing nothing"
    )
    print(f"{'seed':>4}{'conn.':>7}{'advised':>10}{'oracle':>10}{'p95':>8}{'OOM syncs':>12}  moves")
    found = []
    for seed in SEEDS:
        outcome = live(seed, CONNECTIONS)
        if outcome is None:
            continue
        found.append(outcome)
        moves = ", ".join(f"{count} {move}" for move, count in sorted(outcome.moves.items()))
        memory = f"{outcome.memory_before} → {outcome.memory_after}"
        print(
            f"{seed:>4}{len(outcome.acting):>7}{outcome.acting.mean():>+10.1%}"
            f"{outcome.oracle.mean():>+10.1%}{np.quantile(outcome.acting, 0.95):>+8.1%}"
            f"{memory:>12}  {moves}",
            flush=True,
        )
    everyone = np.concatenate([each.acting for each in found])
    acting = [float(each.acting.mean()) for each in found]
    low, high = interval(acting)
    mean, worst = float(np.mean(acting)), float(np.quantile(everyone, 0.95))
    oracle = float(np.mean([each.oracle.mean() for each in found]))
    before, after = (
        sum(getattr(o, name) for o in found) for name in ("memory_before", "memory_after")
    )
    asked, answered = sum(o.asked for o in found), sum(o.answered for o in found)
    print(
        f"mean of {len(found)} seeds {mean:+.2%} (95 % between {low:+.2%} and {high:+.2%}); "
        f"oracle {oracle:+.2%}; median connection {np.median(everyone):+.2%}, "
        f"95th-percentile connection {worst:+.2%}\n"
        f"syncs that ran out of memory: {before} when nobody acts, {after} when advised; "
        f"{answered} of {asked} answered by a back-off within 3 syncs"
    )
    assert high < 0, "acting does not pay: report, and do not propose"
    assert worst <= WORST_ALLOWED, "the 95th-percentile connection loses too much"
    assert answered == asked, "a sync that ran out of memory was not answered"


if __name__ == "__main__":
    main()
