from dataclasses import replace

import numpy as np
import pytest

from bot.forecast.backtest import LEARNED, LOCAL, backtest
from bot.forecast.learned import Learned
from bot.forecast.outlook import NEXT_SYNC, NEXT_WEEK, Outlook
from bot.forecast.runs import Runs, moment
from bot.forecast.series import Series
from tests.forecast.fleets import DAY, MONDAY, Kind, runs
from tests.forecast.test_outlook import connection

DAYS = 84
UNTIL = MONDAY + DAYS * DAY - 1
NAMES = [f"c{n:02d}" for n in range(20)]


@pytest.fixture(scope="module")
def moody() -> Runs:
    """Run twenty connections on two sources, one of which wanders from day to day.

    The local forecaster takes a mean of the last days, so it lags behind such a source.
    """
    kinds = {
        name: Kind(spread=0.1, seconds=100 * (n + 1), family="moody" if n % 2 else "even")
        for n, name in enumerate(NAMES)
    }
    found = runs(kinds, DAYS)
    dice = np.random.default_rng(6)
    mood = np.zeros(DAYS + 1)
    for day in range(DAYS):
        mood[day + 1] = 0.95 * mood[day] + 0.2 * dice.normal()
    days = (found.created - MONDAY) // DAY
    moody = np.asarray([family == "moody" for family in found.families])[found.connection]
    seconds = found.seconds * np.where(moody, np.exp(mood[days]), 1)
    return replace(found, seconds=seconds.astype(np.float32), sources=found.families)


def series(fleet: Runs, until: int = UNTIL) -> Series:
    return Series.of(fleet, fleet.seconds, until)


def test_a_source_that_wanders_is_followed_more_closely(moody: Runs) -> None:
    found = list(backtest(series(moody), "s", (1, 7), 14, learn=True))
    scores = {(each.method, each.ahead_days): each for each in found}
    learned, local = scores[LEARNED, 1], scores[LOCAL, 1]
    assert learned.n == local.n
    assert learned.mape < 0.95 * local.mape
    assert learned.p95 >= 92
    assert (LEARNED, 7) not in scores  # A week ahead, the last days tell little.


def test_a_family_gets_it_only_where_it_was_better_three_weeks_in_a_row(moody: Runs) -> None:
    found = Learned(series(moody))
    begins = range(DAYS - 21, DAYS + 1, 7)
    even, odd = (np.asarray([found.promoted(begin)[n] for begin in begins]) for n in (0, 1))
    assert odd.mean() > even.mean()
    assert not found.promoted(28).any()  # There is no such past yet.


def test_neither_the_future_nor_chance_changes_what_is_learned(moody: Runs) -> None:
    found = series(moody)
    last = DAYS - 14
    later = moody.ended >= MONDAY + last * DAY
    dice = np.random.default_rng(1)
    other = replace(moody, seconds=np.where(later, dice.permutation(moody.seconds), moody.seconds))
    one, again, changed = (
        Learned(each).predicted(last - 7) for each in (found, found, series(other))
    )
    assert np.array_equal(one, again, equal_nan=True)
    before = found.days <= last
    assert (~before).any()
    assert np.array_equal(one[before], changed[before], equal_nan=True)


def test_a_slower_fleet_is_forecast_slower_by_as_much(moody: Runs) -> None:
    slow = replace(moody, seconds=moody.seconds * 64)
    one, other = (Learned(series(each)).predicted(DAYS - 7) for each in (moody, slow))
    off = np.abs(other - one - np.log(64))[np.isfinite(one)]
    # Rounding moves a few syncs over the edge of a leaf, and no more than that.
    assert np.median(off) < 0.005
    assert off.max() < 0.15


def test_a_forecast_says_where_it_was_learned_and_sums_stay_local(moody: Runs) -> None:
    now = moment(MONDAY + DAYS * DAY)
    learned, local = Outlook(moody, now, learn=True), Outlook(moody, now)
    promoted = Learned(learned.seconds.series).of_connection(DAYS)
    assert promoted.any()
    for number in (int(np.argmax(promoted)), int(np.argmin(promoted))):
        one = connection(moody.connections[number])
        family = moody.families[number]
        with_ml, without = (each.amounts(one, family, NEXT_SYNC) for each in (learned, local))
        assert learned.method(one.id, family) == ("ml" if promoted[number] else "local")
        assert (with_ml.seconds != without.seconds) == promoted[number]  # type: ignore[union-attr]
        assert learned.amounts(one, family, NEXT_WEEK) == local.amounts(one, family, NEXT_WEEK)
