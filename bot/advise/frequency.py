"""Frequency: run less where nothing new arrives or data may be older, more where it gets too old."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Final

from bot.advise.advisor import Situation
from bot.advise.frequency_promises import Promises
from bot.advise.frequency_record import Late, Record
from bot.advise.frequency_rhythm import Rhythm
from bot.advise.frequency_saving import saving
from bot.advise.priority import priority_of
from bot.advise.situation_peers import Peers
from bot.domain.connection import ConnectionStatus
from bot.domain.forecast import Quantiles, Unknown
from bot.domain.money import Money
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
from bot.domain.subject import Subject
from bot.forecast.runs import moment

FEWEST_SYNCS: Final = 14
FEWEST_DAYS: Final = 14
_SURE: Final = 1.6449
_MOST_LATE_WEEKENDS: Final = 0.2
_MOSTLY_SOMETHING: Final = 0.8
"""Where more syncs than this bring something, no part of them can be dropped by any of the rules."""
_WORTH: Final = 1
_MANY: Final = 50


@dataclass(frozen=True, slots=True)
class Case:
    """One connection as this advisor looks at it."""

    situation: Situation
    subject: Subject
    terms: Terms
    record: Record
    today: Rhythm
    promises: Promises

    @property
    def limit(self) -> StepLimit | None:
        """Return how far policy lets the frequency move; None is not at all."""
        return self.terms.steps.get("frequency")

    @property
    def is_unread(self) -> bool:
        """Tell whether lineage is known and knows of nobody who reads it."""
        known = self.subject.connection.id in self.situation.traced
        return known and not self.subject.downstream.is_read

    @property
    def may_be_older(self) -> bool:
        """Tell whether policy says how old its data may get: then no more is owed."""
        return self.terms.max_staleness is not None

    def within_step(self, rhythm: Rhythm) -> bool:
        """Tell whether policy allows the step to another number of syncs, with those before it."""
        if self.limit is None or self.limit.ratio is None:
            return True
        key = self.subject.connection.id
        cron = self.situation.steps_began_at(key, self.limit.window)
        first = None if cron is None else Rhythm.of(cron, None)
        factors = [rhythm.times_fewer(self.today)]
        if isinstance(first, Rhythm):
            factors.append(rhythm.times_fewer(first))
        return all(max(each, 1 / each) <= Fraction(self.limit.ratio) for each in factors)


@dataclass(frozen=True, slots=True)
class FrequencyAdvisor:
    """Change how often a connection starts, where its own history and its promises carry it."""

    name: str = "frequency"

    def advise(self, situation: Situation) -> list[Advice]:
        """Answer for every connection, in the order of their ids."""
        peers = Peers(situation)
        subjects = sorted(situation.subjects, key=lambda each: each.connection.id)
        return [self._answer(situation, subject, peers) for subject in subjects]

    def _answer(self, situation: Situation, subject: Subject, peers: Peers) -> Advice:
        connection = subject.connection
        if connection.status is not ConnectionStatus.ACTIVE:
            reason = f"it is {connection.status.value} and starts no syncs"
            return Keep(connection.id, self.name, reason)
        record = Record.of(situation, connection)
        if record is None or len(record.created) < FEWEST_SYNCS or record.days < FEWEST_DAYS:
            found = 0 if record is None else len(record.created)
            days = 0 if record is None else round(record.days)
            reason = (
                f"{found} successful syncs in {days} days are on record since its schedule last "
                f"changed; {FEWEST_SYNCS} in {FEWEST_DAYS} days are needed"
            )
            return NotKnown(connection.id, self.name, reason)
        today = Rhythm.of(connection.schedule, moment(float(record.created[-1])))
        if isinstance(today, str):
            return Keep(connection.id, self.name, today)
        terms = situation.terms.get(connection.id, Terms())
        promises = Promises.of(subject, terms, situation.now)
        case = Case(situation, subject, terms, record, today, promises)
        limit = promises.max_staleness
        if limit is not None and promises.age(today, record.takes) > limit:
            return self._denser(case, limit, peers)
        return self._thinner(case, peers)

    def _denser(self, case: Case, wanted: timedelta, peers: Peers) -> Advice:
        key, takes = case.subject.connection.id, case.record.takes
        old = format_span(case.promises.age(case.today, takes))
        broken = f"its data gets {old} old, and {format_span(wanted)} is promised"
        if case.limit is None:
            return Keep(key, self.name, f"{broken}, but policy lets its frequency not change")
        fitting = [
            each
            for each in case.today.denser()
            if case.within_step(each)
            and takes <= (each.cron.closest or takes)
            and case.promises.age(each, takes) < case.promises.age(case.today, takes)
            and case.promises.broken_by(each, takes, case.today) is None
        ]
        if not fitting:
            reason = f"{broken}, but no schedule within reach keeps it: a sync takes up to "
            return Keep(key, self.name, reason + format_span(takes))
        keeping = [each for each in fitting if case.promises.age(each, takes) <= wanted]
        best = (
            min(keeping, key=lambda each: each.per_week)
            if keeping
            else max(fitting, key=lambda each: (-case.promises.age(each, takes), -each.per_week))
        )
        new = format_span(case.promises.age(best, takes))
        reason = (
            f"Its data gets {old} old where {format_span(wanted)} is promised; so it gets {new} "
            "at most."
        )
        against = (f"It starts {best.per_week} times a week instead of {case.today.per_week}.",)
        return self._recommend(case, best, reason, against, peers)

    def _thinner(self, case: Case, peers: Peers) -> Advice:
        key, record = case.subject.connection.id, case.record
        found = next(self._fitting(case), None)
        empty = int((~record.brought).sum())
        share = f"{empty} of {len(record.created)} syncs brought nothing new"
        figures = {"runs without new rows": share}
        if found is None:
            said = share if empty else "each sync brought something new"
            return Keep(key, self.name, _why_not_less(case, said), figures)
        best, late = found
        if case.limit is None:
            reason = (
                f"{share}, and {best.per_week} starts a week would do, but policy lets its "
                "frequency not change"
            )
            return Keep(key, self.name, reason, figures)
        money = self._saving(case, best)
        if isinstance(money, Quantiles) and money.p95.amount < _WORTH:
            reason = f"{share}, but fewer would save {money.p95} a month at most"
            return Keep(key, self.name, reason, figures)
        reason = _why_less(case, best, late, share)
        return self._recommend(case, best, reason, _against(case, late), peers, figures)

    def _fitting(self, case: Case) -> Iterator[tuple[Rhythm, Late]]:
        """Yield the rhythms with fewer starts that keep everything, the fewest starts first."""
        free = case.is_unread or case.may_be_older
        if not free and case.record.brought.mean() > _MOSTLY_SOMETHING:
            return
        found = [
            (each, case.record.late(case.today, each))
            for each in case.today.thinner()
            if case.within_step(each)
        ]
        found = [each for each in found if free or _arrives_in_time(case, *each)]
        for each, late in sorted(found, key=lambda pair: _waiting(case, *pair)):
            takes = _takes(case, each)
            too_old = case.promises.max_staleness
            if too_old is not None and case.promises.age(each, takes) > too_old:
                continue
            if case.promises.broken_by(each, takes, case.today) is None:
                yield each, late

    def _recommend(
        self,
        case: Case,
        best: Rhythm,
        reason: str,
        against: tuple[str, ...],
        peers: Peers,
        figures: dict[str, str] | None = None,
    ) -> Recommendation:
        connection, record = case.subject.connection, case.record
        sure = len(record.created) >= _MANY and record.full_share == 0
        priority = priority_of(case.situation, case.subject)
        return Recommendation(
            connection_id=connection.id,
            advisor=self.name,
            change=ScheduleChange(connection.schedule, best.schedule()),
            reason=reason,
            against=against,
            evidence=record.evidence,
            effect=Effect(
                saving=self._saving(case, best),
                duration=_longer(case, best),
                deadlines=Unknown("only schedules that miss no more deadlines are considered"),
            ),
            confidence=Confidence.HIGH if sure else Confidence.MEDIUM,
            donors=peers.of(case.subject),
            figures={
                **(figures or {}),
                "starts a week": f"{case.today.per_week} → {best.per_week}",
                "age of data at most": format_span(case.promises.age(best, _takes(case, best))),
                "priority_score": f"{priority.score} ({priority.reason})",
            },
        )

    def _saving(self, case: Case, best: Rhythm) -> Quantiles[Money] | Unknown:
        source = case.subject.source
        if source is None:
            return Unknown("its source is not on record, and so neither is how it is metered")
        kept = float(best.times_fewer(case.today))
        return saving(case.situation.prices, source.connector, case.record, kept)


def _waiting(case: Case, fewer: Rhythm, late: Late) -> tuple[int, timedelta, tuple[int, ...]]:
    """Order rhythms: the fewest starts, then the least waiting, then the earliest start."""
    waits = timedelta() if case.is_unread else late.mean * late.with_data
    return fewer.per_week, waits, fewer.cron.moments


def _arrives_in_time(case: Case, fewer: Rhythm, late: Late) -> bool:
    """Tell whether so few of the dropped syncs brought something that data hardly waits.

    On average at most one sync with data may fall into each new gap; judged at the upper end of
    the 90 % interval of its share, so that a few quiet weeks are not enough.
    """
    factor = float(fewer.times_fewer(case.today))
    allowed = min(factor, 0.5) if factor <= 0.5 else _MOST_LATE_WEEKENDS  # noqa: PLR2004  half
    return _upper(late.with_data, late.dropped) <= allowed


def _upper(hits: int, count: int) -> float:
    """Return the upper end of Wilson's 90 % interval of a share."""
    if not count:
        return 1.0
    share, z = hits / count, _SURE
    middle = share + z * z / (2 * count)
    width = z * (share * (1 - share) / count + z * z / (4 * count * count)) ** 0.5
    return float((middle + width) / (1 + z * z / count))


