"""Explanations: the evaluation tree of one connection, built only when somebody asks."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from bot.domain.recommendation import KnobChange
from bot.domain.verdict import Citation, label
from bot.policy.case import Ruling
from bot.policy.checks import CHECKS
from bot.policy.judging import Judge
from bot.policy.match import Truth, conditions
from bot.policy.model import Clauses, Guarantee, Limits, PolicyEntry
from bot.policy.rules import Rule
from bot.policy.standing import RATIOS, Said, Standing

Path = tuple[str, ...]
Lines = Iterator[tuple[int, str]]
"""Lines with their depth."""
_KEYS: Final[tuple[Path, ...]] = (
    ("phase",),
    ("environment",),
    ("priority",),
    *(("guarantee", key) for key in Guarantee.model_fields),
    *(("limits", key) for key in Limits.model_fields if key not in {"knobs", "blast"}),
    ("approval",),
    *(("approvers", level) for level in ("owner", "team", "two-person")),
)
_SETTING_OF: Final = {name: setting for setting, name in RATIOS.items()}


@dataclass(frozen=True, slots=True)
class InForce:
    """One thing that is said of a connection: its key, what is written, and where.

    `counts` is false where another policy is tighter.
    """

    key: str
    written: str
    policy: str
    where: str
    counts: bool


def matching(judge: Judge, standing: Standing) -> Lines:
    """Tell of every policy whether it speaks of the subject, and why."""
    for rule in judge.rules.policies:
        found = _truth(rule.matches(standing.subject))
        yield 0, f"{rule.name} ({rule.where()}): {found}"
        assert isinstance(rule.clauses, PolicyEntry)
        for depth, text, truth in conditions(rule.clauses.match, standing.subject):
            yield depth + 1, f"{text}: {_truth(truth)}"
    for rule in standing.fallbacks:
        yield 0, f"{rule.name} ({rule.where()}): where no policy speaks"


def in_force(standing: Standing) -> list[InForce]:
    """Return everything that is said of the subject and that no policy overrides."""
    found: list[InForce] = []
    for path in _KEYS:
        said = standing.said(_reader(path), *path)
        tightest = _tightest(standing, path) if len(said) > 1 else None
        found += [_in_force(path, each, tightest) for each in said]
    rules = (*standing.binding, *standing.fallbacks)
    for knob in sorted({path for rule in rules for path in rule.clauses.limits.knobs}):
        path = ("limits", "knobs", knob)
        found += [_in_force(path, each, None) for each in standing.bounds(knob)]
    asking = [
        *standing.binding,
        *[each for each in standing.fallbacks if each.clauses.triggers][:1],
    ]
    for rule in asking:
        for number in range(len(rule.clauses.triggers)):
            said_so: Said[Any] = Said(None, rule, ("triggers", number))
            found.append(_in_force(("triggers",), said_so, None))
    return found


def verdict_lines(judge: Judge, ruling: Ruling) -> Lines:
    """Tell what each check says of a case, then what all of them come to."""
    standing, change = judge.standing(ruling.case.subject), ruling.recommendation.change
    for check in CHECKS:
        for said in check(standing, ruling.case):
            for citation in said.citations:
                yield 1, f"{check.__name__}: {label(said)}: {spell(citation)}"
    clamped = f", {change.setting} = {change.after}" if isinstance(change, KnobChange) else ""
    yield 0, f"verdict: {label(ruling.verdict)}{clamped}"
    for citation in ruling.verdict.citations:
        yield 1, spell(citation)


def spell(citation: Citation) -> str:
    """Write a citation as one line."""
    inputs = ", ".join(f"{key} {value}" for key, value in citation.inputs.items())
    looked_at = f" [{inputs}]" if inputs else ""
    return f"{citation.sentence}{looked_at} ({citation.policy}, {citation.where})"


def _in_force(path: Path, said: Said[Any], tightest: Said[Any] | None) -> InForce:
    return InForce(
        ".".join(path),
        _written(said.rule, said.path),
        said.rule.name,
        said.rule.where(*said.path),
        tightest is None or said == tightest,
    )


def _tightest(standing: Standing, path: Path) -> Said[Any] | None:
    """Return the one of several that counts; None where all of them do."""
    if path == ("phase",):
        return standing.phase()
    if path == ("limits", "schedule_shift"):
        return standing.shift()
    if path[-1] in _SETTING_OF:
        return standing.ratio(_SETTING_OF[path[-1]])
    return None


def _reader(path: Path) -> Callable[[Clauses], Any]:
    def read(clauses: Clauses) -> Any:
        found: Any = clauses
        for name in path:
            found = found.get(name) if isinstance(found, dict) else getattr(found, name)
        return None if found == () else found

    return read


def _written(rule: Rule, path: tuple[str | int, ...]) -> str:
    """Return what the file says, in one line."""
    data: Any = rule.document.data
    for step in (*rule.path, *path):
        data = data[step]
    return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)


def _truth(found: Truth) -> str:
    return {True: "yes", False: "no", None: "not known, so it binds and permits nothing"}[found]
