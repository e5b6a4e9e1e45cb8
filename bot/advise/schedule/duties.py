"""Duties: what one connection owes by itself, as positions on the cycle in both seasons.

Deadlines are taken back by the models between the tables and whoever reads them, so that a duty
says when the data has to have landed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Final

import numpy as np

from bot.advise.schedule.cycle import DAY_MINUTES, Cycle, Season, seasons
from bot.advise.schedule.lengths import Lengths
from bot.advise.schedule.problem import Flags, Floats, Ints
from bot.domain.calendar import EVERY_DAY
from bot.domain.promises import Deadline, Terms, Window, WindowKind
from bot.domain.subject import Subject

_AHEAD: Final = timedelta(days=31)
_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
_CRITICAL: Final = 10
"""What each critical reader adds to the priority of what it reads."""


@dataclass(frozen=True, slots=True)
class Due:
    """Deadlines of one name: by which minutes of the cycle data has landed, per season.

    A sync counts if it starts at most `lead` minutes before. `wanted` is the promised probability.
    """

    name: str
    by: tuple[tuple[int, ...], ...]
    lead: int
    wanted: float


@dataclass(frozen=True, slots=True)
class Closed:
    """Spans of the cycle in which no sync may run, per season, as (start, length) in minutes."""

    name: str
    spans: tuple[tuple[tuple[int, int], ...], ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """How deadlines are kept by each row of starts, in a cycle.

    `misses` is the expected number missed, `excess` what of it the promised probabilities do not
    allow for, `broken` how many deadlines do not reach their probability, `age` the hours since the
    start of the syncs that count, added up: each of the season that is worse.
    `broken_by_season` has both, as its first axis: what one gains, the other may lose.
    """

    misses: Floats
    excess: Floats
    broken: Floats
    age: Floats
    broken_by_season: Floats


@dataclass(frozen=True, slots=True)
class Duties:
    """All that one connection owes by itself, on one cycle.

    `stale` is how many minutes old its data may get at most; None is "no bound".
    """

    cycle: Cycle
    due: tuple[Due, ...] = ()
    closed: tuple[Closed, ...] = ()
    priority: int = 0
    stale: int | None = None

    def kept(self, starts: Ints, lengths: Lengths, late: int) -> "Kept":
        """Hold each row of starts against the deadlines of a cycle, in both seasons.

        Args:
            starts: minutes of the cycle, one candidate a row; -1 where it has fewer starts.
            lengths: how long the sync takes.
            late: by how many minutes the platform may start late.
        """
        expected = np.zeros((2, len(starts)))
        broken = np.zeros((2, len(starts)))
        excess = np.zeros((2, len(starts)))
        age = np.zeros((2, len(starts)))
        for due in self.due:
            for season, by in enumerate(due.by):
                if not by:
                    continue
                # A start at the very deadline counts for the next one, never for its own.
                lead = (np.array(by)[:, None, None] - starts - 1) % self.cycle.minutes + 1
                counts = (lead <= due.lead) & (starts >= 0)
                best = np.where(counts, lead, 0).max(axis=2)
                met = lengths.done_within(best - float(late))
                expected[season] += (1 - met).sum(axis=0)
                excess[season] += np.maximum(0.0, due.wanted - met).sum(axis=0)
                broken[season] += (met < due.wanted - 1e-9).sum(axis=0)
                age[season] += best.sum(axis=0) / 60
        return Kept(
            expected.max(axis=0), excess.max(axis=0), broken.max(axis=0), age.max(axis=0), broken
        )

    def hits(self, starts: Ints, held: Ints) -> Flags:
        """Tell of each start whether its run may touch a closed span, in either season.

        `held` is for how many minutes from the start on it may run.
        """
        hit: Flags = np.logical_or.reduce(self.hits_by_window(starts, held))
        return hit

    def hits_by_window(self, starts: Ints, held: Ints) -> Flags:
        """Tell the same for each window in each season, the first axis: no one makes up for another."""
        hit = np.zeros((2 * len(self.closed), *starts.shape), np.bool_)
        each_season = (spans for closed in self.closed for spans in closed.spans)
        for row, spans in enumerate(each_season):
            for opens, length in spans:
                inside = (starts - opens) % self.cycle.minutes < length
                reaches = (opens - starts) % self.cycle.minutes < held
                hit[row] |= (inside | reaches) & (starts >= 0)
        return hit


def read_duties(subject: Subject, terms: Terms, cycle: Cycle, now: datetime) -> Duties:
    """Gather a connection's deadlines and windows from its terms and its readers."""
    both = seasons(now)
    stale = min(
        (each for each in (terms.max_staleness, subject.downstream.max_staleness) if each),
        default=None,
    )
    return Duties(
        cycle,
        tuple(
            _due(deadline, path, stale, cycle, both) for deadline, path in promises(subject, terms)
        ),
        tuple(
            _closed(window, cycle, both)
            for window in terms.windows
            if window.kind is WindowKind.BLACKOUT and _applies(window, now)
        ),
        terms.priority + _CRITICAL * sum(reader.critical for reader in subject.downstream.readers),
        None if stale is None else stale // _MINUTE,
    )


def promises(subject: Subject, terms: Terms) -> Iterator[tuple[Deadline, timedelta]]:
    """Yield each deadline and how long the models between the tables and its reader take."""
    for deadline in terms.deadlines:
        yield deadline, timedelta()
    for reader in subject.downstream.readers:
        if reader.deadline is not None:
            yield reader.deadline, reader.critical_path


def same_every_day(subject: Subject, terms: Terms) -> bool:
    """Tell whether a connection's duties are the same on all days of a week."""
    deadlines = (deadline.days for deadline, _ in promises(subject, terms))
    windows = (window.days for window in terms.windows if window.kind is WindowKind.BLACKOUT)
    return all(days.weekdays == EVERY_DAY for days in (*deadlines, *windows))


def _due(
    deadline: Deadline,
    path: timedelta,
    stale: timedelta | None,
    cycle: Cycle,
    both: tuple[Season, Season],
) -> Due:
    # The weeks looked at stand for all weeks, and so have no holidays.
    usual = replace(deadline, days=replace(deadline.days, holidays=frozenset()))
    lead = _DAY if deadline.after is None else _between(deadline.after, deadline.finish_by)
    lead = min(lead, stale or lead) - path
    return Due(
        deadline.name,
        tuple(
            cycle.positions((due - path for due in usual.instants(each.monday, each.end)), each)
            for each in both
        ),
        max(1, lead // _MINUTE),
        float(deadline.probability),
    )


def _closed(window: Window, cycle: Cycle, both: tuple[Season, Season]) -> Closed:
    days = replace(window.days, holidays=frozenset())
    usual = replace(window, days=days, first=None, last=None)
    length = min(window.length // _MINUTE, cycle.minutes)
    return Closed(
        window.name,
        tuple(
            tuple(
                (position, length)
                for position in cycle.positions(
                    (opens for opens, _ in usual.spans(each.monday, each.end)), each
                )
            )
            for each in both
        ),
    )


def _applies(window: Window, now: datetime) -> bool:
    """Tell whether a window with a first or a last day speaks of the coming month."""
    today = now.date()
    return (window.last is None or window.last >= today) and (
        window.first is None or window.first <= (now + _AHEAD).date()
    )


def _between(after: time, by: time) -> timedelta:
    """Return the wall-clock time from `after` to `by`, around midnight if need be."""
    minutes = (by.hour - after.hour) * 60 + by.minute - after.minute
    return timedelta(minutes=minutes % DAY_MINUTES or DAY_MINUTES)
