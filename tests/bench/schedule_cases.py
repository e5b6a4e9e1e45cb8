"""Fleets to schedule: people's habits, shared sources, a pool of workers, deadlines and backups.

The class that the figures in docs/advice.md speak of: a cyclic day or week of 15-minute slots,
12 connections a source with heavy-tailed sizes, 45 % daily to 20 % hourly, starts that cluster
at midnight and two o'clock, deadlines with freshness for 65 % of the daily ones, backups at 30 %
of the sources, a tenth of the daily ones in pairs that feed one model.
"""

import random
from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from typing import Any

import numpy as np

from bot.advise.advisor import Situation
from bot.advise.schedule.problem import (
    Crowd,
    Floats,
    Ints,
    Link,
    Options,
    Problem,
    Shared,
    Together,
    Warehouses,
)
from bot.domain.calendar import WEEKDAYS, Days
from bot.domain.connection import Cron
from bot.domain.promises import Capacity, CapacityScope, Deadline, FleetTerms, SharedCapacity
from tests.advise.schedule.fleets import Sync, at_most, priced, situation

GRID = 15
DAY = 1440 // GRID
OVERLOAD, MISS, BLACKOUT, LOST, APART, MOVE, SHIFT = 4.0, 60.0, 60.0, 3.0, 0.5, 0.3, 0.002
TAIL = 10 / GRID
"""A warehouse stays on for ten minutes after the last sync."""


@dataclass(frozen=True, slots=True)
class Case:
    """A problem, and what a baseline needs to know of it beside: period and phase of each row."""

    problem: Problem
    phases: tuple[Ints, ...]
    periods: Ints
    sources: Ints


@dataclass(frozen=True)
class _Fleet:
    """What was drawn of each connection and each source, before anything is laid out."""

    days: int
    sources: Ints
    often: Ints
    minutes: Floats
    long: Ints
    warehouse: Ints
    today: Ints
    price: Floats
    scale: Floats
    deadline: Ints
    fresh: Ints
    blackout: Ints
    weekdays: Ints

    @property
    def periods(self) -> Ints:
        return DAY // self.often

    def options(self, each: int, *, on_time: bool) -> tuple[Ints, Options]:
        """Return the phases that one connection can have, today's first, and what they cost."""
        slots, period, long = DAY * self.days, int(self.periods[each]), int(self.long[each])
        phase = np.arange(period)
        runs = (phase[:, None] + period * np.arange(self.often[each])) % DAY
        skipped, cost = self._unary(each, phase, runs)
        weekdays = self.weekdays[each]
        cost = cost * weekdays
        begin = runs[:, None, :] + DAY * np.arange(weekdays)[None, :, None]
        begin = np.where(skipped[:, None, :], slots, begin).reshape(len(phase), -1)
        there = begin < slots
        if not on_time:
            price = np.tile(self.price[self.warehouse[each]], 2)
            spent = np.concatenate([[0.0], np.cumsum(price)])
            usual = max(1, int(np.ceil(self.minutes[each] / GRID)))
            ends = begin + there * usual
            cost = cost + (spent[ends] - spent[begin]).sum(axis=1) * self.scale[each]
        keep = np.flatnonzero(cost < cost.min() + MISS / 2)
        order = np.append(self.today[each], keep[keep != self.today[each]])
        tail = min(int(np.ceil(self.minutes[each] / GRID + TAIL)), period)
        finish = ((runs[:, -1] + long) % DAY).astype(np.float64)
        rows = (begin, begin + there * long, begin + there * tail, cost, finish)
        return order, Options(*(row[order] for row in rows))

    def _unary(self, each: int, phase: Ints, runs: Ints) -> tuple[Any, Floats]:
        """Return which runs are left out for a backup, and what a day of each phase costs."""
        long, period = int(self.long[each]), int(self.periods[each])
        distance = np.abs(phase - self.today[each])
        distance = np.minimum(distance, period - distance)
        cost = MOVE * (distance > 0) + SHIFT * distance
        struck = self.blackout[self.sources[each]][(runs[:, :, None] + np.arange(long)) % DAY].max(
            axis=2
        )
        skipped = (struck > 0) & (self.often[each] > 1)
        skipped &= not skipped.all()
        ran = (~skipped).sum(axis=1)
        cost = cost + BLACKOUT * (struck - skipped).sum(axis=1) + LOST * (ran.max() - ran)
        if self.deadline[each] >= 0:
            lead = (self.deadline[each] - phase) % DAY
            cost = cost + MISS * ((lead < long) | (lead > self.fresh[each]))
        return skipped, cost


