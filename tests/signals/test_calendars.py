from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.domain.errors import SignalError
from bot.domain.signal import Freshness
from bot.signals.calendars import Calendar
from bot.signals.icalendar import all_day_events
from bot.signals.looking import look
from bot.signals.lookout import Sight
from tests.signals.scenes import scene

ICS = """BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
DTSTART;VALUE=DATE:20201225
DTEND;VALUE=DATE:20201227
SUMMARY:Christmas
RRULE:FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=25
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20260501
SUMMARY:Day of a very long na
 me
END:VEVENT
BEGIN:VEVENT
DTSTART:20260601T090000Z
SUMMARY:Meeting
END:VEVENT
END:VCALENDAR
"""


def seen(folder: Path, **more: Any) -> Sight:
    return look([Calendar.model_validate({"type": "calendar", **more})], scene(folder=folder))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.csv", "date,name\n2026-05-01,Labour day\n2026-12-25,Christmas\n"),
        ("c.csv", "2026-05-01\n2026-12-25\n"),
        ("c.yaml", "- 2026-05-01\n- 2026-12-25\n"),
        ("c.yaml", "2026-05-01: Labour day\n2026-12-25: Christmas\n"),
        ("c.json", '{"2026-05-01": "Labour day", "2026-12-25": "Christmas"}'),
    ],
)
def test_days_off_are_read_from_files_of_several_forms(
    tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    sight = seen(tmp_path, path=name, name="house")
    assert sight.holidays == {"house": {date(2026, 5, 1), date(2026, 12, 25)}}
    (signal,) = sight.signals
    assert signal.freshness is Freshness.FRESH
    assert [each.unit for each in signal.readings] == ["day", "day"]


def test_days_off_of_an_icalendar_file_come_back_every_year(tmp_path: Path) -> None:
    (tmp_path / "c.ics").write_text(ICS.replace("\n", "\r\n"))
    sight = seen(tmp_path, path="c.ics")
    days = sight.holidays["calendar"]
    assert {date(year, 12, day) for year in (2025, 2026, 2027) for day in (25, 26)} < days
    assert date(2026, 5, 1) in days
    assert len(days) == 7
    (signal,) = sight.signals
    assert signal.freshness is Freshness.PARTIAL
    assert signal.reason.startswith("1 event with a time of day")
    assert "Day of a very long name" in {each.what for each in signal.readings}


def test_the_days_off_of_a_country_are_known() -> None:
    pytest.importorskip("holidays")
    sight = seen(Path(), country="DE", subdivision="BE", name="Berlin")
    assert date(2026, 3, 8) in sight.holidays["Berlin"]  # Women's day, in Berlin alone.
    assert date(2027, 12, 25) in sight.holidays["Berlin"]
    assert seen(Path(), country="XX").signals[0].freshness is Freshness.MISSING


@pytest.mark.parametrize(
    ("text", "freshness", "words"),
    [
        ("2020-12-25\n", Freshness.STALE, "its last day is 2020-12-25"),
        ("2026-04-03\n", Freshness.PARTIAL, "the time after that has none"),
        ("25.12.2026\n", Freshness.MISSING, "'25.12.2026' is no date"),
        ("name,date\nx\n", Freshness.MISSING, "row 1 has no date"),
        ("", Freshness.MISSING, "it holds no days"),
    ],
)
def test_what_is_wrong_with_a_calendar_is_said(
    tmp_path: Path, text: str, freshness: Freshness, words: str
) -> None:
    (tmp_path / "c.csv").write_text(text)
    (signal,) = seen(tmp_path, path="c.csv").signals
    assert signal.freshness is freshness
    assert words in signal.reason


def test_a_calendar_has_one_origin() -> None:
    for wrong in ({}, {"path": "c.csv", "country": "DE"}, {"path": "c", "zone": "Mars/Base"}):
        with pytest.raises(ValidationError):
            Calendar.model_validate({"type": "calendar", **wrong})


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *ICS.splitlines(),
                "RRULE:FREQ=YEARLY;INTERVAL=0",
                "DTSTART:x",
                "RRULE:FREQ=YEARLY;COUNT=2;UNTIL=20270101",
                "DTEND:20200101",
            ]
        )
    )
)
def test_any_lines_of_an_icalendar_file_give_days_or_a_sentence(lines: list[str]) -> None:
    try:
        days, _ = all_day_events("\n".join(["BEGIN:VCALENDAR", *lines]), range(2025, 2028))
    except SignalError:
        return
    assert all(isinstance(day, date) for day in days)
