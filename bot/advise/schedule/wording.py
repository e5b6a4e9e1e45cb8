"""Wording: why a connection should start at other times, and what speaks against it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.advise.schedule.effects import MONTH_DAYS, Change
from bot.advise.schedule.fleet import Fleet
from bot.advise.schedule.member import Member, Move
from bot.advise.schedule.timetable import Timetable
from bot.domain.connection import Basic, Cron
from bot.domain.cron import parse
from bot.domain.spans import format_span

_SETTLE = timedelta(seconds=60)
"""Airbyte looks for the next tick from this long after the last sync was created."""
_LITTLE = 0.05
_MANY = 4


@dataclass(frozen=True, slots=True)
class Context:
    """What the words are about, beside the change itself."""

    fleet: Fleet
    now: datetime
    last: datetime


def reason(change: Change, context: Context, together: int) -> str:
    """Say what is better afterwards: promises first, then what is shared, then the rest."""
    member = context.fleet.members[change.connection]
    parts = [*_promises(change, member), *_shared(change, context, together), *_soft(change)]
    if not parts:
        parts = ["small gains, of slack and of fresher data, add up to more than a change costs"]
    head = f"It starts {_direction(change.move)}" if change.move.shift else "It skips some syncs"
    return f"{head}: {'; '.join(parts)}."


def against(change: Change, context: Context, after: Cron) -> tuple[str, ...]:
    """List what speaks against the change, the surest first."""
    member = context.fleet.members[change.connection]
    found = [_meanwhile(change.move)] if change.move.shift else []
    if change.move.dropped:
        found.append(f"It leaves out {_count(len(change.move.dropped), 'sync')} a day.")
    caught = _caught_up(after, context)
    if caught is not None:
        found.append(caught)
    if isinstance(member.connection.schedule, Basic):
        found.append(
            "Its interval becomes a cron, and Terraform cannot turn that back: starts no longer "
            "follow the last sync."
        )
    if change.misses[1] > change.misses[0] + _LITTLE:
        more = change.misses[1] - change.misses[0]
        found.append(f"It is expected to miss {more:.1f} more deadlines a month.")
    if change.saving is not None and change.saving[1] < -_LITTLE / 10:
        found.append("By itself it costs more at the warehouse; see the saving.")
    if member.late:
        late = format_span(timedelta(minutes=member.late))
        found.append(f"Airbyte may start it up to {late} late; that is counted in.")
    if member.share < 1:
        found.append("It is planned as if all monthly syncs fell on the same day.")
    return tuple(found)


def starts_at(table: Timetable) -> str:
    """Write the starts of a day: `00:15, 06:15, 12:15, 18:15 UTC`, or the first and how many."""
    clocks = [f"{time // 60:02}:{time % 60:02}" for time in table.times]
    if len(clocks) > _MANY:
        return f"{clocks[0]} UTC and {len(clocks) - 1} more times a day"
    return f"{', '.join(clocks)} UTC"


def _promises(change: Change, member: Member) -> Iterator[str]:
    before, after = change.misses
    if before - after > _LITTLE:
        names = ", ".join(dict.fromkeys(due.name for due in member.duties.due))
        yield f"{names} is missed {after:.1f} times in {MONTH_DAYS} days instead of {before:.1f}"
    if change.hits[0] > change.hits[1]:
        names = ", ".join(dict.fromkeys(each.name for each in member.duties.closed))
        fewer = change.hits[0] - change.hits[1]
        yield f"{fewer:.0f} fewer syncs in {MONTH_DAYS} days run into {names}"


def _shared(change: Change, context: Context, together: int) -> Iterator[str]:
    fleet = context.fleet
    joint = f", its part of what {together} changes save together" if together > 1 else ""
    for capacity, hours in sorted(change.overload.items(), key=lambda each: -each[1]):
        if hours > _LITTLE:
            limit = fleet.capacities[capacity].capacity
            unit = limit.unit.removesuffix("s") if limit.limit == 1 else limit.unit
            yield (
                f"{limit.name} bears {limit.limit:f} {unit} at once, and "
                f"{_a_day(hours)} a day above that are gone{joint}"
            )
    if change.saving is not None and change.saving[1] > _LITTLE / 10:
        warehouse = fleet.members[change.connection].warehouse
        name = fleet.warehouses[warehouse].name if warehouse >= 0 else "its warehouse"
        yield f"{name} is on for less time, or at cheaper hours{joint}"


def _soft(change: Change) -> Iterator[str]:
    if change.busy > _LITTLE:
        yield f"its source is busy for {change.busy:.1f} h less in {MONTH_DAYS} days while it runs"
    if change.apart > _LITTLE:
        yield "it finishes closer to the syncs that feed the same models"
    if change.crowd > _LITTLE:
        yield f"today it starts in the same minute as {_count(change.beside, 'other')}"


def _direction(move: Move) -> str:
    span = format_span(timedelta(minutes=abs(move.shift)))
    return f"{span} {'later' if move.shift > 0 else 'earlier'}"


def _meanwhile(move: Move) -> str:
    if move.shift > 0:
        return f"Its data arrives {_direction(move)} than today."
    span = format_span(timedelta(minutes=-move.shift))
    return f"What the source gets in the {span} before today's start waits for the next sync."


def _caught_up(after: Cron, context: Context) -> str | None:
    """Warn where an Airbyte that catches up would start a sync at the moment of the change.

    Source: airbyte-platform, `UseNewCronScheduleCalculation`: the next start is the first tick of
    the new cron since the last sync, and at once if that is over.
    """
    cron = parse(after.expression, after.zone)
    tick = cron.next_after(context.last + _SETTLE)
    if tick is None or tick > context.now:
        return None
    return (
        f"The new cron had a tick at {tick:%a %H:%M} UTC, after the last sync: an Airbyte that "
        "catches up on missed ticks starts one as soon as this is applied. After the next sync "
        "it does not."
    )


def _a_day(hours: float) -> str:
    """Write hours of a month as those of a day."""
    daily = hours / MONTH_DAYS
    return f"{daily:.1f} h" if daily >= 1 else f"{max(1, round(daily * 60))} min"


def _count(number: int, noun: str) -> str:
    return f"one {noun}" if number == 1 else f"{number} {noun}s"
