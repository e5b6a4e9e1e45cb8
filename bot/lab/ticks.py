"""When schedules tick: the fires of a day, and the delay that Airbyte Cloud adds to them."""

from collections.abc import Sequence
from datetime import UTC, datetime

from bot.domain.connection import Cron, Manual
from bot.domain.cron import parse
from bot.lab import constants as known
from bot.lab.fleet import LabConnection
from bot.lab.noise import unit

_BLOCK_DAYS = 32
Offsets = tuple[int, ...]


class Ticks:
    """Fires per UTC day of many crons, each expression evaluated once per day pattern."""

    def __init__(self) -> None:
        self._every_day: dict[tuple[str, str], Offsets] = {}
        self._blocks: dict[tuple[str, str, int], dict[int, list[int]]] = {}

    def on(self, cron: Cron, day: int) -> Offsets:
        """Return the seconds of UTC day number `day` at which `cron` fires."""
        key = (cron.expression, cron.zone)
        same = self._every_day.get(key)
        if same is not None:
            return same
        if _same_every_day(cron):
            same = tuple(at - day * known.DAY for at in _fires(cron, day, day + 1))
            self._every_day[key] = same
            return same
        block = day // _BLOCK_DAYS
        days = self._blocks.get((*key, block))
        if days is None:
            days = {}
            for at in _fires(cron, block * _BLOCK_DAYS, (block + 1) * _BLOCK_DAYS):
                days.setdefault(at // known.DAY, []).append(at % known.DAY)
            self._blocks[(*key, block)] = days
        return tuple(days.get(day, ()))

    def of(self, link: LabConnection, day: int) -> Offsets:
        """Return when a connection ticks on a day: by its cron, or by what starts it outside."""
        if isinstance(link.schedule, Cron):
            return self.on(link.schedule, day)
        if isinstance(link.schedule, Manual) and link.orchestrated_at is not None:
            return (link.orchestrated_at,)
        return ()

    def in_28_days(self, cron: Cron, day: int) -> int:
        """Count the fires of the 28 days from `day`."""
        return sum(len(self.on(cron, d)) for d in range(day, day + 28))

    def fired(self, cron: Cron, since: int, until: int) -> bool:
        """Tell whether `cron` fired between two epoch seconds, both included."""
        return any(
            since <= day * known.DAY + offset <= until
            for day in range(since // known.DAY, until // known.DAY + 1)
            for offset in self.on(cron, day)
        )


def jitter_bound(wait: int) -> int:
    """Return the largest delay Airbyte Cloud adds after a wait of `wait` seconds."""
    for longest, bound in known.JITTER:
        if wait <= longest:
            return bound
    return known.JITTER_MAX


def jitter_of(key: int, tick: int, wait: int) -> int:
    """Return the delay of one tick: positive only, for crons."""
    bound = jitter_bound(wait)
    return int(unit(key, tick, 0x11) * (bound + 1)) if bound else 0


def _same_every_day(cron: Cron) -> bool:
    fields = cron.expression.split()
    return cron.zone == "UTC" and all(field in {"*", "?"} for field in fields[3:])


def _fires(cron: Cron, first_day: int, end_day: int) -> Sequence[int]:
    """Return epoch seconds of the fires from the start of one day to the start of another."""
    start = datetime.fromtimestamp(first_day * known.DAY, UTC)
    end = datetime.fromtimestamp(end_day * known.DAY, UTC)
    return parse(cron.expression, cron.zone).epochs_between(start, end)
