"""iCalendar files, as far as days off need them: all-day events, also those of every year.

Source: RFC 5545, sections 3.1 (folding), 3.6.1 (events), 3.8.5.3 (recurrence).
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from bot.domain.errors import SignalError

_DAY: Final = timedelta(days=1)
_LONGEST: Final = 366
_DATE_LENGTH: Final = 8


def all_day_events(text: str, years: range) -> tuple[dict[date, str], str]:
    """Return the days of the all-day events of some years, and one sentence on what is left out.

    Raises:
        SignalError: it is no iCalendar file.
    """
    lines = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "").split("\n")
    if not any(line.strip().upper() == "BEGIN:VCALENDAR" for line in lines):
        raise SignalError("it is no iCalendar file: it has no BEGIN:VCALENDAR")
    found: dict[date, str] = {}
    left_out = 0
    for event in _events(lines):
        days = _days(event, years)
        if days is None:
            left_out += 1
        else:
            found |= dict.fromkeys(days, event.get("SUMMARY", "day off"))
    events = "event" if left_out == 1 else "events"
    reason = f"{left_out} {events} with a time of day or an unusual recurrence are left out"
    return found, reason if left_out else ""


def _events(lines: list[str]) -> Iterator[dict[str, str]]:
    event: dict[str, str] | None = None
    for line in lines:
        name, _, value = line.partition(":")
        match name.strip().upper(), value.strip().upper():
            case "BEGIN", "VEVENT":
                event = {}
            case "END", "VEVENT":
                if event is not None:
                    yield event
                event = None
            case _ if event is not None:
                event.setdefault(name.partition(";")[0].strip().upper(), value.strip())


def _days(event: dict[str, str], years: range) -> list[date] | None:
    """Return the days of an event; None where it is none of whole days that we understand."""
    first = _date(event.get("DTSTART", ""))
    end = _date(event["DTEND"]) if "DTEND" in event else first and first + _DAY
    if first is None or end is None or not first < end <= first + _LONGEST * _DAY:
        return None
    length = (end - first).days
    rule = event.get("RRULE")
    if rule is None:
        return [first + number * _DAY for number in range(length)]
    parts = dict(part.split("=", 1) for part in rule.upper().split(";") if "=" in part)
    # A rule that names the very day on which it starts says nothing more than "every year".
    same = {"BYMONTH": str(first.month), "BYMONTHDAY": str(first.day)}
    extra = {name: value for name, value in parts.items() if same.get(name) != value}
    if extra.pop("FREQ", "") != "YEARLY" or set(extra) - {"UNTIL", "COUNT", "INTERVAL", "WKST"}:
        return None
    return [
        start + number * _DAY for start in _yearly(first, extra, years) for number in range(length)
    ]


def _yearly(first: date, rule: dict[str, str], years: range) -> Iterator[date]:
    every = max(int(rule.get("INTERVAL", "1")), 1)
    until = _date(rule.get("UNTIL", "")[:_DATE_LENGTH])
    left = int(rule["COUNT"]) if "COUNT" in rule else None
    for year in range(first.year, years.stop, every):
        try:
            day = first.replace(year=year)
        except ValueError:  # 29 February of a year that has none.
            continue
        if (until is not None and day > until) or left == 0:
            return
        left = None if left is None else left - 1
        if year in years:
            yield day


def _date(text: str) -> date | None:
    if len(text) != _DATE_LENGTH or not text.isdecimal():
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
