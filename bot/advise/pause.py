"""Pause: stop what fails hopelessly before Airbyte does, and what nobody reads."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from bot.advise.advisor import Situation
from bot.advise.priority import priority_of
from bot.advise.situation_money import Spread, month, price
from bot.domain.connection import ConnectionStatus
from bot.domain.forecast import Evidence, Quantiles, Unknown
from bot.domain.money import Money
from bot.domain.promises import Terms
from bot.domain.recommendation import (
    Advice,
    Confidence,
    Effect,
    Keep,
    NotKnown,
    Recommendation,
    StatusChange,
)
from bot.domain.spans import format_span
from bot.domain.subject import Subject
from bot.domain.trouble import Cause
from bot.forecast.order import Floats
from bot.forecast.runs import DAY_SECONDS, Runs, epoch, moment

DISABLED_AFTER: Final = 30
"""Airbyte switches a connection off after so many failed syncs in a row, and …"""
DISABLED_SPAN: Final = timedelta(days=7)
"""… so long without a success. Source: airbyte-server's ConnectionService."""
HOPELESS_RUN: Final = 10
HOPELESS_SPAN: Final = timedelta(days=2)
"""Fewer than Airbyte's own thirty; most incidents are over within a night."""
FEWEST_SYNCS: Final = 14


@dataclass(frozen=True, slots=True)
class Streak:
    """The failures since the last success: `start` is the place of the first of them in the runs."""

    length: int
    start: int
    since: datetime
    last: datetime

    @classmethod
    def of(cls, runs: Runs, mine: slice) -> "Streak | None":
        """Read it from a connection's runs; None when the last one that counts succeeded."""
        counts = np.flatnonzero(~runs.cancelled[mine]) + mine.start
        if not len(counts) or runs.succeeded[counts[-1]]:
            return None
        wins = np.flatnonzero(runs.succeeded[counts])
        failed = counts[wins[-1] + 1 :] if len(wins) else counts
        since, last = (moment(float(runs.created[each])) for each in (failed[0], failed[-1]))
        return cls(len(failed), int(failed[0]), since, last)

    def is_hopeless(self, now: datetime) -> bool:
        """Tell whether it failed so often and for so long that it does not heal by itself."""
        return self.length >= HOPELESS_RUN and now - self.since >= HOPELESS_SPAN


