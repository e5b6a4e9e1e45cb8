"""The GitHub forge: commits that GitHub signs, branches that move only from where they should be.

Commits are made through git's own objects and without an author, which is what GitHub signs for the
token of an App. A branch moves by `updateRefs`, which compares and swaps: a push that came in
between is never overwritten, however the two race.
"""

import posixpath
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from bot.domain.errors import ForgeError
from bot.pulls import github_snapshot
from bot.pulls.forge import BranchMovedError
from bot.pulls.git import Git
from bot.pulls.github_api import Api, Json, RefusedError
from bot.pulls.github_archive import unpack
from bot.pulls.labels import LABEL
from bot.pulls.snapshot import Snapshot

_NOTHING: Final = "0" * 40
_OF_A_WORKFLOW: Final = (
    "This is the GITHUB_TOKEN of a workflow: on its pull requests no workflow runs until somebody "
    "allows it, so required checks do not start by themselves. Use a GitHub App: docs/security.md."
)
_UNSIGNED: Final = (
    "GitHub does not sign the commits of this token, so that the approval check cannot tell them "
    "from forged ones. Use a GitHub App: docs/security.md."
)
_FILE_MODES: Final = frozenset({"100644", "100755"})
_NOT_FOUND: Final = 404
_UNPROCESSABLE: Final = 422


