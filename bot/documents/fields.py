"""Fields: small words that several kinds of documents use, and the values that they stand for."""

from datetime import timedelta
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from bot.domain.spans import parse_span

_LONGEST: Final = timedelta(days=3660)
"""Ten years: what is longer is a slip of the finger, and leaves the calendar when it is added."""


def schema(**parts: Any) -> WithJsonSchema:
    """Describe a field for editors as people write it, which is not how it is kept."""
    return WithJsonSchema(parts)


def _span(value: object) -> timedelta:
    if isinstance(value, str):
        value = parse_span(value)
    if not isinstance(value, timedelta):
        # Pydantic reads 14 as seconds, where everybody means days.
        raise ValueError(f"{value!r} has no unit: write 90m, 36h, 2d or 1d12h")  # noqa: TRY004
    if value > _LONGEST:
        raise ValueError("is longer than ten years")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{value!r} is no time zone: write Europe/Berlin or UTC") from None
    return value


Span = Annotated[
    timedelta,
    BeforeValidator(_span),
    schema(type="string", pattern=r"^\s*(\d{1,6}\s*[wdhmsWDHMS]\s*)+$", examples=["90m", "1d12h"]),
]
"""A stretch of time with its unit: `90m`, `36h`, `2d`."""
Zone = Annotated[
    str, AfterValidator(_zone), schema(type="string", examples=["UTC", "Europe/Berlin"])
]
