import json
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.cron import CronError, parse
from tests.domain.cron.expressions import expressions, nonsense, zones

# Answers of org.quartz.CronExpression 2.3.2 itself (JDK 17, tzdata 2025a).
GOLDEN = Path(__file__).parents[2] / "data" / "quartz_2_3_2.jsonl"
instants = st.datetimes(
    datetime(2026, 1, 1),  # noqa: DTZ001  the zone comes with the strategy
    datetime(2029, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(lambda instant: instant.replace(microsecond=0))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def fires(expression: str, zone: str, after: str, count: int) -> list[str]:
    found = islice(parse(expression, zone).fires_after(at(after)), count)
    return [fire.strftime("%Y-%m-%d %H:%M") for fire in found]


def answer(case: dict[str, Any]) -> list[int] | None:
    try:
        cron = parse(case["expression"], case["zone"])
    except CronError:
        return None
    after = datetime.fromtimestamp(case["after"], UTC)
    return [int(fire.timestamp()) for fire in islice(cron.fires_after(after), case.get("asked"))]


def test_every_answer_of_quartz_itself_is_met() -> None:
    cases = [json.loads(line) for line in GOLDEN.read_text().splitlines()]
    assert len(cases) > 600
    differing = [case for case in cases if answer(case) != case.get("fires")]
    assert differing == []


def test_a_time_that_the_clock_skips_does_not_fire_that_day() -> None:
    found = fires("0 30 2 * * ?", "America/New_York", "2026-03-07 12:00", 2)
    assert found == ["2026-03-09 06:30", "2026-03-10 06:30"]


def test_a_time_that_the_clock_repeats_fires_once_on_the_later_pass() -> None:
    found = fires("0 30 1 * * ?", "America/New_York", "2026-10-31 12:00", 2)
    assert found == ["2026-11-01 06:30", "2026-11-02 06:30"]


def test_skipped_times_are_told() -> None:
    cron = parse("0 0,30 2 * * ?", "America/New_York")
    found = cron.skipped_between(at("2026-01-01"), at("2027-01-01"))
    assert [time.isoformat() for time in found] == ["2026-03-08T02:00:00", "2026-03-08T02:30:00"]


def test_weekday_numbers_begin_with_sunday() -> None:
    assert fires("0 0 12 ? * 2", "UTC", "2026-11-21 00:00", 1) == ["2026-11-23 12:00"]


def test_an_expression_of_the_past_never_fires_again() -> None:
    cron = parse("0 0 12 * * ? 2020")
    assert cron.next_after(at("2026-01-01")) is None
    assert cron.previous_before(at("2026-01-01")) == at("2020-12-31 12:00")


def test_a_window_includes_its_start_and_excludes_its_end() -> None:
    cron = parse("0 0 * * * ?")
    found = cron.fires_between(at("2026-01-01 00:00"), at("2026-01-01 03:00"))
    assert found == [at("2026-01-01") + timedelta(hours=n) for n in range(3)]


def test_a_reversed_window_is_empty() -> None:
    assert parse("0 0 * * * ?").fires_between(at("2026-01-02"), at("2026-01-01")) == []


@pytest.mark.parametrize(
    "instant", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
)
def test_the_ends_of_the_calendar_are_answered(instant: datetime) -> None:
    cron = parse("0 0 6 * * ?", "America/New_York")
    cron.next_after(instant)
    cron.previous_before(instant)
    assert cron.fires_between(instant, instant) == []


def test_an_instant_without_a_zone_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="time zone"):
        parse("0 0 6 * * ?").next_after(datetime(2026, 1, 1))  # noqa: DTZ001  that is the point


def test_gaps_are_measured() -> None:
    gaps = parse("0 0 0/7 * * ?").gaps_between(at("2026-01-01"), at("2026-01-08"))
    assert gaps is not None
    assert (gaps.shortest, gaps.median, gaps.longest, gaps.fires) == (
        timedelta(hours=3),
        timedelta(hours=7),
        timedelta(hours=7),
        28,
    )
    assert parse("0 0 6 1 1 ?").gaps_between(at("2026-01-01"), at("2026-12-31")) is None


def test_week_positions_count_from_monday() -> None:
    cron = parse("0 30 6 ? * MON,WED")
    assert cron.week_positions(at("2026-11-23")) == (23_400, 2 * 86_400 + 23_400)
    assert cron.repeats_weekly


@pytest.mark.parametrize(
    ("expression", "zone"),
    [
        ("0 0 6 1 * ?", "UTC"),
        ("0 0 6 ? 2 MON", "UTC"),
        ("0 0 6 * * ? 2027", "UTC"),
        ("0 0 6 * * ?", "Europe/Berlin"),
    ],
)
def test_weeks_that_differ_are_told(expression: str, zone: str) -> None:
    assert not parse(expression, zone).repeats_weekly


@pytest.mark.parametrize(
    ("expression", "canonical"),
    [
        ("0 0/15 6 * * ?", "0 0,15,30,45 6 * * ?"),
        ("0 0 6 ? * *", "0 0 6 * * ?"),
        ("0  0 6 ? JAN-mar fri-mon *", "0 0 6 ? 1-3 1,2,6,7"),
        ("0 0 6 L-3w * ? 2027", "0 0 6 L-3W * ? 2027"),
        ("0 0 6 ? * FRI#3", "0 0 6 ? * 6#3"),
    ],
)
def test_equal_schedules_have_one_canonical_spelling(expression: str, canonical: str) -> None:
    assert parse(expression).canonical == canonical


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "has 6 or 7 fields, this one has 0"),
        ("0 6 * * *", "has 6 or 7 fields, this one has 5"),
        ("0 75 6 * * ?", "minutes field cannot be '75': 75 is out of range; allowed are 0 to 59"),
        ("0 0 6 * FOO ?", "month field cannot be 'FOO': 'FOO' is no month; allowed are 1 to 12"),
        ("0 0 6 * * *", "exactly one of the day-of-month and day-of-week fields must be ?"),
        ("0 0 6 ? * 6#7", "a number from 1 to 5 must follow the #"),
        ("0 0 0/25 * * ?", "the step 25 is over 23"),
        ("0 0 6 15W,16W * ?", "W stands alone"),
        ("0 0 6 0W * ?", "from 1 to 31"),
        ("L 0 6 * * ?", "names no value"),
        ("0 0 6 * * ? " + "1" * 3000, "at most 2000 characters"),
    ],
)
def test_a_refusal_names_the_field_and_what_is_allowed(expression: str, said: str) -> None:
    with pytest.raises(CronError, match=said.replace("?", r"\?")):
        parse(expression)


