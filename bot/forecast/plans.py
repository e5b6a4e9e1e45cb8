"""Plans of a whole fleet: when all its syncs start, in columns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import numpy as np

from bot.domain.connection import Connection, ConnectionId, ConnectionStatus, Cron
from bot.domain.cron import parse
from bot.domain.errors import CronError
from bot.domain.forecast import Unknown
from bot.forecast.order import Ints
from bot.forecast.plan import next_start, starts
from bot.forecast.runs import epoch

Last: TypeAlias = Callable[[ConnectionId], datetime | None]


@dataclass(frozen=True, slots=True)
class Plans:
    """Planned starts by connection, then by time.

    `who` is the place of a connection among `size` of them, `when` epoch seconds. `unknown` says
    of which nothing tells when they start, and why; they have no starts here.
    """

    size: int
    who: Ints
    when: Ints
    unknown: Mapping[int, Unknown]

    @property
    def counts(self) -> Ints:
        """Return how many starts each connection has."""
        return np.bincount(self.who, minlength=self.size)

    @classmethod
    def until(
        cls, connections: Sequence[Connection], last: Last, now: datetime, end: datetime
    ) -> "Plans":
        """Plan every start in [now, end); `last` tells when a connection's last sync began."""
        parts: list[Ints] = []
        unknown: dict[int, Unknown] = {}
        for place, each in enumerate(connections):
            found = _epochs(each, last, now, end)
            if isinstance(found, Unknown):
                unknown[place] = found
                found = np.empty(0, np.int64)
            parts.append(found)
        return cls(len(connections), *_flat(parts), unknown)

    @classmethod
    def of_next(cls, connections: Sequence[Connection], last: Last, now: datetime) -> "Plans":
        """Plan the next start of each connection; one that nobody schedules starts now."""
        firsts = [next_start(each, last(each.id), now) for each in connections]
        when = np.asarray([epoch(now if each is None else each) for each in firsts], np.int64)
        return cls(len(connections), np.arange(len(connections)), when, {})


def _epochs(connection: Connection, last: Last, now: datetime, end: datetime) -> Ints | Unknown:
    schedule = connection.schedule
    if isinstance(schedule, Cron) and connection.status is ConnectionStatus.ACTIVE:
        # The straight way for nearly all of a fleet: an hourly cron has hundreds of starts.
        try:
            fires = parse(schedule.expression, schedule.zone).epochs_between(now, end)
        except CronError as error:
            return Unknown(f"its schedule cannot be read: {error.message}")
        return np.frombuffer(fires, np.int64) if fires else np.empty(0, np.int64)
    found = starts(connection, last(connection.id), now, end)
    if isinstance(found, Unknown):
        return found
    return np.asarray([epoch(each) for each in found], np.int64)


def _flat(parts: list[Ints]) -> tuple[Ints, Ints]:
    sizes = [len(part) for part in parts]
    when = np.concatenate(parts) if parts else np.empty(0, np.int64)
    return np.repeat(np.arange(len(parts)), sizes), when
