"""The local forge: a real git repository, with pull requests kept as refs.

For the demo, for tests, and where there is no network. What people do on the web page of another
forge is in `bot.pulls.people`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from bot.domain.errors import ForgeError
from bot.pulls.forge import BranchMovedError
from bot.pulls.git import Git
from bot.pulls.local_records import BOT, Entry, Record, Records
from bot.pulls.metadata import Metadata
from bot.pulls.snapshot import PREFIX, Commit, Issue, Pull, PullState, Review, Snapshot

_HEADS = "refs/heads/"
_DASHBOARD_NUMBER = 1


@dataclass(frozen=True, slots=True)
class LocalForge:
    """Pull requests in the repository `git`, against its branch `base`; `now` stamps commits."""

    git: Git
    base: str
    now: datetime

    @property
    def records(self) -> Records:
        """Return where pull requests are kept."""
        return Records(self.git, self.now)

    def snapshot(self) -> Snapshot:
        """Read the base, the branches, the pull requests and the dashboard."""
        base, branches = self.tip(), self._branches()
        pulls = tuple(self._pull(entry, base, branches) for entry in self.records.all())
        board = self.records.dashboard()
        return Snapshot(
            base, pulls, branches, Issue(_DASHBOARD_NUMBER, *board) if board is not None else None
        )

    def export(self, base: str, folder: Path) -> None:
        """Write the files of a commit into an empty folder."""
        self.git.export(base, folder)

    def write_tree(self, base: str, files: Mapping[str, bytes]) -> str:
        """Store the tree of `base` with some files replaced, their modes kept; return its id."""
        return self.git.write_tree(base, files)

    def write_commit(self, tree: str, parent: str, message: str) -> str:
        """Store a commit, which no branch holds yet; return its id."""
        return self.git.write_commit(tree, [parent], message, self.records.when)

    def move_branch(self, branch: str, expected: str | None, to: str | None) -> None:
        """Move a branch by comparison; git refuses where it is elsewhere by now.

        Raises:
            BranchMovedError: it is not at `expected`, or somebody has it checked out.
        """
        ref = _HEADS + branch
        if f"branch {ref}" in self.git.text("worktree", "list", "--porcelain").splitlines():
            raise BranchMovedError(
                f"{self.git.folder}: {branch} is checked out, and is not moved under anybody's feet",
                f"`git switch {self.base}` lets the next run move it.",
            )
        if self.git.resolve(ref) != expected:
            raise BranchMovedError(f"{self.git.folder}: somebody has moved {branch}")
        self.git.move_ref(ref, expected, to)

    def open_pull(self, branch: str, title: str, body: str) -> int:
        """Open a pull request and return its number; one that is open is adopted."""
        for entry in self.records.all():
            if (entry.record.branch, entry.record.state) == (branch, PullState.OPEN):
                return entry.record.number
        number = self.records.next_number()
        record = Record(number, branch, PullState.OPEN, title, self.now)
        self.records.write(Entry(record, body))
        return number

    def edit_pull(
        self, number: int, *, title: str | None = None, body: str | None = None, close: bool = False
    ) -> None:
        """Write title and body, and close it, in one write."""
        entry = self.records.one(number)
        record = entry.record
        if title is not None:
            record = replace(record, title=title)
        if close:
            record = replace(record, state=PullState.CLOSED, ended_at=self.now, ended_by=BOT)
        kept = entry.body if body is None else body
        self.records.write(replace(entry, record=record, body=kept))

    def mark_pull(
        self, number: int, labels: frozenset[str], assignees: frozenset[str] = frozenset()
    ) -> None:
        """Set its labels, and add assignees."""
        entry = self.records.one(number)
        record = replace(
            entry.record,
            labels=tuple(sorted(labels)),
            assignees=tuple(sorted(assignees.union(entry.record.assignees))),
        )
        self.records.write(replace(entry, record=record))

    def comment(self, number: int, text: str) -> None:
        """Add one comment."""
        entry = self.records.one(number)
        added = f"**{BOT}**, {self.now:%Y-%m-%d %H:%M} UTC\n\n{text.strip()}\n"
        comments = f"{entry.comments}\n{added}" if entry.comments else added
        self.records.write(replace(entry, comments=comments))

    def auto_merge(self, number: int, *, on: bool) -> None:
        """Note the wish; nothing here runs checks, so that people merge."""
        entry = self.records.one(number)
        self.records.write(replace(entry, record=replace(entry.record, auto_merge=on)))

    def write_dashboard(self, number: int | None, title: str, body: str) -> int:
        """Write the dashboard; there is one."""
        del number
        self.records.write_dashboard(title, body)
        return _DASHBOARD_NUMBER

    def tip(self) -> str:
        """Return the commit that the base stands at.

        Raises:
            ForgeError: there is no such branch.
        """
        found = self.git.resolve(_HEADS + self.base)
        if found is None:
            raise ForgeError(
                f"{self.git.folder}: there is no branch {self.base!r}",
                "Set forge.base in trimtab.yaml to the branch that is applied.",
            )
        return found

    def _branches(self) -> dict[str, Commit]:
        form = "%(refname:lstrip=2)%00%(objectname)%00%(tree)%00%(contents)%00"
        printed = self.git.run("for-each-ref", f"--format={form}", _HEADS + PREFIX.rstrip("/"))
        fields = printed.decode(errors="replace").split("\0")
        rows = zip(*[iter(fields)] * 4, strict=False)
        return {name.strip(): Commit(sha, tree, message) for name, sha, tree, message in rows}

    def _pull(self, entry: Entry, base: str, branches: Mapping[str, Commit]) -> Pull:
        record = entry.record
        pull = Pull(
            number=record.number,
            branch=record.branch,
            state=record.state,
            title=record.title,
            body=entry.body,
            created_at=record.created_at,
            ended_at=record.ended_at,
            ended_by_us=record.ended_by == BOT if record.ended_by else None,
            labels=frozenset(record.labels),
            auto_merge=record.auto_merge,
        )
        tip = branches.get(record.branch)
        if record.state is not PullState.OPEN:
            return pull
        merged = self._merged_with(tip.sha if tip else None, pull.metadata, base)
        if merged is not None:
            at = self._merged_at(merged, base)
            return replace(pull, state=PullState.MERGED, ended_at=at, ended_by_us=False)
        if tip is None:
            return pull
        approved = any(approval.head == tip.sha for approval in record.approvals)
        return replace(
            pull,
            conflicts=self.conflicts(tip.sha, base),
            review=Review.APPROVED if approved else None,
        )

    def conflicts(self, head: str, base: str) -> bool:
        """Tell whether a commit cannot be merged into another."""
        return not self.git.accepts("merge-tree", "--write-tree", base, head)

    def _merged_with(self, tip: str | None, noted: Metadata | None, base: str) -> str | None:
        """Return the commit with which somebody merged it by hand, None while nobody has."""
        ours = self.git.resolve(noted.head) if noted and noted.head else None
        # A branch that was reset to where it began is in the base as well, and was not merged.
        theirs = tip if noted is None or tip != noted.base else None
        for head in (ours, theirs):
            if head and self.git.accepts("merge-base", "--is-ancestor", head, base):
                return head
        return None

    def _merged_at(self, head: str, base: str) -> datetime:
        path = self.git.text("rev-list", "--ancestry-path", "--reverse", f"{head}..{base}").split()
        written = self.git.text("show", "-s", "--format=%cI", path[0] if path else head)
        return datetime.fromisoformat(written)
