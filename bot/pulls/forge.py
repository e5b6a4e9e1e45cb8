"""The forge: where pull requests live, behind one small protocol.

Each method is one read or at most one write, and none decides anything: which writes are made, and
in which order, so that the next run heals whatever this one leaves undone, is the concern of
`bot.pulls.execution`, once for all forges.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from bot.domain.errors import ForgeError
from bot.pulls.snapshot import Snapshot


class BranchMovedError(ForgeError):
    """A branch is not where it was: somebody was faster, and nothing has been overwritten."""


class Forge(Protocol):
    """What trimtab asks of a place where pull requests live; every method raises `ForgeError`."""

    def snapshot(self) -> Snapshot:
        """Read the base, the branches, the pull requests and the dashboard."""
        ...

    def export(self, base: str, folder: Path) -> None:
        """Write the files of the commit `base` into an empty folder."""
        ...

    def write_tree(self, base: str, files: Mapping[str, bytes]) -> str:
        """Store the tree of `base` with some files replaced, their modes kept; return its id."""
        ...

    def write_commit(self, tree: str, parent: str, message: str) -> str:
        """Store a commit, which no branch holds yet; return its id."""
        ...

    def move_branch(self, branch: str, expected: str | None, to: str | None) -> None:
        """Move a branch from `expected` (None: it is made) to `to` (None: it is deleted).

        Raises:
            BranchMovedError: it is not at `expected`; it has been left where it is.
        """
        ...

    def open_pull(self, branch: str, title: str, body: str) -> int:
        """Open a pull request into the base and return its number; one that is open is adopted."""
        ...

    def edit_pull(
        self, number: int, *, title: str | None = None, body: str | None = None, close: bool = False
    ) -> None:
        """Write title and body, and close it, in one write."""
        ...

    def mark_pull(
        self, number: int, labels: frozenset[str], assignees: frozenset[str] = frozenset()
    ) -> None:
        """Set its labels, and add assignees; labels that do not exist yet are made."""
        ...

    def comment(self, number: int, text: str) -> None:
        """Add one comment."""
        ...

    def auto_merge(self, number: int, *, on: bool) -> None:
        """Turn merging by itself, once every check has passed, on or off."""
        ...

    def write_dashboard(self, number: int | None, title: str, body: str) -> int:
        """Write the dashboard issue, made where `number` is None; return its number."""
        ...
