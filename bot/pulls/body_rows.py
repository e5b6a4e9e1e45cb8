"""The table of a body: what is now, what is proposed, and the difference, each with its unit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from bot.domain.connection import ConnectionStatus, Schedule
from bot.domain.forecast import Unknown
from bot.domain.knob import Knob
from bot.domain.recommendation import Change, KnobChange, ScheduleChange, StatusChange
from bot.pulls.body_content import Carried
from bot.pulls.body_text import cell, md
from bot.pulls.body_words import (
    MONTH,
    Interval,
    Measure,
    interval,
    say_interval,
    say_measure,
    say_percent,
    say_schedule,
    say_value,
    shift,
    signed,
    starts,
)

if TYPE_CHECKING:
    from bot.domain.money import Money

_NOT_FORECAST: Final = "not forecast"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; every cell is Markdown already."""

    label: str
    now: str
    proposed: str
    change: str


def rows(carried: Carried) -> list[Row]:
    """Return the table of one change, the setting itself first."""
    return [*_setting(carried), *_expected(carried)]


def headline(carried: Carried) -> str:
    """Say the change in a few words, in plain text: `sync every 6 hours instead of every hour`."""
    since = carried.recommendation.evidence.start
    match carried.recommendation.change:
        case ScheduleChange(before, after):
            moved = shift(before, after, since)
            if moved is not None:
                return f"start {say_shift(moved)}"
            old, new = (_without_zone(each) for each in (before, after))
            return f"sync {new} instead of {old}"
        case KnobChange(knob=knob, before=before_value, after=after_value):
            what = knob.kind.value.replace("_", " ")
            return f"{what} {say_value(after_value)} instead of {say_value(before_value)}"
        case StatusChange(after=ConnectionStatus.ACTIVE):
            return "resume it"
        case StatusChange():
            return "pause it"


def say_title(changes: Sequence[Carried]) -> str:
    """Say in plain text what a pull request is about: the connection and what happens to it."""
    name, what = title(changes)
    return f"{name}: {what}"


def title(changes: Sequence[Carried]) -> tuple[str, str]:
    """Return whom a pull request is about, and what happens to them."""
    names = {each.connection.id: each.connection.name for each in changes}
    if len(names) == 1:
        return changes[0].connection.name, "; ".join(dict.fromkeys(map(headline, changes)))
    kinds = dict.fromkeys(kind(each.recommendation.change) for each in changes)
    return f"{len(names)} connections", ", ".join(each.said for each in kinds)


class Kind(NamedTuple):
    """What sort of change it is: as a label, and as the title of a group."""

    label: str
    said: str


def kind(change: Change) -> Kind:
    """Name the kind of a change."""
    match change:
        case ScheduleChange():
            return Kind("schedule", "other starts")
        case KnobChange(knob=knob):
            words = knob.kind.value.replace("_", " ")
            return Kind(words.replace(" ", "-"), f"other {words}")
        case StatusChange(after=ConnectionStatus.ACTIVE):
            return Kind("status", "resumed")
        case StatusChange():
            return Kind("status", "paused")


def say_shift(moved: timedelta) -> str:
    """Say how far starts move: `7 min later`."""
    return f"{say_measure(abs(moved))} {'later' if moved > timedelta() else 'earlier'}"


def _without_zone(schedule: Schedule) -> str:
    return say_schedule(schedule).removesuffix(", UTC")


