"""What tests of pull requests share: drafts, forges that fail, and people on every kind of forge."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from bot.domain.errors import ForgeError
from bot.pulls.change import Interval, Prediction, SettingChange
from bot.pulls.digest import digest
from bot.pulls.draft import Draft
from bot.pulls.forge import Forge
from bot.pulls.git import Git
from bot.pulls.local import LocalForge
from bot.pulls.people import Person
from bot.pulls.snapshot import Snapshot

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
FILE = "main.tf"


class Killed(Exception):  # noqa: N818  it is no error of the forge's: the run is gone
    """The run dies here, whatever it was about to do next."""


@dataclass
class FailingForge:
    """A forge on which the `countdown`-th write from now on fails, before or after its effect."""

    inner: Forge
    error: Exception
    countdown: int = 0
    after: bool = False
    writes: int = 0

    def _write(self, name: str, *args: object, **kwargs: object) -> object:
        self.writes += 1
        if self.writes == self.countdown and not self.after:
            raise self.error
        result = getattr(self.inner, name)(*args, **kwargs)
        if self.writes == self.countdown and self.after:
            raise self.error
        return result

    def snapshot(self) -> Snapshot:
        return self.inner.snapshot()

    def export(self, base: str, folder: Path) -> None:
        self.inner.export(base, folder)

    def write_tree(self, base: str, files: Mapping[str, bytes]) -> str:
        return str(self._write("write_tree", base, files))

    def write_commit(self, tree: str, parent: str, message: str) -> str:
        return str(self._write("write_commit", tree, parent, message))

    def move_branch(self, branch: str, expected: str | None, to: str | None) -> None:
        self._write("move_branch", branch, expected, to)

    def open_pull(self, branch: str, title: str, body: str) -> int:
        return int(str(self._write("open_pull", branch, title, body)))

    def edit_pull(
        self, number: int, *, title: str | None = None, body: str | None = None, close: bool = False
    ) -> None:
        self._write("edit_pull", number, title=title, body=body, close=close)

    def mark_pull(
        self, number: int, labels: frozenset[str], assignees: frozenset[str] = frozenset()
    ) -> None:
        self._write("mark_pull", number, labels, assignees)

    def comment(self, number: int, text: str) -> None:
        self._write("comment", number, text)

    def auto_merge(self, number: int, *, on: bool) -> None:
        self._write("auto_merge", number, on=on)

    def write_dashboard(self, number: int | None, title: str, body: str) -> int:
        return int(str(self._write("write_dashboard", number, title, body)))


class World(Protocol):
    """A forge with the people around it."""

    now: datetime

    @property
    def forge(self) -> Forge: ...
    def push(self, branch: str, files: Mapping[str, bytes]) -> None: ...
    def amend(self, branch: str, files: Mapping[str, bytes]) -> None: ...
    def delete_branch(self, branch: str) -> None: ...
    def close(self, number: int) -> None: ...
    def reopen(self, number: int) -> bool: ...
    def merge(self, number: int) -> bool: ...
    def edit_base(self, files: Mapping[str, bytes]) -> None: ...
    def retitle(self, number: int, title: str) -> None: ...
    def rewrite(self, number: int, body: str) -> None: ...
    def label(self, number: int, *labels: str) -> None: ...
    def tick(self, number: int) -> bool: ...
    def content(self, revision: str) -> Mapping[str, bytes]: ...


@dataclass
class LocalWorld:
    """The local forge in a bare repository, and a person beside it."""

    git: Git
    now: datetime = START

    @classmethod
    def make(cls, folder: Path, files: Mapping[str, bytes]) -> "LocalWorld":
        git = Git(folder)
        git.run("init", "--quiet", "--bare", "--initial-branch=main")
        tree = git.write_flat_tree({path: content.decode() for path, content in files.items()})
        commit = git.write_commit(tree, [], "start", "1700000000 +0000")
        git.move_ref("refs/heads/main", None, commit)
        return cls(git)

    @property
    def forge(self) -> LocalForge:
        return LocalForge(self.git, "main", self.now)

    @property
    def person(self) -> Person:
        return Person(self.forge, "ada")

    @property
    def when(self) -> str:
        return self.forge.records.when

    def push(self, branch: str, files: Mapping[str, bytes]) -> None:
        head = self.git.text("rev-parse", branch)
        self._commit(branch, head, files, [head], "by a person")

    def amend(self, branch: str, files: Mapping[str, bytes]) -> None:
        head = self.git.text("rev-parse", branch)
        message = self.git.text("show", "-s", "--format=%B", head)
        self._commit(branch, head, files, [self.git.text("rev-parse", f"{head}^")], message)

    def delete_branch(self, branch: str) -> None:
        self.git.run("update-ref", "-d", f"refs/heads/{branch}")

    def close(self, number: int) -> None:
        self.person.close(number)

    def reopen(self, number: int) -> bool:
        try:
            self.person.reopen(number)
        except ForgeError:
            return False
        return True

    def merge(self, number: int) -> bool:
        try:
            self.person.merge(number)
        except ForgeError:
            return False
        return True

    def edit_base(self, files: Mapping[str, bytes]) -> None:
        head = self.git.text("rev-parse", "main")
        self._commit("main", head, files, [head], "base moves")

    def retitle(self, number: int, title: str) -> None:
        self.person.edit(number, title=title)

    def rewrite(self, number: int, body: str) -> None:
        self.person.edit(number, body=body)

    def label(self, number: int, *labels: str) -> None:
        self.person.label(number, *labels)

    def tick(self, number: int) -> bool:
        try:
            self.person.allow_again(number)
        except ForgeError:
            return False
        return True

    def content(self, revision: str) -> Mapping[str, bytes]:
        return {FILE: self.git.run("show", f"{revision}:{FILE}")}

    def _commit(
        self, branch: str, head: str, files: Mapping[str, bytes], parents: list[str], message: str
    ) -> None:
        tree = self.git.write_tree(head, files)
        commit = self.git.write_commit(tree, parents, message, self.when)
        self.git.move_ref(f"refs/heads/{branch}", head, commit)


def content(values: Mapping[str, int], filler: int = 0) -> bytes:
    """Write a file with a line for each connection; the lines between keep git's hunks apart."""
    lines: list[str] = []
    for name, value in values.items():
        lines += [f"{name} = {value}", *(f"# {name} {n}" for n in range(4))]
    return "\n".join([*lines, f"# {filler}", ""]).encode()


