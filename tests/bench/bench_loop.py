"""trimtab in a closed loop with a simulated fleet: `python -m tests.bench.bench_loop` (make bench-loop).

Each fleet lives four times with the same luck: as it is, under a careful person's rule of thumb, under
trimtab, and under a planner that knows beforehand how long every sync will take. Nights of advice
come first, in which everything that is proposed is merged; then four weeks are measured. Prices,
policies and the number of nights were written down before any result was seen. SIZE=full takes
20 seeds and three sizes.
"""

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import mean, stdev
from typing import Final

import numpy as np

from bot.advise.advisor import Situation
from bot.advise.agenda import agenda
from bot.advise.frequency import FrequencyAdvisor
from bot.advise.registry import installed
from bot.advise.schedule.advisor import ScheduleAdvisor
from bot.advise.schedule.penalties import Penalties
from bot.domain.connection import ConnectionId
from bot.domain.forecast import Forecast, Quantiles
from bot.domain.prices import PriceBook
from bot.domain.promises import BlastLimit
from bot.domain.recommendation import Recommendation
from bot.lab import constants as known
from bot.lab.actions import Action
from bot.lab.fleet import Fleet
from bot.lab.jobs import JobStatus
from bot.lab.lab import world_of
from bot.lab.truth import Truth
from tests.bench.closed_loop import (
    MEASURED,
    Loop,
    Measured,
    action_of,
    by_thumb,
    cloud_prices,
    loop,
    measure,
    self_managed_prices,
)

FULL: Final = os.environ.get("SIZE") == "full"
SEEDS: Final = range(2001, 2021) if FULL else range(2001, 2004)
SIZES: Final = (10, 20, 40) if FULL else (10, 20)
NIGHTS: Final = 10
SHARE_A_NIGHT: Final = 0.15
JUDGED: Final = 6
"""Promises that are judged in each fleet: the first ones, each at the price of one more life."""
PLANS: Final[Mapping[str, Callable[[Fleet], PriceBook]]] = {
    "Cloud volume + warehouse": cloud_prices,
    "self-managed + warehouse": self_managed_prices,
}
LEAST_SAVED: Final = 0.30
OF_ORACLE: Final = 0.80
INSIDE: Final = (0.88, 0.92)
MISS_USD: Final = Decimal(60)
"""What the oracle takes a missed deadline to be worth; the schedule advisor's penalty."""


@dataclass(frozen=True, slots=True)
class Lives:
    """One fleet in its four lives, the changes it took, and how the promises turned out."""

    static: Measured
    thumb: Measured
    trimtab: Measured
    oracle: Measured
    changes: int
    inside: int
    judged: int


def main() -> int:
    """Print a table for each price plan and size; return 1 when an aim is missed."""
    missed = False
    print(f"{len(SEEDS)} seeds, {NIGHTS} nights of advice, then {MEASURED.days} days measured")
    with ProcessPoolExecutor(2) as pool:
        for plan in PLANS:
            found: list[Lives] = []
            for size in SIZES:
                lives = list(pool.map(live, SEEDS, [size] * len(SEEDS), [plan] * len(SEEDS)))
                table(f"{plan}, {size} connections", lives)
                found += lives
            missed |= not reached(plan, found)
    return int(missed)


def live(seed: int, size: int, plan: str) -> Lives:
    """Live one fleet four times."""
    with loop(seed, size, PLANS[plan]) as ours:
        start, prices = ours.lab.now, ours.team.prices
        thumb = by_thumb(ours.lab)
        first = ours.look()
        for _ in range(NIGHTS):
            ours.night(installed(), max(3, round(size * SHARE_A_NIGHT)))
            ours.lab.advance(timedelta(days=1))
        since = ours.lab.now
        trimtab = ours.measure()
        still = truth_under(ours, (), since)
        inside, judged = kept(ours, since)
        return Lives(
            static=measure(still, since, prices),
            thumb=measure(truth_under(ours, at(start, thumb), since), since, prices),
            trimtab=trimtab,
            oracle=oracle(ours, first, still, since),
            changes=len(ours.applied),
            inside=inside,
            judged=judged,
        )


def at(when: datetime, actions: Iterable[Action]) -> list[Action]:
    """Date actions."""
    return [replace(each, at=int(when.timestamp())) for each in actions]


def truth_under(ours: Loop, actions: Sequence[Action], since: datetime) -> Truth:
    """Live the same fleet with the same luck under other actions than trimtab's."""
    setup = ours.lab.setup
    until = int(setup.until.timestamp())
    world = world_of(setup, until - until % known.DAY - setup.days * known.DAY)
    for action in sorted(actions, key=lambda each: each.at):
        world.advance(max(action.at, world.now))
        world.do(action)
    world.advance(int((since + MEASURED).timestamp()))
    return Truth(world)


