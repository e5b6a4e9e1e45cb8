"""Snapshots: what a forge holds of trimtab's, read at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from bot.pulls.metadata import Metadata, Text, split

PREFIX = "trimtab/"
"""Branches under it are the bot's."""


class PullState(StrEnum):
    """What became of a pull request."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


class Review(StrEnum):
    """What the reviews of a pull request amount to."""

    APPROVED = "approved"
    CHANGES_REQUESTED = "changes requested"
    REQUIRED = "review required"


@dataclass(frozen=True, slots=True)
class Commit:
    """The tip of a branch."""

    sha: str
    tree: str
    message: str


@dataclass(frozen=True)
class Pull:
    """One pull request whose branch starts with `trimtab/`, from this repository and no fork.

    `body` is as the forge gives it, with the metadata block, and untrusted. `ended_at` is when it
    was merged or closed. `ended_by_us` tells whether the account that did it is the one that trimtab
    uses, None where the forge cannot say. `conflicts` is true only where the forge is sure that
    it cannot be merged into the base as it is.
    """

    number: int
    branch: str
    state: PullState
    title: str
    body: str
    created_at: datetime
    ended_at: datetime | None = None
    ended_by_us: bool | None = None
    conflicts: bool = False
    labels: frozenset[str] = frozenset()
    auto_merge: bool = False
    review: Review | None = None
    url: str = ""

    @cached_property
    def text(self) -> Text:
        """Return the body in parts: what people wrote around ours, ours, and the metadata."""
        return split(self.body)

    @property
    def metadata(self) -> Metadata | None:
        """Return what trimtab noted last, or None where nothing readable is left of it."""
        return self.text.metadata


@dataclass(frozen=True, slots=True)
class Issue:
    """The dashboard issue; its body is untrusted as well."""

    number: int
    title: str
    body: str
    is_open: bool = True
    url: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that reconciling needs to know of a forge.

    `base` is the commit that the base branch stands at. `pulls` holds every open pull request of
    trimtab's and the ended ones of the last 120 days at least, in any order. `branches` maps the
    names of all branches under `trimtab/` to their tips, those of ended pull requests and of
    none included. `dashboard` is the newest issue with the dashboard's marker.
    """

    base: str
    pulls: tuple[Pull, ...]
    branches: Mapping[str, Commit]
    dashboard: Issue | None = None
