"""The usual week: what a series does in each hour of the week."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from statistics import median
from zoneinfo import ZoneInfo

from bot.domain.prices import HOURS_A_WEEK

HOUR_SECONDS = 3600


def hourly_means(points: Iterable[tuple[float, float]]) -> list[tuple[datetime, float]]:
    """Return the mean of each UTC hour that holds points (epoch seconds, value), oldest first."""
    sums: dict[int, tuple[float, int]] = {}
    for seconds, value in points:
        hour = int(seconds // HOUR_SECONDS)
        total, count = sums.get(hour, (0.0, 0))
        sums[hour] = (total + value, count + 1)
    return [
        (datetime.fromtimestamp(hour * HOUR_SECONDS, UTC), total / count)
        for hour, (total, count) in sorted(sums.items())
    ]


def usual_week(hours: Sequence[tuple[datetime, float]], zone: str = "UTC") -> list[float | None]:
    """Return the median of each hour of the week from Monday 00:00 in `zone`; None for none.

    The median of a few weeks passes over the one that was unlike the others.
    """
    local = ZoneInfo(zone)
    seen: list[list[float]] = [[] for _ in range(HOURS_A_WEEK)]
    for when, value in hours:
        there = when.astimezone(local)
        seen[there.weekday() * 24 + there.hour].append(value)
    return [median(values) if values else None for values in seen]