def oracle(ours: Loop, first: Situation, still: Truth, since: datetime) -> Measured:
    """Plan once with the true run times of the four weeks that will be measured, and no step limits.

    Of several plans and frequencies the cheapest is kept, missed deadlines counted in.
    """
    informed = replace(
        first,
        forecasts=told(first, still, since),
        fleet_terms=replace(first.fleet_terms, blast=BlastLimit()),
    )
    found = []
    for miss in (5.0, 20.0, 60.0):
        schedule = ScheduleAdvisor(penalties=Penalties(miss=miss))
        advice = agenda([*schedule.advise(informed), *FrequencyAdvisor().advise(informed)])
        chosen = [each for each in advice if isinstance(each, Recommendation)]
        actions = at(first.now, (action_of(each, ours.lab) for each in chosen))
        found.append(measure(truth_under(ours, actions, since), since, ours.team.prices))
    found.append(measure(still, since, ours.team.prices))
    return min(found, key=lambda each: each.cost + MISS_USD * each.missed)


def told(first: Situation, still: Truth, since: datetime) -> dict[ConnectionId, Forecast]:
    """Return forecasts whose durations are what the syncs will really take."""
    table = still.table(since)
    ended = table["status"] == JobStatus.SUCCEEDED
    seconds = table["updated"] - table["created"]
    forecasts = dict(first.forecasts)
    for index, name in enumerate(still.connection_ids):
        mine = seconds[ended & (table["connection"] == index)]
        key = ConnectionId(name)
        if len(mine) and key in forecasts:
            low, middle, high, most = np.quantile(mine, (0.05, 0.5, 0.8, 0.95))
            truth = Quantiles(*(timedelta(seconds=float(s)) for s in (low, middle, high, most)))
            forecasts[key] = replace(forecasts[key], duration=truth)
    return forecasts


def kept(ours: Loop, since: datetime) -> tuple[int, int]:
    """Count the promised savings that came true within their interval, and those that were judged.

    What a change saved is the bill of the life with all changes before it, less the bill with it
    too, each in the kind of cost that its advisor speaks of: schedules promise warehouse time, the
    others everything else.
    """
    prices, months = ours.team.prices, Decimal(30) / MEASURED.days
    done = [*ours.lab.world.log]
    assert len(done) == len(ours.applied), "trimtab alone acts in its world"
    inside = judged = 0
    for place, (_, each) in enumerate(ours.applied):
        saving = each.effect.saving
        if judged == JUDGED or not isinstance(saving, Quantiles) or saving.p05 == saving.p95:
            continue
        bills = [
            truth_under(ours, done[:end], since).bill(since, prices) for end in (place, place + 1)
        ]
        parts = [
            bill.warehouse if each.advisor == "schedule" else bill.total - bill.warehouse
            for bill in bills
        ]
        judged += 1
        inside += saving.p05 <= (parts[0] - parts[1]) * months <= saving.p95
    return inside, judged


def table(title: str, lives: Sequence[Lives]) -> None:
    """Print the means of one size."""
    print(f"\n{title}")
    print(f"  {'':10}{'cost':>12}{'saved':>18}{'warehouse':>12}{'missed':>9}{'failed':>9}")
    for name in ("static", "thumb", "trimtab", "oracle"):
        found = [getattr(each, name) for each in lives]
        shares = [saved(each, name) for each in lives]
        spread = 1.96 * stdev(shares) / len(shares) ** 0.5 if len(shares) > 1 else 0.0
        print(
            f"  {name:10}{mean(float(f.cost) for f in found):>12,.0f}"
            f"{mean(shares):>10.1%} ± {spread:5.1%}"
            f"{mean(float(f.warehouse) for f in found):>12,.0f}"
            f"{sum(f.missed for f in found) / max(1, sum(f.promised for f in found)):>9.1%}"
            f"{sum(f.failed for f in found) / sum(f.syncs for f in found):>9.2%}"
        )
    inside, judged = (sum(getattr(each, name) for each in lives) for name in ("inside", "judged"))
    share = f"{inside / judged:.0%} of {judged}" if judged else "none"
    print(
        f"  {mean(each.changes for each in lives):.0f} changes a fleet; promised savings inside "
        f"their 90 % interval: {share}"
    )


def saved(lives: Lives, name: str) -> float:
    """Return the share of the static bill that a life saves."""
    return float(1 - getattr(lives, name).cost / lives.static.cost)


def reached(plan: str, lives: Sequence[Lives]) -> bool:
    """Print the aims beside what was reached."""
    ours, best = (mean(saved(each, name) for each in lives) for name in ("trimtab", "oracle"))
    missed = sum(each.trimtab.missed for each in lives) <= sum(each.static.missed for each in lives)
    inside, judged = (sum(getattr(each, name) for each in lives) for name in ("inside", "judged"))
    coverage = inside / judged if judged else 0.0
    print(f"\n{plan}: saved {ours:.1%} (aim ≥ {LEAST_SAVED:.0%}), oracle {best:.1%};", end=" ")
    print(f"of the oracle's {ours / best if best > 0 else 0:.0%} (aim ≥ {OF_ORACLE:.0%});", end=" ")
    print(f"no more misses than static: {missed}; inside 90 %: {coverage:.0%} (aim 88–92 %)")
    good = INSIDE[0] <= coverage <= INSIDE[1]
    return ours >= LEAST_SAVED and missed and ours >= OF_ORACLE * best and good


if __name__ == "__main__":
    sys.exit(main())
