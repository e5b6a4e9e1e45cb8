"""The picture of a body: a day's starts before and after, as a Mermaid chart that forges draw."""

from datetime import UTC, datetime, time, timedelta
from typing import Final

from bot.domain.calendar import instant
from bot.domain.forecast import Quantiles
from bot.domain.recommendation import ScheduleChange
from bot.pulls.body_content import Carried
from bot.pulls.body_words import shift, starts

_DAY: Final = timedelta(days=1)
_VISIBLE: Final = timedelta(minutes=15)
_SHORT_DAY: Final = timedelta(hours=12)
_MOST_STARTS: Final = 24
_MOST_NAMED: Final = 8
_BAR: Final = timedelta(minutes=20)


def picture(carried: Carried) -> str:
    """Draw the starts of the evidence's last whole day; empty where a picture shows nothing.

    A bar is as long as a sync is forecast to take, and twenty minutes where that is not known;
    deadlines of readers downstream are marks.
    """
    change = carried.recommendation.change
    if not isinstance(change, ScheduleChange):
        return ""
    end = carried.recommendation.evidence.end.astimezone(UTC)
    day = datetime.combine(end.date() - _DAY, time(), UTC)
    moved = shift(change.before, change.after, day)
    old, new = (starts(each, day, _DAY) or () for each in (change.before, change.after))
    busiest = max(len(old), len(new))
    if (moved is not None and abs(moved) < _VISIBLE) or not 0 < busiest <= _MOST_STARTS:
        return ""
    takes = _usual(carried)
    effect = carried.recommendation.effect.duration
    then = takes + effect.p50 if isinstance(effect, Quantiles) else takes
    ticks = "1hour" if not old or max(*old, *new) - min(*old, *new) < _SHORT_DAY else "3hour"
    lines = [
        f"  tickInterval {ticks}",
        "  section now",
        *_bars(old, day, takes),
        "  section proposed",
        *_bars(new, day, then),
    ]
    marks = _deadlines(carried, day)
    if marks:
        lines += ["  section read at", *marks]
    return "\n".join([*_HEAD, *lines])


_HEAD: Final = (
    "---",
    "displayMode: compact",
    "---",
    "gantt",
    "  dateFormat YYYY-MM-DD HH:mm",
    "  axisFormat %H:%M",
)


def _usual(carried: Carried) -> timedelta:
    usual = carried.next_sync.duration if carried.next_sync else None
    return usual.p50 if isinstance(usual, Quantiles) else _BAR


def _bars(found: tuple[datetime, ...], day: datetime, takes: timedelta) -> list[str]:
    names = "%H.%M" if len(found) <= _MOST_NAMED else "·"
    ends = [min(start + takes, day + _DAY) for start in found]
    return [
        f"  {start:{names}} :{start:%Y-%m-%d %H:%M}, {_minutes(end - start)}m"
        for start, end in zip(found, ends, strict=True)
    ]


def _minutes(span: timedelta) -> int:
    """Return a span in whole minutes, at least one."""
    return max(1, round(span / timedelta(minutes=1)))


def _deadlines(carried: Carried, day: datetime) -> list[str]:
    marks = []
    for reader in carried.subject.downstream.readers:
        deadline = reader.deadline
        if deadline is None:
            continue
        at = instant(day.date(), deadline.finish_by, deadline.zone)
        if day <= at < day + _DAY and day.date() in deadline.days:
            # No name: what people call their dashboards is no text for a chart's grammar.
            marks.append(f"  deadline :milestone, {at:%Y-%m-%d %H:%M}, 0m")
    return sorted(set(marks))
