"""Cases: the recommendations of a situation as policy is asked about them, and its answers."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final

import numpy as np

from bot.advise.advisor import Situation
from bot.domain.connection import ConnectionId
from bot.domain.recommendation import Advice, KnobChange, Recommendation
from bot.domain.subject import Subject
from bot.forecast.runs import epoch
from bot.policy.case import Case, Ruling
from bot.policy.conflicts import Conflict, Outlook, conflicts
from bot.policy.judging import Judge

_RECENT: Final = timedelta(days=28)
_FEWEST: Final = 5


def rule(
    judge: Judge,
    situation: Situation,
    advice: Iterable[Advice],
    merged: frozenset[ConnectionId] = frozenset(),
) -> list[Ruling]:
    """Ask policy about every recommendation, in the order of the advice.

    Args:
        judge: the team's rules.
        situation: what was looked at.
        advice: what was advised.
        merged: the connections of which a proposal has been merged before.
    """
    wanted = [each for each in advice if isinstance(each, Recommendation)]
    return judge.judge_all(cases(situation, wanted), situation.months, situation.subjects, merged)


def cases(situation: Situation, wanted: Sequence[Recommendation]) -> list[Case]:
    """Put together what is known of each recommendation."""
    by_id = {subject.connection.id: subject for subject in situation.subjects}
    rates = success_rates(situation)
    found = []
    for each in wanted:
        key, change = each.connection_id, each.change
        endpoint = change.endpoint_id if isinstance(change, KnobChange) else ""
        found.append(
            Case(
                subject=by_id[key],
                recommendation=each,
                now=situation.now,
                next_sync=situation.forecasts.get(key),
                month=situation.months.get(key),
                success_rate=rates.get(key),
                schedules=situation.schedules.get(key, ()),
                knobs=situation.knobs.get(endpoint, ()),
            )
        )
    return found


def conflicts_of(judge: Judge, situation: Situation, subjects: Sequence[Subject]) -> list[Conflict]:
    """Hold the rules of connections against each other, and against what is forecast."""
    found: list[Conflict] = []
    for subject in subjects:
        key = subject.connection.id
        outlook = Outlook(situation.now, situation.forecasts.get(key), situation.months.get(key))
        found += conflicts(judge.rules, judge.standing(subject), outlook)
    return found


def success_rates(situation: Situation) -> dict[ConnectionId, Decimal]:
    """Return the share of each connection's syncs of the last four weeks that succeeded.

    A connection with fewer than five has none; cancelled ones do not count.
    """
    runs = situation.runs
    if runs is None:
        return {}
    recent = (runs.created >= epoch(situation.now - _RECENT)) & ~runs.cancelled
    size = len(runs.connections)
    every = np.bincount(runs.connection[recent], minlength=size)
    good = np.bincount(runs.connection[recent & runs.succeeded], minlength=size)
    return {
        key: Decimal(int(good[index])) / Decimal(int(every[index]))
        for index, key in enumerate(runs.connections)
        if every[index] >= _FEWEST
    }
