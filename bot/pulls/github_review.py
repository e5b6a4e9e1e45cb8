"""What GitHub says of one pull request to the approval check, and the status that answers."""

import posixpath
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bot.pulls.approval import CONTEXT, Conclusion, GivenReview
from bot.pulls.approval_diff import Diff
from bot.pulls.github_api import Api, Json, RefusedError
from bot.pulls.github_snapshot import plain_login

_DESCRIPTION_LENGTH: Final = 140
_MOST_FILES: Final = 50
_NOT_FOUND: Final = 404
_WORDS: Final = {"added": "adds", "removed": "deletes"}


@dataclass(frozen=True, slots=True)
class HeadCommit:
    """The commit at the head: who made it, and whether GitHub vouches for that."""

    sha: str
    message: str
    tree: str
    author: str
    is_signed: bool


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A pull request as the approval check sees it; `body` is untrusted."""

    number: int
    url: str
    branch: str
    base: str
    base_tip: str
    head: str
    body: str
    author: str
    is_by_bot: bool
    is_fork: bool
    is_open: bool
    commit: HeadCommit
    reviews: tuple[GivenReview, ...]


def read_pull(api: Api, number: int) -> Reviewed:
    """Read a pull request with all of its reviews.

    Raises:
        ForgeError: there is none of that number, or it cannot be read.
    """
    owner, _, name = api.repository.partition("/")
    asked: Json = {"owner": owner, "name": name, "number": number, "after": None}
    reviews: list[GivenReview] = []
    while True:
        pull = api.query("review", asked)["repository"]["pullRequest"]
        reviews += [_review(each) for each in pull["reviews"]["nodes"] if each["author"]]
        page = pull["reviews"]["pageInfo"]
        if not page["hasNextPage"]:
            return _reviewed(pull, tuple(reviews))
        asked["after"] = page["endCursor"]


def _review(node: Json) -> GivenReview:
    # A commit that a force-push has dropped is null: such a review approves nothing.
    head = node["commit"]["oid"] if node["commit"] else ""
    return GivenReview(node["author"]["login"], node["state"], head)


def _reviewed(pull: Json, reviews: tuple[GivenReview, ...]) -> Reviewed:
    commit = pull["commits"]["nodes"][0]["commit"]
    signature = commit["signature"] or {}
    author = pull["author"] or {"login": "", "__typename": "User"}
    return Reviewed(
        number=pull["number"],
        url=pull["url"],
        branch=pull["headRefName"],
        base=pull["baseRefName"],
        base_tip=pull["baseRefOid"],
        head=pull["headRefOid"],
        body=pull["body"] or "",
        author=plain_login(author["login"]),
        is_by_bot=author["__typename"] == "Bot",
        is_fork=pull["isCrossRepository"],
        is_open=pull["state"] == "OPEN",
        commit=HeadCommit(
            sha=commit["oid"],
            message=commit["message"],
            tree=commit["tree"]["oid"],
            author=plain_login((commit["author"] or {}).get("name") or ""),
            is_signed=bool(signature.get("isValid") and signature.get("wasSignedByGitHub")),
        ),
        reviews=reviews,
    )


def read_diff(api: Api, pull: Reviewed) -> tuple[str, Diff]:
    """Return the commit that a pull request's branch stands on, and what differs from it."""
    found = api.get(f"compare/{pull.base_tip}...{pull.head}")
    fork = str(found["merge_base_commit"]["sha"])
    listed = found["files"]
    if len(listed) > _MOST_FILES:
        return fork, Diff({}, (f"It changes {len(listed)} files or more.",))
    others = [
        f"It {_WORDS.get(file['status'], 'renames or retypes')} {file['filename']}."
        for file in listed
        if file["status"] != "modified"
    ]
    if not others:
        others = [
            f"It changes the mode of {file['filename']}."
            for file in listed
            if _mode(api, fork, file["filename"]) != _mode(api, pull.head, file["filename"])
        ]
    if others:
        return fork, Diff({}, tuple(others))
    return fork, Diff({file["filename"]: _blob(api, file["sha"]) for file in listed})


def _blob(api: Api, sha: str) -> bytes:
    return b64decode(api.get(f"git/blobs/{sha}")["content"])


def _mode(api: Api, commit: str, path: str) -> int | None:
    owner, _, name = api.repository.partition("/")
    folder = f"{commit}:{posixpath.dirname(path)}"
    found = api.query("modes", {"owner": owner, "name": name, "folder": folder})
    entries: list[Any] = (found["repository"]["object"] or {}).get("entries") or []
    base = posixpath.basename(path)
    return next((entry["mode"] for entry in entries if entry["name"] == base), None)


@dataclass(frozen=True, slots=True)
class Teams:
    """Who belongs to which team, asked of GitHub once each."""

    api: Api
    known: dict[tuple[str, str], bool | None] = field(default_factory=dict)

    def is_member(self, team: str, login: str) -> bool | None:
        """Tell whether a login is in `org/team`; None where the token may not read that."""
        key = (team, login)
        if key not in self.known:
            self.known[key] = self._ask(team, login)
        return self.known[key]

    def _ask(self, team: str, login: str) -> bool | None:
        organisation, _, slug = team.partition("/")
        path = f"/orgs/{organisation}/teams/{slug}"
        try:
            found: Mapping[str, str] = self.api.get(f"{path}/memberships/{login}")
        except RefusedError as error:
            # A team that the token does not see is a 404 as well: only one that it sees says no.
            return False if error.status == _NOT_FOUND and self._sees(path) else None
        return found["state"] == "active"

    def _sees(self, path: str) -> bool:
        try:
            self.api.get(path)
        except RefusedError:
            return False
        return True


def post_status(api: Api, pull: Reviewed, conclusion: Conclusion) -> None:
    """Post the status on the head; the same one again does no harm."""
    sentence = conclusion.sentence
    if len(sentence) > _DESCRIPTION_LENGTH:
        sentence = sentence[: _DESCRIPTION_LENGTH - 1] + "…"
    body = {
        "state": conclusion.state.value,
        "context": CONTEXT,
        "description": sentence,
        "target_url": pull.url,
    }
    api.write("POST", f"statuses/{pull.head}", body)
