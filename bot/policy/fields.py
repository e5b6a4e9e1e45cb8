"""Fields: the small words of policy files, and the values that they stand for."""

import re
from datetime import date, time
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from bot.documents.fields import schema

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK: Final = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
_SHARE: Final = re.compile(r"(\d{1,4}(?:\.\d{1,4})?)\s*%")
ANY: Final = "any"
"""What a limit says that is none."""


def _clock(value: object) -> object:
    if not isinstance(value, str):
        # YAML 1.1 tools read 7:00 as 420; nobody should have to know.
        raise ValueError("write a time of day in quotes, as '07:00'")  # noqa: TRY004  pydantic wants it
    found = _CLOCK.fullmatch(value.strip())
    if found is None or (found[1] == "24" and found[2] != "00"):
        raise ValueError(f"{value!r} is no time of day: write '07:00'")
    hour = int(found[1])
    return time(hour % 24, int(found[2]))


def _day(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value!r} is no date: write 2026-12-25") from None


def _weekday(value: object) -> object:
    if isinstance(value, str) and value.lower()[:3] in WEEKDAYS:
        return WEEKDAYS.index(value.lower()[:3])
    raise ValueError(f"{value!r} is no weekday: write {', '.join(WEEKDAYS)}")


def _share(value: object) -> object:
    """Read `20%` or 0.2 as a share."""
    if isinstance(value, str):
        found = _SHARE.fullmatch(value.strip())
        if found is None:
            raise ValueError(f"{value!r} is no share: write 20% or 0.2")
        return Decimal(found[1]) / 100
    return _exact(value)


def _exact(value: object) -> object:
    return Decimal(str(value)) if isinstance(value, int | float) else value


def _listed(value: Any) -> Any:
    """Let one word stand for a list of one."""
    return value if isinstance(value, list | tuple) or value is None else [value]


_NUMBER_FROM_0: Final = {"type": "number", "minimum": 0}
Clock = Annotated[
    time,
    BeforeValidator(_clock),
    schema(type="string", pattern=r"^([01]?\d|2[0-4]):[0-5]\d$", examples=["07:00"]),
]
Day = Annotated[date, BeforeValidator(_day), schema(type="string", format="date")]
Weekday = Annotated[int, BeforeValidator(_weekday), schema(enum=list(WEEKDAYS))]
Share = Annotated[
    Decimal,
    BeforeValidator(_share),
    Field(ge=0),
    schema(anyOf=[_NUMBER_FROM_0, {"type": "string", "pattern": _SHARE.pattern}]),
]
Amount = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0), schema(**_NUMBER_FROM_0)]
Ratio = Annotated[Decimal, BeforeValidator(_exact), Field(ge=1), schema(type="number", minimum=1)]
Words = Annotated[
    tuple[str, ...],
    BeforeValidator(_listed),
    Field(min_length=1),
    schema(
        anyOf=[{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]
    ),
]
"""One word, or a list of them: any of them will do."""
