"""Advice in words: a table for a terminal, a table for a pull request, a paragraph for one."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from bot.advise.priority import priority_of
from bot.cli.advice_json import recommended_start, spell_change, spell_schedule
from bot.cli.survey import Survey
from bot.domain.connection import KnobValue
from bot.domain.forecast import Evidence, Quantiles, Unknown
from bot.domain.money import Money
from bot.domain.recommendation import Advice, Effect, NotKnown, Recommendation
from bot.domain.spans import format_span
from bot.domain.subject import Subject
from bot.domain.tenure import Tenure
from bot.domain.verdict import Allow, NeedsApproval, Verdict
from bot.report.markdown import table as markdown_table

_HEADER: Final = ("CONNECTION", "ADVISOR", "ANSWER", "CHANGE", "SAVES A MONTH", "WHY")
_LAST_TENURES: Final = 3


def table(survey: Survey, advice: Mapping[Any, Sequence[Advice]]) -> str:
    """Write one line an answer, never folded; recommendations come first."""
    rows = [_HEADER, *_rows(survey, advice)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, "", survey.limits])


def markdown(survey: Survey, advice: Mapping[Any, Sequence[Advice]]) -> str:
    """Write the same for a pull request or a wiki."""
    written = markdown_table([name.lower() for name in _HEADER], _rows(survey, advice))
    return f"{written}\n\n{survey.limits}"


def paragraph(survey: Survey, subject: Subject, advice: Sequence[Advice]) -> str:
    """Write everything that is known of one connection, and why each advisor answers as it does."""
    situation, connection = survey.situation, subject.connection
    priority = priority_of(situation, subject)
    runs = f"{connection.status.value}, {spell_schedule(connection.schedule)}"
    lines = [
        f"{connection.name} ({connection.id})",
        f"  {runs}; priority {priority.score}: {priority.reason}",
    ]
    if start := recommended_start(situation, connection, advice):
        lines.append(f"  recommended start: {start}")
    forecast = situation.forecasts.get(connection.id)
    if forecast is not None:
        lines.append(f"  next sync takes {_interval(forecast.duration)}")
        lines.append(f"  and costs {_interval(forecast.cost)}")
    for endpoint in (subject.source, subject.destination):
        if endpoint is not None:
            lines += _tenures(endpoint.name, situation.knobs.get(endpoint.id, ()))
    for each in advice:
        lines += ["", *_answer(survey, each)]
    return "\n".join([*lines, "", survey.limits])


def _rows(
    survey: Survey, advice: Mapping[Any, Sequence[Advice]]
) -> list[tuple[str, str, str, str, str, str]]:
    names = {key: subject.connection.name for key, subject in survey.subjects.items()}
    every = [each for answers in advice.values() for each in answers]
    rows = []
    for each in sorted(every, key=lambda one: _order(one, names[one.connection_id])):
        change = saving = ""
        if isinstance(each, Recommendation):
            setting, before, after = spell_change(each.change)
            change = f"{setting}: {before} → {after}"
            saving = _short(each.effect)
        row = (names[each.connection_id], each.advisor, _kind(each), change, saving, each.reason)
        rows.append(row)
    return rows


def _order(advice: Advice, name: str) -> tuple[int, int, str, str]:
    if isinstance(advice, Recommendation):
        return 0, advice.rank, name, advice.advisor
    return (1 if isinstance(advice, NotKnown) else 2), 0, name, advice.advisor


def _kind(advice: Advice) -> str:
    if isinstance(advice, Recommendation):
        return "recommend"
    return "unknown" if isinstance(advice, NotKnown) else "keep"


def _answer(survey: Survey, advice: Advice) -> list[str]:
    lines = [f"  {advice.advisor}: {_kind(advice)}: {advice.reason}"]
    if isinstance(advice, Recommendation):
        setting, before, after = spell_change(advice.change)
        effect = advice.effect
        lines += [
            f"    {setting}: {before} → {after} ({advice.confidence.value} confidence)",
            f"    saves a month: {_interval(effect.saving)}",
            f"    a sync takes longer by: {_interval(effect.duration)}",
            f"    missed deadlines a month change by: {_interval(effect.deadlines)}",
            f"    evidence: {_evidence(advice.evidence)}",
        ]
        lines += [f"    against it: {words}" for words in advice.against]
        lines += _verdict(survey.verdict(advice))
    lines += [f"    {name}: {words}" for name, words in sorted(advice.figures.items())]
    return lines


def _verdict(verdict: Verdict | None) -> list[str]:
    if verdict is None:
        return []
    if isinstance(verdict, NeedsApproval):
        said = f"needs approval by {verdict.level.label}"
    else:
        said = "allows it" if isinstance(verdict, Allow) else "denies it"
    cited = "; ".join(f"{each.sentence} ({each.where})" for each in verdict.citations)
    return [f"    policy: {said}{': ' + cited if cited else ''}"]


def _tenures(name: str, tenures: Sequence[Tenure[Mapping[str, KnobValue]]]) -> list[str]:
    lines = []
    for tenure in tenures[-_LAST_TENURES:]:
        values = ", ".join(f"{path} = {value}" for path, value in sorted(tenure.value.items()))
        if values:
            span = f"{tenure.first_seen:%Y-%m-%d %H:%M} to {tenure.last_seen:%Y-%m-%d %H:%M}"
            lines.append(f"  {name}: {values}, seen from {span}")
    return lines


def _evidence(evidence: Evidence) -> str:
    return f"{evidence.n} syncs, {evidence.start:%Y-%m-%d} to {evidence.end:%Y-%m-%d}"


def _short(effect: Effect) -> str:
    if isinstance(effect.saving, Unknown):
        return "not known"
    return f"{effect.saving.p50} ({effect.saving.p05} to {effect.saving.p95})"


def _interval(value: Quantiles[Any] | Unknown) -> str:
    if isinstance(value, Unknown):
        return f"not known: {value.reason}"
    return f"{_shown(value.p50)} (90 % between {_shown(value.p05)} and {_shown(value.p95)})"


def _shown(value: object) -> str:
    if isinstance(value, timedelta):
        return format_span(value)
    return str(value) if isinstance(value, Money) else f"{value:.3g}"
