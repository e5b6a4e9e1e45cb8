"""Times and durations as Java prints them."""

from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Final

from bot.lab.constants import DAY

_EPOCH_DAY_CACHE: Final = 4096


@cache
def _times() -> list[str]:
    """Tabulate every second of a day: zero seconds are dropped (`T06:00Z`, `T06:00:01Z`)."""
    table = []
    for second in range(DAY):
        hour, rest = divmod(second, 3600)
        minute, left = divmod(rest, 60)
        table.append(
            f"T{hour:02d}:{minute:02d}:{left:02d}Z" if left else f"T{hour:02d}:{minute:02d}Z"
        )
    return table


@lru_cache(_EPOCH_DAY_CACHE)
def _date(day: int) -> str:
    return datetime.fromtimestamp(day * DAY, UTC).strftime("%Y-%m-%d")


def java_time(at: int) -> str:
    """Print epoch seconds as `OffsetDateTime.toString` does."""
    day, second = divmod(at, DAY)
    return _date(day) + _times()[second]


@lru_cache(1 << 16)
def java_duration(seconds: int) -> str:
    """Print a length as `Duration.toString` does: hours may exceed 24, days never appear."""
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    parts = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    if left or not parts:
        parts += f"{left}S"
    return "PT" + parts


def parse_time(text: str) -> int | None:
    """Read an ISO time with an offset as epoch seconds (rounded down), or None."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else int(moment.timestamp() // 1)
