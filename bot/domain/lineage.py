"""Lineage: what reads the data that a connection brings."""

from dataclasses import dataclass, replace
from datetime import time, timedelta

from bot.domain.calendar import Days
from bot.domain.promises import Deadline


@dataclass(frozen=True, slots=True)
class Reader:
    """Something that people or machines look at: a dashboard, a report, an application.

    `critical_path` is how long the models between the connection's tables and the reader take
    (a high quantile, in sequence); data must have landed that long before the reader's deadline.
    """

    name: str
    kind: str
    owner: str | None = None
    critical: bool = False
    critical_path: timedelta = timedelta()
    deadline: Deadline | None = None


def landing_deadline(reader: Reader) -> Deadline | None:
    """Return by when data has to have landed for a reader: its deadline less the critical path.

    A path that reaches back over midnight belongs to the deadline of the evening before.
    """
    deadline = reader.deadline
    if deadline is None or not reader.critical_path:
        return deadline
    clock = timedelta(hours=deadline.finish_by.hour, minutes=deadline.finish_by.minute)
    left = clock - reader.critical_path
    days, after = deadline.days, deadline.after
    if left < timedelta():
        left += timedelta(days=1)
        after = None
        days = Days(
            frozenset((day - 1) % 7 for day in days.weekdays),
            frozenset(day - timedelta(days=1) for day in days.holidays),
        )
    finish_by = time(*divmod(left // timedelta(minutes=1), 60))
    return replace(deadline, finish_by=finish_by, days=days, after=after)


@dataclass(frozen=True, slots=True)
class Downstream:
    """What depends on one connection: the models that read its tables directly, and who reads those.

    `max_staleness` is the tightest freshness that a source or model downstream declares.
    """

    models: tuple[str, ...] = ()
    readers: tuple[Reader, ...] = ()
    max_staleness: timedelta | None = None

    @property
    def is_read(self) -> bool:
        """Tell whether anything at all reads it."""
        return bool(self.models or self.readers)
