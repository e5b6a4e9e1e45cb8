"""Advice as JSON: a documented shape (docs/advice.md) that programs can rely on."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeVar

from bot.advise.advisor import Situation
from bot.advise.priority import priority_of
from bot.cli.survey import Survey
from bot.domain.connection import Basic, Connection, Cron, Schedule
from bot.domain.cron import cron_of
from bot.domain.forecast import Evidence, Forecast, Quantiles, Unknown
from bot.domain.money import Money
from bot.domain.recommendation import (
    Advice,
    Change,
    Keep,
    KnobChange,
    NotKnown,
    Recommendation,
    ScheduleChange,
    StatusChange,
)
from bot.domain.subject import Subject
from bot.domain.verdict import Allow, NeedsApproval, Verdict

VERSION: Final = 1
_FIGURES: Final = ("optimal_batch_size", "optimal_parallel_streams", "can_parallelize")

Q = TypeVar("Q", int, timedelta, Decimal, Money)


def as_json(survey: Survey, subjects: Sequence[Subject], advice: Mapping[Any, Any]) -> Any:
    """Return what was found of some connections."""
    return {
        "version": VERSION,
        "at": survey.situation.now.isoformat(),
        "limits": survey.limits,
        "connections": [
            connection_json(survey, subject, advice[subject.connection.id]) for subject in subjects
        ],
    }


def connection_json(survey: Survey, subject: Subject, advice: Sequence[Advice]) -> dict[str, Any]:
    """Return what was found of one connection."""
    situation, connection = survey.situation, subject.connection
    priority = priority_of(situation, subject)
    figures: dict[str, str] = {}
    for each in reversed(advice):
        figures |= each.figures
    return {
        "connection_id": connection.id,
        "name": connection.name,
        **{name: _figure(figures.get(name)) for name in _FIGURES},
        "recommended_start": recommended_start(situation, connection, advice),
        "priority_score": priority.score,
        "priority_reason": priority.reason,
        "estimated_duration_and_cost": {
            "next_sync": _forecast_json(situation.forecasts.get(connection.id)),
            "month": _forecast_json(situation.months.get(connection.id)),
        },
        "evidence": _evidence_json(situation.evidence.get(connection.id)),
        "advice": [_advice_json(survey, each) for each in advice],
    }


def recommended_start(
    situation: Situation, connection: Connection, advice: Sequence[Advice]
) -> str | None:
    """Return when the next sync should start: under the best change of its schedule, else as it is."""
    schedule = connection.schedule
    for each in advice:
        if isinstance(each, Recommendation) and isinstance(each.change, ScheduleChange):
            schedule = each.change.after
            break
    cron = cron_of(schedule)
    fire = None if cron is None else cron.next_after(situation.now)
    return None if fire is None else fire.isoformat()


def spell_change(change: Change) -> tuple[str, str, str]:
    """Return a change as setting, value before, value after."""
    match change:
        case ScheduleChange(before=before, after=after):
            return change.setting, spell_schedule(before), spell_schedule(after)
        case KnobChange(before=value, after=turned):
            return change.setting, "not set" if value is None else str(value), str(turned)
        case StatusChange(before=was, after=becomes):
            return change.setting, was.value, becomes.value


def spell_schedule(schedule: Schedule) -> str:
    """Write a schedule as Airbyte shows it."""
    match schedule:
        case Cron(expression, zone):
            return f"{expression} {zone}"
        case Basic(units, unit):
            return f"every {units} {unit}"
        case _:
            return "by hand"


def _advice_json(survey: Survey, advice: Advice) -> dict[str, Any]:
    common: dict[str, Any] = {
        "advisor": advice.advisor,
        "answer": _ANSWERS[type(advice)],
        "reason": advice.reason,
        "figures": dict(advice.figures),
    }
    if not isinstance(advice, Recommendation):
        return common
    setting, before, after = spell_change(advice.change)
    effect = advice.effect
    return common | {
        "change": {"setting": setting, "before": before, "after": after},
        "against": list(advice.against),
        "evidence": _evidence_json(advice.evidence),
        "effect": {
            "saving_per_month": quantiles_json(effect.saving, money_json),
            "duration_seconds": quantiles_json(effect.duration, timedelta.total_seconds),
            "missed_deadlines_per_month": quantiles_json(effect.deadlines, float),
            "delays_seconds": {
                key: delay.total_seconds() for key, delay in sorted(effect.delays.items())
            },
        },
        "confidence": advice.confidence.value,
        "rank": advice.rank,
        "depends_on": list(advice.depends_on),
        "verdict": _verdict_json(survey.verdict(advice)),
    }


_ANSWERS: Final = {Recommendation: "recommend", Keep: "keep", NotKnown: "unknown"}


def quantiles_json(value: Quantiles[Q] | Unknown, write: Callable[[Q], Any]) -> dict[str, Any]:
    """Return an interval, or why there is none."""
    if isinstance(value, Unknown):
        return {"unknown": value.reason}
    return {name: write(getattr(value, name)) for name in ("p05", "p50", "p80", "p95")}


def money_json(money: Money) -> dict[str, str]:
    """Return an amount as text, with its currency."""
    return {"amount": str(money.rounded().amount), "currency": money.currency}


def _forecast_json(forecast: Forecast | None) -> dict[str, Any]:
    if forecast is None:
        return {"unknown": "it has no forecast"}
    return {
        "method": forecast.method,
        "duration_seconds": quantiles_json(forecast.duration, timedelta.total_seconds),
        "cost": quantiles_json(forecast.cost, money_json),
    }


def _evidence_json(evidence: Evidence | None) -> dict[str, Any] | None:
    if evidence is None:
        return None
    start, end = (_iso(each) for each in (evidence.start, evidence.end))
    return {"start": start, "end": end, "n": evidence.n}


def _verdict_json(verdict: Verdict | None) -> dict[str, Any] | None:
    if verdict is None:
        return None
    answer = {Allow: "allow", NeedsApproval: "needs approval"}.get(type(verdict), "deny")
    found: dict[str, Any] = {"answer": answer}
    if isinstance(verdict, NeedsApproval):
        found["level"] = verdict.level.label
    found["citations"] = [
        {"policy": each.policy, "where": each.where, "sentence": each.sentence}
        for each in verdict.citations
    ]
    return found


def _figure(text: str | None) -> int | float | bool | str | None:
    """Turn a figure's words into JSON's own kind where they are one number, yes or no."""
    if text is None:
        return None
    head = text.split(" ", 1)[0].rstrip(":,;")
    if head in {"yes", "no"}:
        return head == "yes"
    try:
        number = float(head.replace(",", ""))
    except ValueError:
        return text
    return int(number) if number == int(number) else number


def _iso(moment: datetime) -> str:
    return moment.isoformat()
