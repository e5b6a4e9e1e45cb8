from datetime import timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from bot.documents.fields import Span, Zone

SPAN, ZONE = TypeAdapter(Span), TypeAdapter(Zone)


def test_a_span_is_read_with_its_unit() -> None:
    assert SPAN.validate_python("1d12h") == timedelta(hours=36)


@pytest.mark.parametrize("number", [14, 2.5, True])
def test_a_number_without_a_unit_is_no_span_and_never_seconds(number: object) -> None:
    with pytest.raises(ValidationError, match=rf"{number} has no unit: write 90m, 36h, 2d"):
        SPAN.validate_python(number)


def test_a_span_that_leaves_the_calendar_is_refused() -> None:
    with pytest.raises(ValidationError, match="is longer than ten years"):
        SPAN.validate_python("999999w999999d")


@pytest.mark.parametrize("name", ["", "Berlin", "../UTC", "Europe", "/etc/passwd", "\0"])
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="is no time zone: write Europe/Berlin or UTC"):
        ZONE.validate_python(name)
