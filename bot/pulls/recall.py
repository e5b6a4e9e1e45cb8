"""Recall: what earlier pull requests say about proposing something again.

What a person closed is left alone for a while, unless the proposal has changed materially. What
trimtab closed is never taken for a person's no. What was merged is not turned round soon, and
nothing is turned round more than twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.pulls.change import SettingChange, Target
from bot.pulls.draft import Draft
from bot.pulls.held import Held, HeldReason
from bot.pulls.metadata import CloseReason, Closing
from bot.pulls.snapshot import Pull, PullState

SETTLE: Final = timedelta(days=21)
"""For so long after a merge nothing is proposed that turns it round."""
FLIPS: Final = 2
"""So often a proposal may turn round; then trimtab stops and says so."""
FORGET: Final = timedelta(days=90)
"""Turning round after more than that is no back and forth."""
_SLACK: Final = timedelta(hours=6)
"""A run notes when it started, not when it closed; longer runs than that are not expected."""
_TURNS: Final = frozenset({CloseReason.EVIDENCE_VANISHED, CloseReason.POLICY_DENIES})


def closed_by_us(pull: Pull) -> bool:
    """Tell whether trimtab closed it: the body says so, and neither account nor time speak against it.

    The account alone does not tell: with a personal token, trimtab acts as a person.
    """
    noted: Closing | None = pull.metadata.closed if pull.metadata else None
    if pull.state is not PullState.CLOSED or noted is None or pull.ended_by_us is False:
        return False
    return pull.ended_at is None or abs(pull.ended_at - noted.at) <= _SLACK


def ended(pull: Pull) -> datetime:
    """Return when it was merged or closed, as well as the forge knows."""
    return pull.ended_at or pull.created_at


@dataclass(frozen=True, slots=True)
class Recalled:
    """The pull requests of the past, the newest first, less those that a person has lifted.

    `carrying` holds those that changed a setting, each with what it was changed to; `unread`, by
    branch, those whose record is lost. `proposed` is what open pull requests carry now.
    """

    carrying: Mapping[Target, Sequence[tuple[Pull, SettingChange]]]
    unread: Mapping[str, Sequence[Pull]]
    proposed: frozenset[tuple[Target, str]]
    now: datetime
    snooze: timedelta

    def objection(self, change: SettingChange, title: str) -> Held | None:
        """Say why a change may not be proposed now, or None when nothing speaks against it.

        What an open pull request carries already is not proposed anew.
        """
        if (change.target, change.fingerprint) in self.proposed:
            return None
        ours = self.carrying.get(change.target, ())
        found = self._snoozed(ours, change) or self._undone(ours, change)
        found = found or self._reversal(ours, change) or self._flipped(ours, change)
        if found is None:
            return None
        reason, pull, until, detail = found
        return Held(title, reason, detail, (change.connection,), pull.number, until)

    def closed_unread(self, draft: Draft) -> Held | None:
        """Say that a person closed the pull request of a draft, though its record is lost."""
        for pull in self.unread.get(draft.branch, ()):
            until = ended(pull) + self.snooze
            if pull.state is PullState.CLOSED and self.now < until:
                detail = f"a person closed #{pull.number}"
                reason = HeldReason.SNOOZED
                return Held(draft.title, reason, detail, draft.connections, pull.number, until)
        return None

    def flips(self, changes: Iterable[SettingChange]) -> int:
        """Count how often a proposal has turned round, this time included."""
        counts = (self._flips(self.carrying.get(each.target, ()), each) for each in changes)
        return max(counts, default=0)

    def _snoozed(self, ours: "_Ours", change: SettingChange) -> "_Found | None":
        same = [pull for pull, was in ours if was.fingerprint == change.fingerprint]
        if not same or same[0].state is not PullState.CLOSED or closed_by_us(same[0]):
            return None
        pull = same[0]
        asked = pull.metadata.snooze_until if pull.metadata else None
        until = asked or ended(pull) + self.snooze
        if self.now >= until:
            return None
        return HeldReason.SNOOZED, pull, until, f"a person closed #{pull.number}"

    def _undone(self, ours: "_Ours", change: SettingChange) -> "_Found | None":
        """Recognise what was merged and stands there again as it was before."""
        for pull, was in ours:
            until = ended(pull) + self.snooze
            again = (was.before, was.after) == (change.before, change.after)
            if pull.state is PullState.MERGED and again and self.now < until:
                detail = f"it was merged as #{pull.number}, and has been undone since"
                return HeldReason.UNDONE, pull, until, detail
        return None

    def _reversal(self, ours: "_Ours", change: SettingChange) -> "_Found | None":
        for pull, was in ours:
            until = ended(pull) + SETTLE
            if pull.state is PullState.MERGED and self.now < until and turns(was, change):
                detail = (
                    f"#{pull.number} was merged less than {SETTLE.days} days ago, and this would "
                    "turn it round"
                )
                return HeldReason.REVERSAL, pull, until, detail
        return None

    def _flipped(self, ours: "_Ours", change: SettingChange) -> "_Found | None":
        if self._flips(ours, change) <= FLIPS:
            return None
        pull = ours[0][0]
        until = ended(pull) + FORGET
        detail = f"it has turned round {FLIPS} times; trimtab stops here, and a person decides"
        return HeldReason.FLIPPED, pull, until, detail

    def _flips(self, ours: "_Ours", change: SettingChange) -> int:
        if not ours or self.now - ended(ours[0][0]) > FORGET:
            return 0
        pull, was = ours[0]
        metadata = pull.metadata
        assert metadata is not None
        merged_and_turned = pull.state is PullState.MERGED and turns(was, change)
        closed_and_back = closed_by_us(pull) and (
            metadata.closed is not None and metadata.closed.reason in _TURNS
        )
        return metadata.flips + int(merged_and_turned or closed_and_back)


_Ours = Sequence[tuple[Pull, SettingChange]]
_Found = tuple[HeldReason, Pull, datetime | None, str]


def recall(
    pulls: Iterable[Pull], now: datetime, snooze: timedelta, lifted: frozenset[int] = frozenset()
) -> Recalled:
    """Gather what has ended.

    `lifted` are pull requests that a person wants forgotten, with those before them that changed
    the same settings.
    """
    pulls = tuple(pulls)
    forgotten = [pull for pull in pulls if pull.number in lifted]
    carrying: dict[Target, list[tuple[Pull, SettingChange]]] = {}
    unread: dict[str, list[Pull]] = {}
    for pull in sorted(pulls, key=lambda pull: pull.number, reverse=True):
        if pull.state is PullState.OPEN or any(
            pull is last or precedes(pull, last) for last in forgotten
        ):
            continue
        if pull.metadata is None:
            unread.setdefault(pull.branch, []).append(pull)
            continue
        for change in pull.metadata.changes:
            carrying.setdefault(change.target, []).append((pull, change))
    proposed = frozenset(
        (change.target, change.fingerprint)
        for pull in pulls
        if pull.state is PullState.OPEN and pull.metadata is not None
        for change in pull.metadata.changes
    )
    return Recalled(carrying, unread, proposed, now, snooze)


def precedes(pull: Pull, other: Pull) -> bool:
    """Tell whether `other` came after `pull` and changes one of the same settings."""
    if pull.number >= other.number or pull.metadata is None or other.metadata is None:
        return False
    return not pull.metadata.targets.isdisjoint(other.metadata.targets)


def turns(was: SettingChange, change: SettingChange) -> bool:
    """Tell whether a change takes back what another did, wholly or in part."""
    return change.after == was.before or change.direction * was.direction < 0
