from datetime import timedelta

import pytest

from bot.domain.spans import format_span, parse_span


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90m", timedelta(minutes=90)),
        ("1d12h", timedelta(hours=36)),
        (" 2 W ", timedelta(weeks=2)),
        ("0s", timedelta()),
    ],
)
def test_spans_are_read_as_people_write_them(text: str, span: timedelta) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize("text", ["", "5", "m", "1.5h", "-2d", "1h1h", "2 months", "1h3x"])
def test_anything_else_says_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match="write 90m, 36h, 2d or 1d12h"):
        parse_span(text)


@pytest.mark.parametrize(
    ("span", "shown"),
    [
        (timedelta(seconds=45), "45 s"),
        (timedelta(minutes=14, seconds=2), "14 min 02 s"),
        (timedelta(hours=1, minutes=4, seconds=31), "1 h 04 min"),
        (timedelta(days=2, hours=3), "2 d 3 h"),
        (timedelta(minutes=-7), "−7 min"),
        (timedelta(), "0 s"),
    ],
)
def test_spans_are_shown_with_their_two_largest_units(span: timedelta, shown: str) -> None:
    assert format_span(span) == shown