def case(size: int, *, days: int = 1, on_time: bool = False, seed: int = 0) -> Case:
    """Build a fleet; with `on_time` a warehouse is paid for while anything keeps it on."""
    dice = np.random.default_rng(seed)
    fleet = _draw(dice, size, days)
    count = len(fleet.blackout)
    found = [fleet.options(each, on_time=on_time) for each in range(size)]
    work = np.bincount(fleet.sources, weights=fleet.long * fleet.often, minlength=count)
    limits = np.maximum(1, np.ceil(1.3 * 1.5 * work / DAY))
    slots = DAY * days
    problem = Problem(
        slots=slots,
        options=tuple(options for _, options in found),
        uses=tuple(((int(source), 1.0), (count, 1.0)) for source in fleet.sources),
        shared=Shared(
            np.append(limits, np.ceil(1.3 * work.sum() / DAY)),
            np.zeros((count + 1, slots)),
            OVERLOAD,
            1e5,
        ),
        warehouse=fleet.warehouse if on_time else np.full(size, -1),
        warehouses=Warehouses(fleet.price, np.zeros(fleet.price.shape)),
        crowd=Crowd(0.0, np.zeros(size), 0.0),
        together=Together(
            4.0, 48.0, DAY, _links(dice, np.flatnonzero(fleet.often == 1), size, days)
        ),
    )
    return Case(problem, tuple(phases for phases, _ in found), fleet.periods, fleet.sources)


