from datetime import UTC, date, datetime, time

import pytest

from bot.domain.calendar import WEEKDAYS, Days, instant


@pytest.mark.parametrize(
    ("zone", "day", "clock", "expected"),
    [
        ("UTC", date(2026, 3, 8), time(6), datetime(2026, 3, 8, 6, tzinfo=UTC)),
        ("America/New_York", date(2026, 3, 7), time(6), datetime(2026, 3, 7, 11, tzinfo=UTC)),
        ("America/New_York", date(2026, 3, 8), time(6), datetime(2026, 3, 8, 10, tzinfo=UTC)),
        # 02:30 does not exist on that day: the clocks jump from 02:00 to 03:00 at 07:00 UTC.
        ("America/New_York", date(2026, 3, 8), time(2, 30), datetime(2026, 3, 8, 7, tzinfo=UTC)),
        # 01:30 happens twice on that day; the first is in daylight-saving time.
        (
            "America/New_York",
            date(2026, 11, 1),
            time(1, 30),
            datetime(2026, 11, 1, 5, 30, tzinfo=UTC),
        ),
        ("Europe/Berlin", date(2026, 3, 29), time(2, 15), datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ("Asia/Kolkata", date(2026, 6, 1), time(0), datetime(2026, 5, 31, 18, 30, tzinfo=UTC)),
        (
            "Australia/Lord_Howe",
            date(2026, 10, 4),
            time(2, 10),
            datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
        ),
        ("America/Santiago", date(2026, 9, 6), time(0), datetime(2026, 9, 6, 4, tzinfo=UTC)),
    ],
)
def test_wall_clock_times_become_instants(
    zone: str, day: date, clock: time, expected: datetime
) -> None:
    assert instant(day, clock, zone) == expected


def test_days_leave_out_weekends_and_holidays() -> None:
    days = Days(WEEKDAYS, frozenset({date(2026, 12, 25)}))
    working = list(days.between(date(2026, 12, 24), date(2026, 12, 28)))
    assert working == [date(2026, 12, 24), date(2026, 12, 28)]