@pytest.mark.parametrize("zone", ["Mars/Phobos", "", "/etc/passwd", "../UTC", "\0", "x" * 500])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(CronError, match="no time zone"):
        parse("0 0 6 * * ?", zone)


@given(nonsense)
@settings(max_examples=500, deadline=None)
def test_any_text_is_parsed_or_refused_and_then_answered(text: str) -> None:
    try:
        cron = parse(text)
    except CronError:
        return
    cron.next_after(at("2026-11-21"))
    cron.previous_before(at("2026-11-21"))


@given(expressions, zones, instants)
@settings(max_examples=60, deadline=None)
def test_the_ways_of_asking_agree(expression: str, zone: str, start: datetime) -> None:
    cron = parse(expression, zone)
    end = start + timedelta(days=40)
    listed = cron.fires_between(start, end)
    # Within a repeated hour Quartz moves a start of the first pass to the second.
    walked = list(islice(cron.fires_after(start - timedelta(hours=3)), 5000))
    within = [fire for fire in walked if start <= fire < end]
    assert listed[: len(within)] == within
    assert len(within) == len(listed) or len(walked) == 5000
    for earlier, later in pairwise(listed[:20]):
        assert cron.previous_before(later) == earlier
    if listed:
        assert cron.previous_before(end) == listed[-1]


@given(expressions, instants)
@settings(max_examples=60, deadline=None)
def test_a_scan_of_every_minute_finds_the_same(expression: str, start: datetime) -> None:
    cron = parse(expression)
    minutes = [start.replace(second=cron.seconds[0]) + timedelta(minutes=n) for n in range(9000)]
    scanned = [
        minute
        for minute in minutes
        if minute.minute in cron.minutes
        and minute.hour in cron.hours
        and minute.month in cron.dates.months
        and minute.day in cron.dates.days.of_month(minute.year, minute.month)
    ]
    assert cron.fires_between(minutes[0], minutes[-1] + timedelta(seconds=1)) == scanned


@given(expressions, zones, instants)
@settings(max_examples=100, deadline=None)
def test_the_canonical_spelling_fires_at_the_same_times(
    expression: str, zone: str, start: datetime
) -> None:
    cron = parse(expression, zone)
    again = parse(cron.canonical, zone)
    assert again.canonical == cron.canonical
    assert [*islice(again.fires_after(start), 20)] == [*islice(cron.fires_after(start), 20)]
