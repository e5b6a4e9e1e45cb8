"""The search by itself, on problems without people: how good, how steady, in which order."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from bot.advise.schedule.bound import lower_bound
from bot.advise.schedule.placement import Placement
from bot.advise.schedule.problem import STAY, Ints, Problem
from bot.advise.schedule.search import Effort, search, search_few
from bot.advise.schedule.steps import first_changes, order
from tests.bench.schedule_cases import case

QUICK = Effort(rounds=3)


@pytest.fixture(scope="module", params=[False, True], ids=["by run", "by time on"])
def problem(request: pytest.FixtureRequest) -> Problem:
    return case(60, on_time=request.param, seed=4).problem


def overload(problem: Problem, choice: Ints) -> list[float]:
    return [float(over) for over in Placement(problem, choice).overload()]


def test_a_plan_costs_no_less_than_the_bound_and_little_more() -> None:
    problem = case(100).problem
    bound = lower_bound(problem)
    cost = search(problem, Effort()).cost
    assert bound - 1e-6 <= cost <= 1.01 * bound


def test_the_bound_holds_with_a_warehouse_that_is_paid_while_on() -> None:
    problem = case(40, on_time=True, seed=1).problem
    bound = lower_bound(problem)
    assert 0 < bound <= search(problem, QUICK).cost


def test_no_capacity_is_exceeded_more_than_today(problem: Problem) -> None:
    today = overload(problem, np.full(len(problem.options), STAY, np.intp))
    found = overload(problem, search(problem, QUICK).choice)
    assert all(after <= before for before, after in zip(today, found, strict=True))


def test_what_the_search_says_it_costs_is_what_it_costs(problem: Problem) -> None:
    found = search(problem, QUICK)
    assert found.cost == pytest.approx(Placement(problem, found.choice).total())
    assert found.cost < found.today


def test_marginal_prices_are_differences_of_totals(problem: Problem) -> None:
    """The price of each candidate, against counting the whole fleet anew."""
    placement = Placement(problem, search(problem, QUICK).choice)
    for connection in range(0, len(problem.options), 7):
        current = placement.remove(connection)
        prices = placement.marginal(connection)
        placement.place(connection, current)
        before = placement.total()
        for candidate in range(0, len(prices), 5):
            choice = placement.choice.copy()
            choice[connection] = candidate
            after = Placement(problem, choice).total()
            assert after - before == pytest.approx(prices[candidate] - prices[current])


def test_the_same_seed_gives_the_same_plan(problem: Problem) -> None:
    assert (search(problem, QUICK).choice == search(problem, QUICK).choice).all()


def test_every_step_pays_and_the_list_adds_up(problem: Problem) -> None:
    found = search(problem, QUICK)
    steps = order(problem, found.choice, len(problem.options))
    placement = Placement(problem)
    costs = [placement.total()]
    for step in steps:
        for connection in step.connections:
            placement.remove(connection)
            placement.place(connection, int(found.choice[connection]))
        costs.append(placement.total())
        assert costs[-2] - costs[-1] == pytest.approx(step.gain, abs=1e-6)
    assert all(later < earlier for earlier, later in pairwise(costs))
    assert costs[-1] <= found.cost + 0.01 * abs(found.cost)


def test_a_step_gains_what_it_says_after_what_it_needs(problem: Problem) -> None:
    found = search(problem, QUICK)
    for step in order(problem, found.choice, len(problem.options)):
        if not step.needs:
            continue
        choice = np.full(len(problem.options), STAY, np.intp)
        choice[list(step.needs)] = found.choice[list(step.needs)]
        before = Placement(problem, choice).total()
        choice[list(step.connections)] = found.choice[list(step.connections)]
        assert before - Placement(problem, choice).total() >= 0.9 * step.gain - 1e-6


@pytest.mark.parametrize("most", [0, 3, 10, 25])
def test_a_plan_of_few_changes_keeps_to_them_and_beats_a_list_that_is_cut(
    problem: Problem, most: int
) -> None:
    found = search(problem, QUICK)
    cut = first_changes(problem, found.choice, most)
    few = search_few(problem, found, most, cut)
    assert (few.choice != STAY).sum() <= most
    assert few.cost <= Placement(problem, cut).total() + 1e-9
    assert few.cost <= found.today


def test_where_staying_is_best_nothing_moves() -> None:
    problem = case(30, seed=2).problem
    dear = tuple(
        replace(options, cost=options.cost + 1e4 * (np.arange(len(options.cost)) > 0))
        for options in problem.options
    )
    found = search(replace(problem, options=dear), QUICK)
    assert not (found.choice != STAY).any()
