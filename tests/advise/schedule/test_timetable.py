from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.advise.schedule.cycle import Cycle
from bot.advise.schedule.timetable import Timetable, read_timetable
from bot.domain.connection import Basic, Cron, Manual, Schedule, UnreadSchedule
from bot.domain.cron import parse
from bot.domain.forecast import Unknown

NOW = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
LAST = datetime(2026, 3, 4, 5, 11, 40, tzinfo=UTC)
DAY = timedelta(days=1)


def read(schedule: Schedule, last: datetime | None = LAST) -> Timetable:
    found = read_timetable(schedule, last, NOW)
    assert isinstance(found, Timetable)
    return found


@pytest.mark.parametrize(
    ("before", "shift", "after"),
    [
        ("0 0 6 * * ?", 75, "0 15 7 * * ?"),
        ("0 0 0 * * ?", -15, "0 45 23 * * ?"),
        ("0 7 0/6 * * ?", 60, "0 7 1/6 * * ?"),
        ("0 0 * * * ?", 20, "0 20 * * * ?"),
        ("0 0/15 * * * ?", 5, "0 5/15 * * * ?"),
        ("0 0 6,18 ? * MON-FRI", 30, "0 30 6/12 ? * MON-FRI"),
        ("0 0 6,7,18 * * ?", 90, "0 30 7,8,19 * * ?"),
        ("0 30 2 1 * ?", 45, "0 15 3 1 * ?"),
        ("15 0 2 L * ?", -30, "15 30 1 L * ?"),
        ("0 0 6 * * ? *", 15, "0 15 6 * * ?"),
    ],
)
def test_a_shift_is_written_as_one_plain_expression(before: str, shift: int, after: str) -> None:
    table = read(Cron(before))
    assert table.can_shift(shift)
    assert table.shifted(shift).cron() == Cron(after)


@pytest.mark.parametrize(
    ("cron", "shift"),
    [
        ("0 0 0 ? * MON-FRI", -15),
        ("0 30 23 1 * ?", 45),
        ("0 0,20 6 * * ?", 50),
    ],
)
def test_what_would_change_its_day_or_need_two_expressions_is_no_move(
    cron: str, shift: int
) -> None:
    assert not read(Cron(cron)).can_shift(shift)


crons = st.builds(
    lambda minute, hour, day: f"0 {minute} {hour} {day}",
    st.sampled_from(["0", "7", "0/15", "10,40", "0,20"]),
    st.sampled_from(["*", "0", "6,18", "0/4", "9-17", "23"]),
    st.sampled_from(["* * ?", "? * MON-FRI", "? * SUN", "1 * ?", "L * ?"]),
)


@given(crons, st.integers(-700, 700))
def test_a_shifted_cron_fires_at_the_shifted_instants(cron: str, shift: int) -> None:
    table = read(Cron(cron))
    if not table.can_shift(shift):
        return
    move, year = timedelta(minutes=shift), timedelta(days=60)
    before = parse(cron).fires_between(NOW, NOW + year)
    written = table.shifted(shift).cron()
    after = parse(written.expression).fires_between(NOW + move, NOW + year + move)
    assert after == [fire + move for fire in before]


@given(crons)
def test_its_starts_are_the_fires_of_a_week(cron: str) -> None:
    table = read(Cron(cron))
    if table.share < 1:
        return
    monday = datetime(2026, 3, 2, tzinfo=UTC)
    fires = parse(cron).fires_between(monday, monday + 7 * DAY)
    assert list(table.starts(Cycle(7))) == [(f - monday) // timedelta(minutes=1) for f in fires]


@pytest.mark.parametrize(
    ("interval", "cron"),
    [
        (Basic(24, "hours"), "0 11 5 * * ?"),
        (Basic(1, "days"), "0 11 5 * * ?"),
        (Basic(6, "hours"), "0 11 5/6 * * ?"),
        (Basic(1, "hours"), "0 11 * * * ?"),
        (Basic(30, "minutes"), "0 11/30 * * * ?"),
        (Basic(1, "weeks"), "0 11 5 ? * WED"),
    ],
)
def test_an_interval_counts_from_the_last_sync(interval: Basic, cron: str) -> None:
    assert read(interval).cron() == Cron(cron)


@pytest.mark.parametrize(
    ("schedule", "why"),
    [
        (Basic(5, "hours"), "no cron keeps an interval of 5 hours"),
        (Basic(45, "minutes"), "no cron keeps an interval"),
        (Basic(2, "days"), "no cron keeps an interval"),
        (Cron("0 0 6 * * ?", "Europe/Berlin"), "kept in Europe/Berlin"),
        (Cron("0/30 0 6 * * ?"), "more than once a minute"),
        (Cron("0 0 6 * * ? 2026"), "names years"),
        (Cron("not quartz"), "cannot be read"),
        (Manual(), "no schedule to move"),
        (UnreadSchedule("?"), "no schedule to move"),
    ],
)
def test_what_cannot_be_placed_says_why(schedule: Schedule, why: str) -> None:
    found = read_timetable(schedule, LAST, NOW)
    assert isinstance(found, Unknown)
    assert why in found.reason


def test_an_interval_that_never_ran_has_no_place() -> None:
    assert isinstance(read_timetable(Basic(1, "hours"), None, NOW), Unknown)


def test_a_monthly_job_has_its_share_of_days() -> None:
    assert read(Cron("0 0 2 1 * ?")).share == pytest.approx(12 / 364, abs=0.001)
