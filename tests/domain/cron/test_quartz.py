from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from bot.domain.cron import CronError, parse


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def fires(expression: str, zone: str, after: str, count: int) -> list[str]:
    found = islice(parse(expression, zone).fires_after(at(after)), count)
    return [fire.strftime("%Y-%m-%d %H:%M") for fire in found]


def test_a_time_that_the_clock_skips_does_not_fire_that_day() -> None:
    found = fires("0 30 2 * * ?", "America/New_York", "2026-03-07 12:00", 2)
    assert found == ["2026-03-09 06:30", "2026-03-10 06:30"]


def test_a_time_that_the_clock_repeats_fires_once_on_the_later_pass() -> None:
    found = fires("0 30 1 * * ?", "America/New_York", "2026-10-31 12:00", 2)
    assert found == ["2026-11-01 06:30", "2026-11-02 06:30"]


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


@pytest.mark.parametrize("expression", ["", "0 6 * * *", "0 0 25 * * ?", "0 0 6 * * *"])
def test_what_is_no_quartz_expression_is_refused(expression: str) -> None:
    with pytest.raises(CronError):
        parse(expression)
