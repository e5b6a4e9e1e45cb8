"""Comparing: one open, untouched pull request with the draft of it.

The branch moves only when other literals have to change, or when it cannot be merged as it is: a
pushed commit costs a run of the team's CI and dismisses approvals. All else goes into the body.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bot.pulls.digest import digest
from bot.pulls.draft import Draft
from bot.pulls.held import Held, HeldReason
from bot.pulls.limits import Limit
from bot.pulls.metadata import Metadata, describe, join, text_digest
from bot.pulls.operations import (
    EditBody,
    FinishUpdate,
    Operation,
    SetAutoMerge,
    SetLabels,
    UpdateBranch,
)
from bot.pulls.recall import FLIPS, Recalled
from bot.pulls.snapshot import Pull, Snapshot

_REMEMBERED = 8


@dataclass(frozen=True, slots=True)
class Comparison:
    """A pull request as it is and as it should be."""

    snapshot: Snapshot
    pull: Pull
    draft: Draft

    @property
    def noted(self) -> Metadata:
        """Return what trimtab noted last."""
        metadata = self.pull.metadata
        assert metadata is not None
        return metadata

    @property
    def head(self) -> str:
        """Return where the branch stands."""
        return self.snapshot.branches[self.pull.branch].sha

    @property
    def has_turned(self) -> bool:
        """Tell whether other literals have to change than those the branch changes."""
        return self.noted.promise != self.draft.promise

    @property
    def has_to_move(self) -> bool:
        """Tell whether the branch needs another commit."""
        return self.has_turned or self.conflicts

    @property
    def conflicts(self) -> bool:
        """Tell whether it cannot be merged; what forges say of the base it stands on is old news."""
        return self.pull.conflicts and self.noted.base != self.snapshot.base

    @property
    def is_retitled(self) -> bool:
        """Tell whether a person has given it another title."""
        return self.noted.title != digest(self.pull.title)

    @property
    def title(self) -> str | None:
        """Return the title to write, or None to leave it as it is."""
        changed = self.pull.title != self.draft.title and not self.is_retitled
        return self.draft.title if changed else None

    @property
    def wanted(self) -> Metadata:
        """Return what should be noted, the branch being where it is."""
        noted = self.noted
        described = describe(self.draft)
        return replace(
            described,
            title=noted.title if self.is_retitled else described.title,
            head=noted.head,
            tree=noted.tree,
            base=noted.base,
            replaces=noted.replaces,
            earlier=noted.earlier,
            flips=noted.flips,
            snooze_until=noted.snooze_until,
            reopened=noted.reopened or noted.closed is not None,
        )


def compare(
    comparison: Comparison, recalled: Recalled, limit: Limit | None, *, lifted: bool
) -> tuple[list[Operation], Held | None]:
    """Say what has to be done, or why it has to wait.

    `limit` is why no branch may move now; `lifted` that a person wants it to turn round once more.
    """
    owed = unfinished(comparison.snapshot, comparison.pull)
    if not comparison.has_to_move:
        return [*owed, *_settings(comparison), *_words(comparison)], None
    held = _objection(comparison, recalled, limit, lifted=lifted)
    if held is not None:
        return [*owed], held
    return [*_settings(comparison), _move(comparison, lifted=lifted)], None


def unfinished(snapshot: Snapshot, pull: Pull) -> list[Operation]:
    """Return what a run that died owes an untouched pull request: its branch has to follow its body."""
    tip, noted = snapshot.branches.get(pull.branch), pull.metadata
    if tip is None or noted is None or tip.sha == noted.head:
        return []
    return [FinishUpdate(pull.number, pull.branch, tip.sha, noted.head)]


def _objection(
    comparison: Comparison, recalled: Recalled, limit: Limit | None, *, lifted: bool
) -> Held | None:
    draft, pull = comparison.draft, comparison.pull
    if _flips(comparison) > FLIPS and not lifted:
        detail = (
            f"its value has turned round {FLIPS} times; trimtab stops here, and a person decides"
        )
        return Held(draft.title, HeldReason.FLIPPED, detail, draft.connections, pull.number)
    if limit is not None:
        reason, detail, until = limit
        return Held(draft.title, reason, detail, draft.connections, pull.number, until)
    objections = (recalled.objection(change, draft.title) for change in draft.changes)
    return next((held for held in objections if held is not None), None)


def _move(comparison: Comparison, *, lifted: bool) -> UpdateBranch:
    noted, pull = comparison.noted, comparison.pull
    wanted = comparison.wanted
    if comparison.has_turned:
        wanted = replace(
            wanted,
            earlier=(*noted.earlier, noted.promise)[-_REMEMBERED:],
            flips=0 if lifted else _flips(comparison),
        )
    return UpdateBranch(
        number=pull.number,
        branch=pull.branch,
        head=comparison.head,
        draft=comparison.draft,
        metadata=wanted,
        title=comparison.title,
        above=pull.text.above,
        below=pull.text.below,
    )


def _flips(comparison: Comparison) -> int:
    """Count how often the value has gone back to one that was proposed before."""
    returns = comparison.has_turned and comparison.draft.promise in comparison.noted.earlier
    return comparison.noted.flips + int(returns)


def _words(comparison: Comparison) -> Iterator[Operation]:
    """Yield the body's rewriting, if it says or notes anything else than it should."""
    pull, draft, noted, wanted = (
        comparison.pull,
        comparison.draft,
        comparison.noted,
        comparison.wanted,
    )
    if wanted == noted and comparison.title is None:
        return
    why = "the evidence has changed" if noted.text != text_digest(draft.body) else "what it notes"
    if comparison.head == noted.head:
        # What it replaced has no meaning any more.
        wanted = replace(wanted, replaces="")
    body = join(draft.body, wanted, pull.text.above, pull.text.below)
    yield EditBody(pull.number, comparison.title, body, why)


def _settings(comparison: Comparison) -> Iterator[Operation]:
    """Yield what is set beside title and body; what people have set otherwise stays."""
    pull, draft, noted = comparison.pull, comparison.draft, comparison.noted
    if noted.auto_merge and pull.auto_merge and not draft.auto_merge:
        yield SetAutoMerge(pull.number, on=False)
    ours = frozenset(noted.labels)
    labels = pull.labels - (ours - draft.labels) | (draft.labels - ours)
    if ours and ours.isdisjoint(pull.labels):
        # A run has died before it could put any on it.
        labels |= draft.labels
    if labels != pull.labels:
        yield SetLabels(pull.number, labels)
    if draft.auto_merge and not noted.auto_merge and not pull.auto_merge:
        yield SetAutoMerge(pull.number, on=True)
