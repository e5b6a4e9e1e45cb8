"""Lineage: what reads the data that a connection brings."""

from dataclasses import dataclass
from datetime import timedelta

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
