"""What-if: two folders of policies on the same history and settings, side by side."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bot.advise.agenda import agenda
from bot.advise.registry import installed
from bot.cases import rule
from bot.cli.advice_json import money_json, quantiles_json, spell_change
from bot.cli.connect import history_url, price_book
from bot.cli.survey import look
from bot.domain.forecast import Unknown
from bot.history.location import opened
from bot.policy.difference import Difference, Side, differences
from bot.policy.judging import Judge
from bot.policy.rules import read_rules
from bot.report.markdown import table

if TYPE_CHECKING:
    from bot.policy.case import Ruling

_NOTHING: Final = "not advised"


def compare(base: Path, head: Path, config: Path | None, history: str | None) -> list[Difference]:
    """Advise and judge under each folder, at one moment, and compare.

    Raises:
        HistoryError: the history cannot be read.
        ConfigError: the settings or a file of policies cannot be used.
        PolicyError: the policies cannot be used.
    """
    judges = [Judge(read_rules(folder)) for folder in (base, head)]
    prices, now = price_book(config), datetime.now(UTC)
    rulings: list[list[Ruling]] = []
    with opened(history_url(config, history), read_only=True) as store:
        for judge in judges:
            situation = look(store, judge, prices, now)
            advice = agenda(each for one in installed() for each in one.advise(situation))
            rulings.append(rule(judge, situation, advice))
    return differences(*rulings)


def render(found: Sequence[Difference], output: str) -> str:
    """Write differences as text, Markdown or JSON."""
    forms: dict[str, Callable[[Sequence[Difference]], str]] = {
        "text": _text,
        "markdown": _markdown,
        "json": _json,
    }
    return forms[output](found)


_HEADER: Final = (
    "CONNECTION",
    "SETTING",
    "TURN",
    "BASE",
    "HEAD",
    "SAVES A MONTH",
    "MISSED DEADLINES A MONTH",
)


def _rows(found: Sequence[Difference]) -> list[tuple[str, ...]]:
    return [
        (
            each.name,
            each.setting,
            each.turn.value,
            _side(each.base),
            _side(each.head),
            f"{_saving(each.base)} → {_saving(each.head)}",
            f"{_deadlines(each.base)} → {_deadlines(each.head)}",
        )
        for each in found
    ]


def _text(found: Sequence[Difference]) -> str:
    rows = [_HEADER, *_rows(found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([*(lines if found else ()), _summary(found)])


def _markdown(found: Sequence[Difference]) -> str:
    if not found:
        return _summary(found)
    written = table([name.lower() for name in _HEADER], _rows(found))
    return f"{written}\n\n{_summary(found)}"


def _json(found: Sequence[Difference]) -> str:
    made = [
        {
            "connection_id": each.connection_id,
            "name": each.name,
            "setting": each.setting,
            "turn": each.turn.value,
            "base": _side_json(each.base),
            "head": _side_json(each.head),
        }
        for each in found
    ]
    return json.dumps({"version": 1, "differences": made}, indent=2)


def _side_json(side: Side | None) -> dict[str, Any] | None:
    if side is None:
        return None
    _, before, after = spell_change(side.recommendation.change)
    return {
        "verdict": side.label,
        "before": before,
        "after": after,
        "saving_per_month": quantiles_json(side.recommendation.effect.saving, money_json),
        "missed_deadlines_per_month": quantiles_json(side.recommendation.effect.deadlines, float),
        "cited": [each.where for each in side.ruling.verdict.citations],
    }


def _side(side: Side | None) -> str:
    if side is None:
        return _NOTHING
    return f"{spell_change(side.recommendation.change)[2]} ({side.label})"


def _saving(side: Side | None) -> str:
    if side is None:
        return "–"
    saving = side.recommendation.effect.saving
    if isinstance(saving, Unknown):
        return "?"
    return f"{saving.p50} ({saving.p05} to {saving.p95})"


def _deadlines(side: Side | None) -> str:
    if side is None:
        return "–"
    missed = side.recommendation.effect.deadlines
    return "?" if isinstance(missed, Unknown) else f"{missed.p50:+.1f}"


def _summary(found: Sequence[Difference]) -> str:
    if not found:
        return "Both folders say the same of this history."
    counts: dict[str, int] = {}
    for each in found:
        counts[each.turn.value] = counts.get(each.turn.value, 0) + 1
    return ", ".join(f"{count} {turn}" for turn, count in sorted(counts.items())) + "."
