from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.connection import Basic, Cron, Manual, Schedule, UnreadSchedule
from bot.domain.cron import (
    CLOUD_FLOOR,
    CronError,
    check_airbyte,
    every,
    interval_of,
    parse,
    read_schedule,
    split_zone,
    to_airbyte,
)
from tests.domain.cron.expressions import expressions, nonsense

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def refused(expression: str, **limits: timedelta | datetime) -> list[str]:
    found = check_airbyte(expression, **limits)  # type: ignore[arg-type]
    return [finding.message for finding in found if finding.refused]


@pytest.mark.parametrize(
    ("kind", "cron", "basic", "schedule"),
    [
        ("manual", None, None, Manual()),
        ("cron", "0 0 6 * * ? UTC", None, Cron("0 0 6 * * ?", "UTC")),
        ("cron", "0 0 6 * * ?", None, Cron("0 0 6 * * ?", "UTC")),
        ("cron", "0 0 6 * * ? utc", None, Cron("0 0 6 * * ?", "UTC")),
        ("cron", "0 0 6 * * ? America/Toronto", None, Cron("0 0 6 * * ?", "America/Toronto")),
        ("cron", "0 0 6 * * ? 2027 UTC", None, Cron("0 0 6 * * ? 2027", "UTC")),
        ("cron", "0 6 * * * UTC", None, UnreadSchedule("0 6 * * * UTC")),
        ("cron", "0 0 6 * * ? Mars/X", None, UnreadSchedule("0 0 6 * * ? Mars/X")),
        ("basic", None, "Every 24 HOURS", Basic(24, "hours")),
        ("basic", None, "Every 1 hour", Basic(1, "hours")),
        ("basic", None, "Every 2 weeks", Basic(2, "weeks")),
        ("basic", None, "Every now and then", UnreadSchedule("Every now and then")),
        ("basic", None, "Every 2 moons", UnreadSchedule("Every 2 moons")),
        ("event", None, None, UnreadSchedule("event")),
    ],
)
def test_every_form_of_a_schedule_is_read_or_kept_as_text(
    kind: str, cron: str | None, basic: str | None, schedule: Schedule
) -> None:
    assert read_schedule(kind, cron, basic) == schedule


def test_a_weekday_is_not_taken_for_a_zone() -> None:
    assert split_zone("0 0 6 ? * MON") == ("0 0 6 ? * MON", None)
    assert split_zone("0 0 6 ? * mon/2") == ("0 0 6 ? * mon/2", None)


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("0 0 6 * * ?", "0 0 6 * * ? UTC"),
        ("0  0 6 * * ? UTC", "0 0 6 * * ? UTC"),
        ("0 0 6 * * ? *", "0 0 6 * * ? UTC"),
        ("0 0/30 * * * ? *", "0 0/30 * * * ? UTC"),
        ("0 15 6 ? * mon-fri 2027", "0 15 6 ? * mon-fri 2027 UTC"),
    ],
)
def test_the_spelling_that_airbyte_gives_back_is_written(written: str, spelled: str) -> None:
    assert to_airbyte(written) == spelled
    assert to_airbyte(spelled) == spelled


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("0 6 * * *", "6 or 7 fields"),
        ("0 0 6 * * ? America/Toronto", "UTC only"),
        ("0/30 0 6 * * ?", "single whole number of seconds"),
        ("* 0 6 * * ?", "single whole number of seconds"),
        ("0 0,30 * * * ? 2027", "single whole number of minutes"),
        ("0 0 6 ? * MON-FRI/2", "does not read '/2'"),
    ],
)
def test_what_airbyte_refuses_is_never_written(expression: str, said: str) -> None:
    with pytest.raises(CronError, match=said):
        to_airbyte(expression)


