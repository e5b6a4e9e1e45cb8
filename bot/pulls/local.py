"""The local forge: a real git repository, with pull requests kept as refs.

`refs/trimtab/pulls/N` points to a commit whose tree holds `pull.json` and `body.md`, so that
`git show refs/trimtab/pulls/1:body.md` reads one and `git log` of the ref is its history.
"""

import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.domain.errors import ForgeError
from bot.pulls.forge import (
    Draft,
    EditBody,
    HandsOff,
    OpenPull,
    Operation,
    Pull,
    PullState,
    Snapshot,
    UpdateBranch,
)
from bot.pulls.git import AUTHOR_EMAIL, Git

_PULLS = "refs/trimtab/pulls"


@dataclass(frozen=True, slots=True)
class LocalForge:
    """Pull requests in the repository `git`, against its branch `base`.

    `when` stamps commits (seconds since the epoch and zone, as git writes dates).
    """

    git: Git
    base: str
    when: str

    def export(self, base: str, folder: Path) -> None:
        """Write the files of a snapshot's base into an empty folder."""
        packed = self.git.run("archive", "--format=tar", base)
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(folder, filter="data")

    def snapshot(self) -> Snapshot:
        """Read the base and every pull request."""
        base = self._base()
        refs = self.git.text("for-each-ref", "--format=%(refname)", _PULLS).split()
        return Snapshot(base, tuple(self._pull(ref, base) for ref in refs))

    def execute(self, operation: Operation, base: str) -> int | None:
        """Carry one operation out; the branch moves first, then the pull request says so."""
        match operation:
            case OpenPull(draft):
                ours = self._adoptable(draft.branch)
                return self._publish(self._next_number(), draft, base, ours)
            case UpdateBranch(number, draft):
                ours = self._record(f"{_PULLS}/{number}")["head"]
                return self._publish(number, draft, base, ours)
            case EditBody(number, draft):
                record = self._record(f"{_PULLS}/{number}")
                self._write(number, record | {"title": draft.title}, draft.body)
                return number
            case HandsOff():
                return None

    def _adoptable(self, branch: str) -> str | None:
        """Return the tip of a branch that a run left behind when it died, None for no branch."""
        head = self.git.resolve(f"refs/heads/{branch}")
        if head and self.git.text("show", "-s", "--format=%ce", head) != AUTHOR_EMAIL:
            raise ForgeError(
                f"{self.git.folder}: the branch {branch!r} exists and is not trimtab's",
                "Rename or delete it; names under trimtab/ are the bot's.",
            )
        return head

    def _publish(self, number: int, draft: Draft, base: str, ours: str | None) -> int:
        """Move the branch from `ours` (None: from nothing), and record the pull request.

        git refuses when the branch is elsewhere by now, so nobody's push is ever lost.
        """
        head = self.git.commit_files(base, draft.files, draft.message, self.when)
        self.git.run("update-ref", f"refs/heads/{draft.branch}", head, ours or "0" * 40)
        record = {
            "number": number,
            "branch": draft.branch,
            "state": PullState.OPEN.value,
            "title": draft.title,
            "head": head,
            "base": base,
        }
        self._write(number, record, draft.body)
        return number

    def _pull(self, ref: str, base: str) -> Pull:
        record = self._record(ref)
        head = self.git.resolve(f"refs/heads/{record['branch']}")
        state = PullState(record["state"])
        if state is PullState.OPEN and self._is_merged(head or record["head"], base):
            state = PullState.MERGED
        return Pull(
            number=record["number"],
            branch=record["branch"],
            state=state,
            title=record["title"],
            body=self.git.run("show", f"{ref}:body.md").decode(),
            head=head,
            recorded_head=record["head"],
            blobs=self._blobs(record["base"], head) if head else {},
        )

    def _blobs(self, base: str, head: str) -> dict[str, str]:
        raw = self.git.run("diff-tree", "-r", "-z", "--no-renames", base, head).decode()
        fields = raw.split("\0")
        return {
            path: meta.split()[3] for meta, path in zip(fields[::2], fields[1::2], strict=False)
        }

    def _is_merged(self, head: str, base: str) -> bool:
        return self.git.text("merge-base", head, base) == head

    def _base(self) -> str:
        found = self.git.resolve(f"refs/heads/{self.base}")
        if found is None:
            raise ForgeError(
                f"{self.git.folder}: there is no branch {self.base!r}",
                "Set forge.base in trimtab.yaml to the branch that is applied.",
            )
        return found

    def _record(self, ref: str) -> dict[str, Any]:
        record = json.loads(self.git.run("show", f"{ref}:pull.json"))
        assert isinstance(record, dict)
        return record

    def _next_number(self) -> int:
        refs = self.git.text("for-each-ref", "--format=%(refname)", _PULLS).split()
        return 1 + max((int(ref.rsplit("/", 1)[1]) for ref in refs), default=0)

    def _write(self, number: int, record: dict[str, Any], body: str) -> None:
        ref = f"{_PULLS}/{number}"
        entries = {
            "body.md": body,
            "pull.json": json.dumps(record, indent=2, sort_keys=True) + "\n",
        }
        listing = "".join(
            f"100644 blob {self._store(text)}\t{name}\n" for name, text in sorted(entries.items())
        )
        tree = self.git.run("mktree", stdin=listing.encode()).decode().strip()
        parent = self.git.resolve(ref)
        dates = {"GIT_AUTHOR_DATE": self.when, "GIT_COMMITTER_DATE": self.when}
        arguments = [
            "commit-tree",
            tree,
            "-m",
            record["title"],
            *(["-p", parent] if parent else []),
        ]
        commit = self.git.run(*arguments, env=dates).decode().strip()
        self.git.run("update-ref", ref, commit)

    def _store(self, text: str) -> str:
        return self.git.run("hash-object", "-w", "--stdin", stdin=text.encode()).decode().strip()