def _takes(case: Case, rhythm: Rhythm) -> timedelta:
    """Return how long a sync may take under another rhythm: what waits longer has grown."""
    now = case.record.takes
    factor = float(1 / rhythm.times_fewer(case.today))
    if factor <= 1 or case.record.full_share == 1:
        return now
    overhead = timedelta(seconds=case.record.overhead[0])
    return overhead + (now - overhead) * factor


def _longer(case: Case, rhythm: Rhythm) -> Quantiles[timedelta] | Unknown:
    """Return how much longer one sync takes: the rows of those that do not start any more."""
    if case.record.full_share == 1:
        return Quantiles.exactly(timedelta())
    factor = float(1 / rhythm.times_fewer(case.today)) - 1
    mean = float(case.record.seconds.mean())
    least, likely, most = case.record.overhead
    amounts = [factor * (mean - each) for each in (most, likely, (least + likely) / 2, least)]
    return Quantiles(*(timedelta(seconds=round(each)) for each in sorted(amounts)))


def _against(case: Case, late: Late) -> tuple[str, ...]:
    said = []
    if late.with_data:
        said.append(
            f"On {late.days} days of the last {round(case.record.days)} data would have come "
            f"later, by {format_span(late.mean)} on average and {format_span(late.most)} at most."
        )
    if case.record.full_share:
        said.append(
            "Streams that are read whole always have rows: equal numbers of rows and bytes are "
            "taken for nothing new."
        )
    if case.record.full_share < 1:
        said.append(
            "A row that changes more than once between two syncs is moved once: what that saves "
            "beside is not in the saving, and the versions between are not seen."
        )
    if case.subject.connection.id not in case.situation.traced:
        said.append("Who reads its data is not known.")
    if case.subject.connection.destination_id in case.situation.warehouses:
        said.append("How long its warehouse is kept awake is not in the saving.")
    return tuple(said)


def _why_less(case: Case, best: Rhythm, late: Late, share: str) -> str:
    starts = f"{best.per_week} starts a week instead of {case.today.per_week}"
    limit = case.terms.max_staleness
    if not case.is_unread and limit is not None and not _arrives_in_time(case, best, late):
        age = format_span(case.promises.age(best, _takes(case, best)))
        return (
            f"Policy lets its data get {format_span(limit)} old: with {starts} it gets {age} old "
            "at most."
        )
    why = "Nothing that lineage knows reads it" if case.is_unread else share.capitalize()
    return f"{why}: {starts} drop {late.dropped - late.with_data} that brought nothing."


def _why_not_less(case: Case, share: str) -> str:
    if case.promises.max_staleness is not None or case.promises.deadlines:
        return f"{share}; with fewer starts its data would wait, or its promises would be broken"
    return f"{share}; with fewer starts its data would wait"
