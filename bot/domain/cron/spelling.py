"""Spelling: the one way in which trimtab writes a field."""

from collections.abc import Sequence

from bot.domain.cron.days import (
    DayRule,
    LastDay,
    LastWeekday,
    MonthDays,
    NthWeekday,
    Weekdays,
)
from bot.domain.cron.terms import MONTH_DAYS, WEEKDAYS, Slot


def spell_values(values: Sequence[int], slot: Slot) -> str:
    """Write ascending `values` as `*`, or as numbers and ranges of three and more."""
    if not values:
        return "L"  # as a year: in no year at all
    if len(values) == slot.size:
        return "*"
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    return ",".join(f"{run[0]}-{run[-1]}" if run[2:] else ",".join(map(str, run)) for run in runs)


def spell_days(rule: DayRule) -> tuple[str, str]:  # noqa: PLR0911  one return per rule
    """Write a day rule as its day-of-month and its day-of-week field."""
    match rule:
        case MonthDays(days):
            return spell_values(days, MONTH_DAYS), "?"
        case Weekdays(weekdays) if len(weekdays) == WEEKDAYS.size:
            return "*", "?"
        case Weekdays(weekdays):
            return "?", spell_values(weekdays, WEEKDAYS)
        case LastDay(offset, to_workday):
            return f"L{f'-{offset}' if offset else ''}{'W' if to_workday else ''}", "?"
        case LastWeekday(weekday):
            return "?", f"{weekday}L"
        case NthWeekday(weekday, nth):
            return "?", f"{weekday}#{nth}"
        case nearest:
            return f"{nearest.day}W", "?"
