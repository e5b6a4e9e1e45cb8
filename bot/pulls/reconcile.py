"""Reconciling: what has to be done so that a forge holds what it should, and what has to wait.

Pure and total: the same snapshot, drafts, manners and circumstances always give the same answer,
and after that has been carried out, an empty one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.manners import Manners
from bot.pulls.change import SettingChange, Target
from bot.pulls.closing import Obsolete, close
from bot.pulls.comparing import Comparison, compare, unfinished
from bot.pulls.draft import Draft
from bot.pulls.held import Held, HeldReason
from bot.pulls.limits import Limit, quiet
from bot.pulls.matching import match
from bot.pulls.metadata import CloseReason
from bot.pulls.opening import Opening
from bot.pulls.operations import ClosePull, DeleteBranch, OpenPull, Operation
from bot.pulls.ownership import Standing, is_as_signed, standing, worked_on
from bot.pulls.recall import Recalled, closed_by_us, recall
from bot.pulls.snapshot import Pull, PullState, Snapshot
from bot.pulls.ticks import lifted


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a run knows beside the forge and its drafts.

    `complete` is false when anything could not be read; then nothing is done. `obsolete` holds the
    positive evidence that changes are not wanted any more: that a setting is not recommended today
    is none.
    """

    now: datetime
    complete: bool
    obsolete: Mapping[Target, Obsolete] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What is done, in this order, and what is not, with the reasons."""

    operations: tuple[Operation, ...]
    held: tuple[Held, ...]


def remember(snapshot: Snapshot, manners: Manners, now: datetime) -> Recalled:
    """Recall what has become of earlier pull requests, less what people have ticked."""
    return recall(snapshot.pulls, now, manners.snooze, lifted(snapshot))


def reconcile(
    snapshot: Snapshot, drafts: Sequence[Draft], manners: Manners, circumstances: Circumstances
) -> Reconciled:
    """Compare drafts, the most urgent first, with what the forge holds."""
    planned = _Run(snapshot, manners, circumstances).plan(drafts)
    if circumstances.complete:
        return planned
    waiting = [_incomplete(each, snapshot) for each in planned.operations]
    return Reconciled((), (*(each for each in waiting if each), *planned.held))


@dataclass(slots=True)
class _Run:
    """The decisions on one snapshot, and what was held back so far."""

    snapshot: Snapshot
    manners: Manners
    circumstances: Circumstances
    limit: Limit | None = field(init=False)
    recalled: Recalled = field(init=False)
    held: list[Held] = field(default_factory=list)

    def __post_init__(self) -> None:
        now = self.circumstances.now
        self.limit = quiet(self.manners, now)
        self.recalled = remember(self.snapshot, self.manners, now)

    def plan(self, drafts: Sequence[Draft]) -> Reconciled:
        matches = match(self.snapshot, drafts)
        for draft in matches.repeated:
            self._hold(draft, HeldReason.CARRIED, "it is drafted twice in this run")
        changing, settled = self._change(matches.pairs)
        willing = [draft for draft in matches.new if self._may_open(draft)]
        drafted = {pull.number for pull, _draft in matches.pairs}
        closing, opening = self._close_and_open(drafted, settled, willing)
        changing += self._finish(drafted | {each.number for each in closing})
        clearing = self._clear({each.draft.branch for each in opening})
        return Reconciled((*closing, *changing, *opening, *clearing), tuple(self.held))

    def _change(
        self, pairs: Iterable[tuple[Pull, Draft]]
    ) -> tuple[list[Operation], frozenset[Target]]:
        """Plan what happens to open pull requests; return what they will carry, too."""
        again = lifted(self.snapshot)
        operations: list[Operation] = []
        settled: set[Target] = set()
        for pull, draft in pairs:
            theirs = worked_on(self.snapshot, pull)
            if theirs is not None:
                self._hold(draft, HeldReason.HANDS_OFF, theirs, pull.number)
                continue
            comparison = Comparison(self.snapshot, pull, draft)
            done, held = compare(comparison, self.recalled, self.limit, lifted=pull.number in again)
            operations += done
            if held is None:
                settled |= draft.targets
            else:
                self.held.append(held)
        return operations, frozenset(settled)

    def _may_open(self, draft: Draft) -> bool:
        objections = (self.recalled.objection(each, draft.title) for each in draft.changes)
        held = next((each for each in objections if each), None)
        held = held or self.recalled.closed_unread(draft)
        if held is not None:
            self.held.append(held)
            return False
        return True

    def _close_and_open(
        self, drafted: set[int], settled: frozenset[Target], willing: Sequence[Draft]
    ) -> tuple[list[ClosePull], list[OpenPull]]:
        """Close what is obsolete or superseded, and open what there is room for."""
        opened = [pull for pull in self.snapshot.pulls if pull.state is PullState.OPEN]
        left = [pull for pull in opened if pull.number not in drafted]
        self.held += [held for pull in left if (held := self._left_alone(pull, settled))]
        closing = [pull for pull in left if self._evidence(pull, settled)]
        going = {pull.number for pull in closing}
        staying = [pull for pull in opened if pull.number not in going]
        wanted = settled.union(*(draft.targets for draft in willing))
        opening = Opening.beside(
            self.snapshot,
            self.recalled,
            self.manners,
            staying,
            settled,
            frozenset(
                pull.number
                for pull in left
                if pull.number not in going and self._evidence(pull, wanted)
            ),
        )
        for draft in willing:
            if standing(self.snapshot, draft.branch, draft.identity) is Standing.THEIRS:
                detail = f"{draft.branch} holds something that trimtab did not put there"
                self._hold(draft, HeldReason.TAKEN, detail)
            elif self.limit is not None:
                reason, detail, until = self.limit
                self._hold(draft, reason, detail, until=until)
            else:
                opening.open(draft)
        self.held += opening.held
        reasons = [(pull, self._evidence(pull, settled)) for pull in closing]
        reasons += [(pull, self._evidence(pull, wanted)) for pull in opening.replaced]
        now = self.circumstances.now
        return [close(self.snapshot, pull, why, now) for pull, why in reasons], opening.opened

    def _evidence(
        self, pull: Pull, carried: frozenset[Target]
    ) -> list[tuple[SettingChange, Obsolete]]:
        """Return why an open pull request is to be closed; empty where it is not."""
        if worked_on(self.snapshot, pull) is not None or _is_wanted(pull):
            return []
        return self._obsolete(pull, carried)

    def _left_alone(self, pull: Pull, carried: frozenset[Target]) -> Held | None:
        """Say why an open pull request without a draft is left to people."""
        theirs = worked_on(self.snapshot, pull)
        connections = pull.metadata.connections if pull.metadata else ()
        if theirs is not None:
            return Held(pull.title, HeldReason.HANDS_OFF, theirs, connections, pull.number)
        why = self._obsolete(pull, carried) if _is_wanted(pull) else []
        if not why:
            return None
        detail = (
            f"a person has opened it again; without that it would be closed: {why[0][1].detail}"
        )
        return Held(pull.title, HeldReason.REOPENED, detail, connections, pull.number)

    def _obsolete(
        self, pull: Pull, carried: frozenset[Target]
    ) -> list[tuple[SettingChange, Obsolete]]:
        """Return the evidence against each change of a pull request; empty where one is wanted."""
        changes = pull.metadata.changes if pull.metadata else ()
        superseded = Obsolete(CloseReason.SUPERSEDED, "another pull request carries its change")
        obsolete = self.circumstances.obsolete
        why = [
            (each, superseded if each.target in carried else obsolete.get(each.target))
            for each in changes
        ]
        sure = [(change, evidence) for change, evidence in why if evidence is not None]
        return sure if len(sure) == len(why) else []

    def _finish(self, done: set[int]) -> list[Operation]:
        """Finish what died runs have begun on pull requests that nothing is drafted for now."""
        left = [pull for pull in self.snapshot.pulls if pull.number not in done]
        return [
            operation
            for pull in left
            if pull.state is PullState.OPEN and worked_on(self.snapshot, pull) is None
            for operation in unfinished(self.snapshot, pull)
        ]

    def _clear(self, opened: set[str]) -> list[Operation]:
        """Delete the branches that died runs left behind: opened for nothing, or closed without."""
        pulls = sorted(self.snapshot.pulls, key=lambda pull: pull.number)
        newest = {pull.branch: pull for pull in pulls}
        used = opened | {pull.branch for pull in pulls if pull.state is PullState.OPEN}
        operations: list[Operation] = []
        for branch, tip in sorted(self.snapshot.branches.items()):
            last = newest.get(branch)
            left = is_as_signed(tip) if last is None else closed_by_us(last)
            ours = left and standing(self.snapshot, branch) is Standing.OURS
            if ours and branch not in used:
                operations.append(DeleteBranch(branch, tip.sha))
        return operations

    def _hold(
        self,
        draft: Draft,
        reason: HeldReason,
        detail: str,
        pull: int | None = None,
        until: datetime | None = None,
    ) -> None:
        self.held.append(Held(draft.title, reason, detail, draft.connections, pull, until))


def _is_wanted(pull: Pull) -> bool:
    """Tell whether a person has opened it again after trimtab had closed it."""
    return pull.metadata is not None and (
        pull.metadata.reopened or pull.metadata.closed is not None
    )


def _incomplete(operation: Operation, snapshot: Snapshot) -> Held | None:
    detail = "not everything could be read in this run, and missing data changes nothing"
    if isinstance(operation, OpenPull):
        draft = operation.draft
        return Held(draft.title, HeldReason.INCOMPLETE, detail, draft.connections)
    if isinstance(operation, ClosePull):
        titles = {pull.number: pull.title for pull in snapshot.pulls}
        title = titles[operation.number]
        return Held(title, HeldReason.INCOMPLETE, detail, pull=operation.number)
    return None