def _setting(carried: Carried) -> Iterator[Row]:
    recommendation, site = carried.recommendation, carried.edit.site
    since = recommendation.evidence.start
    match recommendation.change:
        case ScheduleChange(before, after):
            moved = shift(before, after, since)
            yield Row(
                "starts",
                f"{md(say_schedule(before))}<br>{cell(site.value)}",
                f"{md(say_schedule(after))}<br>{cell(carried.edit.after)}",
                _often(before, after, since) if moved is None else say_shift(moved),
            )
            yield _syncs(before, after, since)
            if moved is None:
                yield from _longest_gap(before, after, since)
        case KnobChange(knob=knob, before=before_value, after=after_value):
            yield Row(
                f"{cell(knob.path)} of {cell(knob.connector)}",
                f"{cell(say_value(before_value))}",
                f"{cell(say_value(after_value))}",
                _factor(knob, before_value, after_value),
            )
        case StatusChange(before_status, after_status):
            said = "pauses" if after_status is not ConnectionStatus.ACTIVE else "resumes"
            yield Row("status", cell(before_status.value), cell(after_status.value), said)
            yield _paused(carried, since, is_paused=after_status is not ConnectionStatus.ACTIVE)


def _syncs(before: Schedule, after: Schedule, since: datetime) -> Row:
    old, new = starts(before, since, MONTH), starts(after, since, MONTH)
    if old is None or new is None:
        return Row("syncs in 30 days", "not written in a cron", _number(new), "not known")
    change = say_percent(len(old), len(new)) if old else "not known"
    return Row("syncs in 30 days", _number(old), _number(new), change)


def _often(before: Schedule, after: Schedule, since: datetime) -> str:
    old, new = starts(before, since, MONTH), starts(after, since, MONTH)
    if old is None or new is None or len(old) == len(new):
        return "other times"
    return "less often" if len(new) < len(old) else "more often"


def _longest_gap(before: Schedule, after: Schedule, since: datetime) -> Iterator[Row]:
    old, new = (_gap(starts(each, since, MONTH)) for each in (before, after))
    if old and new:
        label = "longest time between two starts"
        yield Row(label, say_measure(old), say_measure(new), signed(new - old))


def _gap(found: tuple[datetime, ...] | None) -> timedelta | None:
    return max((b - a for a, b in pairwise(found or ())), default=None)


def _paused(carried: Carried, since: datetime, *, is_paused: bool) -> Row:
    usual = _number(starts(carried.connection.schedule, since, MONTH))
    return Row("syncs in 30 days", *((usual, "0") if is_paused else ("0", usual)), "all of them")


def _number(found: tuple[datetime, ...] | None) -> str:
    return "not known" if found is None else f"{len(found):,}"


def _factor(knob: Knob, before: object, after: object) -> str:
    old = knob.number(before) if isinstance(before, int | float | str) else None
    new = knob.number(after) if isinstance(after, int | float | str) else None
    if not old or new is None:
        return "was not set"
    return f"×{new / old:.3g}" if new >= old else f"÷{old / new:.3g}"


def _expected(carried: Carried) -> Iterator[Row]:
    effect = carried.recommendation.effect
    now = interval(carried.next_sync.duration) if carried.next_sync else None
    yield from _row("time a sync takes", now, interval(effect.duration))
    cost, saved = interval(carried.month.cost) if carried.month else None, effect.saving
    bill = None if isinstance(saved, Unknown) else (-saved.p50, -saved.p95, -saved.p05)
    yield from _row("cost per month", cost, bill)
    yield from _row("missed deadlines per month", None, interval(effect.deadlines))


def _row(label: str, now: Interval | None, change: Interval | None) -> Iterator[Row]:
    """Give a row where anything at all is known; what is not known is said under the table."""
    if change is None:
        if now is not None:
            yield Row(label, say_interval(now), "not known", "not known")
        return
    middle, low, high = map(signed, change)
    by = f"**{middle}**" if low == high else f"**{middle}** ({low} … {high})"
    if now is None:
        yield Row(label, _NOT_FORECAST, _NOT_FORECAST, by)
    else:
        yield Row(label, say_interval(now), say_interval(_moved(now[0], change)), by)


def _moved(now: Measure, change: Interval) -> Interval:
    """Add a predicted difference to the median of what is forecast for today; nothing is below 0."""
    # All of one row are of one type, which the type checker cannot see.
    today, nothing = cast("Money", now), cast("Money", now) - cast("Money", now)
    middle, low, high = (max(nothing, today + cast("Money", by)) for by in change)
    return middle, low, high
