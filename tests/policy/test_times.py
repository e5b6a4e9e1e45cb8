"""Deadlines and windows as policy files write them, across zones, clock changes and holidays."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.promises import WindowKind
from tests.policy.cases import judge_of, subject

CALENDARS = """\
calendars:
  - name: business
    weekdays: [mon, tue, wed, thu, fri]
    holidays: [2026-11-26, 2026-12-25, 2026-05-01, 2027-01-01]
  - {name: month-end, month_days: [-2, -1, 1]}
  - {name: quarter-end, months: [3, 6, 9, 12], month_days: [-3, -2, -1]}
  - {name: fifteenth, month_days: [15]}
  - {name: leap, months: [2], month_days: [29]}
  - {name: sunday-shops, weekdays: [fri, sat, sun, mon, tue, wed, thu]}
"""
BASE = f"version: 1\n{CALENDARS}defaults: {{phase: live}}\n"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def deadlines(rule: str, day: str, days: int = 1) -> list[str]:
    judge = judge_of(f"{{name: sla, guarantee: {{finish_by: {rule}}}}}", base=BASE)
    (deadline,) = judge.terms(subject()).deadlines
    start = at(day)
    return [f"{each:%Y-%m-%d %H:%M}" for each in deadline.instants(start, start + timedelta(days))]


@pytest.mark.parametrize(
    ("rule", "day", "expected"),
    [
        # One place, one year: the offset follows the clock.
        ('{time: "17:00", zone: America/New_York}', "2026-01-15", "2026-01-15 22:00"),
        ('{time: "17:00", zone: America/New_York}', "2026-07-15", "2026-07-15 21:00"),
        ('{time: "17:00", zone: America/New_York}', "2026-03-07", "2026-03-07 22:00"),
        ('{time: "17:00", zone: America/New_York}', "2026-03-08", "2026-03-08 21:00"),
        ('{time: "17:00", zone: America/New_York}', "2026-10-31", "2026-10-31 21:00"),
        ('{time: "17:00", zone: America/New_York}', "2026-11-01", "2026-11-01 22:00"),
        ('{time: "06:00", zone: Europe/London}', "2026-03-28", "2026-03-28 06:00"),
        ('{time: "06:00", zone: Europe/London}', "2026-03-29", "2026-03-29 05:00"),
        ('{time: "06:00", zone: Europe/London}', "2026-10-25", "2026-10-25 06:00"),
        ('{time: "07:00", zone: Europe/Berlin}', "2026-07-01", "2026-07-01 05:00"),
        ('{time: "07:00", zone: Australia/Sydney}', "2026-01-02", "2026-01-02 20:00"),
        ('{time: "07:00", zone: Australia/Sydney}', "2026-07-02", "2026-07-02 21:00"),
        ('{time: "09:00", zone: Asia/Kolkata}', "2026-07-02", "2026-07-02 03:30"),
        ('{time: "09:00", zone: Asia/Kathmandu}', "2026-07-02", "2026-07-02 03:15"),
        ('{time: "02:00", zone: Pacific/Kiritimati}', "2026-07-02", "2026-07-02 12:00"),
        ('{time: "02:15", zone: Australia/Lord_Howe}', "2026-07-02", "2026-07-02 15:45"),
        ('{time: "06:00"}', "2026-07-02", "2026-07-02 06:00"),
        # A time that the clock skips is due when it jumps; one that comes twice, the first time.
        ('{time: "02:30", zone: America/New_York}', "2026-03-08", "2026-03-08 07:00"),
        ('{time: "02:30", zone: Europe/Berlin}', "2026-03-29", "2026-03-29 01:00"),
        ('{time: "01:30", zone: America/New_York}', "2026-11-01", "2026-11-01 05:30"),
        ('{time: "02:30", zone: Europe/Berlin}', "2026-10-25", "2026-10-25 00:30"),
        ('{time: "02:10", zone: Australia/Lord_Howe}', "2026-10-03", "2026-10-03 15:30"),
        # Working days and holidays are days of the place, not of UTC.
        (
            '{time: "17:00", zone: America/New_York, calendar: business}',
            "2026-11-25",
            "2026-11-25 22:00",
        ),
        ('{time: "17:00", zone: America/New_York, calendar: business}', "2026-11-26", ""),
        (
            '{time: "17:00", zone: America/New_York, calendar: business}',
            "2026-11-27",
            "2026-11-27 22:00",
        ),
        ('{time: "17:00", zone: America/New_York, calendar: business}', "2026-11-28", ""),
        (
            '{time: "22:00", zone: America/New_York, calendar: business}',
            "2026-11-26",
            "2026-11-26 03:00",
        ),
        ('{time: "22:00", zone: America/New_York, calendar: business}', "2026-11-27", ""),
        ('{time: "07:00", zone: Asia/Tokyo, calendar: business}', "2026-12-24", ""),
        ('{time: "07:00", zone: Asia/Tokyo, calendar: business}', "2026-12-25", ""),
        ('{time: "07:00", zone: Asia/Tokyo, calendar: business}', "2026-12-27", "2026-12-27 22:00"),
        ('{time: "12:00", zone: Europe/Berlin, calendar: business}', "2026-05-01", ""),
        ('{time: "12:00", zone: Europe/Berlin, calendar: business}', "2027-01-01", ""),
        # Ends of months and quarters.
        ('{time: "12:00", calendar: month-end}', "2026-02-27", "2026-02-27 12:00"),
        ('{time: "12:00", calendar: month-end}', "2026-02-28", "2026-02-28 12:00"),
        ('{time: "12:00", calendar: month-end}', "2026-03-01", "2026-03-01 12:00"),
        ('{time: "12:00", calendar: month-end}', "2026-03-02", ""),
        ('{time: "12:00", calendar: month-end}', "2028-02-28", "2028-02-28 12:00"),
        ('{time: "12:00", calendar: month-end}', "2028-02-27", ""),
        ('{time: "12:00", calendar: quarter-end}', "2026-06-28", "2026-06-28 12:00"),
        ('{time: "12:00", calendar: quarter-end}', "2026-05-31", ""),
        ('{time: "12:00", calendar: leap}', "2028-02-29", "2028-02-29 12:00"),
        ('{time: "24:00", zone: UTC, calendar: fifteenth}', "2026-07-15", "2026-07-15 00:00"),
    ],
)
def test_a_deadline_is_due_at_its_places_clock(rule: str, day: str, expected: str) -> None:
    assert deadlines(rule, day) == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("rule", "moment", "inside"),
    [
        ('{start: "22:00", length: 4h}', "2026-07-01T21:59:59", False),
        ('{start: "22:00", length: 4h}', "2026-07-01T22:00:00", True),
        ('{start: "22:00", length: 4h}', "2026-07-02T01:59:59", True),
        ('{start: "22:00", length: 4h}', "2026-07-02T02:00:00", False),
        # Across midnight it belongs to the day on which it starts.
        ('{start: "22:00", length: 4h, days: [fri]}', "2026-07-04T01:00:00", True),
        ('{start: "22:00", length: 4h, days: [fri]}', "2026-07-03T01:00:00", False),
        ('{start: "22:00", length: 4h, calendar: business}', "2026-11-27T01:00:00", False),
        ('{start: "22:00", length: 4h, calendar: business}', "2026-11-26T01:00:00", True),
        # It starts by the clock and lasts by the watch, also in the night that is too short.
        ('{start: "01:00", length: 3h, zone: Europe/Berlin}', "2026-03-29T02:59:00", True),
        ('{start: "01:00", length: 3h, zone: Europe/Berlin}', "2026-03-29T03:00:00", False),
        ('{start: "01:00", length: 3h, zone: Europe/Berlin}', "2026-10-25T01:59:00", True),
        ('{start: "01:00", length: 3h, zone: Europe/Berlin}', "2026-10-25T02:00:00", False),
        ('{start: "02:30", length: 1h, zone: America/New_York}', "2026-03-08T06:59:00", False),
        ('{start: "02:30", length: 1h, zone: America/New_York}', "2026-03-08T07:00:00", True),
        # Days that are written out.
        (
            '{start: "00:00", length: 24h, first: 2026-12-20, last: 2027-01-03}',
            "2026-12-19T23:59:00",
            False,
        ),
        (
            '{start: "00:00", length: 24h, first: 2026-12-20, last: 2027-01-03}',
            "2026-12-20T00:00:00",
            True,
        ),
        (
            '{start: "00:00", length: 24h, first: 2026-12-20, last: 2027-01-03}',
            "2027-01-03T23:59:00",
            True,
        ),
        (
            '{start: "00:00", length: 24h, first: 2026-12-20, last: 2027-01-03}',
            "2027-01-04T00:00:00",
            False,
        ),
        ('{start: "00:00", length: 72h, days: [sat]}', "2026-07-06T23:59:00", True),
        (
            '{start: "00:00", length: 24h, calendar: quarter-end, zone: America/New_York}',
            "2026-06-28T03:59:00",
            False,
        ),
        (
            '{start: "00:00", length: 24h, calendar: quarter-end, zone: America/New_York}',
            "2026-07-01T03:59:00",
            True,
        ),
        (
            '{start: "00:00", length: 24h, calendar: quarter-end, zone: America/New_York}',
            "2026-07-01T04:00:00",
            False,
        ),
    ],
)
@pytest.mark.parametrize("kind", list(WindowKind))
def test_a_window_is_open_by_its_places_clock(
    kind: WindowKind, rule: str, moment: str, *, inside: bool
) -> None:
    judge = judge_of(f"{{name: w, guarantee: {{{kind.value}: {rule}}}}}", base=BASE)
    (window,) = judge.terms(subject()).windows
    assert window.kind is kind
    assert window.covers(at(moment)) is inside
