"""The documented trajectory, each rule at its edges, and what holds for every sequence."""

from dataclasses import replace

from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from bot.domain.aimd import AimdController, AimdSettings
from bot.domain.batch_size import Decision, Observation, Reason, Step

SETTINGS = AimdSettings(min_rows=500, max_rows=5000, increase_rows=500, cooldown_batches=2)


def seen(rows: int, errors: int = 0, latency_ms: float = 10.0) -> Observation:
    return Observation(page_rows=rows, rows=rows, errors=errors, latency_ms=latency_ms)


def feed(controller: AimdController, *observations: Observation) -> list[Step]:
    return [controller.observe(observation) for observation in observations]


def test_the_documented_trajectory() -> None:
    controller = AimdController(SETTINGS, first_page_rows=1000)
    steps = feed(
        controller,
        seen(1000),
        seen(1500),
        seen(2000, errors=60),
        seen(1000),
        seen(1000),
        seen(1000),
    )
    assert [step.size_before for step in steps] == [1000, 1500, 2000, 1000, 1000, 1000]
    assert [step.size_after for step in steps] == [1500, 2000, 1000, 1000, 1000, 1500]
    assert [step.cooldown for step in steps] == [0, 0, 2, 1, 0, 0]
    assert [step.reason for step in steps] == [
        Reason.SUCCESS,
        Reason.SUCCESS,
        Reason.ERROR,
        Reason.COOLDOWN,
        Reason.COOLDOWN,
        Reason.SUCCESS,
    ]


def test_it_starts_at_the_first_page_within_the_bounds() -> None:
    assert AimdController(SETTINGS, 1200).size == 1200
    assert AimdController(SETTINGS, 7).size == 500
    assert AimdController(SETTINGS, 90_000).size == 5000


def test_an_error_rate_equal_to_the_threshold_is_clean() -> None:
    controller = AimdController(SETTINGS, 1000)
    assert controller.observe(seen(1000, errors=10)).decision is Decision.GROW
    assert controller.observe(seen(1000, errors=11)).reason is Reason.ERROR


def test_an_error_in_cooldown_shrinks_again_and_rearms() -> None:
    controller = AimdController(SETTINGS, 4000)
    steps = feed(controller, seen(4000, errors=400), seen(2000), seen(2000, errors=200))
    assert [(step.size_after, step.cooldown) for step in steps] == [(2000, 2), (2000, 1), (1000, 2)]


def test_cooldown_is_armed_at_the_floor_although_nothing_shrank() -> None:
    controller = AimdController(SETTINGS, 500)
    step = controller.observe(seen(500, errors=500))
    assert (step.decision, step.reason, step.cooldown) == (Decision.HOLD, Reason.AT_MIN, 2)
    assert not step.adjusted


def test_a_slow_spell_at_the_floor_is_at_min_too() -> None:
    controller = AimdController(replace(SETTINGS, target_latency_ms=100), 500)
    step = controller.observe(seen(500, latency_ms=900))
    assert (step.decision, step.reason, step.cooldown) == (Decision.HOLD, Reason.AT_MIN, 2)


def test_shrinking_rounds_down() -> None:
    controller = AimdController(replace(SETTINGS, decrease_factor=0.7), 1001)
    assert controller.observe(seen(1001, errors=1001)).size_after == 700


def test_growth_stops_at_the_top_and_says_so() -> None:
    controller = AimdController(SETTINGS, 4800)
    steps = feed(controller, seen(4800), seen(5000))
    assert [(step.size_after, step.reason) for step in steps] == [
        (5000, Reason.SUCCESS),
        (5000, Reason.AT_MAX),
    ]


def test_without_errors_or_target_a_slow_slice_still_grows() -> None:
    controller = AimdController(SETTINGS, 1000)
    step = controller.observe(seen(1000, latency_ms=60_000))
    assert (step.size_after, step.p50_latency_ms) == (1500, None)


def test_the_edges_of_the_dead_band_hold() -> None:
    settings = replace(SETTINGS, target_latency_ms=1000, latency_window=1)
    reasons = {
        latency: AimdController(settings, 1000).observe(seen(1000, latency_ms=latency)).reason
        for latency in (499.9, 500.0, 1000.0, 1200.0, 1200.9, 1201.0)
    }
    assert reasons == {
        499.9: Reason.SUCCESS,
        500.0: Reason.DEAD_BAND,
        1000.0: Reason.DEAD_BAND,
        1200.0: Reason.DEAD_BAND,
        1200.9: Reason.DEAD_BAND,  # whole milliseconds, cut off
        1201.0: Reason.LATENCY,
    }


def test_the_median_is_the_upper_one_and_counts_from_the_first_sample() -> None:
    settings = replace(SETTINGS, target_latency_ms=1000, latency_window=4)
    controller = AimdController(settings, 1000)
    steps = feed(controller, *(seen(1000, latency_ms=ms) for ms in (600, 900, 700, 800)))
    assert [step.p50_latency_ms for step in steps] == [600, 900, 700, 800]
    assert [step.window_full for step in steps] == [False, False, False, True]


def test_samples_in_cooldown_are_not_recorded_and_the_window_is_not_reset() -> None:
    settings = replace(SETTINGS, target_latency_ms=100, latency_window=3, cooldown_batches=1)
    controller = AimdController(settings, 4000)
    steps = feed(
        controller, seen(4000, latency_ms=500), seen(2000, latency_ms=9), seen(2000, latency_ms=9)
    )
    assert [step.p50_latency_ms for step in steps] == [500, 500, 500]
    assert steps[2].reason is Reason.LATENCY


def test_a_slice_without_rows_is_no_error() -> None:
    assert AimdController(SETTINGS, 1000).observe(seen(0)).decision is Decision.GROW


def test_zero_cooldown_grows_at_once() -> None:
    controller = AimdController(replace(SETTINGS, cooldown_batches=0), 2000)
    steps = feed(controller, seen(2000, errors=2000), seen(1000))
    assert [step.size_after for step in steps] == [1000, 1500]


settings_strategy = st.builds(
    lambda low, span, step, factor, cooldown, target, window, threshold: AimdSettings(
        low, low + span, step, factor, cooldown, target, window, threshold
    ),
    st.integers(1, 5000),
    st.integers(0, 50_000),
    st.integers(1, 5000),
    st.floats(0.01, 0.99),
    st.integers(0, 6),
    st.none() | st.integers(1, 5000),
    st.integers(1, 12),
    st.floats(0, 1),
)
observations_strategy = st.lists(
    st.tuples(st.integers(0, 20_000), st.floats(0, 1), st.floats(0, 1e5)), max_size=80
)


@limits(deadline=None)
@given(settings_strategy, st.integers(0, 100_000), observations_strategy)
def test_whatever_happens_the_size_stays_bounded_and_the_step_tells_the_truth(
    settings: AimdSettings, first: int, observations: list[tuple[int, float, float]]
) -> None:
    controller = AimdController(settings, first)
    twin = AimdController(settings, first)
    for rows, share, latency in observations:
        observation = Observation(rows, rows, int(rows * share), latency)
        before = controller.size
        step = controller.observe(observation)
        assert step == twin.observe(observation)
        assert step.size_before == before
        assert step.size_after == controller.size
        assert settings.min_rows <= controller.size <= settings.max_rows
        assert 0 <= step.cooldown <= settings.cooldown_batches
        difference = (controller.size > before) - (controller.size < before)
        assert {Decision.GROW: 1, Decision.HOLD: 0, Decision.SHRINK: -1}[
            step.decision
        ] == difference
