"""Composing: a group of changes as a draft, with title, body, commit message and labels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from bot.domain.recommendation import Confidence, Recommendation
from bot.domain.verdict import Allow
from bot.pulls.body import BUDGET, write
from bot.pulls.body_content import Carried, Frame
from bot.pulls.body_rows import headline, kind, say_title
from bot.pulls.body_sentences import level_of
from bot.pulls.body_text import plain
from bot.pulls.digest import digest
from bot.pulls.draft import Draft
from bot.pulls.grouping import Group
from bot.pulls.labels import LABEL
from bot.pulls.metadata import describe, join
from bot.pulls.risk import Risk, weakest

_TITLE_LENGTH: Final = 120
_SUBJECT_LENGTH: Final = 72
_NOTED_LATER: Final = 1_000
"""Room for what the metadata get when the commit is made, and when it is closed."""


def compose(group: Group[Carried], frame: Frame, files: Mapping[str, bytes]) -> Draft:
    """Write the pull request of a group; `files` are the whole new contents (see `rewrite`).

    Raises:
        ValueError: policy denies one of its changes.
    """
    changes = [candidate.carried for candidate in group.candidates]
    title = plain(say_title(changes), _TITLE_LENGTH)
    confidence = weakest(each.recommendation for each in changes)
    level = max(level_of(each.change.verdict) for each in changes)
    draft = Draft(
        identity=group.identity,
        branch=group.branch,
        title=title,
        body="",
        message=_message(changes, title),
        files=files,
        changes=group.changes,
        risk=group.risk,
        confidence=confidence.value,
        approval=level.label,
        evidence=digest(*(_evidence(each.recommendation) for each in changes)),
        policies=digest(frame.policies, *_cited(changes)),
        team=group.team,
        labels=frozenset(
            {LABEL, *(f"{LABEL}:{kind(each.recommendation.change).label}" for each in changes)}
            | {f"{LABEL}:risk-{group.risk}", f"{LABEL}:approval-{level.label}"}
        ),
        assignees=frozenset(_logins(changes)),
        auto_merge=_merges_itself(changes, group.risk, confidence),
        approvers=tuple(sorted({tuple(sorted(each.approvers)) for each in changes})),
    )
    room = BUDGET - len(join("", describe(draft))) - _NOTED_LATER
    return replace(draft, body=write(changes, frame, room, merges_itself=draft.auto_merge))


def _message(changes: Sequence[Carried], title: str) -> str:
    """Write the commit's message; it rests on the change alone, so that evidence makes no commit."""
    scope = "perf(airbyte): "
    lines = [
        f"- {plain(each.connection.name)} ({each.connection.id}): {headline(each)}; "
        f"{each.edit.path} {plain(each.edit.site.value)} → {plain(each.edit.after)}"
        for each in changes
    ]
    return f"{scope}{plain(title, _SUBJECT_LENGTH - len(scope))}\n\n" + "\n".join(lines)


def _evidence(recommendation: Recommendation) -> str:
    """Spell what a recommendation rests on, for a digest."""
    evidence = recommendation.evidence
    parts = [evidence.start.isoformat(), evidence.end.isoformat(), str(evidence.n)]
    figures = (f"{name}={value}" for name, value in sorted(recommendation.figures.items()))
    return digest(*parts, *figures, repr(recommendation.effect))


def _cited(changes: Sequence[Carried]) -> list[str]:
    return [
        f"{citation.policy} {citation.where} {citation.sentence}"
        for each in changes
        for citation in each.change.verdict.citations
    ]


def _logins(changes: Sequence[Carried]) -> set[str]:
    """Return the owners that are accounts of the forge: `@ada`, not `finance` or `@acme/team`."""
    owners = (each.subject.owner or "" for each in changes)
    return {owner[1:] for owner in owners if owner.startswith("@") and "/" not in owner}


def _merges_itself(changes: Sequence[Carried], risk: str, confidence: Confidence) -> bool:
    """Tell whether the forge may merge it: policy asks nobody, and nothing about it is doubtful."""
    allowed = all(isinstance(each.change.verdict, Allow) for each in changes)
    return allowed and risk == Risk.LOW.label and confidence is Confidence.HIGH