def _draw(dice: np.random.Generator, size: int, days: int) -> _Fleet:
    count = max(4, size // 12)
    heavy = np.minimum((dice.pareto(1.1, size) * count * 0.08).astype(int), count - 1)
    sources = np.where(dice.random(size) < 0.6, dice.integers(0, count, size), heavy)
    often = dice.choice([1, 2, 4, 8, 24], size, p=[0.45, 0.1, 0.15, 0.1, 0.2])
    minutes = np.exp(dice.normal(np.log(7), 1.0, size)) * np.where(often >= 8, 0.35, 1)
    minutes = np.minimum(minutes, 0.55 * 1440 / often)
    long = np.maximum(1, np.ceil(minutes * dice.uniform(1.4, 2.6, size) / GRID)).astype(int)
    warehouse = dice.integers(0, max(1, min(8, size // 60 + 1)), size)
    habit = dice.choice(7, size, p=[0.34, 0.1, 0.18, 0.14, 0.1, 0.08, 0.06]) * 60 // GRID
    today = np.where(dice.random(size) < 0.7, habit, dice.integers(0, DAY, size))
    due = (often == 1) & (dice.random(size) < 0.65)
    return _Fleet(
        days=days,
        sources=sources,
        often=often,
        minutes=minutes,
        long=np.minimum(long, DAY // often),
        warehouse=warehouse,
        today=today % (DAY // often),
        price=_prices(dice, int(warehouse.max()) + 1, days),
        scale=dice.choice([0.25, 0.25, 0.5, 1.0], size),
        deadline=np.where(due, dice.choice([5, 6, 7, 8, 9], size) * 4, -1),
        fresh=dice.choice([5, 6, 8, 12], size) * 4,
        blackout=_blackouts(dice, count),
        weekdays=np.where((days > 1) & (often == 1) & (dice.random(size) < 0.4), 5, days),
    )


def situation_of(size: int, seed: int = 3) -> Situation:
    """Build the same kind of fleet as an advisor is given it."""
    dice = random.Random(seed)
    syncs = [_sync(number, size, dice) for number in range(size)]
    by_source: dict[str, list[Sync]] = {}
    for sync in syncs:
        by_source.setdefault(sync.source, []).append(sync)
    sources = tuple(at_most(max(1, len(own) // 4), *own) for own in by_source.values())
    pool = Capacity("the workers", CapacityScope.POOL, Decimal(max(2, size // 6)))
    everybody = SharedCapacity(pool, frozenset(sync.id for sync in syncs))
    return situation(syncs, fleet_terms=FleetTerms((*sources, everybody)), **priced("3"))


def _sync(number: int, size: int, dice: random.Random) -> Sync:
    (often,) = dice.choices([1, 2, 4, 8, 24], [0.45, 0.1, 0.15, 0.1, 0.2])
    hour = dice.choice([0, 1, 2, 3])
    if often == 24:
        cron = "0 0 * * * ?"
    elif often > 1:
        cron = f"0 0 0/{24 // often} * * ?"
    else:
        cron = f"0 0 {hour} {'* * ?' if dice.random() < 0.7 else '? * MON-FRI'}"
    minutes = dice.lognormvariate(2, 1) * (1 if often < 8 else 0.35)
    sync = Sync(
        f"c{number:05}",
        Cron(cron),
        min(minutes, 0.3 * 1440 / often),
        source=f"s{dice.randrange(max(1, size // 12))}",
    )
    if often > 1 or dice.random() < 0.35:
        return sync
    days = dice.choice([Days(), Days(WEEKDAYS)])
    due = Deadline("report", time(dice.choice([5, 6, 7, 8])), "Europe/Berlin", days)
    return sync.within(deadlines=(due,))


def spread_evenly(fleet: Case) -> Ints:
    """Stagger the syncs of each source and cadence evenly, whatever that costs."""
    choice = np.zeros(len(fleet.phases), np.intp)
    for source, period in sorted(
        set(zip(fleet.sources.tolist(), fleet.periods.tolist(), strict=True))
    ):
        members = np.flatnonzero((fleet.sources == source) & (fleet.periods == period))
        for rank, member in enumerate(members):
            wanted = rank * period // len(members)
            choice[member] = int(np.abs(fleet.phases[member] - wanted).argmin())
    return choice


def _prices(dice: np.random.Generator, count: int, days: int) -> Floats:
    hours = np.arange(DAY) * GRID / 60
    usual = np.where((hours >= 8) & (hours < 20), 3.0, 1.6)
    usual = usual + 0.6 * np.exp(-(((hours - 2) / 1.5) ** 2))
    week = np.tile(usual, days)
    return np.stack([week * dice.uniform(0.7, 1.4) * GRID / 60 for _ in range(count)])


def _blackouts(dice: np.random.Generator, count: int) -> Ints:
    struck = np.zeros((count, DAY), np.intp)
    hours = np.arange(DAY) * GRID / 60
    for source in range(count):
        if dice.random() < 0.3:
            first, length = dice.integers(0, DAY), int(dice.choice([4, 8, 12]))
            struck[source, (first + np.arange(length)) % DAY] = 1
        if dice.random() < 0.1:
            struck[source, (hours >= 9) & (hours < 17)] = 1
    return struck


def _links(
    dice: np.random.Generator, daily: Ints, size: int, days: int
) -> tuple[tuple[Link, ...], ...]:
    shuffled = dice.permutation(daily)
    pairs = len(shuffled) // 10
    links: list[tuple[Link, ...]] = [()] * size
    for one, other in zip(shuffled[:pairs], shuffled[pairs : 2 * pairs], strict=True):
        links[one] = (Link(int(other), APART / 4 * days),)
        links[other] = (Link(int(one), APART / 4 * days),)
    return tuple(links)