@dataclass(frozen=True, slots=True)
class PauseAdvisor:
    """Propose `inactive` where going on costs and brings nothing."""

    name: str = "pause"

    def advise(self, situation: Situation) -> list[Advice]:
        """Answer for every connection, in the order of their ids."""
        subjects = sorted(situation.subjects, key=lambda each: each.connection.id)
        return [self._answer(situation, subject) for subject in subjects]

    def _answer(self, situation: Situation, subject: Subject) -> Advice:
        connection, runs = subject.connection, situation.runs
        if connection.status is not ConnectionStatus.ACTIVE:
            return Keep(connection.id, self.name, f"it is {connection.status.value} already")
        place = None if runs is None else runs.find(connection.id)
        if runs is None or place is None:
            return NotKnown(connection.id, self.name, "no sync of it has ended yet")
        mine = runs.place(place)
        streak = Streak.of(runs, mine)
        if streak is not None and streak.is_hopeless(situation.now):
            return self._hopeless(situation, subject, runs, mine, streak)
        if connection.id not in situation.traced:
            return Keep(connection.id, self.name, f"{_health(streak)}; who reads it is not known")
        if subject.downstream.is_read:
            readers = len(subject.downstream.models) + len(subject.downstream.readers)
            reason = f"{_health(streak)}, and {readers} models and readers use its data"
            return Keep(connection.id, self.name, reason)
        return self._unread(situation, subject, runs, mine)

    def _hopeless(
        self, situation: Situation, subject: Subject, runs: Runs, mine: slice, streak: Streak
    ) -> Advice:
        now = situation.now
        span = format_span(now - streak.since)
        said = f"{streak.length} syncs in a row failed within {span}, the last at {_clock(streak)}"
        if not _may_pause(situation, subject):
            reason = f"{said}, but policy lets it not be paused"
            return Keep(subject.connection.id, self.name, reason, _figures(situation, subject))
        causes = _causes(situation, subject, streak)
        against = ["Until somebody resumes it, nothing arrives even when the cause is gone."]
        if subject.downstream.is_read:
            against.append("Its data is read, and is old already.")
        if Cause.CONFIGURATION not in causes:
            against.append("Nothing says that it is a matter of configuration: it may heal.")
        reason = (
            f"{said}{_because(causes)}. Airbyte would switch it off by itself after "
            f"{DISABLED_AFTER} failures and {DISABLED_SPAN.days} days, and the next apply would "
            "switch it on again; paused in Terraform it stays off."
        )
        return self._pause(
            situation,
            subject,
            reason,
            tuple(against),
            Evidence(streak.since, streak.last, streak.length),
            _price(situation, subject, runs, slice(streak.start, mine.stop)),
        )

    def _unread(self, situation: Situation, subject: Subject, runs: Runs, mine: slice) -> Advice:
        key = subject.connection.id
        good = runs.succeeded[mine] & np.isfinite(runs.rows[mine])
        created = runs.created[mine][good]
        if len(created) < FEWEST_SYNCS:
            reason = f"nobody reads it, but only {len(created)} successful syncs are on record"
            return NotKnown(key, self.name, reason)
        said = "Lineage covers it and knows no model, dashboard or application that reads it"
        if not _may_pause(situation, subject):
            reason = f"{said}, but policy lets it not be paused"
            return Keep(key, self.name, reason, _figures(situation, subject))
        rows = float(np.nansum(runs.rows[mine], dtype=np.float64))
        return self._pause(
            situation,
            subject,
            f"{said}; its last {len(created)} syncs moved {rows:,.0f} rows.",
            (
                "Queries by hand and tools outside the lineage are not seen.",
                "When it is resumed, it has to catch up.",
            ),
            Evidence(moment(float(created[0])), moment(float(created[-1])), len(created)),
            _price(situation, subject, runs, mine),
        )

    def _pause(
        self,
        situation: Situation,
        subject: Subject,
        reason: str,
        against: tuple[str, ...],
        evidence: Evidence,
        saving: Quantiles[Money] | Unknown,
    ) -> Recommendation:
        connection = subject.connection
        return Recommendation(
            connection_id=connection.id,
            advisor=self.name,
            change=StatusChange(connection.status, ConnectionStatus.INACTIVE),
            reason=reason,
            against=against,
            evidence=evidence,
            effect=Effect(
                saving=saving,
                duration=Unknown("it does not run any more"),
                deadlines=Unknown("what is not read, or fails anyway, misses none by it"),
            ),
            confidence=Confidence.MEDIUM,
            figures=_figures(situation, subject),
        )


def _may_pause(situation: Situation, subject: Subject) -> bool:
    terms = situation.terms.get(subject.connection.id, Terms())
    return "status" in terms.steps


def _causes(situation: Situation, subject: Subject, streak: Streak) -> dict[Cause, int]:
    """Count the causes of the attempts that failed since the streak began."""
    counted: dict[Cause, int] = {}
    for trouble in situation.troubles.get(subject.connection.id, ()):
        if trouble.at >= streak.since:
            counted[trouble.cause] = counted.get(trouble.cause, 0) + 1
    return counted


def _because(causes: dict[Cause, int]) -> str:
    if not causes:
        return ""
    cause, count = max(causes.items(), key=lambda item: (item[1], item[0].value))
    share = f"{count} of {sum(causes.values())} attempts"
    return f", {share}: {cause.value}" if cause is not Cause.OTHER else ""


def _price(
    situation: Situation, subject: Subject, runs: Runs, part: slice
) -> Quantiles[Money] | Unknown:
    """Price a month of syncs like some that were: what is saved when they do not start."""
    if subject.source is None:
        return Unknown("its source is not on record, and so neither is how it is metered")
    created = runs.created[part]
    days = (epoch(situation.now) - int(created[0])) / DAY_SECONDS

    def amounts(column: Floats) -> Spread:
        return month(created, np.nan_to_num(column[part]).astype(np.float64), days)

    rows, size, seconds = amounts(runs.rows), amounts(runs.bytes), amounts(runs.seconds)
    return price(situation.prices, subject.source.connector, rows, size, seconds)


def _figures(situation: Situation, subject: Subject) -> dict[str, str]:
    priority = priority_of(situation, subject)
    return {"priority_score": f"{priority.score} ({priority.reason})"}


def _health(streak: Streak | None) -> str:
    if streak is None:
        return "its last sync succeeded"
    failed = "its last sync" if streak.length == 1 else f"its last {streak.length} syncs"
    return f"{failed} failed, which may still heal"


def _clock(streak: Streak) -> str:
    return f"{streak.last:%Y-%m-%d %H:%M} UTC"
