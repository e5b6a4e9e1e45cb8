from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.cron import CronError, parse
from bot.domain.cron.words import describe, say_duration
from tests.domain.cron.expressions import expressions, nonsense


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 0 6 * * ?", "At 06:00"),
        ("0 0 6 ? * 2", "At 06:00, only on Monday"),
        ("0 0/15 * * * ?", "Every 15 minutes"),
        ("0 0 6 ? * 6#3", "At 06:00, on the third Friday of the month"),
        (
            "0 0 6 L-3W * ?",
            "At 06:00, 3 days before the last day of the month (moved to the nearest weekday)",
        ),
        ("0 0 6 ? * MON-FRI/2", "At 06:00, Monday through Friday"),
        ("0 0 6 1 1 ? L", "Never"),
        ("0 0 6 ? * 9#1", "Never"),
    ],
)
def test_words_mean_what_quartz_does(expression: str, words: str) -> None:
    assert describe(parse(expression)) == words


@given(st.one_of(nonsense, expressions))
@settings(max_examples=500, deadline=None)
def test_whatever_parses_has_words(text: str) -> None:
    try:
        cron = parse(text)
    except CronError:
        return
    assert describe(cron)


def test_durations_are_said_in_whole_units() -> None:
    assert say_duration(timedelta(days=1, hours=23)) == "1 d 23 h"
    assert say_duration(timedelta(seconds=90)) == "1 min 30 s"
    assert say_duration(timedelta(0)) == "0 s"
