"""People: what a person does to a pull request of the local forge, as on a web page elsewhere."""

from dataclasses import dataclass, replace
from typing import Final

from bot.domain.errors import ForgeError
from bot.pulls.local import LocalForge
from bot.pulls.local_records import Approval, Entry
from bot.pulls.metadata import split
from bot.pulls.snapshot import PullState
from bot.pulls.ticks import tick

_HEADS: Final = "refs/heads/"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who looks after the repository of a local forge."""

    forge: LocalForge
    name: str

    def approve(self, number: int) -> None:
        """Approve the commit that the branch stands at."""
        entry = self._open(number)
        approval = Approval(self.name, self._head(entry))
        approvals = (*entry.record.approvals, approval)
        record = replace(entry.record, approvals=tuple(dict.fromkeys(approvals)))
        self.forge.records.write(replace(entry, record=record))

    def close(self, number: int) -> None:
        """Close it without merging."""
        self._end(self._open(number), PullState.CLOSED)

    def reopen(self, number: int) -> None:
        """Open it again, its branch restored where that is gone.

        Raises:
            ForgeError: it is open or merged, another one is open on its branch, or the commit of
                its branch is lost.
        """
        entry = self.forge.records.one(number)
        record = entry.record
        if record.state is not PullState.CLOSED:
            raise ForgeError(f"pull request {number} is {record.state}, not closed")
        for other in self.forge.records.all():
            if (other.record.branch, other.record.state) == (record.branch, PullState.OPEN):
                raise ForgeError(f"pull request {other.record.number} is open on its branch")
        git, ref = self.forge.git, _HEADS + record.branch
        if git.resolve(ref) is None:
            metadata = split(entry.body).metadata
            commit = git.resolve(metadata.head) if metadata and metadata.head else None
            if commit is None:
                raise ForgeError(f"the branch {record.branch} is gone, and so is its commit")
            git.move_ref(ref, None, commit)
        opened = replace(record, state=PullState.OPEN, ended_at=None, ended_by=None)
        self.forge.records.write(replace(entry, record=opened))

    def merge(self, number: int) -> str:
        """Merge it into the base with a merge commit, and return that.

        Raises:
            ForgeError: it conflicts with the base, or with what lies about in the work tree.
        """
        entry = self._open(number)
        head, base, git = self._head(entry), self.forge.tip(), self.forge.git
        if self.forge.conflicts(head, base):
            raise ForgeError(
                f"pull request {number} conflicts with {self.forge.base}",
                "The next `trimtab run` makes its branch anew.",
            )
        message = f"Merge pull request {number}: {entry.record.title}"
        if self._has_base_checked_out():
            # The work tree has to follow, and git refuses where that would lose anything.
            git.run("merge", "--quiet", "--no-ff", "-m", message, head)
            merged = self.forge.tip()
        else:
            tree = git.text("merge-tree", "--write-tree", base, head).split()[0]
            merged = git.write_commit(tree, [base, head], message, self.forge.records.when)
            git.move_ref(_HEADS + self.forge.base, base, merged)
        self._end(entry, PullState.MERGED)
        return merged

    def edit(self, number: int, *, title: str | None = None, body: str | None = None) -> None:
        """Rewrite title or body by hand."""
        entry = self.forge.records.one(number)
        record = entry.record if title is None else replace(entry.record, title=title)
        kept = entry.body if body is None else body
        self.forge.records.write(replace(entry, record=record, body=kept))

    def label(self, number: int, *labels: str) -> None:
        """Set its labels."""
        entry = self.forge.records.one(number)
        record = replace(entry.record, labels=tuple(sorted(labels)))
        self.forge.records.write(replace(entry, record=record))

    def allow_again(self, number: int) -> None:
        """Tick the box of a pull request on the dashboard, so that its change is proposed again.

        Raises:
            ForgeError: the dashboard has no such box.
        """
        board = self.forge.records.dashboard()
        ticked = tick(board[1], number) if board else None
        if board is None or ticked is None:
            raise ForgeError(
                f"the dashboard has no box for pull request {number}",
                "`trimtab pulls dashboard` shows those that there are.",
            )
        self.forge.records.write_dashboard(board[0], ticked)

    def _end(self, entry: Entry, state: PullState) -> None:
        record = replace(entry.record, state=state, ended_at=self.forge.now, ended_by=self.name)
        self.forge.records.write(replace(entry, record=record))

    def _open(self, number: int) -> Entry:
        entry = self.forge.records.one(number)
        found = next(pull for pull in self.forge.snapshot().pulls if pull.number == number)
        if found.state is not PullState.OPEN:
            raise ForgeError(f"pull request {number} is {found.state}, not open")
        return entry

    def _head(self, entry: Entry) -> str:
        head = self.forge.git.resolve(_HEADS + entry.record.branch)
        if head is None:
            raise ForgeError(f"the branch {entry.record.branch} is gone")
        return head

    def _has_base_checked_out(self) -> bool:
        git = self.forge.git
        if git.text("rev-parse", "--is-bare-repository") == "true":
            return False
        return git.text("rev-parse", "--symbolic-full-name", "HEAD") == _HEADS + self.forge.base
