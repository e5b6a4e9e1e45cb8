"""The bound: no plan can cost less than this, proved by a linear relaxation.

Each candidate may be chosen in part. The links between syncs of one model are left out, which
can only make the bound lower. Solved by HiGHS through scipy, which scikit-learn brings anyway.
"""

from dataclasses import dataclass, field

import numpy as np

from bot.advise.schedule.problem import Floats, Ints, Options, Problem


@dataclass
class _Rows:
    """A sparse matrix in the making: entries of rows that are bounded from above."""

    rows: list[Ints] = field(default_factory=list)
    columns: list[Ints] = field(default_factory=list)
    values: list[Floats] = field(default_factory=list)

    def put(self, rows: Ints, columns: Ints, values: Floats | float) -> None:
        self.rows.append(rows)
        self.columns.append(columns)
        self.values.append(np.broadcast_to(np.asarray(values, np.float64), rows.shape))


def lower_bound(problem: Problem) -> float:
    """Return a cost in a cycle that no plan can go below.

    Raises:
        ArithmeticError: the solver found no answer.
    """
    from scipy.optimize import linprog
    from scipy.sparse import csr_matrix

    sizes = np.array([len(options.cost) for options in problem.options])
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    chosen = int(offsets[-1])
    capacities, slots = problem.shared.base.shape
    over = chosen  # one column a capacity and slot, then one a slot for the crowd
    crowd = over + capacities * slots
    on = crowd + slots
    columns = on + problem.warehouses.base.size
    rows = _Rows()
    _fill(problem, offsets, rows, (over, crowd))
    used = capacities * slots + slots
    warehouse_rows = _fill_warehouses(problem, offsets, rows, (used, on))
    ceiling = np.concatenate(
        [
            (problem.shared.limits[:, None] - problem.shared.base).ravel(),
            np.full(slots, problem.crowd.limit),
            np.zeros(warehouse_rows),
        ]
    )
    free = problem.warehouses.base.ravel() > 0
    cost = np.concatenate(
        [
            *(options.cost for options in problem.options),
            np.full(capacities * slots, problem.shared.rate),
            np.full(slots, problem.crowd.rate),
            np.where(free, 0.0, problem.warehouses.price.ravel()),
        ]
    )
    matrix = csr_matrix(
        (np.concatenate(rows.values), (np.concatenate(rows.rows), np.concatenate(rows.columns))),
        shape=(used + warehouse_rows, columns),
    )
    owner = np.repeat(np.arange(len(sizes)), sizes)
    once = csr_matrix((np.ones(chosen), (owner, np.arange(chosen))), (len(sizes), columns))
    constant = float(problem.warehouses.price.ravel()[free].sum())
    # A capacity that those who never move exceed by themselves is paid for in any plan.
    answer = linprog(
        cost,
        A_ub=matrix,
        b_ub=ceiling,
        A_eq=once,
        b_eq=np.ones(len(sizes)),
        bounds=(0, None),
        method="highs-ipm",
    )
    if answer.fun is None:
        raise ArithmeticError(f"the bound was not found: {answer.message}")
    return float(answer.fun) + constant


def _fill(problem: Problem, offsets: Ints, rows: _Rows, extra: tuple[int, int]) -> None:
    """Write one row a capacity and slot, and one a slot for the crowd."""
    slots = problem.slots
    over, crowd = extra
    capacities = problem.shared.base.shape[0]
    for connection, options in enumerate(problem.options):
        which, slot, times = _held(problem, options, options.busy)
        for capacity, weight in problem.uses[connection]:
            rows.put(capacity * slots + slot, offsets[connection] + which, weight * times)
        weight = problem.crowd.weights[connection]
        if weight:
            row, run = np.nonzero(options.begin < slots)
            start = options.begin[row, run]
            rows.put(capacities * slots + start, offsets[connection] + row, weight)
    everything = np.arange(capacities * slots)
    rows.put(everything, over + everything, -1.0)
    each = np.arange(slots)
    rows.put(capacities * slots + each, crowd + each, -1.0)


def _fill_warehouses(problem: Problem, offsets: Ints, rows: _Rows, places: tuple[int, int]) -> int:
    """Write one row a connection and slot: the warehouse is on at least as far as it is used."""
    row, on = places
    first = row
    slots = problem.slots
    for connection, options in enumerate(problem.options):
        warehouse = int(problem.warehouse[connection])
        if warehouse < 0:
            continue
        which, slot, _ = _held(problem, options, options.on)
        touched, place = np.unique(slot, return_inverse=True)
        rows.put(row + place, offsets[connection] + which, 1.0)
        rows.put(row + np.arange(len(touched)), on + warehouse * slots + touched, -1.0)
        row += len(touched)
    return row - first


def _held(problem: Problem, options: Options, ends: Ints) -> tuple[Ints, Ints, Floats]:
    """List candidate, slot and how often the candidate's runs hold it."""
    held = np.stack(
        [problem.covered(begin, end) for begin, end in zip(options.begin, ends, strict=True)]
    )
    which, slot = np.nonzero(held)
    return which, slot, held[which, slot]
