"""The forge: where pull requests live, behind one small protocol."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class PullState(StrEnum):
    """What became of a pull request."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Pull:
    """One pull request as the forge holds it.

    `head` is where its branch stands, None when the branch is gone; `recorded_head` is the
    commit that trimtab put there last. `blobs` maps the files that the branch changes to the
    git object ids of their contents.
    """

    number: int
    branch: str
    state: PullState
    title: str
    body: str
    head: str | None
    recorded_head: str
    blobs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that reconciling needs to know of a forge, read at one moment."""

    base: str
    pulls: tuple[Pull, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A pull request as it should be: `files` maps paths to their whole new contents."""

    branch: str
    title: str
    body: str
    message: str
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class OpenPull:
    """Create the branch and the pull request."""

    draft: Draft


@dataclass(frozen=True, slots=True)
class UpdateBranch:
    """Replace the branch's commit, title and body: what the files hold has changed."""

    number: int
    draft: Draft


@dataclass(frozen=True, slots=True)
class EditBody:
    """Rewrite title and body and leave the branch alone: only the evidence has changed."""

    number: int
    draft: Draft


@dataclass(frozen=True, slots=True)
class HandsOff:
    """Do nothing, and say so: somebody else has worked on the branch, or has closed it."""

    number: int
    branch: str
    reason: str


Operation = OpenPull | UpdateBranch | EditBody | HandsOff


class Forge(Protocol):
    """What trimtab asks of a place where pull requests live."""

    def export(self, base: str, folder: Path) -> None:
        """Write the files of a snapshot's base into an empty folder."""
        ...

    def snapshot(self) -> Snapshot:
        """Read the base and every pull request of trimtab's."""
        ...

    def execute(self, operation: Operation, base: str) -> int | None:
        """Carry one operation out against the base it was planned on; return its pull's number.

        Doing one again after a crash has the same result as doing it once.
        """
        ...
