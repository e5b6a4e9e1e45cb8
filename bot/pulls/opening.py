"""Opening: new pull requests as far as there is room, and the old ones that they supersede."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from bot.domain.manners import Manners
from bot.pulls.change import Target
from bot.pulls.draft import Draft
from bot.pulls.held import Held, HeldReason
from bot.pulls.limits import Room
from bot.pulls.operations import OpenPull
from bot.pulls.recall import Recalled
from bot.pulls.snapshot import Pull, Snapshot

SAME_NIGHT: Final = timedelta(hours=12)
"""Runs less than that apart share one allowance of new pull requests."""


@dataclass(slots=True)
class Opening:
    """What is opened in a run, and what has to go for it.

    `staying` are the open pull requests that nothing closes so far; those of `replaceable` may be
    closed for new ones that carry all their changes between them. `carried` are the settings that
    some open pull request changes, or will.
    """

    snapshot: Snapshot
    recalled: Recalled
    room: Room
    staying: dict[int, Pull]
    replaceable: frozenset[int]
    carried: dict[Target, Pull | None]
    opened: list[OpenPull] = field(default_factory=list)
    replaced: list[Pull] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)

    @classmethod
    def beside(
        cls,
        snapshot: Snapshot,
        recalled: Recalled,
        manners: Manners,
        staying: Iterable[Pull],
        settled: Iterable[Target],
        replaceable: frozenset[int],
    ) -> "Opening":
        """Begin with what stays open; `settled` are the targets of drafts that have a pull request."""
        kept = {pull.number: pull for pull in staying}
        carried: dict[Target, Pull | None] = dict.fromkeys(settled)
        for pull in kept.values():
            if pull.metadata is not None:
                carried |= dict.fromkeys(pull.metadata.targets, pull)
        room = Room.beside(kept.values(), manners)
        # A second run of the same night finds nothing to open where the first one stopped.
        room.new = sum(pull.created_at > recalled.now - SAME_NIGHT for pull in snapshot.pulls)
        return cls(snapshot, recalled, room, kept, replaceable, carried)

    def open(self, draft: Draft) -> None:
        """Open the pull request of a draft, or hold it back."""
        in_the_way = self._in_the_way(draft)
        fixed = [pull for pull in in_the_way if pull is None or pull.number not in self.replaceable]
        if fixed:
            number = fixed[0].number if fixed[0] else None
            detail = f"#{number} changes it" if number else "another pull request changes it"
            self._hold(draft, HeldReason.CARRIED, detail, number)
            return
        leaving = [pull for pull in in_the_way if pull is not None]
        going = {pull.number for pull in leaving}
        branches = {pull.branch for n, pull in self.staying.items() if n not in going}
        if draft.branch in branches or any(o.draft.branch == draft.branch for o in self.opened):
            detail = f"another pull request uses the branch {draft.branch}"
            self._hold(draft, HeldReason.TAKEN, detail, None)
            return
        full = self.room.without(leaving).objection(draft)
        if full is not None:
            self._hold(draft, full[0], full[1], None)
            return
        self._take(draft, leaving)

    def _in_the_way(self, draft: Draft) -> list[Pull | None]:
        targets = [change.target for change in draft.changes]
        found = [self.carried[target] for target in targets if target in self.carried]
        return list({pull.number if pull else 0: pull for pull in found}.values())

    def _take(self, draft: Draft, leaving: list[Pull]) -> None:
        for pull in leaving:
            del self.staying[pull.number]
            self.carried = {t: p for t, p in self.carried.items() if p is not pull}
        self.replaced += leaving
        self.room = self.room.without(leaving)
        self.room.take(draft)
        self.carried |= dict.fromkeys(draft.targets)
        # A superseded pull request takes its branch with it when it goes.
        gone = {pull.branch for pull in leaving}
        tip = None if draft.branch in gone else self.snapshot.branches.get(draft.branch)
        flips = self.recalled.flips(draft.changes)
        self.opened.append(OpenPull(draft, tip.sha if tip else None, flips))

    def _hold(self, draft: Draft, reason: HeldReason, detail: str, pull: int | None) -> None:
        self.held.append(Held(draft.title, reason, detail, draft.connections, pull))
