from datetime import UTC, date, datetime, time, timedelta

from bot.domain.calendar import WEEKDAYS, Days
from bot.domain.lineage import Reader, landing_deadline
from bot.domain.promises import Deadline

BOARD = Deadline("board", time(8), "Europe/Berlin", Days(WEEKDAYS), after=time(1))


def landing(minutes: float) -> Deadline | None:
    path = timedelta(minutes=minutes)
    return landing_deadline(Reader("board", "dashboard", critical_path=path, deadline=BOARD))


def test_data_has_to_land_before_the_models_run() -> None:
    found = landing(90.5)
    assert found is not None
    assert found.finish_by == time(6, 29)  # Down to the minute: never later than in time.
    assert (found.days, found.after) == (BOARD.days, time(1))
    assert landing(0) == BOARD


def test_a_path_over_midnight_belongs_to_the_evening_before() -> None:
    found = landing(9 * 60)
    assert found is not None
    assert found.finish_by == time(23)
    assert found.after is None
    sunday, friday = (datetime(2026, 3, day, 12, tzinfo=UTC) for day in (1, 6))
    day = timedelta(days=1)
    assert len(list(found.instants(sunday, sunday + day))) == 1
    assert not list(found.instants(friday, friday + day))


def test_holidays_move_with_the_deadline() -> None:
    off = Deadline("b", time(1), "UTC", Days(holidays=frozenset({date(2026, 3, 3)})))
    path = timedelta(hours=2)
    found = landing_deadline(Reader("b", "model", critical_path=path, deadline=off))
    assert found is not None
    assert date(2026, 3, 2) not in found.days
    assert date(2026, 3, 3) in found.days


def test_a_reader_without_a_deadline_asks_for_nothing() -> None:
    assert landing_deadline(Reader("x", "dashboard")) is None
