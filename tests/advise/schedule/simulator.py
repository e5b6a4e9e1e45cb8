"""A small simulator: plays the crons of a fleet minute by minute, knowing nothing of planning."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bot.domain.connection import Basic, Cron
from bot.domain.cron import parse
from bot.domain.promises import SharedCapacity, WindowKind
from tests.advise.schedule.fleets import Sync

MINUTE = timedelta(minutes=1)
WINTER = datetime(2026, 1, 19, tzinfo=UTC)
SUMMER = datetime(2026, 7, 13, tzinfo=UTC)


@dataclass(frozen=True)
class Seen:
    """What went wrong in one week."""

    late: Counter[str]
    struck: Counter[str]
    over: tuple[int, ...]


def fires(sync: Sync, start: datetime, end: datetime) -> list[datetime]:
    """List the starts of a sync; an interval counts from its last one."""
    if isinstance(sync.schedule, Basic):
        step = timedelta(**{sync.schedule.unit: sync.schedule.units})
        first = sync.last.replace(second=0, microsecond=0)
        first += -((first - start) // step) * step
        return [moment for n in range(-1, 400) if start <= (moment := first + n * step) < end]
    assert isinstance(sync.schedule, Cron)
    return parse(sync.schedule.expression, sync.schedule.zone).fires_between(start, end)


def play(syncs: Sequence[Sync], capacities: Iterable[SharedCapacity], monday: datetime) -> Seen:
    """Play one week, with two days before it to let it settle."""
    end = monday + timedelta(days=7)
    runs = {sync.key: fires(sync, monday - timedelta(days=2), end) for sync in syncs}
    late: Counter[str] = Counter()
    struck: Counter[str] = Counter()
    for sync in syncs:
        assert sync.minutes is not None
        longest = timedelta(minutes=sync.minutes * 1.6)
        for deadline in sync.terms.deadlines:
            for due in deadline.instants(monday, end):
                earliest = due - timedelta(days=1)
                done = any(earliest <= run and run + longest <= due for run in runs[sync.key])
                late[sync.key] += not done
        for window in sync.terms.windows:
            if window.kind is WindowKind.BLACKOUT:
                spans = list(window.spans(monday, end))
                struck[sync.key] += sum(
                    any(run < closes and opens < run + longest for opens, closes in spans)
                    for run in runs[sync.key]
                    if monday <= run
                )
    return Seen(+late, +struck, tuple(_over(syncs, runs, each, monday) for each in capacities))


def _over(
    syncs: Sequence[Sync],
    runs: dict[str, list[datetime]],
    shared: SharedCapacity,
    monday: datetime,
) -> int:
    """Count the minutes of the week above a capacity, each sync once for each minute."""
    held: Counter[int] = Counter()
    for sync in syncs:
        if sync.id in shared.members:
            assert sync.minutes is not None
            length = -int(-sync.minutes * 1.2 // 1)
            for run in runs[sync.key]:
                first = (run - monday) // MINUTE
                held.update(range(max(0, first), min(7 * 1440, first + length)))
    limit = shared.capacity.limit
    return sum(int(Decimal(count) - limit) for count in held.values() if count > limit)
