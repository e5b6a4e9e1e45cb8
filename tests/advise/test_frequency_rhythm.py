from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.advise.frequency_rhythm import Rhythm
from bot.domain.connection import Basic, Cron, Manual, Schedule
from bot.domain.cron import check_airbyte, parse

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def rhythm(text: str) -> Rhythm:
    found = Rhythm.of(Cron(text), None)
    assert isinstance(found, Rhythm)
    return found


def written(found: list[Rhythm]) -> list[str]:
    return [each.schedule().expression for each in found]


def test_thinner_keeps_every_other_start_in_both_phases() -> None:
    assert written(rhythm("0 15 0/6 * * ?").thinner()) == [
        "0 15 0/12 * * ?",
        "0 15 6/12 * * ?",
        "0 15 0 * * ?",
        "0 15 6 * * ?",
        "0 15 12 * * ?",
        "0 15 18 * * ?",
        "0 15 0/6 ? * MON-FRI",
    ]


def test_half_hours_become_hours_first() -> None:
    assert written(rhythm("0 0/30 * * * ?").thinner())[:2] == ["0 0 * * * ?", "0 30 * * * ?"]


def test_a_daily_start_can_only_leave_out_the_weekend() -> None:
    assert written(rhythm("0 10 6 * * ?").thinner()) == ["0 10 6 ? * MON-FRI"]
    assert rhythm("0 10 6 ? * MON-FRI").thinner() == []


def test_denser_keeps_the_first_start_and_is_never_more_than_hourly() -> None:
    assert written(rhythm("0 10 6 * * ?").denser()) == [
        "0 10 6/12 * * ?",
        "0 10 6/8 * * ?",
        "0 10 0/6 * * ?",
        "0 10 2/4 * * ?",
        "0 10 0/3 * * ?",
        "0 10 0/2 * * ?",
        "0 10 * * * ?",
    ]
    assert rhythm("0 10 * * * ?").denser() == []


def test_the_longest_gap_runs_over_the_weekend() -> None:
    assert rhythm("0 0 6 ? * MON-FRI").longest == timedelta(days=3)
    assert rhythm("0 0 0/8 * * ?").longest == timedelta(hours=8)


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Manual(), "by hand"),
        (Cron("0 0 6 * * ?", "Europe/Berlin"), "Europe/Berlin"),
        (Cron("0 0 6 1 * ?"), "not the same every week"),
        (Cron("nonsense"), "cannot be read"),
        (Basic(36, "hours"), "does not fit into a day"),
        (Basic(5, "hours"), "does not fit into a day"),
    ],
)
def test_what_has_no_rhythm_says_why(schedule: Schedule, words: str) -> None:
    found = Rhythm.of(schedule, MONDAY)
    assert isinstance(found, str)
    assert words in found


def test_an_interval_goes_on_from_its_last_start_as_a_cron() -> None:
    found = Rhythm.of(Basic(6, "hours"), MONDAY + timedelta(hours=15, minutes=20))
    assert isinstance(found, Rhythm)
    assert found.schedule().expression == "0 20 3/6 * * ?"
    daily = Rhythm.of(Basic(1, "days"), MONDAY + timedelta(hours=15, minutes=20))
    assert isinstance(daily, Rhythm)
    assert daily.schedule().expression == "0 20 15 * * ?"


@st.composite
def weekly(draw: st.DrawFn) -> str:
    minutes = draw(st.sampled_from(["0", "17", "0,30", "0/15"]))
    hours = draw(st.sampled_from(["*", "0/2", "1/3", "6", "6,18", "5,9,23", "8-17"]))
    days = draw(st.sampled_from(["* * ?", "? * MON-FRI", "? * MON,THU", "? * SUN"]))
    return f"0 {minutes} {hours} {days}"


@given(text=weekly())
def test_thinner_starts_are_a_subset_and_written_as_meant(text: str) -> None:
    today = rhythm(text)
    starts = set(today.cron.week_positions(MONDAY))
    for each in today.thinner():
        written = parse(each.schedule().expression)
        fewer = set(written.week_positions(MONDAY))
        assert fewer < starts
        assert Fraction(len(fewer), len(starts)) == each.times_fewer(today)
        assert each.longest >= today.longest


@given(text=weekly())
def test_denser_starts_are_even_and_legal(text: str) -> None:
    today = rhythm(text)
    for each in today.denser():
        expression = each.schedule().expression
        assert not any(finding.refused for finding in check_airbyte(expression))
        assert len(parse(expression).week_positions(MONDAY)) == each.per_week
        closest = each.cron.closest
        assert closest is not None
        assert closest >= timedelta(hours=1)
