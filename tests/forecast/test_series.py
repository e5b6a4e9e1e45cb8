from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.forecast.local import Grid, fit
from bot.forecast.runs import Runs
from bot.forecast.series import Calibration, Series
from tests.forecast.fleets import DAY, MONDAY, Kind, runs, table

MIXED = {
    "a": Kind(seconds=300, spread=0.2, weekday={0: 1.5}),
    "b": Kind(seconds=1200, spread=0.05, per_day=6, hour={1: 2.0}),
    "c": Kind(seconds=90, spread=0.4, family="stripe"),
    "d": Kind(seconds=80_000, spread=0.1),
}
DAYS = 56


def series(found: Runs) -> Series:
    return Series.of(found, found.seconds, MONDAY + DAYS * DAY - 1)


def bounds(found: Series, ahead: int, origin: int) -> np.ndarray:
    """Return the log quantiles of the runs that are due at an origin, so many days ahead."""
    calibration = Calibration(found, ahead)
    due = calibration.origins == origin
    widths = calibration.at(origin)[found.runs.connection[due]]
    return np.asarray(calibration.predicted[due, None] + widths)


def test_a_slow_monday_is_expected_to_be_slow() -> None:
    found = series(runs({"a": Kind(spread=0.01, weekday={0: 1.5})}, DAYS))
    last_week = np.exp(found.predicted(1)[-7:])
    assert last_week[0] == pytest.approx(900, rel=0.05)
    assert last_week[1:] == pytest.approx(np.full(6, 600), rel=0.05)


def test_a_slow_hour_is_expected_to_be_slow() -> None:
    found = series(runs({"a": Kind(spread=0.01, per_day=6, hour={1: 2.0})}, DAYS))
    last_day = np.exp(found.predicted(1)[-6:])
    assert last_day[0] == pytest.approx(1200, rel=0.05)
    assert last_day[1:] == pytest.approx(np.full(5, 600), rel=0.05)


def test_noise_is_not_taken_for_a_weekday() -> None:
    found = series(runs({str(n): Kind(spread=0.3) for n in range(40)}, DAYS))
    assert np.abs(found.fits.weekdays[:, -1]).mean() < 0.05


def test_one_freak_run_hardly_moves_the_level() -> None:
    rows = table({"a": Kind(spread=0.02)}, DAYS).to_pylist()
    rows[-2] |= {"duration_seconds": 60_000, "run_seconds": 60_000}
    schema = table({"a": Kind()}, 1).schema
    found = series(Runs.of(pa.Table.from_pylist(rows, schema), {}))
    assert np.exp(found.fits.level[0, -1]) == pytest.approx(600, rel=0.05)


@settings(max_examples=5, deadline=None)
@given(st.floats(0.001, 1000), st.integers(1, 5))
def test_forecasts_scale_with_what_is_forecast(factor: float, seed: int) -> None:
    found = runs(MIXED, DAYS, seed)
    plain = series(found)
    scaled = Series.of(found, (found.seconds * factor).astype(np.float32), MONDAY + DAYS * DAY - 1)
    for ahead in (1, 7):
        expected = bounds(plain, ahead, 50) + np.log(factor)
        assert np.allclose(bounds(scaled, ahead, 50), expected, atol=2e-3)


@settings(max_examples=5, deadline=None)
@given(st.integers(30, 49), st.integers(0, 10**6))
def test_the_future_changes_no_forecast(origin: int, seed: int) -> None:
    found = runs(MIXED, DAYS, 2)
    instant = MONDAY + origin * DAY
    future = found.ended > instant
    dice = np.random.default_rng(seed)
    seconds = found.seconds.copy()
    seconds[future] = dice.permutation(seconds[future]) * dice.uniform(0.1, 9, future.sum())
    other = replace(found, seconds=seconds.astype(np.float32))
    for ahead in (1, 7):
        first = bounds(series(found), ahead, origin)
        assert np.isfinite(first).any()
        assert np.array_equal(first, bounds(series(other), ahead, origin), equal_nan=True)


def test_the_same_history_gives_the_same_forecasts_to_the_bit() -> None:
    first, second = (bounds(series(runs(MIXED, DAYS)), 1, 50) for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_a_sync_that_moves_nothing_makes_zero_possible_and_not_usual() -> None:
    found = runs({str(n): Kind() for n in range(10)}, DAYS)
    rows = found.rows.copy()
    rows[::10] = 0
    calibrated = bounds(Series.of(found, rows, MONDAY + DAYS * DAY - 1), 1, 50)
    assert (np.exp(calibrated[:, 0]) < 1e-6 * np.exp(calibrated[:, 1])).all()
    assert (np.exp(calibrated[:, 1]) > 1000).all()


def test_nothing_is_fitted_where_there_is_nothing() -> None:
    found = runs({"a": Kind()}, 3)
    none = np.full(len(found), np.nan, np.float32)
    fits = fit(found, none, Grid.over(found, MONDAY + 3 * DAY))
    assert np.isnan(fits.level).all()
