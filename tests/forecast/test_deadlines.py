from dataclasses import replace
from datetime import time
from decimal import Decimal

import numpy as np
import pytest

from bot.domain.forecast import Unknown
from bot.domain.promises import Deadline
from bot.forecast.deadlines import chance_under, forecast_deadlines
from bot.forecast.outlook import Outlook
from tests.forecast.fleets import Kind, runs
from tests.forecast.test_outlook import DAYS, NOW, connection

MANUAL = "it is started by hand or by another system"


@pytest.fixture(scope="module")
def outlook() -> Outlook:
    kinds = {f"c{n}": Kind(seconds=3600, weekday={0: 1.5}) for n in range(8)}
    return Outlook(runs(kinds, DAYS), NOW)


def test_a_slow_monday_endangers_the_deadline_of_mondays_only(outlook: Outlook) -> None:
    deadline = Deadline("books", time(2, 30), "UTC")
    found = forecast_deadlines(outlook, connection("c1"), "postgres", [deadline], 0.001)
    assert [each.due.strftime("%a") for each in found] == [
        "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun",
    ]  # fmt: skip
    assert [each.is_at_risk for each in found] == [True] + [False] * 6
    assert isinstance(found[0].met, Decimal)
    assert 0.2 < found[0].met < 0.8
    assert "it starts Mon 01:00 UTC, 1 h 30 min before" in found[0].reason


def test_a_deadline_before_any_start_that_counts_is_missed(outlook: Outlook) -> None:
    early = Deadline("books", time(0, 45), "UTC", after=time(0, 15))
    found = forecast_deadlines(outlook, connection("c1"), "postgres", [early], 0.0)
    assert {each.met for each in found} == {Decimal(0)}
    assert "no sync starts" in found[0].reason


def test_a_chance_of_failing_is_a_chance_of_missing(outlook: Outlook) -> None:
    late = Deadline("books", time(23, 0), "UTC")
    for fails in (0.0, 0.2):
        found = forecast_deadlines(outlook, connection("c1"), "postgres", [late], fails)
        assert float(str(found[1].met)) == pytest.approx(0.995 * (1 - fails), abs=0.002)


def test_nobody_knows_when_people_will_press_the_button(outlook: Outlook) -> None:
    from bot.domain.connection import Manual

    manual = replace(connection("c1"), schedule=Manual())
    late = Deadline("books", time(23, 0), "UTC")
    found = forecast_deadlines(outlook, manual, "postgres", [late], 0.0)
    assert {each.met for each in found} == {Unknown(MANUAL)}


def test_chances_rise_with_the_time_that_is_left() -> None:
    logs = np.log(np.asarray([60, 100, 120, 200], np.float32))
    chances = [chance_under(logs, each) for each in (1, 50, 60, 90, 100, 150, 200, 400, 10**6)]
    assert chances == sorted(chances)
    assert chances[0] == 0
    assert chances[2] == pytest.approx(0.05)
    assert chances[6] == pytest.approx(0.95)
    assert chances[-1] == 0.995