@dataclass(slots=True)
class GitHubForge:
    """Pull requests of one GitHub repository, against its branch `base`.

    `checkout` is a clone on this machine; commits that it holds are exported from it instead of
    being downloaded.
    """

    api: Api
    base: str
    now: datetime
    checkout: Git | None = None
    _read: github_snapshot.Read | None = None
    _modes: dict[str, dict[str, str]] = field(default_factory=dict)
    _adopted: set[int] = field(default_factory=set)
    _ids: dict[int, str] = field(default_factory=dict)
    is_signed: bool | None = None
    """Whether GitHub has signed the commits of this run; None before the first."""

    def snapshot(self) -> Snapshot:
        """Read the base, the branches, the pull requests and the dashboard."""
        self._read = github_snapshot.read(self.api, self.base, self.now)
        self._ids |= self._read.pull_ids
        return self._read.snapshot

    @property
    def login(self) -> str:
        """Return the account of the token, without `[bot]`."""
        return self._known().login

    @property
    def notices(self) -> tuple[str, ...]:
        """Say what the kind of token in use leaves undone; empty where it leaves nothing."""
        said = []
        if self._known().login == github_snapshot.ACTIONS_LOGIN:
            said.append(_OF_A_WORKFLOW)
        if self.is_signed is False:
            said.append(_UNSIGNED)
        return tuple(said)

    def export(self, base: str, folder: Path) -> None:
        """Write the files of the commit `base` into an empty folder."""
        if self.checkout is not None and self.checkout.resolve(base) is not None:
            self.checkout.export(base, folder)
        else:
            unpack(self.api, base, folder)

    def write_tree(self, base: str, files: Mapping[str, bytes]) -> str:
        """Store the tree of `base` with some files replaced, their modes kept; return its id."""
        entries = [self._entry(base, path, content) for path, content in files.items()]
        body = {"base_tree": self._tree_of(base), "tree": entries}
        return str(self.api.write("POST", "git/trees", body)["sha"])

    def write_commit(self, tree: str, parent: str, message: str) -> str:
        """Store a commit, which no branch holds yet; return its id.

        There is no author and no committer in it: GitHub fills in the token's, and signs.
        """
        body = {"message": message, "tree": tree, "parents": [parent]}
        made = self.api.write("POST", "git/commits", body)
        self.is_signed = bool((made.get("verification") or {}).get("verified"))
        return str(made["sha"])

    def move_branch(self, branch: str, expected: str | None, to: str | None) -> None:
        """Move a branch from `expected` (None: it is made) to `to` (None: it is deleted).

        Raises:
            BranchMovedError: it is not at `expected`; it has been left where it is.
        """
        update = {
            "name": f"refs/heads/{branch}",
            "beforeOid": expected or _NOTHING,
            "afterOid": to or _NOTHING,
            "force": True,
        }
        variables = {"repository": self._known().repository_id, "update": update}
        try:
            self.api.mutate("move_branch", variables, lambda: self._arrived(branch, to))
        except RefusedError as error:
            stands = self._tip(branch)
            if stands == to:
                return
            if stands != expected:
                raise BranchMovedError(
                    f"{self.api.repository}: the branch {branch!r} is not where it was",
                    "Somebody was faster, and nothing is overwritten; the next run looks again.",
                ) from None
            raise ForgeError(error.message, error.hint) from None

    def open_pull(self, branch: str, title: str, body: str) -> int:
        """Open a pull request into the base and return its number; one that is open is adopted."""
        given = {"title": title, "body": body, "head": branch, "base": self.base}
        try:
            made = self.api.write("POST", "pulls", given, lambda: self._open_of(branch))
        except RefusedError as error:
            found = self._open_of(branch) if error.status == _UNPROCESSABLE else None
            if found is None:
                raise
            self._adopted.add(found["number"])
            made = found
        self._ids[made["number"]] = made["node_id"]
        return int(made["number"])

    def edit_pull(
        self, number: int, *, title: str | None = None, body: str | None = None, close: bool = False
    ) -> None:
        """Write title and body, and close it, in one write."""
        given = {"title": title, "body": body, "state": "closed" if close else None}
        wanted = {key: value for key, value in given.items() if value is not None}
        self.api.write("PATCH", f"pulls/{number}", wanted)

    def mark_pull(
        self, number: int, labels: frozenset[str], assignees: frozenset[str] = frozenset()
    ) -> None:
        """Set its labels, and add assignees; GitHub makes labels that do not exist yet.

        Who is no collaborator cannot be assigned, which is no reason to go without labels.
        """
        path, marks = f"issues/{number}", {"labels": sorted(labels)}
        people = {"assignees": sorted(assignees)} if assignees else {}
        if people and number in self._adopted:
            # Somebody may have taken it on since: this write adds, the other one replaces.
            self.api.write("POST", f"{path}/assignees", people)
            people = {}
        try:
            self.api.write("PATCH", path, marks | people)
        except RefusedError as error:
            if not people or error.status != _UNPROCESSABLE:
                raise
            self.api.write("PATCH", path, marks)

    def comment(self, number: int, text: str) -> None:
        """Add one comment."""
        path = f"issues/{number}/comments"
        self.api.write("POST", path, {"body": text}, lambda: self._said(path, text))

    def auto_merge(self, number: int, *, on: bool) -> None:
        """Turn merging by itself, once every check has passed, on or off."""
        variables: Json = {"pull": self._id(number)}
        if on:
            variables["method"] = self._known().merge_method
        name = "auto_merge_on" if on else "auto_merge_off"
        try:
            self.api.mutate(name, variables, lambda: self._merges_itself(number, on=on))
        except RefusedError as error:
            raise ForgeError(
                f"{error.message} (#{number}, auto-merge)",
                "Allow auto-merge in the repository's settings, and require the status "
                f"trimtab/policy on {self.base}: see docs/security.md.",
            ) from None

    def write_dashboard(self, number: int | None, title: str, body: str) -> int:
        """Write the dashboard issue, made where `number` is None; return its number."""
        given = {"title": title, "body": body}
        if number is not None:
            self.api.write("PATCH", f"issues/{number}", given)
            return number
        made = self.api.write("POST", "issues", given | {"labels": [LABEL]}, self._dashboard)
        return int(made["number"])

    def _known(self) -> github_snapshot.Read:
        if self._read is None:
            self.snapshot()
        assert self._read is not None
        return self._read

    def _tree_of(self, commit: str) -> str:
        known = self._known()
        if commit == known.snapshot.base:
            return known.base_tree
        return str(self.api.get(f"git/commits/{commit}")["tree"]["sha"])

    def _entry(self, base: str, path: str, content: bytes) -> Json:
        entry: Json = {"path": path, "mode": self._mode(base, path), "type": "blob"}
        try:
            entry["content"] = content.decode()
        except UnicodeDecodeError:
            body = {"content": b64encode(content).decode(), "encoding": "base64"}
            entry["sha"] = self.api.write("POST", "git/blobs", body)["sha"]
        return entry

    def _mode(self, base: str, path: str) -> str:
        """Return a file's mode in the commit; one read for all files of a folder."""
        folder = f"{base}:{posixpath.dirname(path)}"
        if folder not in self._modes:
            owner, _, name = self.api.repository.partition("/")
            variables = {"owner": owner, "name": name, "folder": folder}
            found = self.api.query("modes", variables)["repository"]["object"] or {}
            self._modes[folder] = {
                each["name"]: f"{each['mode']:06o}" for each in found.get("entries") or []
            }
        mode = self._modes[folder].get(posixpath.basename(path), "100644")
        if mode not in _FILE_MODES:
            raise ForgeError(f"{path} is not a plain file at {base[:12]} (mode {mode})")
        return mode

    def _tip(self, branch: str) -> str | None:
        try:
            return str(self.api.get(f"git/ref/heads/{branch}")["object"]["sha"])
        except RefusedError as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    def _arrived(self, branch: str, to: str | None) -> Json | None:
        return {} if self._tip(branch) == to else None

    def _open_of(self, branch: str) -> Json | None:
        """Return the open pull request of a branch of this repository into the base."""
        owner = self.api.repository.partition("/")[0]
        parameters = {"state": "open", "head": f"{owner}:{branch}", "base": self.base}
        found = self.api.get("pulls", parameters)
        # `head` is ignored silently where it is misspelt, and then this is every pull request.
        return next((pull for pull in found if pull["head"]["ref"] == branch), None)

    def _said(self, path: str, text: str) -> Json | None:
        # `now` is Airbyte's clock, and not GitHub's.
        since = (self.now - timedelta(days=1)).isoformat()
        newest = self.api.get(path, {"per_page": 100, "since": since})
        return next((each for each in newest if each["body"] == text), None)

    def _dashboard(self) -> Json | None:
        found = github_snapshot.read(self.api, self.base, self.now).snapshot.dashboard
        return None if found is None else {"number": found.number}

    def _id(self, number: int) -> str:
        if number not in self._ids:
            self._ids[number] = self._pull(number)["id"]
        return self._ids[number]

    def _merges_itself(self, number: int, *, on: bool) -> Json | None:
        is_on = self._pull(number)["autoMergeRequest"] is not None
        return {} if is_on == on else None

    def _pull(self, number: int) -> Json:
        owner, _, name = self.api.repository.partition("/")
        variables = {"owner": owner, "name": name, "number": number}
        found: Json = self.api.query("pull_id", variables)["repository"]["pullRequest"]
        return found
