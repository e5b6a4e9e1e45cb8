"""Spans of time as people write and read them: `90m`, `36h`, `2d`."""

import re
from datetime import timedelta
from typing import Final

_UNITS: Final = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
_PART: Final = re.compile(r"(\d{1,6})([wdhms])")
_WHOLE: Final = re.compile(rf"(?:{_PART.pattern})+")


def parse_span(text: str) -> timedelta:
    """Read `90m`, `1d12h`, `2w`; the units are w, d, h, m, s, each at most once.

    Raises:
        ValueError: with one sentence that says what is allowed.
    """
    compact = text.strip().lower().replace(" ", "")
    parts = _PART.findall(compact)
    if not _WHOLE.fullmatch(compact) or len({unit for _, unit in parts}) < len(parts):
        raise ValueError(f"{text!r} is no span of time: write 90m, 36h, 2d or 1d12h")
    return sum((int(count) * _UNITS[unit] for count, unit in parts), timedelta())


def format_span(span: timedelta) -> str:
    """Write a span for a reader, with its two largest units: `1 h 04 min`, `2 d 3 h`, `45 s`."""
    if span < timedelta():
        return f"−{format_span(-span)}"
    seconds = round(span.total_seconds())
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes:02d} min" if minutes else f"{hours} h"
    if minutes:
        return f"{minutes} min {seconds:02d} s" if seconds else f"{minutes} min"
    return f"{seconds} s"
