"""What the engine knows of each connection, in columns by index."""

from typing import Final

from bot.domain.connection import Basic, Manual
from bot.lab import constants as known
from bot.lab.fleet import LabConnection, basic_seconds
from bot.lab.physics import Pace, basic_jitter, luck_bits
from bot.lab.ticks import jitter_bound

_BY_HAND: Final = 1 << 14


class Members:
    """Parallel lists, one entry per connection; the event loop reads them millions of times.

    `mark` is how far the rows of its source have been read, as `Volumes.changed` counts them.
    `interval` is the length of a basic schedule, 0 for any other. `generation` tells starts that
    were arranged under an older schedule. `waiting` holds the luck of a delayed tick.
    `unplanned_on` and `repaced_on` are days on which the day's plan does not hold for it.
    """

    def __init__(self) -> None:
        self.links: list[LabConnection] = []
        self.paces: list[Pace] = []
        self.source_of: list[int] = []
        self.active: list[bool] = []
        self.interval: list[int] = []
        self.orchestrated: list[bool] = []
        self.unplanned_on: list[int] = []
        self.repaced_on: list[int] = []
        self.waiting: list[int] = []
        self.generation: list[int] = []
        self.missed: list[bool] = []
        self.last_start: list[int] = []
        self.last_created: list[int] = []
        self.last_end: list[int] = []
        self.last_success: list[int] = []
        self.failed_in_a_row: list[int] = []
        self.by_hand: list[int] = []
        self.mark: list[float] = []

    def add(self, link: LabConnection, pace: Pace, source: int, now: int) -> None:
        """Take in the connection whose index comes next."""
        assert link.index == len(self.links)
        self.links.append(link)
        self.paces.append(pace)
        self.source_of.append(source)
        self.active.append(False)
        self.interval.append(0)
        self.orchestrated.append(False)
        self.unplanned_on.append(-1)
        self.repaced_on.append(-1)
        for column in (self.waiting, self.generation, self.last_start, self.last_created):
            column.append(0)
        for column in (self.failed_in_a_row, self.by_hand):
            column.append(0)
        for column in (self.last_end, self.last_success):
            column.append(now)
        self.missed.append(False)
        self.mark.append(0.0)
        self.read_settings(link.index)

    def read_settings(self, index: int) -> None:
        """Take over status and schedule from the connection."""
        link = self.links[index]
        self.active[index] = link.status == "active"
        schedule = link.schedule
        self.orchestrated[index] = isinstance(schedule, Manual)
        self.interval[index] = (
            basic_seconds(schedule.units, schedule.unit) if isinstance(schedule, Basic) else 0
        )

    def luck_by_hand(self, index: int, at: int) -> int:
        """Return the luck of a sync that no tick of the day's plan started."""
        self.by_hand[index] += 1
        key = self.paces[index].nature.key
        return luck_bits(key, at // known.DAY, _BY_HAND + self.by_hand[index])

    def interval_due(self, index: int, at: int, *, cloud: bool) -> int:
        """Return when a basic schedule starts next: its interval after the last creation."""
        if not self.last_created[index]:
            return at
        due = self.last_created[index] + self.interval[index]
        if cloud and due > at:
            half = jitter_bound(due - at) / 2
            due += int(half * basic_jitter(self.paces[index].nature.key, due))
        return max(at, due)

    def is_hopeless(self, index: int, at: int) -> bool:
        """Tell whether Airbyte gives a connection up: many failures in a row, and for days."""
        days_bad = at - self.last_success[index] >= known.DISABLE_AFTER
        return days_bad and self.failed_in_a_row[index] >= known.DISABLE_FAILURES
