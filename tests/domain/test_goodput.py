"""The search: near the best size on every kind of sink, bounded, and no step without a reason."""

import statistics
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from bot.domain.aimd import AimdSettings
from bot.domain.batch_size import Decision, Observation, Reason
from bot.domain.goodput import GoodputController
from tests.bench.simulated_sinks import SINKS, Regime, SimulatedSink, regret, simulate

SETTINGS = AimdSettings()
SEEDS = range(8)


@pytest.mark.parametrize("sink", SINKS, ids=lambda sink: sink.name)
def test_it_is_near_the_best_fixed_size_whatever_the_sink(sink: SimulatedSink) -> None:
    runs = [regret(sink, lambda: GoodputController(SETTINGS, 1000), seed) for seed in SEEDS]
    aim = 0.20 if len(sink.regimes) > 1 else 0.125
    assert statistics.mean(one for one, _ in runs) <= aim
    assert max(failed for _, failed in runs) <= 15


def test_a_size_that_the_page_cuts_short_is_not_grown() -> None:
    sink = SimulatedSink("short pages", [Regime(0.08, 3e-6)], page_rows=1000, duration=60)
    controller = GoodputController(SETTINGS, 1000)
    simulate(sink, controller, 1)
    assert controller.size <= 1000


def test_pages_are_cut_into_equal_parts() -> None:
    controller = GoodputController(SETTINGS, 3000)
    cuts = []
    left = 10_000
    while left:
        cuts.append(controller.cut(left))
        left -= cuts[-1]
    assert cuts == [2500] * 4


def test_a_batch_that_fails_whole_is_followed_by_smaller_ones() -> None:
    controller = GoodputController(SETTINGS, 8000)
    step = controller.observe(Observation(8000, 8000, 8000, 50.0))
    assert (step.decision, step.reason, step.size_after) == (Decision.SHRINK, Reason.ERROR, 4000)


def test_a_short_slice_of_bad_rows_is_not_taken_for_a_slice_too_large() -> None:
    controller = GoodputController(SETTINGS, 5000)
    controller.observe(Observation(20_000, 5000, 0, 20.0))
    size = controller.size
    assert controller.observe(Observation(20_000, 3, 3, 1.0)).size_after == size


def test_the_search_goes_on_when_pages_become_smaller() -> None:
    controller = GoodputController(SETTINGS, 20_000)
    simulate(
        SimulatedSink("wide", [Regime(0.02, 3e-6)], page_rows=20_000, duration=20), controller, 1
    )
    assert controller.size > 10_000
    narrow = SimulatedSink(
        "narrow", [Regime(0.001, 3e-6, knee_rows=1000)], page_rows=4000, duration=20
    )
    outcome = simulate(narrow, controller, 1)
    late = [rows for _, rows in outcome.sizes[-100:]]
    assert 700 <= statistics.median(late) <= 1500


def test_failures_lead_down_to_the_floor_and_no_further() -> None:
    controller = GoodputController(SETTINGS, 800)
    steps = []
    for _ in range(6):
        rows = controller.size
        steps.append(controller.observe(Observation(800, rows, rows, 5.0)))
    assert controller.size == SETTINGS.min_rows
    assert steps[-1].reason is Reason.AT_MIN


def test_it_recovers_from_an_outage() -> None:
    controller = GoodputController(SETTINGS, 10_000)
    for _ in range(8):
        rows = controller.size
        controller.observe(Observation(10_000, rows, rows, 5.0))
    assert controller.size == SETTINGS.min_rows
    outcome = simulate(SimulatedSink("back", [Regime(0.02, 3e-6)], page_rows=10_000), controller, 3)
    assert statistics.median(rows for _, rows in outcome.sizes[-200:]) >= 5000


def test_a_target_gives_way_where_the_fixed_cost_is_most_of_the_write() -> None:
    warehouse = SINKS[3]
    assert warehouse.name == "warehouse job"
    settings = replace(SETTINGS, target_latency_ms=1000)
    runs = [regret(warehouse, lambda: GoodputController(settings, 1000), seed) for seed in SEEDS]
    assert statistics.mean(one for one, _ in runs) <= 0.20


def test_a_target_holds_the_size_down_where_a_smaller_one_costs_little() -> None:
    sink = SimulatedSink("slow rows", [Regime(0.002, 25e-6)])
    controller = GoodputController(replace(SETTINGS, target_latency_ms=100), 1000)
    outcome = simulate(sink, controller, 5)
    late = [rows for _, rows in outcome.sizes[len(outcome.sizes) // 2 :]]
    assert sink.regimes[0].seconds(int(statistics.median(late))) <= 0.2


def test_partial_failures_count_as_rows_that_did_not_land() -> None:
    controller = GoodputController(SETTINGS, 1000)
    for _ in range(60):
        rows = controller.cut(20_000)
        errors = rows - 1 if rows > 2000 else 0
        controller.observe(Observation(20_000, rows, errors, 10 + rows / 1000))
    assert controller.size <= 2500


@limits(deadline=None)
@given(
    st.integers(1, 2000),
    st.integers(0, 50_000),
    st.integers(1, 100_000),
    st.lists(st.tuples(st.integers(1, 60_000), st.floats(0, 1), st.floats(0, 1e6)), max_size=120),
)
def test_whatever_happens_the_size_stays_within_its_bounds(
    low: int, span: int, first: int, seen: list[tuple[int, float, float]]
) -> None:
    settings = AimdSettings(min_rows=low, max_rows=low + span, target_latency_ms=50)
    controller, twin = GoodputController(settings, first), GoodputController(settings, first)
    for page, share, latency in seen:
        rows = controller.cut(page)
        assert 1 <= rows <= min(page, controller.size)
        observation = Observation(page, rows, int(rows * share), latency)
        step = controller.observe(observation)
        assert step == twin.observe(observation)
        assert settings.min_rows <= controller.size <= settings.max_rows
        direction = (step.size_after > step.size_before) - (step.size_after < step.size_before)
        assert {Decision.GROW: 1, Decision.HOLD: 0, Decision.SHRINK: -1}[step.decision] == direction
