"""Measure schedule plans: `python -m tests.bench.bench_schedule`.

Every plan stands beside today, starts spread evenly, greedy placing (the tightest first) and, where
it can be proved, the bound of the linear relaxation. Costs are of the same problem in all columns.
Seconds are of the processor, peak memory is of the whole process so far. SIZE=full goes up to 10,000
connections; quick to 1,000.
"""

import os
import resource
from collections.abc import Iterator
from dataclasses import dataclass, replace
from time import process_time
from typing import Final

import numpy as np

from bot.advise.schedule.advisor import ScheduleAdvisor
from bot.advise.schedule.bound import lower_bound
from bot.advise.schedule.placement import Placement
from bot.advise.schedule.problem import STAY, Ints, Problem
from bot.advise.schedule.search import Effort, search, search_few
from bot.advise.schedule.steps import first_changes
from bot.domain.recommendation import Recommendation
from tests.bench.schedule_cases import Case, case, situation_of, spread_evenly

FULL: Final = os.environ.get("SIZE") == "full"
SIZES: Final = (100, 1_000, 5_000, 10_000) if FULL else (100, 1_000)
WEEKLY: Final = (100, 1_000, 5_000) if FULL else (100, 1_000)
WHOLE: Final = (1_000, 3_000) if FULL else (1_000,)
LARGEST_BOUND: Final = {1: 5_000, 7: 1_000}
"""The largest fleets, by days of the cycle, whose bound a small machine finds in minutes."""
GOALS: Final = {100: 0.5, 1_000: 1.0, 5_000: 1.5}
CURVE: Final = (5, 10, 20, 40, 60, 80, 120)


@dataclass(frozen=True, slots=True)
class Row:
    """One way to place a fleet, and what it costs."""

    name: str
    cost: float
    over: float
    moved: int
    seconds: float = 0.0


def greedy(problem: Problem) -> Ints:
    """Place one connection after the other where it costs least: few options and long runs first."""
    placement = Placement(problem)
    size = len(problem.options)
    for connection in range(size):
        placement.remove(connection)
    tight = [len(options.cost) for options in problem.options]
    heavy = [-int((o.busy[STAY] - o.begin[STAY]).sum()) for o in problem.options]
    for connection in np.lexsort((heavy, tight)).tolist():
        placement.place(connection, int(placement.marginal(connection).argmin()))
    return placement.choice


def without_warehouse(fleet: Case, size: int) -> Ints:
    """Plan as if each run were paid for by itself: what looks at prices but not at time on."""
    by_run = case(size)
    choice = search(by_run.problem, Effort()).choice
    phases = [own[chosen] for own, chosen in zip(by_run.phases, choice.tolist(), strict=True)]
    return np.array(
        [np.abs(own - phase).argmin() for own, phase in zip(fleet.phases, phases, strict=True)]
    )


def compare(fleet: Case, *others: tuple[str, Ints]) -> Iterator[Row]:
    """Yield the rows of one fleet, ours last."""
    problem = fleet.problem
    # Baselines may go above what is in use today; they pay for it like for any overload.
    plain = replace(problem, shared=replace(problem.shared, forbidden=0.0))

    def row(name: str, choice: Ints, seconds: float = 0.0) -> Row:
        placed = Placement(plain, choice)
        moved = int((choice != STAY).sum())
        return Row(name, placed.total(), float(placed.overload().sum()), moved, seconds)

    yield row("today", np.zeros(len(problem.options), np.intp))
    yield row("spread evenly", spread_evenly(fleet))
    start = process_time()
    placed = greedy(plain)
    yield row("greedy", placed, process_time() - start)
    for name, choice in others:
        yield row(name, choice)
    start = process_time()
    found = search(problem, Effort())
    yield row("trimtab", found.choice, process_time() - start)


def show(title: str, rows: list[Row], bound: float | None, goal: float | None) -> None:
    """Print one table."""
    print(f"\n{title}")
    print(f"  {'plan':<22}{'cost':>12}{'gap':>9}{'over':>9}{'moved':>8}{'seconds':>9}")
    for row in rows:
        gap = "" if bound is None else f"{row.cost / bound - 1:.2%}"
        print(
            f"  {row.name:<22}{row.cost:>12,.1f}{gap:>9}{row.over:>9,.0f}{row.moved:>8,}"
            f"{row.seconds:>9.1f}"
        )
    if bound is not None:
        print(f"  {'bound (HiGHS)':<22}{bound:>12,.1f}")
    if goal is not None and bound is not None:
        met = rows[-1].cost / bound - 1 <= goal / 100
        print(f"  goal: at most {goal} % above the bound: {'met' if met else 'MISSED'}")


def peak() -> str:
    """Return the most memory that was in use so far."""
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_048_576:.2f} GiB"


def curve(size: int = 300) -> None:
    """Print how much of a plan's benefit so few moves bring: the best plan of M, and a list cut at M."""
    problem = case(size).problem
    found = search(problem, Effort())
    whole = found.today - found.cost
    print(f"\nwith M moves of {size} connections, in % of the whole benefit")
    print(f"  {'M':>5}{'planned for M':>15}{'whole plan cut at M':>21}")
    for most in CURVE:
        cut = first_changes(problem, found.choice, most)
        few = search_few(problem, found, most, cut)
        benefit = found.today - Placement(problem, cut).total()
        print(f"  {most:>5}{(found.today - few.cost) / whole:>15.1%}{benefit / whole:>21.1%}")
    print(f"  {int((found.choice != STAY).sum()):>5}{1:>15.1%}{1:>21.1%}")


def whole_advisor(size: int) -> None:
    """Time everything from a situation to recommendations, with weekdays, windows and prices."""
    asked = situation_of(size)
    start = process_time()
    advice = ScheduleAdvisor().advise(asked)
    seconds = process_time() - start
    moved = sum(isinstance(each, Recommendation) for each in advice)
    print(f"  {size:>7,} connections: {seconds:6.1f} s, {moved:,} recommended, peak {peak()}")


def main() -> None:
    """Print all tables."""
    for size in SIZES:
        fleet = case(size)
        rows = list(compare(fleet))
        memory = peak()
        bound = lower_bound(fleet.problem) if size <= LARGEST_BOUND[1] else None
        show(f"a day, {size:,} connections (peak {memory})", rows, bound, GOALS.get(size))
    for size in WEEKLY:
        fleet = case(size, days=7)
        rows = list(compare(fleet))
        bound = lower_bound(fleet.problem) if size <= LARGEST_BOUND[7] else None
        show(f"a week, {size:,} connections (peak {peak()})", rows, bound, None)
    for size in SIZES:
        fleet = case(size, on_time=True)
        rows = list(compare(fleet, ("price of each run", without_warehouse(fleet, size))))
        show(f"a day, warehouses paid while on, {size:,} connections", rows, None, None)
        lowest = min(row.cost for row in rows[:-1])
        print(f"  below every other: {'yes' if rows[-1].cost < lowest else 'NO'}")
    curve()
    print("\nthe whole advisor, on a week, with deadlines, capacities and a warehouse")
    for size in WHOLE:
        whole_advisor(size)


if __name__ == "__main__":
    main()
