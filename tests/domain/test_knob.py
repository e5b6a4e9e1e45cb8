from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.knob import Bounds, Direction, Knob, KnobKind

WORKERS = Knob(
    connector="source-stripe",
    path="num_workers",
    typed_path="num_workers",
    type="integer",
    kind=KnobKind.PARALLELISM,
    effect="more concurrent requests",
    provenance="test",
    default=10,
    spec=Bounds(1, 20),
    safe=Bounds(2, 15),
    caution="own rule",
)
SLICE = replace(WORKERS, path="slice", type="string", default="P30D", spec=Bounds(), safe=Bounds())


def test_both_the_specification_and_our_own_caution_bind() -> None:
    assert WORKERS.bounds == Bounds(2, 15)
    assert WORKERS.objection(15) is None
    assert "which the connector allows" in str(WORKERS.objection(21))
    assert "own rule" in str(WORKERS.objection(16))


@pytest.mark.parametrize("value", [True, "10", 2.5])
def test_a_value_of_the_wrong_type_is_refused(value: bool | str | float) -> None:
    assert WORKERS.objection(value) is not None


def test_a_knob_that_only_goes_up_is_judged_from_the_value_in_force() -> None:
    timeout = replace(WORKERS, direction=Direction.UP)
    assert timeout.objection(11, current=12) == "11 is below 12, and this knob only goes up"
    assert timeout.objection(12, current=11) is None
    assert timeout.objection(9) is not None, "without a current value the default stands in"


def test_a_knob_that_only_goes_down_may_not_be_raised() -> None:
    quota = replace(WORKERS, direction=Direction.DOWN, default=None)
    assert quota.objection(12, current=11) is not None
    assert quota.objection(12) is None, "nothing to compare with"


def test_values_outside_the_enumeration_or_the_pattern_are_refused() -> None:
    assert replace(WORKERS, enum=(2, 4)).objection(3) is not None
    assert replace(WORKERS, pattern="^[0-9]$").objection(12) is not None


@given(st.integers(min_value=1, max_value=10_000))
def test_numbers_survive_being_spelled_for_the_connector(days: int) -> None:
    digits = replace(SLICE, default="50")
    assert SLICE.spell(days) == f"P{days}D"
    assert SLICE.number(SLICE.spell(days)) == days
    assert digits.number(digits.spell(days)) == days
    assert WORKERS.number(WORKERS.spell(days)) == days


def test_a_duration_that_is_not_in_whole_days_holds_no_number() -> None:
    assert SLICE.number("P1M") is None
    assert SLICE.objection("PT6H") is not None


@pytest.mark.parametrize(
    ("bounds", "shown"),
    [
        (Bounds(1, 20), "1…20"),
        (Bounds(1, None), "1…"),
        (Bounds(None, 3), "…3"),
        (Bounds(), "any"),
        (Bounds(5, 5), "5"),
        (Bounds(1, 1_000_000), "1…1000000"),
    ],
)
def test_bounds_print_without_exponents(bounds: Bounds, shown: str) -> None:
    assert str(bounds) == shown
