"""Local clocks: which instants the times of a local day are.

The two rules are those of Quartz: a local time that the clock skips does not exist, one that
the clock repeats is the later of the two instants.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.domain.cron.terms import quote
from bot.domain.errors import CronError

DAY_SECONDS = 86_400
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_FIRST, _LAST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)
_DAY_ENDS = (time(0, 0, 0), time(23, 59, 59))


@lru_cache(maxsize=1024)
def find_zone(name: str) -> ZoneInfo:
    """Look up an IANA time zone.

    Raises:
        CronError: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CronError(
            f"there is no time zone {quote(name)}",
            "Use an IANA name such as UTC or America/Toronto.",
        ) from None


def clamp(instant: datetime) -> datetime:
    """Move an aware instant away from the ends of the calendar, where arithmetic overflows.

    Raises:
        ValueError: `instant` is naive.
    """
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return min(max(instant, _FIRST), _LAST)


def local_time(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return what the clock on the wall shows at `instant`, without a zone."""
    return instant.astimezone(zone).replace(tzinfo=None)


def instant_of(ordinal: int, moment: int, zone: ZoneInfo) -> int | None:
    """Return the epoch second of a local time, or None when the clock skips it.

    `ordinal` is the local date, `moment` the seconds since its midnight.
    """
    midnight = midnight_of(ordinal, zone)
    if midnight is not None:
        return midnight + moment
    wall = datetime.fromordinal(ordinal) + timedelta(seconds=moment)
    instant = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != wall:
        return None
    return int(instant.timestamp())


@lru_cache(maxsize=65536)
def midnight_of(ordinal: int, zone: ZoneInfo) -> int | None:
    """Return the epoch second at which a local day begins, or None when its clock changes."""
    day = date.fromordinal(ordinal)
    offsets = {
        datetime.combine(day, end, zone).replace(fold=fold).utcoffset()
        for end in _DAY_ENDS
        for fold in (0, 1)
    }
    if len(offsets) > 1:
        return None
    offset = offsets.pop() or timedelta()
    return (ordinal - _EPOCH_ORDINAL) * DAY_SECONDS - int(offset.total_seconds())
