"""Operations: what is done to a forge, one list for `plan` to print and `run` to carry out."""

from dataclasses import dataclass

from bot.pulls.draft import Draft
from bot.pulls.metadata import CloseReason, Metadata


@dataclass(frozen=True, slots=True)
class OpenPull:
    """Make the branch and the pull request.

    `replaces` is where the branch stands, when an earlier pull request or a run that died left
    one behind. `flips` is what the new pull request starts to count from.
    """

    draft: Draft
    replaces: str | None = None
    flips: int = 0


@dataclass(frozen=True, slots=True)
class UpdateBranch:
    """Put another commit on the branch, and say so in title and body.

    `head` is where the branch has to stand for that, `title` None where a person has retitled it.
    `metadata` carries over what has to be remembered; commit, tree and base are filled in.
    """

    number: int
    branch: str
    head: str
    draft: Draft
    metadata: Metadata
    title: str | None
    above: str = ""
    below: str = ""


@dataclass(frozen=True, slots=True)
class FinishUpdate:
    """Move a branch to the commit that the body notes: a run has died in between."""

    number: int
    branch: str
    head: str
    to: str


@dataclass(frozen=True, slots=True)
class EditBody:
    """Rewrite title and body, and leave the branch alone."""

    number: int
    title: str | None
    body: str
    why: str


@dataclass(frozen=True, slots=True)
class SetLabels:
    """Put exactly these labels on it."""

    number: int
    labels: frozenset[str]


@dataclass(frozen=True, slots=True)
class SetAutoMerge:
    """Ask the forge to merge by itself once all checks have passed, or no longer to."""

    number: int
    on: bool


@dataclass(frozen=True, slots=True)
class ClosePull:
    """Close it for a reason, say why in one comment, and delete the branch.

    The body notes the reason in the same write that closes, so that it is never taken for a
    person's doing. `head` is where the branch has to stand to be deleted.
    """

    number: int
    branch: str
    head: str | None
    reason: CloseReason
    body: str
    comment: str


@dataclass(frozen=True, slots=True)
class DeleteBranch:
    """Delete a branch of trimtab's that a run left behind when it died."""

    branch: str
    head: str


@dataclass(frozen=True, slots=True)
class WriteDashboard:
    """Write the dashboard issue; `number` is None for the first time."""

    number: int | None
    title: str
    body: str


Operation = (
    OpenPull
    | UpdateBranch
    | FinishUpdate
    | EditBody
    | SetLabels
    | SetAutoMerge
    | ClosePull
    | DeleteBranch
    | WriteDashboard
)
