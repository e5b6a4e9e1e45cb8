"""The platform: how one installation of Airbyte treats schedules."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

_JITTER: Final = (
    (timedelta(minutes=5), timedelta()),
    (timedelta(minutes=90), timedelta(minutes=2)),
    (timedelta(minutes=150), timedelta(minutes=5)),
    (timedelta(minutes=390), timedelta(minutes=15)),
)
_LONGEST_JITTER: Final = timedelta(minutes=25)


@dataclass(frozen=True, slots=True)
class Platform:
    """What an installation allows, and how late it starts what is due.

    `floor` is the shortest interval between two syncs of a connection. With `jitters`, a start
    is put off by a random time that grows with the wait before it, as Airbyte Cloud does. Source:
    airbyte-platform, `ScheduleJitterHelper` and `CronExpressionHelper`.
    """

    floor: timedelta = timedelta(minutes=1)
    jitters: bool = False

    @classmethod
    def cloud(cls) -> "Platform":
        """Return Airbyte Cloud on its usual plan."""
        return cls(timedelta(hours=1), jitters=True)

    def latest_start(self, wait: timedelta) -> timedelta:
        """Return by how much a cron may start late after a wait of `wait`; it is never early."""
        if not self.jitters:
            return timedelta()
        for longest, jitter in _JITTER:
            if wait <= longest:
                return jitter
        return _LONGEST_JITTER
