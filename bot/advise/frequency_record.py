"""The record of a connection: what its past syncs brought, and when."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from bot.advise.advisor import Situation
from bot.advise.frequency_rhythm import DAY_SECONDS, Rhythm
from bot.domain.connection import Connection, SyncMode
from bot.domain.forecast import Evidence
from bot.forecast.order import Flags, Floats, Ints
from bot.forecast.runs import Runs, epoch, moment

WINDOW: Final = timedelta(days=42)
_EXACT: Final = float(1 << 24)
_SUNDAY_FIRST: Final = 5
"""1970-01-01 was a Thursday, which Quartz counts as 5."""
_WEEK: Final = 7
_SLACK: Final = 60


@dataclass(frozen=True, slots=True)
class Late:
    """What would have come later under a rhythm with fewer starts.

    `dropped` counts the syncs that would not have started, `with_data` those of them that brought
    something; `days` counts the days on which data would have come later, `mean` and `most` say by
    how much.
    """

    dropped: int
    with_data: int
    days: int
    mean: timedelta
    most: timedelta


@dataclass(frozen=True, slots=True)
class Record:
    """The successful syncs of one connection since its schedule last changed, six weeks at most.

    `brought` tells which ones brought anything new. `tries` counts the syncs that ended in any way,
    `idle` are the seconds of those that moved no row, failed ones too. `full_share` is the share of
    its streams that are read whole each time.
    """

    start: datetime
    end: datetime
    created: Ints
    seconds: Floats
    elapsed: Floats
    rows: Floats
    bytes: Floats
    brought: Flags
    full_share: float
    tries: int
    idle: Floats

    @classmethod
    def of(cls, situation: Situation, connection: Connection) -> "Record | None":
        """Read it from the runs; None where there are none."""
        runs = situation.runs
        place = None if runs is None else runs.find(connection.id)
        if runs is None or place is None:
            return None
        since = situation.now - WINDOW
        schedules = situation.schedules.get(connection.id, ())
        if len(schedules) > 1:
            since = max(since, schedules[-1].first_seen)
        mine = runs.place(place)
        if mine.stop > mine.start:
            since = max(since, moment(runs.created[mine.start]))
        return cls._read(runs, mine, (since, situation.now), _full_share(connection))

    @classmethod
    def _read(
        cls, runs: Runs, mine: slice, window: tuple[datetime, datetime], full_share: float
    ) -> "Record":
        inside = (runs.created[mine] >= epoch(window[0])) & ~runs.cancelled[mine]
        chosen = runs.succeeded[mine] & inside
        chosen &= np.isfinite(runs.rows[mine]) & np.isfinite(runs.seconds[mine])
        rows, size = runs.rows[mine][chosen], runs.bytes[mine][chosen]
        brought = rows > 0
        if full_share:
            # A table that is read whole always has rows: that neither rows nor bytes differ from
            # the sync before is the nearest there is to "nothing new". More are not told exactly.
            same = np.zeros(len(rows), np.bool_)
            same[1:] = (rows[1:] == rows[:-1]) & (size[1:] == size[:-1]) & (rows[1:] < _EXACT)
            brought &= ~same
        return cls(
            *window,
            runs.created[mine][chosen],
            runs.seconds[mine][chosen],
            runs.elapsed[mine][chosen],
            rows,
            np.nan_to_num(size),
            brought,
            full_share,
            int(inside.sum()),
            runs.seconds[mine][inside & (runs.rows[mine] == 0) & (runs.seconds[mine] >= 0)],
        )

    @property
    def evidence(self) -> Evidence:
        """Return the window and the syncs in it."""
        if not len(self.created):
            return Evidence(self.end, self.end, 0)
        return Evidence(moment(self.created[0]), moment(self.created[-1]), len(self.created))

    @property
    def days(self) -> float:
        """Return the length of the window in days."""
        return (self.end - self.start).total_seconds() / DAY_SECONDS

    @property
    def takes(self) -> timedelta:
        """Return how long a sync takes from its creation on, at its 95 % quantile."""
        return timedelta(seconds=float(np.quantile(self.elapsed, 0.95)))

    @property
    def overhead(self) -> tuple[float, float, float]:
        """Return the seconds that a sync takes before its first row: least, likely, most.

        Syncs that brought nothing show it. Without a handful of them, all that is sure is that it
        is no more than the shortest sync took.
        """
        if len(self.idle) >= _ENOUGH:
            # A mean over so many, of which a month has about as many again: both are uncertain.
            doubt = _SURE * float(self.idle.std()) * (2 / len(self.idle)) ** 0.5
            mean = float(self.idle.mean())
            return max(mean - doubt, 0.0), mean, mean + doubt
        shortest = float(np.quantile(self.seconds, 0.05))
        return 0.0, shortest / 2, shortest

    def late(self, today: Rhythm, fewer: Rhythm) -> Late:
        """Tell what would have come later if only the starts of `fewer` had happened."""
        moments = np.asarray(today.cron.moments)
        # Syncs start at their tick or, with jitter, after it.
        place = np.searchsorted(moments, self.created % DAY_SECONDS + _SLACK, side="right") - 1
        day = self.created // DAY_SECONDS - (place < 0)
        tick = day * DAY_SECONDS + moments[place]
        kept = np.isin(moments[place], fewer.cron.moments) & np.isin(
            (day + _SUNDAY_FIRST - 1) % _WEEK + 1, fewer.weekdays
        )
        late = ~kept & self.brought
        starts = np.asarray(
            fewer.cron.epochs_between(self.start - WINDOW, self.end + WINDOW), np.int64
        )
        waits = starts[np.searchsorted(starts, tick[late])] - tick[late]
        return Late(
            dropped=int((~kept).sum()),
            with_data=int(late.sum()),
            days=len(np.unique(day[late])),
            mean=timedelta(seconds=float(waits.mean()) if len(waits) else 0.0),
            most=timedelta(seconds=float(waits.max()) if len(waits) else 0.0),
        )


_ENOUGH: Final = 5
_SURE: Final = 1.6449


def _full_share(connection: Connection) -> float:
    modes = [stream.sync_mode for stream in connection.streams]
    if not modes:
        return 0.0
    return sum(mode is SyncMode.FULL_REFRESH for mode in modes) / len(modes)
