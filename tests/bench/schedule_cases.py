"""Fleets to schedule: people's habits, shared sources, a pool of workers, deadlines and backups.

The class that the figures in docs/advice.md speak of: a cyclic day or week of 15-minute slots,
12 connections a source with heavy-tailed sizes, 45 % daily to 20 % hourly, starts that cluster
at midnight and two o'clock, deadlines with freshness for 65 % of the daily ones, backups at 30 %
of the sources, a tenth of the daily ones in pairs that feed one model.
"""

from dataclasses import dataclass

import numpy as np

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


def case(size: int, *, days: int = 1, on_time: bool = False, seed: int = 0) -> Case:
    """Build a fleet; with `on_time` a warehouse is paid for while anything keeps it on."""
    dice = np.random.default_rng(seed)
    count = max(4, size // 12)
    heavy = np.minimum((dice.pareto(1.1, size) * count * 0.08).astype(int), count - 1)
    sources = np.where(dice.random(size) < 0.6, dice.integers(0, count, size), heavy)
    often = dice.choice([1, 2, 4, 8, 24], size, p=[0.45, 0.1, 0.15, 0.1, 0.2])
    periods = DAY // often
    minutes = np.exp(dice.normal(np.log(7), 1.0, size)) * np.where(often >= 8, 0.35, 1)
    minutes = np.minimum(minutes, 0.55 * 1440 / often)
    usual = np.maximum(1, np.ceil(minutes / GRID)).astype(int)
    long = np.maximum(1, np.ceil(minutes * dice.uniform(1.4, 2.6, size) / GRID)).astype(int)
    long = np.minimum(long, periods)
    warehouse = dice.integers(0, max(1, min(8, size // 60 + 1)), size)
    habit = dice.choice(7, size, p=[0.34, 0.1, 0.18, 0.14, 0.1, 0.08, 0.06]) * 60 // GRID
    today = np.where(dice.random(size) < 0.7, habit, dice.integers(0, DAY, size)) % periods
    price = _prices(dice, int(warehouse.max()) + 1, days)
    scale = dice.choice([0.25, 0.25, 0.5, 1.0], size)
    deadline = np.where(
        (often == 1) & (dice.random(size) < 0.65), dice.choice([5, 6, 7, 8, 9], size) * 4, -1
    )
    fresh = dice.choice([5, 6, 8, 12], size) * 4
    blackout = _blackouts(dice, count)
    weekdays = np.where((days == 7) & (often == 1) & (dice.random(size) < 0.4), 5, days)
    work = np.bincount(sources, weights=long * often, minlength=count)
    limits = np.append(
        np.maximum(1, np.ceil(1.3 * 1.5 * work / DAY)), np.ceil(1.3 * (long * often).sum() / DAY)
    )
    slots = DAY * days
    options, phases = [], []
    for each in range(size):
        phase = np.arange(periods[each])
        distance = np.abs(phase - today[each])
        distance = np.minimum(distance, periods[each] - distance)
        cost = MOVE * (distance > 0) + SHIFT * distance
        runs = (phase[:, None] + periods[each] * np.arange(often[each])) % DAY
        struck = _touch(blackout[sources[each]], runs, long[each])
        skipped = (struck > 0) & (often[each] > 1)
        if skipped.all():
            skipped[:] = False
        cost = cost + BLACKOUT * (struck - skipped).sum(axis=1)
        ran = (~skipped).sum(axis=1)
        cost = cost + LOST * (ran.max() - ran)
        if deadline[each] >= 0:
            lead = (deadline[each] - phase) % DAY
            cost = cost + MISS * ((lead < long[each]) | (lead > fresh[each]))
        cost = cost * weekdays[each]
        begin = runs[:, None, :] + DAY * np.arange(weekdays[each])[None, :, None]
        begin = np.where(skipped[:, None, :], slots, begin).reshape(len(phase), -1)
        length = np.where(begin < slots, long[each], 0)
        tail = min(max(1, int(np.ceil(minutes[each] / GRID + TAIL))), int(periods[each]))
        kept_on = np.where(begin < slots, tail, 0)
        if not on_time:
            spent = np.concatenate([[0.0], np.cumsum(np.tile(price[warehouse[each]], 2))])
            ends = begin + np.where(begin < slots, usual[each], 0)
            cost = cost + (spent[ends] - spent[begin]).sum(axis=1) * scale[each]
        keep = np.flatnonzero(cost < cost.min() + MISS / 2)
        order = np.append(today[each], keep[keep != today[each]])
        phases.append(order)
        options.append(
            Options(
                begin[order],
                (begin + length)[order],
                (begin + kept_on)[order],
                cost[order],
                ((runs[:, -1] + long[each]) % DAY).astype(np.float64)[order],
            )
        )
    return Case(
        Problem(
            slots=slots,
            options=tuple(options),
            uses=tuple(((int(source), 1.0), (count, 1.0)) for source in sources),
            shared=Shared(limits, np.zeros((count + 1, slots)), OVERLOAD, 1e5),
            warehouse=warehouse if on_time else np.full(size, -1),
            warehouses=Warehouses(price, np.zeros(price.shape)),
            crowd=Crowd(0.0, np.zeros(size), 0.0),
            together=Together(4.0, 48.0, DAY, _links(dice, np.flatnonzero(often == 1), size, days)),
        ),
        tuple(phases),
        periods,
        sources,
    )


def spread_evenly(fleet: Case) -> Ints:
    """Stagger the syncs of each source and cadence evenly, whatever that costs."""
    choice = np.zeros(len(fleet.phases), np.intp)
    for source, period in sorted(set(zip(fleet.sources.tolist(), fleet.periods.tolist()))):
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


def _touch(blackout: Ints, runs: Ints, length: int) -> Ints:
    touched: Ints = blackout[(runs[:, :, None] + np.arange(length)) % DAY].max(axis=2)
    return touched


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
