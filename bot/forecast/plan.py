"""Plans: when the syncs of a connection will start, as far as its schedule says."""

from datetime import datetime, timedelta
from typing import Final

from bot.domain.connection import (
    Basic,
    Connection,
    ConnectionStatus,
    Cron,
    Manual,
    UnreadSchedule,
)
from bot.domain.cron import parse
from bot.domain.errors import CronError
from bot.domain.forecast import Unknown

_LOOK_AHEAD_DAYS: Final = (1, 8, 400)
_UNITS: Final = {
    "minutes": timedelta(minutes=1),
    "hours": timedelta(hours=1),
    "days": timedelta(days=1),
    "weeks": timedelta(weeks=1),
    "months": timedelta(days=30),
}


def starts(
    connection: Connection, last: datetime | None, now: datetime, until: datetime
) -> list[datetime] | Unknown:
    """Return when syncs will start in [now, until), or why that is not known.

    Args:
        connection: its schedule and status.
        last: when its last sync was created; a basic schedule counts from there.
        now: the present.
        until: where to stop.
    """
    if connection.status is not ConnectionStatus.ACTIVE:
        return Unknown(f"it is {connection.status.value} and starts no syncs")
    unread = ""
    match connection.schedule:
        case Cron(expression, zone):
            try:
                return parse(expression, zone).fires_between(now, until)
            except CronError as error:
                unread = error.message
        case Basic(units, unit):
            if step := units * _UNITS.get(unit.lower(), timedelta()):
                return _every(step, last, now, until)
            unread = f"every {units} {unit}"
        case Manual():
            return Unknown("it is started by hand or by another system")
        case UnreadSchedule(text):
            unread = text
    return Unknown(f"its schedule cannot be read: {unread}")


def next_start(connection: Connection, last: datetime | None, now: datetime) -> datetime | None:
    """Return when the next sync starts, from `now` on; None when nothing tells."""
    for days in _LOOK_AHEAD_DAYS:
        found = starts(connection, last, now, now + timedelta(days=days))
        if isinstance(found, Unknown):
            return None
        if found:
            return found[0]
    return None


def _every(
    step: timedelta, last: datetime | None, now: datetime, until: datetime
) -> list[datetime]:
    start = now if last is None else max(last + step, now)
    found = []
    while start < until:
        found.append(start)
        start += step
    return found
