"""Records: a pull request of the local forge, and the dashboard, as files in commits of their own.

`refs/trimtab/pulls/N` points to a commit whose tree holds `pull.json`, `body.md` and `comments.md`,
so that `git show refs/trimtab/pulls/1:body.md` reads one and `git log` of the ref is its history.
`refs/trimtab/dashboard` holds `title` and `body.md`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from bot.domain.errors import ForgeError
from bot.pulls.git import Git
from bot.pulls.snapshot import PullState

PULLS: Final = "refs/trimtab/pulls"
DASHBOARD: Final = "refs/trimtab/dashboard"
BOT: Final = "trimtab"


@dataclass(frozen=True, slots=True)
class Approval:
    """That somebody approved a commit; a later commit is not approved by it."""

    by: str
    head: str


@dataclass(frozen=True, slots=True)
class Record:
    """What is kept of one pull request beside body and comments."""

    number: int
    branch: str
    state: PullState
    title: str
    created_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    ended_by: str | None = None
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    approvals: tuple[Approval, ...] = ()
    auto_merge: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A pull request as it is stored; `commit` is what its ref points to, None for a new one."""

    record: Record
    body: str
    comments: str = ""
    commit: str | None = None


@dataclass(frozen=True, slots=True)
class Records:
    """The pull requests and the dashboard in a repository; `now` stamps what is written."""

    git: Git
    now: datetime

    @property
    def when(self) -> str:
        """Return the time as git writes dates."""
        return f"{int(self.now.timestamp())} +0000"

    def all(self) -> list[Entry]:
        """Read every pull request."""
        return self._read(f"{PULLS}/")

    def one(self, number: int) -> Entry:
        """Read one pull request.

        Raises:
            ForgeError: there is no such pull request, or it cannot be read.
        """
        found = self._read(f"{PULLS}/{number}")
        if not found:
            raise ForgeError(
                f"{self.git.folder}: there is no pull request {number}",
                "`trimtab pulls list` names those that there are.",
            )
        return found[0]

    def write(self, entry: Entry) -> None:
        """Store a pull request; fails when somebody else has written it since it was read."""
        record = entry.record
        files = {
            "pull.json": _adapter().dump_json(record, indent=2).decode() + "\n",
            "body.md": entry.body,
        }
        if entry.comments:
            files["comments.md"] = entry.comments
        self._store(f"{PULLS}/{record.number}", entry.commit, files, record.title)

    def next_number(self) -> int:
        """Return the number of the next pull request."""
        refs = self.git.text("for-each-ref", "--format=%(refname)", f"{PULLS}/").split()
        return 1 + max((int(ref.rpartition("/")[2]) for ref in refs), default=0)

    def dashboard(self) -> tuple[str, str] | None:
        """Read the title and the body of the dashboard, None before it is first written."""
        names = [f"{DASHBOARD}:title", f"{DASHBOARD}:body.md"]
        title, body = self.git.blobs(names)
        if title is None or body is None:
            return None
        return title.decode().strip(), body.decode()

    def write_dashboard(self, title: str, body: str) -> None:
        """Store the dashboard."""
        files = {"title": f"{title}\n", "body.md": body}
        self._store(DASHBOARD, self.git.resolve(DASHBOARD), files, title)

    def _read(self, pattern: str) -> list[Entry]:
        listed = self.git.text("for-each-ref", "--format=%(objectname) %(refname)", pattern)
        refs = [line.split(" ", 1) for line in listed.splitlines()]
        parts = ("pull.json", "body.md", "comments.md")
        blobs = self.git.blobs([f"{commit}:{part}" for commit, _ref in refs for part in parts])
        entries: list[Entry] = []
        for (commit, ref), start in zip(refs, range(0, len(blobs), len(parts)), strict=True):
            record, body, comments = blobs[start : start + len(parts)]
            try:
                read = _adapter().validate_json(record or b"")
            except ValidationError:
                hint = f"`git log {ref}` shows who wrote it; delete the ref if nobody needs it."
                raise ForgeError(f"{self.git.folder}: {ref} cannot be read", hint) from None
            entries.append(Entry(read, (body or b"").decode(), (comments or b"").decode(), commit))
        return entries

    def _store(
        self, ref: str, expected: str | None, files: Mapping[str, str], message: str
    ) -> None:
        tree = self.git.write_flat_tree(files)
        parents = [expected] if expected else []
        commit = self.git.write_commit(tree, parents, message, self.when)
        self.git.move_ref(ref, expected, commit)


@cache
def _adapter() -> TypeAdapter[Record]:
    return TypeAdapter(Record)
