"""Tenures: which value a setting had from when to when, as far as anybody looked; and troubles."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

from bot.domain.connection import ConnectionId, KnobValue, Schedule
from bot.domain.sync import Failure
from bot.domain.tenure import Tenure
from bot.domain.trouble import Trouble, cause_of
from bot.history.fleet import read_schedule
from bot.history.statements import statement
from bot.history.times import aware, to_the_second

if TYPE_CHECKING:
    from bot.history.store import History

T = TypeVar("T")
_Look = tuple[str, datetime, datetime, bool, T]


def of_knobs(history: "History") -> dict[str, tuple[Tenure[Mapping[str, KnobValue]], ...]]:
    """Return, for each endpoint, the tuning options that were set and when, oldest first.

    An option that is not in a mapping was not set: the connector's default was in force.
    """
    rows = history.execute(statement("endpoint_tenures"))
    looks: Iterable[_Look[Mapping[str, KnobValue]]] = (
        (key, aware(begin), aware(end), present, json.loads(knobs))
        for key, begin, end, present, knobs in rows
    )
    return {key: tuple(_merged(group)) for key, group in groupby(looks, key=itemgetter(0))}


def of_schedules(history: "History") -> dict[ConnectionId, tuple[Tenure[Schedule], ...]]:
    """Return, for each connection, the schedules that it had and when, oldest first."""
    rows = history.execute(statement("schedule_tenures"))
    looks: Iterable[_Look[Schedule]] = (
        (key, aware(begin), aware(end), present, read_schedule(*schedule))
        for key, begin, end, present, *schedule in rows
    )
    return {
        ConnectionId(key): tuple(_merged(group)) for key, group in groupby(looks, key=itemgetter(0))
    }


def troubles(
    history: "History", since: datetime, until: datetime
) -> dict[ConnectionId, tuple[Trouble, ...]]:
    """Return the failed attempts of the syncs created in [since, until), oldest first.

    Only attempts whose reason is known are there: without the Configuration API, none are.
    """
    window = {"since": to_the_second(since), "until": to_the_second(until)}
    found: dict[ConnectionId, list[Trouble]] = {}
    for key, created, *failure in history.execute(statement("failures_between"), window):
        trouble = Trouble(aware(created), cause_of(Failure(*failure)))
        found.setdefault(ConnectionId(key), []).append(trouble)
    return {key: tuple(each) for key, each in found.items()}


def _merged(looks: Iterable[tuple[Any, ...]]) -> Iterator[Tenure[Any]]:
    """Join versions that differ in something else only; one that was gone ends a tenure."""
    current: Tenure[Any] | None = None
    for _, begin, end, present, value in looks:
        if current is not None and present and current.value == value:
            current = Tenure(value, current.first_seen, end)
            continue
        if current is not None:
            yield current
        current = Tenure(value, begin, end) if present else None
    if current is not None:
        yield current
