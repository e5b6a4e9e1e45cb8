"""A forge in memory with git's rules: objects by content, moves by comparison, three-way merges.

People act on it through the same methods as on a real forge: push, amend, close, reopen, merge, edit.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from bot.domain.errors import ForgeError
from bot.pulls.forge import BranchMovedError
from bot.pulls.snapshot import PREFIX, Commit, Issue, Pull, PullState, Snapshot
from bot.pulls.ticks import tick

Tree = Mapping[str, bytes]


def sha(*parts: object) -> str:
    return hashlib.sha1(repr(parts).encode(), usedforsecurity=False).hexdigest()


@dataclass
class MemoryForge:
    """One repository with a base branch, branches, pull requests and one issue."""

    files: dict[str, bytes]
    now: datetime = datetime(2026, 3, 2, 12, tzinfo=UTC)
    trees: dict[str, Tree] = field(default_factory=dict)
    commits: dict[str, tuple[Commit, str | None]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    pulls: dict[int, Pull] = field(default_factory=dict)
    comments: list[tuple[int, str]] = field(default_factory=list)
    assignees: dict[int, frozenset[str]] = field(default_factory=dict)
    dashboard: Issue | None = None
    base: str = ""

    def __post_init__(self) -> None:
        self.base = self.commit(self.files, None, "start")

    # What trimtab may do.

    def snapshot(self) -> Snapshot:
        pulls = [
            replace(pull, conflicts=self.conflicts(pull)) if pull.state is PullState.OPEN else pull
            for pull in self.pulls.values()
        ]
        tips = {name: self.commits[head][0] for name, head in self.branches.items()}
        tips = {name: tip for name, tip in tips.items() if name.startswith(PREFIX)}
        return Snapshot(self.base, tuple(pulls), tips, self.dashboard)

    def export(self, base: str, folder: Path) -> None:
        for path, content in self.tree(base).items():
            (folder / path).write_bytes(content)

    def write_tree(self, base: str, files: Mapping[str, bytes]) -> str:
        return self._store({**self.tree(base), **files})

    def write_commit(self, tree: str, parent: str, message: str) -> str:
        return self.commit(self.trees[tree], parent, message)

    def move_branch(self, branch: str, expected: str | None, to: str | None) -> None:
        if self.branches.get(branch) != expected:
            raise BranchMovedError(f"{branch} has moved")
        self._move(branch, to, by_us=True)

    def open_pull(self, branch: str, title: str, body: str) -> int:
        for pull in self.pulls.values():
            if pull.branch == branch and pull.state is PullState.OPEN:
                return pull.number
        if branch not in self.branches:
            raise ForgeError(f"there is no branch {branch}")
        number = len(self.pulls) + 1
        self.pulls[number] = Pull(number, branch, PullState.OPEN, title, body, self.now)
        return number

    def edit_pull(
        self, number: int, *, title: str | None = None, body: str | None = None, close: bool = False
    ) -> None:
        pull = self.pulls[number]
        pull = replace(pull, title=pull.title if title is None else title)
        pull = replace(pull, body=pull.body if body is None else body)
        if close and pull.state is PullState.OPEN:
            pull = replace(pull, state=PullState.CLOSED, ended_at=self.now, ended_by_us=True)
        self.pulls[number] = pull

    def mark_pull(
        self, number: int, labels: frozenset[str], assignees: frozenset[str] = frozenset()
    ) -> None:
        self.pulls[number] = replace(self.pulls[number], labels=labels)
        self.assignees[number] = self.assignees.get(number, frozenset()) | assignees

    def comment(self, number: int, text: str) -> None:
        self.comments.append((number, text))

    def auto_merge(self, number: int, *, on: bool) -> None:
        self.pulls[number] = replace(self.pulls[number], auto_merge=on)

    def write_dashboard(self, number: int | None, title: str, body: str) -> int:
        if number is None and self.dashboard is not None:
            return self.dashboard.number
        self.dashboard = Issue(1000, title, body)
        return 1000

    # What people do.

    def push(self, branch: str, files: Mapping[str, bytes]) -> None:
        head = self.branches[branch]
        commit = self.commit({**self.tree(head), **files}, head, "by a person")
        self._move(branch, commit, by_us=False)

    def amend(self, branch: str, files: Mapping[str, bytes]) -> None:
        """Change the last commit, and keep its message with all trailers, as git does."""
        tip, parent = self.commits[self.branches[branch]]
        commit = self.commit({**self.trees[tip.tree], **files}, parent, tip.message)
        self._move(branch, commit, by_us=False)

    def delete_branch(self, branch: str) -> None:
        self._move(branch, None, by_us=False)

    def close(self, number: int) -> None:
        pull = self.pulls[number]
        self.pulls[number] = replace(
            pull, state=PullState.CLOSED, ended_at=self.now, ended_by_us=False
        )

    def reopen(self, number: int) -> bool:
        """Open it again, with its branch restored, unless another one is open on that branch."""
        pull = self.pulls[number]
        if any(p.branch == pull.branch and p.state is PullState.OPEN for p in self.pulls.values()):
            return False
        if pull.branch not in self.branches:
            if pull.metadata is None or pull.metadata.head not in self.commits:
                return False
            self.branches[pull.branch] = pull.metadata.head
        self.pulls[number] = replace(pull, state=PullState.OPEN, ended_at=None, ended_by_us=None)
        return True

    def merge(self, number: int) -> bool:
        pull = self.pulls[number]
        merged = self._merged(pull)
        if merged is None:
            return False
        self.base = self.commit(merged, self.base, f"Merge #{number}")
        self.pulls[number] = replace(
            pull, state=PullState.MERGED, ended_at=self.now, ended_by_us=False
        )
        return True

    def edit_base(self, files: Mapping[str, bytes]) -> None:
        self.base = self.commit({**self.tree(self.base), **files}, self.base, "base moves")

    def retitle(self, number: int, title: str) -> None:
        self.pulls[number] = replace(self.pulls[number], title=title)

    def rewrite(self, number: int, body: str) -> None:
        self.pulls[number] = replace(self.pulls[number], body=body)

    def label(self, number: int, *labels: str) -> None:
        self.pulls[number] = replace(self.pulls[number], labels=frozenset(labels))

    def tick(self, number: int) -> bool:
        ticked = tick(self.dashboard.body, number) if self.dashboard else None
        if self.dashboard is None or ticked is None:
            return False
        self.dashboard = replace(self.dashboard, body=ticked)
        return True

    def content(self, revision: str) -> Tree:
        """Return the files of a branch, of `main`, or of a commit."""
        commit = self.base if revision == "main" else self.branches.get(revision, revision)
        return self.tree(commit)

    # How it is kept.

    def tree(self, commit: str) -> Tree:
        return self.trees[self.commits[commit][0].tree]

    def commit(self, files: Tree, parent: str | None, message: str) -> str:
        tree = self._store(files)
        commit = sha(tree, parent, message)
        self.commits[commit] = (Commit(commit, tree, message), parent)
        return commit

    def conflicts(self, pull: Pull) -> bool:
        return pull.branch in self.branches and self._merged(pull) is None

    def _merged(self, pull: Pull) -> Tree | None:
        """Merge line by line; files here keep their number of lines."""
        head = self.branches.get(pull.branch)
        if head is None:
            return None
        root = self.tree(self._common(head))
        merged: dict[str, bytes] = {}
        for path in root:
            sides = [root[path], self.tree(head)[path], self.tree(self.base)[path]]
            lines: list[bytes] = []
            for old, theirs, ours in zip(*(side.splitlines() for side in sides), strict=True):
                if theirs not in {old, ours} and ours != old:
                    return None
                lines.append(ours if theirs == old else theirs)
            merged[path] = b"\n".join(lines) + b"\n"
        return merged

    def _common(self, head: str) -> str:
        ours = set(self._history(self.base))
        return next(commit for commit in self._history(head) if commit in ours)

    def _history(self, head: str) -> list[str]:
        found: list[str] = []
        at: str | None = head
        while at is not None:
            found.append(at)
            at = self.commits[at][1]
        return found

    def _store(self, files: Tree) -> str:
        tree = sha(sorted(files.items()))
        self.trees[tree] = dict(files)
        return tree

    def _move(self, branch: str, to: str | None, *, by_us: bool) -> None:
        if to is not None:
            self.branches[branch] = to
            return
        del self.branches[branch]
        for pull in self.pulls.values():
            if pull.branch == branch and pull.state is PullState.OPEN:
                self.pulls[pull.number] = replace(
                    pull, state=PullState.CLOSED, ended_at=self.now, ended_by_us=by_us
                )


@dataclass
class MemoryWorld(MemoryForge):
    """The forge in memory, with the people around it."""

    @property
    def forge(self) -> MemoryForge:
        return self
