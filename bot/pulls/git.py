"""git's plumbing, run as commands: no working tree is ever touched."""

import io
import os
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.domain.errors import ForgeError

_YES_OR_NO: Final = (0, 1)
_AUTHOR: Final = {
    "GIT_AUTHOR_NAME": "trimtab",
    "GIT_AUTHOR_EMAIL": "trimtab@localhost",
    "GIT_COMMITTER_NAME": "trimtab",
    "GIT_COMMITTER_EMAIL": "trimtab@localhost",
}


@dataclass(frozen=True, slots=True)
class Git:
    """One repository; `folder` is its work tree or its bare folder."""

    folder: Path

    def run(
        self, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> bytes:
        """Run one git command and return what it printed.

        Raises:
            ForgeError: git is missing, or the command failed; the message holds git's own.
        """
        return self._finish(arguments, (0,), stdin, env).stdout

    def text(self, *arguments: str) -> str:
        """Run one command and return its output as one stripped text."""
        return self.run(*arguments).decode().strip()

    def at_top(self) -> "Git":
        """Return the repository by its top folder: paths in commits start there."""
        if self.text("rev-parse", "--is-bare-repository") == "true":
            return self
        return Git(Path(self.text("rev-parse", "--show-toplevel")))

    def resolve(self, revision: str) -> str | None:
        """Return the commit that a revision names, or None when there is none."""
        try:
            return self.text("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        except ForgeError:
            return None

    def accepts(self, *arguments: str) -> bool:
        """Run a command that answers with its exit code: 0 is yes, 1 is no.

        Raises:
            ForgeError: it failed in another way.
        """
        return self._finish(arguments, _YES_OR_NO).returncode == 0

    def blobs(self, names: Sequence[str]) -> list[bytes | None]:
        """Read many objects in one go, None for one that does not exist."""
        printed = io.BytesIO(
            self.run("cat-file", "--batch", stdin="".join(f"{name}\n" for name in names).encode())
        )
        found: list[bytes | None] = []
        for _name in names:
            header = printed.readline().split()
            if header[-1] == b"missing":
                found.append(None)
            else:
                found.append(printed.read(int(header[-1])))
                printed.read(1)
        return found

    def export(self, commit: str, folder: Path) -> None:
        """Write the files of a commit into an empty folder; nothing lands outside of it."""
        packed = self.run("archive", "--format=tar", commit)
        with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
            tar.extractall(folder, filter=inside)  # noqa: S202  it asks `data_filter`

    def write_tree(self, base: str, files: Mapping[str, bytes]) -> str:
        """Store the tree of `base` with some files replaced, and return its id.

        The modes of files that exist are kept. The repository's own index is not touched.
        """
        index = self.folder_for_index() / f"trimtab-index-{os.getpid()}"
        env = {"GIT_INDEX_FILE": str(index)}
        try:
            self.run("read-tree", base, env=env)
            for path, content in files.items():
                mode, blob = self._mode(base, path), self.store(content)
                self.run("update-index", "--add", "--cacheinfo", f"{mode},{blob},{path}", env=env)
            return self.run("write-tree", env=env).decode().strip()
        finally:
            index.unlink(missing_ok=True)

    def write_flat_tree(self, files: Mapping[str, str]) -> str:
        """Store a tree of just these texts, and return its id."""
        listing = "".join(
            f"100644 blob {self.store(text.encode())}\t{name}\n"
            for name, text in sorted(files.items())
        )
        return self.run("mktree", stdin=listing.encode()).decode().strip()

    def write_commit(self, tree: str, parents: Sequence[str], message: str, when: str) -> str:
        """Store a commit and return its id.

        `when` (seconds since the epoch and zone) goes into it, so that the same input always gives
        the same id.
        """
        dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
        above = [argument for parent in parents for argument in ("-p", parent)]
        made = self.run("commit-tree", tree, *above, "-F", "-", stdin=message.encode(), env=dates)
        return made.decode().strip()

    def store(self, content: bytes) -> str:
        """Store one file's content and return its id."""
        return self.run("hash-object", "-w", "--stdin", stdin=content).decode().strip()

    def move_ref(self, ref: str, expected: str | None, to: str | None) -> None:
        """Move a ref from `expected` (None: it is new) to `to` (None: it goes), or fail."""
        if to is None:
            self.run("update-ref", "-d", ref, expected or "")
        else:
            self.run("update-ref", ref, to, expected or "")

    def folder_for_index(self) -> Path:
        """Return git's own folder, where a passing index does not disturb anybody."""
        return Path(self.text("rev-parse", "--absolute-git-dir"))

    def _finish(
        self,
        arguments: Sequence[str],
        good: Sequence[int],
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
    ) -> "subprocess.CompletedProcess[bytes]":
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        try:
            done = subprocess.run(  # noqa: S603  arguments are ours, and no shell is involved
                ["git", "-C", str(self.folder), *arguments],  # noqa: S607  git is found on PATH
                input=stdin,
                capture_output=True,
                env=clean | _AUTHOR | {"LC_ALL": "C"} | dict(env or {}),
                check=False,
            )
        except FileNotFoundError:
            raise ForgeError("git is not installed", "Install git 2.38 or newer.") from None
        if done.returncode not in good:
            said = " ".join((done.stderr or done.stdout).decode(errors="replace").split())
            raise ForgeError(f"{self.folder}: git {arguments[0]} failed: {said}")
        return done

    def _mode(self, base: str, path: str) -> str:
        listed = self.text("ls-tree", base, "--", path)
        return listed.split()[0] if listed else "100644"


def inside(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
    """Leave out what would lead out of the folder: links to elsewhere are common in repositories."""
    try:
        return tarfile.data_filter(member, folder)
    except tarfile.FilterError:
        return None