def values(file: bytes) -> dict[str, int]:
    """Read what `content` has written."""
    lines = [line.split(" = ") for line in file.decode().splitlines() if " = " in line]
    return {name: int(value) for name, value in lines}


def draft(base: bytes, name: str, value: int, *, evidence: int = 0) -> Draft:
    """Propose a value for a connection; two values of the same ten are the same to a person."""
    before = values(base)[name]
    change = SettingChange(
        connection=name,
        setting="size",
        before=str(before),
        after=str(value),
        file=FILE,
        address=f"airbyte_connection.{name}",
        path="configuration.size",
        fingerprint=digest(name, "size", str(value // 10)),
        direction=(value > before) - (value < before),
        prediction=Prediction(saving=Interval("10", "12.5", "20", "USD/month")),
        donors=("other",),
    )
    return Draft(
        identity=f"connection/{name}/size",
        branch=f"trimtab/{name}/size",
        title=f"{name}: size {value} instead of {before}",
        body=f"Because of {evidence} syncs.\n",
        message=f"perf: {name} {value}",
        files={FILE: base.replace(f"{name} = {before}\n".encode(), f"{name} = {value}\n".encode())},
        changes=(change,),
        risk="low",
        confidence="high",
        approval="team",
        evidence=digest(str(evidence)),
        policies=digest("policies"),
        labels=frozenset({"trimtab", "trimtab:risk-low"}),
    )


def merged(drafts: list[Draft], identity: str, branch: str) -> Draft:
    """Put several drafts into one, as grouping does."""
    first = drafts[0]
    changes = tuple(change for each in drafts for change in each.changes)
    return replace(first, identity=identity, branch=branch, changes=changes)
