"""Spread: move apart the connections that all start at the same minute.

Syncs that start together wait for the same workers and the same source. Moving a start by a
few minutes inside its hour costs nothing and changes no promise that is kept by the hour.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bot.advise.advisor import Situation
from bot.domain.connection import Connection, ConnectionStatus, Cron
from bot.domain.cron import QuartzCron, parse
from bot.domain.errors import InputError
from bot.domain.forecast import Evidence, Unknown
from bot.domain.promises import StepLimit, Terms
from bot.domain.recommendation import (
    Advice,
    Confidence,
    Effect,
    Keep,
    NotKnown,
    Recommendation,
    ScheduleChange,
)
from bot.domain.spans import format_span

_HORIZON: Final = timedelta(days=7)
_MINUTE: Final = timedelta(minutes=1)
_FEWEST_SYNCS: Final = 14
"""Two weeks of a daily sync: with fewer, a connection's history says little of its usual days."""

_NO_EFFECT: Final = Effect(
    saving=Unknown("moving a start by minutes moves no row and changes no bill"),
    duration=Unknown("how much faster it gets without neighbours has not been measured"),
    deadlines=Unknown("no deadline is declared for it"),
)


@dataclass(frozen=True, slots=True)
class SpreadAdvisor:
    """Give every connection a minute of its own, moving as few as possible and each the least.

    Of those that share a minute the first by id stays. Only expressions with one plain minute
    are moved, and only inside their hour, so that no run changes its hour or its day.
    """

    name: str = "spread"

    def advise(self, situation: Situation) -> list[Advice]:
        """Answer for every connection, in the order of their ids."""
        fleet = sorted(situation.connections, key=lambda connection: connection.id)
        crons = {connection.id: _cron(connection) for connection in fleet}
        starts = {key: _starts(cron, situation.now) for key, cron in crons.items() if cron}
        busy = Counter(start for own in starts.values() for start in own)
        answers: list[Advice] = []
        settled: set[datetime] = set()
        for connection in fleet:
            cron, own = crons[connection.id], starts.get(connection.id, frozenset())
            if cron is None or not own:
                answers.append(Keep(connection.id, self.name, "it has no schedule to spread"))
            elif not own & settled:
                settled |= own
                answers.append(Keep(connection.id, self.name, _why_it_stays(own, busy)))
            else:
                sharing = max(busy[start] for start in own & settled) - 1
                limit = _limit(situation, connection)
                evidence = situation.evidence.get(connection.id)
                minute = _free_minute(cron, own, settled | busy.keys(), limit)
                answer = self._answer(connection, cron, minute, sharing, evidence)
                answers.append(answer)
                if isinstance(answer, Recommendation) and minute is not None:
                    own = _shifted(own, minute - cron.minutes[0])
                settled |= own
        return answers

    def _answer(
        self,
        connection: Connection,
        cron: QuartzCron,
        minute: int | None,
        sharing: int,
        evidence: Evidence | None,
    ) -> Advice:
        if evidence is None or evidence.n < _FEWEST_SYNCS:
            found = evidence.n if evidence else 0
            return NotKnown(
                connection.id,
                self.name,
                f"{found} syncs are on record, and {_FEWEST_SYNCS} are needed",
            )
        if minute is None:
            return Keep(
                connection.id,
                self.name,
                f"it starts with {_others(sharing)}, and policy leaves no free minute in reach",
            )
        before = connection.schedule
        assert isinstance(before, Cron)
        seconds, _, rest = before.expression.split(maxsplit=2)
        moved = timedelta(minutes=abs(minute - cron.minutes[0]))
        return Recommendation(
            connection_id=connection.id,
            advisor=self.name,
            change=ScheduleChange(before, replace(before, expression=f"{seconds} {minute} {rest}")),
            reason=f"It starts in the same minute as {_others(sharing)}; "
            f"{format_span(moved)} away it starts alone.",
            against=(f"Its data arrives up to {format_span(moved)} earlier or later than today.",),
            evidence=evidence,
            effect=_NO_EFFECT,
            confidence=Confidence.HIGH,
        )


def _limit(situation: Situation, connection: Connection) -> StepLimit:
    """Return how far a start may move; not at all where policy does not say."""
    steps = situation.terms.get(connection.id, Terms()).steps
    return steps.get("schedule", StepLimit("schedule", timedelta()))


def _cron(connection: Connection) -> QuartzCron | None:
    """Return the schedule of a connection, if it is one whose minute can be moved."""
    schedule = connection.schedule
    if connection.status is not ConnectionStatus.ACTIVE or not isinstance(schedule, Cron):
        return None
    try:
        cron = parse(schedule.expression, schedule.zone)
    except InputError:
        return None
    return cron if len(cron.minutes) == 1 else None


def _starts(cron: QuartzCron, now: datetime) -> frozenset[datetime]:
    return frozenset(fire.replace(second=0) for fire in cron.fires_between(now, now + _HORIZON))


def _free_minute(
    cron: QuartzCron, own: frozenset[datetime], taken: set[datetime], limit: StepLimit
) -> int | None:
    """Find the nearest minute of the hour at which nobody starts, later ones first."""
    reach = int((limit.shift or timedelta()) / _MINUTE)
    now = cron.minutes[0]
    for distance in range(1, reach + 1):
        for minute in (now + distance, now - distance):
            if 0 <= minute < 60 and not _shifted(own, minute - now) & taken:  # noqa: PLR2004
                return minute
    return None


def _shifted(starts: frozenset[datetime], minutes: int) -> frozenset[datetime]:
    return frozenset(start + minutes * _MINUTE for start in starts)


def _why_it_stays(own: frozenset[datetime], busy: Counter[datetime]) -> str:
    sharing = max(busy[start] for start in own) - 1
    if sharing == 0:
        return "it starts alone already"
    return f"{_others(sharing)} start with it, and they move instead"


def _others(count: int) -> str:
    return "one other connection" if count == 1 else f"{count} other connections"
