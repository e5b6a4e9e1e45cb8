"""Ownership: which branches and descriptions are as trimtab left them, and which are not any more.

The test is the commit that trimtab noted, never who wrote one: an author can be amended over, and
with a personal token trimtab shares its name with a person.
"""

from enum import Enum, auto
from typing import Final

from bot.pulls import trailers
from bot.pulls.snapshot import Commit, Pull, Snapshot

HANDS_OFF: Final = "trimtab:hands-off"
"""A label with which people keep trimtab away from a pull request."""


class Standing(Enum):
    """Whose a branch is."""

    FREE = auto()
    """There is no such branch."""
    OURS = auto()
    """It stands where trimtab left it."""
    THEIRS = auto()
    """Something is on it that trimtab did not put there."""


def worked_on(snapshot: Snapshot, pull: Pull) -> str | None:
    """Say in what way people have made a pull request theirs, None where they have not."""
    metadata, tip = pull.metadata, snapshot.branches.get(pull.branch)
    if HANDS_OFF in pull.labels:
        return f"it has the label {HANDS_OFF}"
    if metadata is None:
        return "its description no longer holds what trimtab noted"
    if tip is None:
        return "its branch is gone"
    if tip.sha not in {metadata.head, metadata.replaces}:
        return "somebody has pushed to its branch"
    if pull.text.is_edited:
        return "its description was edited by hand"
    return None


def standing(snapshot: Snapshot, branch: str, identity: str | None = None) -> Standing:
    """Tell whose a branch is that no pull request holds open.

    It is trimtab's when an ended pull request notes its tip, or when its tip is as trimtab signed
    it (for `identity`, where one is given): a run has died before it could open the pull request.
    """
    tip = snapshot.branches.get(branch)
    if tip is None:
        return Standing.FREE
    noted = [pull.metadata for pull in snapshot.pulls if pull.branch == branch and pull.metadata]
    if any(tip.sha in {metadata.head, metadata.replaces} for metadata in noted):
        return Standing.OURS
    return Standing.OURS if is_as_signed(tip, identity) else Standing.THEIRS


def is_as_signed(tip: Commit, identity: str | None = None) -> bool:
    """Tell whether a commit holds the tree that its own trailers name."""
    signed = trailers.read(tip.message)
    return signed.get(trailers.TREE) == tip.tree and (
        identity is None or signed.get(trailers.IDENTITY) == " ".join(identity.split())
    )
