from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest

from bot.domain.calendar import WEEKDAYS, Days
from bot.domain.promises import BlastLimit, Deadline, Window, WindowKind


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def test_a_deadline_keeps_its_wall_clock_time_across_a_change_of_offset() -> None:
    deadline = Deadline("close", time(6), "America/New_York")
    assert list(deadline.instants(at(7), at(10))) == [at(7, 11), at(8, 10), at(9, 10)]


def test_a_deadline_skips_days_off() -> None:
    deadline = Deadline("close", time(6), "UTC", Days(WEEKDAYS, frozenset({date(2026, 3, 9)})))
    assert list(deadline.instants(at(6), at(11))) == [at(6, 6), at(10, 6)]


def test_a_deadline_at_the_end_of_the_span_belongs_to_the_next() -> None:
    deadline = Deadline("close", time(6), "UTC")
    assert list(deadline.instants(at(1, 6), at(2, 6))) == [at(1, 6)]


def test_a_window_reaches_across_midnight() -> None:
    window = Window("backup", WindowKind.BLACKOUT, time(23), timedelta(hours=3), "UTC")
    assert window.covers(at(2, 1, 59))
    assert not window.covers(at(2, 2))
    assert window.covers(at(2, 23))
    assert not window.covers(at(2, 22, 59))


def test_a_window_longer_than_a_day_is_found_from_its_far_end() -> None:
    window = Window(
        "close",
        WindowKind.FREEZE,
        time(0),
        timedelta(days=5),
        "UTC",
        first=date(2026, 3, 1),
        last=date(2026, 3, 1),
    )
    assert window.covers(at(5, 23, 59))
    assert not window.covers(at(6))
    assert list(window.spans(at(4), at(5))) == [(at(1), at(6))]


@pytest.mark.parametrize(
    ("limit", "fleet", "allowed"),
    [
        (BlastLimit(), 40, 40),
        (BlastLimit(share=Decimal("0.2")), 40, 8),
        (BlastLimit(share=Decimal("0.2")), 9, 1),
        (BlastLimit(share=Decimal("0.2")), 4, 1),
        (BlastLimit(share=Decimal(0)), 40, 0),
        (BlastLimit(connections=3, share=Decimal("0.2")), 40, 3),
    ],
)
def test_a_blast_limit_rounds_down_but_lets_one_begin(
    limit: BlastLimit, fleet: int, allowed: int
) -> None:
    assert limit.of(fleet) == allowed
