"""git's plumbing, run as commands: no working tree is ever touched."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.domain.errors import ForgeError

AUTHOR_EMAIL: Final = "trimtab@localhost"
_AUTHOR: Final = {
    "GIT_AUTHOR_NAME": "trimtab",
    "GIT_AUTHOR_EMAIL": AUTHOR_EMAIL,
    "GIT_COMMITTER_NAME": "trimtab",
    "GIT_COMMITTER_EMAIL": AUTHOR_EMAIL,
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
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        try:
            done = subprocess.run(  # noqa: S603  arguments are ours, and no shell is involved
                ["git", "-C", str(self.folder), *arguments],  # noqa: S607  git is found on PATH
                input=stdin,
                capture_output=True,
                env=clean | _AUTHOR | {"LC_ALL": "C"} | dict(env or {}),
                check=True,
            )
        except FileNotFoundError:
            raise ForgeError("git is not installed", "Install git 2.30 or newer.") from None
        except subprocess.CalledProcessError as error:
            said = " ".join(error.stderr.decode(errors="replace").split())
            raise ForgeError(f"{self.folder}: git {arguments[0]} failed: {said}") from None
        return done.stdout

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

    def commit_files(self, base: str, files: Mapping[str, bytes], message: str, when: str) -> str:
        """Make a commit on `base` with some files replaced, and return its id.

        The modes of files that exist are kept. `when` (seconds since the epoch and zone) goes
        into the commit, so that the same input always gives the same id.
        """
        index = self.folder_for_index() / f"trimtab-index-{os.getpid()}"
        env = {"GIT_INDEX_FILE": str(index)}
        try:
            self.run("read-tree", base, env=env)
            for path, content in files.items():
                mode = self._mode(base, path)
                blob = self.run("hash-object", "-w", "--stdin", stdin=content).decode().strip()
                self.run("update-index", "--add", "--cacheinfo", f"{mode},{blob},{path}", env=env)
            tree = self.run("write-tree", env=env).decode().strip()
        finally:
            index.unlink(missing_ok=True)
        dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
        made = self.run(
            "commit-tree", tree, "-p", base, "-F", "-", stdin=message.encode(), env=dates
        )
        return made.decode().strip()

    def folder_for_index(self) -> Path:
        """Return git's own folder, where a passing index does not disturb anybody."""
        return Path(self.text("rev-parse", "--absolute-git-dir"))

    def _mode(self, base: str, path: str) -> str:
        listed = self.text("ls-tree", base, "--", path)
        return listed.split()[0] if listed else "100644"
