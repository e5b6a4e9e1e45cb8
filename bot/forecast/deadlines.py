"""Deadlines: the probability that each one of the coming week is met, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import numpy as np

from bot.domain.calendar import instant
from bot.domain.connection import Connection
from bot.domain.forecast import Unknown
from bot.domain.promises import Deadline
from bot.domain.spans import format_span
from bot.forecast.conformal import LEVELS
from bot.forecast.order import Floats
from bot.forecast.outlook import Outlook
from bot.forecast.plan import starts

WEEK: Final = timedelta(days=7)
_DAY: Final = timedelta(days=1)
_SUREST: Final = 0.995
"""Four quantiles say nothing of what is beyond them: nobody is surer than this."""


@dataclass(frozen=True, slots=True)
class DeadlineForecast:
    """One deadline: the probability that a sync that counts for it succeeds in time."""

    name: str
    due: datetime
    met: Decimal | Unknown
    wanted: Decimal
    reason: str

    @property
    def is_at_risk(self) -> bool:
        """Tell whether it will probably be missed more often than it may."""
        return isinstance(self.met, Decimal) and self.met < self.wanted


def forecast_deadlines(
    outlook: Outlook,
    connection: Connection,
    family: str,
    deadlines: Sequence[Deadline],
    fails: float,
) -> tuple[DeadlineForecast, ...]:
    """Forecast every deadline of the next seven days, in the order in which they fall due.

    Args:
        outlook: the fleet's outlook.
        connection: whose deadlines they are.
        family: its source's connector.
        deadlines: its promises.
        fails: the probability that one of its syncs fails.
    """
    last = outlook.last_start(connection.id)
    planned = starts(connection, last, outlook.now - _DAY, outlook.now + WEEK)
    found = [
        _forecast(outlook, (connection, family), deadline, due, planned, fails)
        for deadline in deadlines
        for due in deadline.instants(outlook.now, outlook.now + WEEK)
    ]
    return tuple(sorted(found, key=lambda each: (each.due, each.name)))


def _forecast(
    outlook: Outlook,
    whose: tuple[Connection, str],
    deadline: Deadline,
    due: datetime,
    planned: list[datetime] | Unknown,
    fails: float,
) -> DeadlineForecast:
    def answer(met: Decimal | Unknown, reason: str) -> DeadlineForecast:
        return DeadlineForecast(deadline.name, due, met, deadline.probability, reason)

    if isinstance(planned, Unknown):
        return answer(planned, planned.reason)
    earliest = max(_earliest(deadline, due), outlook.now)
    counting = [start for start in planned if earliest <= start < due]
    if not counting:
        return answer(Decimal(0), f"no sync starts from {earliest:%a %H:%M} UTC on that counts")
    connection, family = whose
    best: tuple[float, datetime, Floats] | None = None
    for start in counting:
        logs = outlook.elapsed_logs(connection.id, family, start)
        if logs is None:
            return answer(Unknown("nothing is known of how long it takes"), "it has not run yet")
        chance = (1 - fails) * chance_under(logs, (due - start).total_seconds())
        # Syncs of one connection fail and slow down together, so the best one speaks for all:
        # of equals the last, which is the one that people wait for.
        if best is None or chance >= best[0]:
            best = (chance, start, logs)
    assert best is not None
    chance, start, logs = best
    return answer(Decimal(str(round(chance, 3))), _reason(start, due, logs, fails))


def chance_under(logs: Floats, seconds: float) -> float:
    """Return the probability to stay under a time, between the quantiles that are known.

    `logs` are the logs of the times at `LEVELS`; beyond p95 the tail is taken to fall off by
    half with each further step of its own width.
    """
    wanted = np.log(max(seconds, 1e-9))
    if wanted <= logs[0]:
        return float(LEVELS[0] * max(0.0, 1 - (logs[0] - wanted) / max(logs[1] - logs[0], 1e-6)))
    if wanted >= logs[-1]:
        steps = (wanted - logs[-1]) / max(logs[-1] - logs[1], 1e-6)
        return float(min(_SUREST, 1 - (1 - LEVELS[-1]) * 0.5 ** min(steps, 50)))
    return float(np.interp(wanted, logs, LEVELS))


def _earliest(deadline: Deadline, due: datetime) -> datetime:
    """Return from when on a sync counts; without `after`, a day before it falls due."""
    if deadline.after is None:
        return due - _DAY
    day = due.date()
    begin = instant(day, deadline.after, deadline.zone)
    return begin if begin < due else instant(day - _DAY, deadline.after, deadline.zone)


def _reason(start: datetime, due: datetime, logs: Floats, fails: float) -> str:
    usual, most = (timedelta(seconds=float(np.exp(logs[place]))) for place in (1, -1))
    return (
        f"it starts {start:%a %H:%M} UTC, {format_span(due - start)} before; it usually takes "
        f"{format_span(usual)}, 95 % under {format_span(most)}; {100 * fails:.2g} % fail"
    )
