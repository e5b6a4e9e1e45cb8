"""The body of a pull request: what a reviewer needs in a minute, the rest folded.

GitHub refuses bodies over 65,536 characters. A body is written in full first, and with less and
less of its details until it fits; headline, verdicts, risk and metadata are never cut.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.pulls.body_content import Carried, Frame
from bot.pulls.body_picture import picture
from bot.pulls.body_rows import Row, headline, rows, title
from bot.pulls.body_sentences import (
    PolicyLine,
    approval,
    deadlines,
    evidence_line,
    figures,
    limits,
    money,
    neighbours,
    not_checked,
    policy_lines,
    streams,
    unknowns,
)
from bot.pulls.body_text import SENTENCE_LENGTH, cell, code, md
from bot.pulls.body_words import count, interval, say_interval
from bot.pulls.rendering import template
from bot.pulls.risk import assess, weakest

BUDGET: Final = 50_000
"""Characters, metadata included: the rest up to GitHub's limit is for what people add."""

_AGAINST_SHOWN: Final = 5
_FIGURES_SHOWN: Final = 6


@dataclass(frozen=True, slots=True)
class _Depth:
    """How much is written: the length of a sentence, entries of a list, connections of a group."""

    sentence: int = SENTENCE_LENGTH
    entries: int = 60
    changes: int = 200
    evidence: bool = True


_DEPTHS: Final = (
    _Depth(),
    _Depth(evidence=False),
    _Depth(300, 20, evidence=False),
    *(_Depth(120, 5, changes, evidence=False) for changes in (200, 100, 50, 25, 10, 5, 1)),
)


@dataclass(frozen=True, slots=True)
class _ChangeView:
    """One change in pieces of Markdown."""

    name: str
    name_cell: str
    headline: str
    saving: str
    where: str
    where_cell: str
    before: str
    reason: str
    against: tuple[str, ...]
    notes: tuple[str, ...]
    rows: tuple[Row, ...]
    rests_on: str
    advisor: str
    details: tuple[str, ...]
    stale_comment: str


@dataclass(frozen=True, slots=True)
class _View:
    """A whole body in pieces of Markdown."""

    changes: tuple[_ChangeView, ...]
    count: int
    left_out: int
    title: str
    deadlines: str
    money: str
    policies: tuple[PolicyLine, ...]
    policies_left_out: int
    risk: str
    risk_reasons: str
    confidence: str
    rests_on: str
    not_checked: str
    lines: str
    picture: str
    has_evidence: bool
    cut: str
    version: str

    @property
    def only(self) -> _ChangeView | None:
        """Return the change of a pull request that carries one."""
        return self.changes[0] if self.count == 1 else None


def write(
    changes: Sequence[Carried], frame: Frame, room: int = BUDGET, *, merges_itself: bool = False
) -> str:
    """Write the text for one or several changes, in at most `room` characters.

    Raises:
        ValueError: policy denies one of the changes, or there is no room for the least of it.
    """
    asks = approval(changes, merges_itself=merges_itself)
    for depth in _DEPTHS:
        view = _view(changes, frame, depth)
        text = template("body.md.j2").render(view=view, approval=asks).strip()
        if len(text) <= room:
            return text
    raise ValueError(f"{len(changes)} changes are too many for one pull request")


def _view(changes: Sequence[Carried], frame: Frame, depth: _Depth) -> _View:
    shown = [_change(each, frame, depth) for each in changes[: depth.changes]]
    assessed = [assess(each.recommendation, each.subject.downstream) for each in changes]
    riskiest = max(assessed, key=lambda each: each.risk)
    reasons = dict.fromkeys(
        reason for each in assessed if each.risk is riskiest.risk for reason in each.reasons
    )
    confidence = weakest(each.recommendation for each in changes)
    least = next(each for each in changes if each.recommendation.confidence is confidence)
    policies = policy_lines(changes, frame)
    return _View(
        changes=tuple(shown),
        count=len(changes),
        left_out=len(changes) - len(shown),
        title=_title(changes),
        deadlines=deadlines(changes[0].recommendation.effect.deadlines)
        if len(changes) == 1
        else "",
        money=money([each.recommendation.effect.saving for each in changes]),
        policies=tuple(policies[: depth.entries]),
        policies_left_out=max(0, len(policies) - depth.entries),
        risk=riskiest.risk.label,
        risk_reasons=md("; ".join(reasons)),
        confidence=confidence.value,
        rests_on=evidence_line(least.recommendation.evidence),
        not_checked=md(not_checked(changes)),
        lines=_lines(changes, frame),
        picture=picture(changes[0]) if len(changes) == 1 else "",
        has_evidence=depth.evidence,
        cut=_cut(depth),
        version=frame.version,
    )


