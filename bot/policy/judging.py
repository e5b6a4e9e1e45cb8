"""Judging: what the rules allow beforehand, and what they say of a recommendation afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.connection import Cron
from bot.domain.cron import parse
from bot.domain.promises import Phase, StepLimit, Terms
from bot.domain.recommendation import Recommendation, ScheduleChange
from bot.domain.spans import format_span
from bot.domain.subject import Subject
from bot.domain.verdict import (
    Allow,
    ApprovalLevel,
    Citation,
    Deny,
    NeedsApproval,
    Verdict,
    combine,
)
from bot.policy.rules import Rule


@dataclass(frozen=True, slots=True)
class Judge:
    """The rules of a team, asked twice: for limits before advising, for verdicts after."""

    rules: Sequence[Rule]

    def terms(self, subject: Subject) -> Terms:
        """Return what policy says of a connection beforehand: the tightest rule counts.

        A connection that no rule speaks of may not be moved at all.
        """
        connection = subject.connection
        shifts = [
            rule.entry.limits.schedule_shift
            for rule in self.rules
            if rule.matches(connection) and rule.entry.limits.schedule_shift is not None
        ]
        step = StepLimit("schedule", shift=min(shifts, default=timedelta()))
        return Terms(phase=Phase.LIVE, steps={step.setting: step})

    def judge(self, subject: Subject, recommendation: Recommendation) -> Verdict:
        """Return what all matching rules together say; without one, the team has to look."""
        return combine(
            _verdict(rule, recommendation)
            for rule in self.rules
            if rule.matches(subject.connection)
        )


def _verdict(rule: Rule, recommendation: Recommendation) -> Verdict:
    change, limit = recommendation.change, rule.entry.limits.schedule_shift
    if isinstance(change, ScheduleChange) and limit is not None:
        moved = _shift(change)
        inputs = {"shift": format_span(moved) if moved is not None else "unknown"}
        if moved is None or moved > limit:
            sentence = f"starts may move by {format_span(limit)} at most"
            line = rule.line("limits", "schedule_shift")
            return Deny((Citation(rule.entry.name, rule.file, line, sentence, inputs),))
    level = ApprovalLevel[rule.entry.approval.upper().replace("-", "_")]
    citation = Citation(
        rule.entry.name,
        rule.file,
        rule.line("approval"),
        "no approval is asked for" if level is ApprovalLevel.AUTO else f"{level.label} approves",
    )
    if level is ApprovalLevel.AUTO:
        return Allow((citation,))
    return (
        Deny((citation,)) if level is ApprovalLevel.BLOCKED else NeedsApproval(level, (citation,))
    )


def _shift(change: ScheduleChange) -> timedelta | None:
    """Return how far a start moves, when both schedules start at one minute of their hours."""
    if not isinstance(change.before, Cron):
        return None
    before = parse(change.before.expression, change.before.zone)
    after = parse(change.after.expression, change.after.zone)
    if before.hours != after.hours or len(before.minutes) != 1 or len(after.minutes) != 1:
        return None
    return timedelta(minutes=abs(before.minutes[0] - after.minutes[0]))
