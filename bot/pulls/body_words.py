"""Words: schedules, predictions and spans as a reviewer reads them, with their units."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from bot.domain.connection import Basic, Cron, KnobValue, Manual, Schedule
from bot.domain.cron import cron_of
from bot.domain.cron.words import describe
from bot.domain.forecast import Quantiles, Unknown
from bot.domain.money import Money
from bot.domain.spans import format_span

Measure = timedelta | int | Decimal | Money
Interval = tuple[Measure, Measure, Measure]
"""A prediction as its median and the two ends of its 90 % interval."""
Predicted = Quantiles[timedelta] | Quantiles[int] | Quantiles[Decimal] | Quantiles[Money] | Unknown
MONTH: Final = timedelta(days=30)
WEEK: Final = timedelta(days=7)
_WHOLE_FROM: Final = 10


def say_schedule(schedule: Schedule) -> str:
    """Say when a connection starts, such as `every 6 hours, UTC`."""
    match schedule:
        case Cron(expression, zone):
            cron = cron_of(schedule)
            return f"{lowered(describe(cron))}, {zone}" if cron else expression
        case Basic(units, unit):
            return f"every {units} {unit} after the sync before"
        case Manual():
            return "only when somebody starts it"
        case _:
            return "a schedule that trimtab cannot read"


def starts(schedule: Schedule, since: datetime, span: timedelta) -> tuple[datetime, ...] | None:
    """Return the starts in the `span` from `since`, or None when the schedule does not say."""
    cron = cron_of(schedule)
    if cron is not None:
        return tuple(cron.fires_between(since, since + span))
    return () if isinstance(schedule, Manual) else None


def shift(before: Schedule, after: Schedule, since: datetime) -> timedelta | None:
    """Return by how much every start of a week moves, or None when that is not one span.

    Which start became which is not written anywhere: the smallest move that explains all counts.
    """
    old, new = starts(before, since, WEEK), starts(after, since, WEEK)
    if not old or not new or len(old) != len(new):
        return None
    around = starts(after, since - WEEK, 3 * WEEK) or ()
    moves = sorted((each - old[0] for each in around), key=abs)
    there = set(around)
    return next((move for move in moves if all(each + move in there for each in old)), None)


def interval(predicted: Predicted | None) -> Interval | None:
    """Return the median and the ends of the 90 % interval, None where nothing is known."""
    if predicted is None or isinstance(predicted, Unknown):
        return None
    return predicted.p50, predicted.p05, predicted.p95


def say_interval(value: Interval) -> str:
    """Say a prediction with its 90 % interval, such as `24 min (15 min … 38 min)`."""
    middle, low, high = map(say_measure, value)
    return middle if low == high else f"{middle} ({low} … {high})"


def say_measure(value: Measure) -> str:
    """Say one amount with its unit."""
    match value:
        case timedelta():
            return format_span(value)
        case Money():
            return say_money(value)
        case int():
            return f"{value:,}"
        case Decimal():
            return f"{value.normalize():f}" if abs(value) < 1 else f"{value:.1f}"


def say_money(value: Money) -> str:
    """Say money; from ten on cents are noise."""
    whole = value.amount == 0 or abs(value.amount) >= _WHOLE_FROM
    text = str(value.rounded(0)).replace(".00", "", 1) if whole else str(value)
    return text.replace("-", "−", 1)


def signed(value: Measure) -> str:
    """Say a difference: `+5 min 00 s`, `−$212`, `0`."""
    text = say_measure(value)
    amount = value.amount if isinstance(value, Money) else value
    zero: timedelta | int = timedelta() if isinstance(amount, timedelta) else 0
    return f"+{text}" if amount > zero else text.replace("-", "−", 1)  # type: ignore[operator]


def say_value(value: KnobValue | None) -> str:
    """Say what a knob holds; thousands are grouped where it is a number."""
    if value is None:
        return "not set"
    if isinstance(value, bool) or not isinstance(value, int):
        return str(value)
    return f"{value:,}"


def say_percent(before: int, after: int) -> str:
    """Say how many per cent more or fewer, as a whole number."""
    share = round(100 * (after - before) / before)
    return f"{'+' if share > 0 else '−'}{abs(share)} %" if share else "the same"


def lowered(text: str) -> str:
    """Begin a sentence's words in the middle of one: `Every hour` → `every hour`."""
    return text[:1].lower() + text[1:]


def count(number: int, one: str) -> str:
    """Say a number of things: `1 sync`, `2 syncs`."""
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"