def test_the_limit_of_the_plan_is_judged_by_the_next_three_fires() -> None:
    expression, floor = "0 0 1,2,6,10,14,18 * * ?", timedelta(hours=2)
    assert refused(expression, floor=floor, at=NOON.replace(hour=20))
    overlooked = check_airbyte(expression, floor, NOON.replace(hour=3))
    assert [finding.refused for finding in overlooked] == [False]
    assert "would accept it now" in overlooked[0].message
    assert refused(expression, floor=floor)


@pytest.mark.parametrize(
    ("expression", "too_close"),
    [
        ("0 0,30 8 * * ?", True),
        ("0 0 8,9 * * ?", False),
        ("0 45,15 0,23 * * ?", True),
        ("0 30 0,23 * * ?", False),
        ("0 40 0,23 ? * MON,TUE", False),
    ],
)
def test_the_limit_of_the_cloud_is_an_hour(expression: str, too_close: bool) -> None:
    assert bool(refused(expression, floor=CLOUD_FLOOR)) is too_close
    assert bool(refused(expression, floor=CLOUD_FLOOR, at=NOON)) is too_close


@pytest.mark.parametrize(
    ("days", "follow"),
    [
        ("* * ?", True),
        ("1,31 * ?", True),
        ("3,5 * ?", False),
        ("? * SAT,SUN", True),
        ("? * MON,WED", False),
        ("L * ?", False),
        ("? * 6#1", False),
    ],
)
def test_fires_too_close_over_midnight_count_where_days_follow(days: str, follow: bool) -> None:
    assert bool(refused(f"0 15 0,23 {days}", floor=timedelta(hours=2))) is follow


@pytest.mark.parametrize("expression", ["0 0 6 31W * ?", "0 99 6 * * ?", "0 0 6 1 JANUARY ?"])
def test_what_surprises_is_told_without_refusal(expression: str) -> None:
    found = check_airbyte(expression)
    assert found
    assert not any(finding.refused for finding in found)


@pytest.mark.parametrize("hours", [1, 2, 3, 6, 8, 12, 24])
@pytest.mark.parametrize("hour", [0, 7, 23])
def test_an_interval_keeps_its_length_over_midnight(hours: int, hour: int) -> None:
    cron = parse(every(timedelta(hours=hours), 17, hour))
    gaps = cron.gaps_between(NOON, NOON + timedelta(days=9))
    assert gaps is not None
    assert gaps.shortest == gaps.longest == timedelta(hours=hours)
    assert NOON.replace(hour=hour, minute=17) in cron.fires_between(
        NOON.replace(hour=0), NOON + timedelta(days=1)
    )
    assert to_airbyte(cron.text)


@pytest.mark.parametrize(
    ("interval", "minute", "hour"),
    [
        (timedelta(hours=5), 0, 0),
        (timedelta(minutes=30), 0, 0),
        (timedelta(0), 0, 0),
        (timedelta(hours=-1), 0, 0),
        (timedelta(days=7), 0, 0),
        (timedelta(hours=1), 60, 0),
        (timedelta(hours=1), 0, 24),
    ],
)
def test_an_interval_that_no_cron_keeps_is_refused(
    interval: timedelta, minute: int, hour: int
) -> None:
    with pytest.raises(CronError):
        every(interval, minute, hour)


def test_a_month_is_thirty_days_and_an_unknown_unit_is_refused() -> None:
    assert interval_of(Basic(2, "months")) == timedelta(days=60)
    with pytest.raises(CronError, match="moons"):
        interval_of(Basic(2, "moons"))


@given(st.one_of(nonsense, expressions))
@settings(max_examples=500, deadline=None)
def test_any_text_is_checked_and_written_or_refused(text: str) -> None:
    check_airbyte(text, at=NOON)
    try:
        spelled = to_airbyte(text, at=NOON)
    except CronError:
        return
    assert not refused(spelled, at=NOON)
    assert to_airbyte(spelled) == spelled
    assert parse(split_zone(spelled)[0]).canonical == parse(split_zone(text)[0]).canonical
