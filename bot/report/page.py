"""The report of a run as one HTML page that needs nothing else: no script, no font, no request."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.domain.errors import InputError
from bot.report.summary import Entry, Fate, Summary

if TYPE_CHECKING:
    from jinja2 import Template


class Accuracy(BaseModel):
    """How good forecasts were: a row of `trimtab backtest -o json`, errors and shares as there."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    quantity: str
    ahead_days: int
    method: str
    n: int
    wape: float | None = None
    interval: float | None = None


class _Backtest(BaseModel):
    model_config = ConfigDict(extra="ignore")

    forecasts: tuple[Accuracy, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """What the page shows; `seconds` are times by stage, `accuracy` is empty when not measured."""

    summary: Summary
    made_at: datetime
    version: str
    seconds: Mapping[str, float] = field(default_factory=dict)
    accuracy: Sequence[Accuracy] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """The interval of a saving on a common scale, in percent of its width."""

    zero: float
    left: float
    width: float
    median: float


def render_page(page: Page) -> str:
    """Write the page."""
    summary = page.summary
    reasons: dict[str, list[str]] = {}
    for name, reason in summary.quiet:
        reasons.setdefault(reason, []).append(name)
    order = [Fate.OPEN, Fate.UPDATE, Fate.REWORD, Fate.KEEP, Fate.CLOSE, Fate.HELD, Fate.HANDS_OFF]
    fates = Counter(entry.fate for entry in summary.entries)
    return _template().render(
        page=page,
        summary=summary,
        held=[e for e in summary.entries if e.fate in {Fate.HELD, Fate.HANDS_OFF}],
        closing=[e for e in summary.entries if e.fate is Fate.CLOSE],
        bars=bars(summary.proposed),
        fates=[(fate, fates[fate]) for fate in order if fates[fate]],
        quiet=sorted(reasons.items(), key=lambda pair: (-len(pair[1]), pair[0])),
        longest=max(page.seconds.values(), default=0.0),
    )


def bars(entries: Sequence[Entry]) -> list[Bar | None]:
    """Place the savings of one currency on one scale; None where a saving is not known."""
    known = [each.saving for each in entries if each.saving is not None]
    if not known or len({saving.p50.currency for saving in known}) != 1:
        return [None] * len(entries)
    low = min(Decimal(0), *(saving.p05.amount for saving in known))
    high = max(Decimal(0), *(saving.p95.amount for saving in known))
    span = float(high - low) or 1.0

    def at(amount: Decimal) -> float:
        return round(100 * float(amount - low) / span, 2)

    return [
        None
        if each.saving is None
        else Bar(
            at(Decimal(0)),
            at(each.saving.p05.amount),
            max(round(at(each.saving.p95.amount) - at(each.saving.p05.amount), 2), 0.5),
            at(each.saving.p50.amount),
        )
        for each in entries
    ]


def read_accuracy(path: Path) -> tuple[Accuracy, ...]:
    """Read what `trimtab backtest -o json` printed; only trimtab's own rows are kept.

    Raises:
        InputError: the file cannot be read, or is something else.
    """
    try:
        rows = _Backtest.model_validate_json(path.read_bytes()).forecasts
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except ValidationError as error:
        raise InputError(
            f"{path}: this is not a backtest ({error.errors(include_url=False)[0]['msg']})",
            "Make it with: trimtab backtest -o json --quantity duration",
        ) from None
    return tuple(row for row in rows if row.method == "trimtab")


def _percent(value: float | None, *, share: bool = False) -> str:
    if value is None or math.isnan(value):
        return "not measured"
    return f"{value:.1%}" if share else f"{value:.1f} %"


@cache
def _template() -> "Template":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("bot.report"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = _percent
    return environment.get_template("report.html.j2")
