from typing import Any

import pytest

from bot.forecast.backtest import LOCAL, Score, backtest
from bot.forecast.series import Series
from tests.forecast.fleets import DAY, MONDAY, Kind, runs


@pytest.fixture(scope="module")
def scores() -> dict[tuple[int, str], Score]:
    kinds = {
        f"{n:02d}": Kind(
            seconds=100 + 40 * n,
            spread=0.05 + 0.01 * (n % 20),
            per_day=(1, 6)[n % 2],
            weekday={0: 1.4},
            hour={1: 1.5},
        )
        for n in range(60)
    }
    found = runs(kinds, 112)
    series = Series.of(found, found.seconds, MONDAY + 112 * DAY - 1)
    return {(s.ahead_days, s.method): s for s in backtest(series, "duration", (1, 7), 28)}


@pytest.mark.parametrize("ahead", [1, 7])
def test_intervals_hold_as_often_as_they_say(
    scores: dict[tuple[int, str], Score], ahead: int
) -> None:
    ours = scores[ahead, LOCAL]
    assert 94 <= ours.p95 <= 97
    assert 77 <= ours.p80 <= 83
    assert ours.judged == 60
    assert ours.bad <= 4


@pytest.mark.parametrize("ahead", [1, 7])
def test_simpler_forecasts_are_beaten_on_the_same_syncs(
    scores: dict[tuple[int, str], Score], ahead: int
) -> None:
    ours = scores[ahead, LOCAL]
    others = [score for (days, _), score in scores.items() if days == ahead and score != ours]
    assert len(others) == 4
    for other in others:
        assert other.n == ours.n
        assert ours.wape < other.wape
        assert ours.pinball < other.pinball


def test_a_perfect_repetition_is_forecast_exactly() -> None:
    found = runs({"a": Kind(spread=0)}, 70)
    series = Series.of(found, found.seconds, MONDAY + 70 * DAY - 1)
    results: list[Any] = list(backtest(series, "duration", (1,), 14))
    assert all(score.wape == pytest.approx(0, abs=1e-3) for score in results)