def _title(changes: Sequence[Carried]) -> str:
    name, what = title(changes)
    return f"{code(name) if name == changes[0].connection.name else name}: {md(what)}"


def _change(carried: Carried, frame: Frame, depth: _Depth) -> _ChangeView:
    recommendation, edit = carried.recommendation, carried.edit
    saving = interval(recommendation.effect.saving)
    against = [md(each, depth.sentence) for each in recommendation.against[:_AGAINST_SHOWN]]
    return _ChangeView(
        name=code(carried.connection.name),
        name_cell=cell(carried.connection.name),
        headline=md(headline(carried)),
        saving="none claimed" if saving is None else say_interval(saving),
        where=frame.link(carried.file, edit.site.line),
        where_cell=frame.link_cell(carried.file, edit.site.line),
        before=code(edit.site.value),
        reason=md(recommendation.reason, depth.sentence),
        against=tuple(against) or ("The evidence shows nothing that speaks against it.",),
        notes=tuple(_notes(carried, frame, depth)),
        rows=tuple(rows(carried)),
        rests_on=evidence_line(recommendation.evidence),
        advisor=code(recommendation.advisor),
        details=tuple(_details(carried, frame, depth)),
        stale_comment=code(edit.stale_comment, SENTENCE_LENGTH) if edit.stale_comment else "",
    )


def _notes(carried: Carried, frame: Frame, depth: _Depth) -> list[str]:
    shown = figures(carried)[:_FIGURES_SHOWN]
    notes = [f"**Measured.** {' · '.join(shown)}."] if shown else []
    notes += neighbours(carried, frame)
    modes = streams(carried)
    if modes:
        notes.append(f"**Streams.** {modes}")
    bounds = limits(carried)
    if bounds:
        notes.append(f"**Limits.** {bounds}")
    missing = [f"{name}: {md(why, depth.sentence).rstrip('.')}" for name, why in unknowns(carried)]
    if missing:
        notes.append(f"**Not known.** {'; '.join(missing)}.")
    return notes


def _details(carried: Carried, frame: Frame, depth: _Depth) -> list[str]:
    if not depth.evidence:
        return []
    recommendation, edit = carried.recommendation, carried.edit
    more = recommendation.against[_AGAINST_SHOWN:][: depth.entries]
    details = [f"Against it, too: {md(each, depth.sentence)}" for each in more]
    details += figures(carried)[_FIGURES_SHOWN:][: depth.entries]
    for label, forecast in (("the next sync", carried.next_sync), ("30 days", carried.month)):
        if forecast is not None:
            # Not when it was made: a run that finds nothing new has to write the same text.
            rests_on = evidence_line(forecast.evidence)
            details.append(f"Forecast of {label}: {code(forecast.method)} method, from {rests_on}")
    if recommendation.donors:
        donors = ", ".join(code(frame.name(each)) for each in recommendation.donors)
        details.append(f"To compare with afterwards, like it and left as they are: {donors}")
    details.append(
        f"{code(edit.address, SENTENCE_LENGTH)} {code(edit.path, SENTENCE_LENGTH)}: "
        f"{code(edit.site.literal)} becomes {code(edit.after_literal)}, found through "
        f"{' → '.join(code(step, SENTENCE_LENGTH) for step in edit.site.trail)}"
    )
    details.append(f"Connection {code(carried.connection.id)}")
    return details


def _lines(changes: Sequence[Carried], frame: Frame) -> str:
    files = {each.file for each in changes}
    if len(changes) == 1:
        only = changes[0]
        return f"1 literal in 1 line changes, at {frame.link(only.file, only.edit.site.line)}"
    return f"{len(changes):,} literals change, each in its line, in {count(len(files), 'file')}"


def _cut(depth: _Depth) -> str:
    if depth == _DEPTHS[0]:
        return ""
    what = "The evidence" if depth == _DEPTHS[1] else "The evidence and the ends of lists"
    return f"{what} would make this description longer than {BUDGET:,} characters, and is left out."
