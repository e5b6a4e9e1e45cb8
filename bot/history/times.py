"""Times at the store's edge: DuckDB holds naive UTC, everybody else holds aware datetimes."""

from datetime import UTC, datetime
from typing import overload


@overload
def naive(time: datetime) -> datetime: ...
@overload
def naive(time: None) -> None: ...
def naive(time: datetime | None) -> datetime | None:
    """Turn an aware time into the naive UTC that is stored."""
    if time is None:
        return None
    assert time.tzinfo is not None
    return time.astimezone(UTC).replace(tzinfo=None)


@overload
def aware(time: datetime) -> datetime: ...
@overload
def aware(time: None) -> None: ...
def aware(time: datetime | None) -> datetime | None:
    """Turn a stored time into an aware one."""
    return None if time is None else time.replace(tzinfo=UTC)


@overload
def to_the_second(time: datetime) -> datetime: ...
@overload
def to_the_second(time: None) -> None: ...
def to_the_second(time: datetime | None) -> datetime | None:
    """Cut to whole seconds, naive UTC: DuckDB would round, and a rounded time is in the future."""
    stored = naive(time)
    return None if stored is None else stored.replace(microsecond=0)
