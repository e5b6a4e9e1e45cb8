"""Penalties: what everything beside money is worth in money, in one place.

All of them are in units of the price book's currency. They decide only what is preferred to what:
what a pull request promises is counted in money and in missed deadlines, each by itself.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Penalties:
    """What each thing that nobody wants costs; docs/advice.md repeats them with the reasons.

    Attributes:
        miss: one missed deadline: an hour of somebody's morning, and of whoever waits for it. A
            promise that does not reach its probability costs one a day, beside the misses.
        allowed_miss: one miss that a promise allows for: a little more slack is worth a little.
        blackout: one sync inside a window in which none may run: as bad as a missed deadline.
        overload: a sync (or data worker) above a capacity, for an hour: what it makes others wait.
        busy_source: an hour of a sync while its source is as busy as it can be: its users wait.
        crowded_start: a day of starts in minutes that have their share already, where no capacity
            is declared. A little more than a change costs: out of a crowd, once, and not for more.
        apart: an hour between syncs that feed one model, beyond the first: half-fresh tables.
        change: a changed schedule, per day: ten minutes of a reviewer, earned back in a month.
        shift: an hour by which a start moves, per day: people know when their data arrives.
        age: an hour that data is old when it is due: the fresher of two good starts is better.
        other_day: a daily start that moves over midnight UTC, per day: it misses the end of a day.
        skipped: a sync that is left out because it would meet a window: its data comes later.
        priority: by what share of itself a miss gets dearer with each point of priority.
    """

    miss: float = 60.0
    allowed_miss: float = 2.0
    blackout: float = 60.0
    overload: float = 16.0
    busy_source: float = 2.0
    crowded_start: float = 0.5
    apart: float = 0.5
    change: float = 0.3
    shift: float = 0.01
    age: float = 0.02
    other_day: float = 0.25
    skipped: float = 3.0
    priority: float = 0.1
