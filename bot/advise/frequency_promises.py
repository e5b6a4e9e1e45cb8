"""What a frequency has to keep: deadlines, blackouts, and how old data may get."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.advise.frequency_rhythm import Rhythm
from bot.domain.calendar import instant
from bot.domain.promises import Deadline, Terms, Window, WindowKind
from bot.domain.subject import Subject

_AHEAD: Final = timedelta(days=28)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Promises:
    """What a connection's data has to keep, from `now` on.

    `deadlines` pairs each with the time that models take between the data and its reader;
    `max_staleness` is the tightest limit of its age that anybody declared.
    """

    now: datetime
    deadlines: tuple[tuple[Deadline, timedelta], ...]
    blackouts: tuple[Window, ...]
    max_staleness: timedelta | None

    @classmethod
    def of(cls, subject: Subject, terms: Terms, now: datetime) -> "Promises":
        """Gather them from policy and from the readers downstream."""
        read = tuple(
            (reader.deadline, reader.critical_path)
            for reader in subject.downstream.readers
            if reader.deadline is not None
        )
        own = tuple((each, timedelta()) for each in terms.deadlines)
        ages = (terms.max_staleness, subject.downstream.max_staleness)
        return cls(
            now,
            own + read,
            tuple(each for each in terms.windows if each.kind is WindowKind.BLACKOUT),
            min((age for age in ages if age is not None), default=None),
        )

    def broken_by(self, rhythm: Rhythm, takes: timedelta, today: Rhythm | None) -> str | None:
        """Say what a rhythm breaks that `today` keeps, or None.

        Args:
            rhythm: when its syncs would start.
            takes: how long they would take, at a high quantile.
            today: when they start now; None judges the rhythm alone.
        """
        for deadline, path in self.deadlines:
            before = 0 if today is None else self._missed(deadline, path, today, takes)
            if self._missed(deadline, path, rhythm, takes) > before:
                return f"the deadline {deadline.name} would be missed"
        for window in self.blackouts:
            before = 0 if today is None else self._inside(window, today, takes)
            if self._inside(window, rhythm, takes) > before:
                return f"syncs would run into the blackout {window.name}"
        return None

    def age(self, rhythm: Rhythm, takes: timedelta) -> timedelta:
        """Return how old data gets just before the next sync ends."""
        return rhythm.longest + takes

    def _missed(self, deadline: Deadline, path: timedelta, rhythm: Rhythm, takes: timedelta) -> int:
        """Count the deadlines of the coming four weeks that no sync would meet."""
        end = self.now + _AHEAD
        starts = rhythm.cron.fires_between(self.now - 2 * _DAY, end)
        missed = 0
        for due in deadline.instants(self.now + _DAY, end):
            earliest, latest = _opens(deadline, due), due - path - takes
            missed += not any(earliest <= start <= latest for start in starts)
        return missed

    def _inside(self, window: Window, rhythm: Rhythm, takes: timedelta) -> int:
        """Count the syncs of the coming four weeks that run while a window is open."""
        end = self.now + _AHEAD
        spans = list(window.spans(self.now, end))
        return sum(
            any(start < closes and start + takes > opens for opens, closes in spans)
            for start in rhythm.cron.fires_between(self.now, end)
        )


def _opens(deadline: Deadline, due: datetime) -> datetime:
    """Return from when on a sync counts for a deadline; without `after`, a day before it is due."""
    if deadline.after is None:
        return due - _DAY
    begin = instant(due.date(), deadline.after, deadline.zone)
    return begin if begin < due else instant(due.date() - _DAY, deadline.after, deadline.zone)
