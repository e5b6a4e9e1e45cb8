"""A placement: one candidate chosen for every connection, and what the next choice would cost."""

from typing import Final

import numpy as np

from bot.advise.schedule.problem import STAY, Floats, Ints, Problem

_ALL: Final = slice(None)


class Placement:
    """One choice for every connection, kept up to date while single choices change.

    `marginal` is the heart: it prices every candidate of one connection in one pass, from the sums
    of slot prices between begin and end of each run.
    """

    def __init__(self, problem: Problem, choice: Ints | None = None) -> None:
        self.problem = problem
        size = len(problem.options)
        self.choice = np.full(size, STAY, np.intp) if choice is None else choice.copy()
        self.usage = problem.shared.base.copy()
        self.on = problem.warehouses.base.copy()
        self.starts = np.zeros(problem.slots + 1)
        self._placed = np.zeros(size, np.bool_)
        self._sums = np.zeros(problem.slots + problem.reach + 1)
        for connection in range(size):
            self.place(connection, int(self.choice[connection]))

    def place(self, connection: int, candidate: int) -> None:
        """Put a connection that has been taken out on one of its candidates."""
        self.choice[connection] = candidate
        self._placed[connection] = True
        self._add(connection, 1.0)

    def remove(self, connection: int) -> int:
        """Take a connection out, and return the candidate that it had."""
        self._add(connection, -1.0)
        self._placed[connection] = False
        return int(self.choice[connection])

    def marginal(self, connection: int) -> Floats:
        """Return what each candidate of a connection that has been taken out adds to the cost."""
        problem = self.problem
        options, uses = problem.options[connection], problem.uses[connection]
        total = options.cost.copy()
        if uses:
            total += self._between(self._capacity_price(uses), options.begin, options.busy)
        if problem.warehouse[connection] >= 0:
            total += self.power(connection)
        if problem.crowd.weights[connection]:
            total += self.crowding(connection)
        if problem.together.links:
            total += self.apart(connection)
        return total

    def power(self, connection: int) -> Floats:
        """Return what each candidate adds to the cost of its warehouse."""
        options, warehouse = self.problem.options[connection], self.problem.warehouse[connection]
        price = self.problem.warehouses.price[warehouse] * (self.on[warehouse] == 0)
        return self._between(price, options.begin, options.on)

    def power_shared(self, connection: int) -> float:
        """Return a connection's part of its warehouse's bill: each slot's price by its keepers."""
        warehouse = self.problem.warehouse[connection]
        if warehouse < 0:
            return 0.0
        options, chosen = self.problem.options[connection], self.choice[connection]
        price = self.problem.warehouses.price[warehouse] / np.maximum(self.on[warehouse], 1.0)
        begin, end = options.begin[chosen], options.on[chosen]
        return float(self._between(price, begin[None], end[None])[0])

    def crowding(self, connection: int) -> Floats:
        """Return what each candidate adds to the crowd."""
        crowd = self.problem.crowd
        weight = float(crowd.weights[connection])
        over = np.maximum(self.starts + (weight - crowd.limit), 0.0)
        crowded = np.minimum(over, weight) * crowd.rate
        crowded[-1] = 0.0
        added: Floats = crowded[self.problem.options[connection].begin].sum(axis=1)
        return added

    def apart(self, connection: int) -> Floats:
        """Return what each candidate costs for finishing apart from those it is linked with."""
        problem = self.problem
        finish = problem.options[connection].finish
        cost = np.zeros(len(finish))
        for link in problem.together.links[connection]:
            if self._placed[link.other]:
                there = problem.options[link.other].finish[self.choice[link.other]]
                cost += link.rate * problem.together.apart(finish, float(there))
        return cost

    def total(self) -> float:
        """Return what all choices together cost in a cycle."""
        problem, shared = self.problem, self.problem.shared
        over = np.maximum(self.usage - shared.limits[:, None], 0.0).sum()
        beyond = np.maximum(self.usage - problem.ceiling, 0.0).sum()
        crowded = np.maximum(self.starts[:-1] - problem.crowd.limit, 0.0).sum()
        unary = sum(
            float(options.cost[chosen])
            for options, chosen in zip(problem.options, self.choice, strict=True)
        )
        apart = sum(
            float(self.apart(connection)[chosen])
            for connection, chosen in enumerate(self.choice)
            if problem.together.links
        )
        return float(
            unary
            + shared.rate * over
            + shared.forbidden * beyond
            + (problem.warehouses.price * (self.on > 0)).sum()
            + problem.crowd.rate * crowded
            + apart / 2  # each link is counted from both ends
        )

    def overload(self, capacities: list[int] | slice = _ALL) -> Floats:
        """Return for each capacity, or some, how many unit-slots are in use above its limit."""
        limits = self.problem.shared.limits[capacities, None]
        over: Floats = np.maximum(self.usage[capacities] - limits, 0.0).sum(axis=1)
        return over

    def _capacity_price(self, uses: tuple[tuple[int, float], ...]) -> Floats:
        problem, shared = self.problem, self.problem.shared
        price = np.zeros(problem.slots)
        for capacity, weight in uses:
            used = self.usage[capacity] + weight
            over = np.minimum(np.maximum(used - shared.limits[capacity], 0.0), weight)
            beyond = np.minimum(np.maximum(used - problem.ceiling[capacity], 0.0), weight)
            price += shared.rate * over + shared.forbidden * beyond
        return price

    def _between(self, price: Floats, begin: Ints, end: Ints) -> Floats:
        """Add up the prices of the slots that each candidate's runs hold."""
        slots, sums = self.problem.slots, self._sums
        np.cumsum(price, out=sums[1 : slots + 1])
        if self.problem.reach:
            np.add(sums[1 : self.problem.reach + 1], sums[slots], out=sums[slots + 1 :])
        spent: Floats = (sums[end] - sums[begin]).sum(axis=1)
        return spent

    def _add(self, connection: int, sign: float) -> None:
        problem = self.problem
        options, chosen = problem.options[connection], self.choice[connection]
        begin, uses = options.begin[chosen], problem.uses[connection]
        if uses:
            held = problem.covered(begin, options.busy[chosen])
            for capacity, weight in uses:
                self.usage[capacity] += sign * weight * held
        warehouse = problem.warehouse[connection]
        if warehouse >= 0:
            self.on[warehouse] += sign * problem.covered(begin, options.on[chosen])
        weight = problem.crowd.weights[connection]
        if weight:
            np.add.at(self.starts, begin, sign * weight)
