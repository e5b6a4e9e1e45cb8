"""Reading GitHub in one query: the base, trimtab's branches and pull requests, the dashboard.

Pull requests are found from both ends: through every branch under `trimtab/`, labelled or not, and,
for those whose branch is gone, through the label. A search would be shorter and lags behind.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from bot.domain.errors import ForgeError
from bot.pulls.github_api import Api, Json
from bot.pulls.labels import LABEL
from bot.pulls.snapshot import PREFIX, Commit, Issue, Pull, PullState, Review, Snapshot
from bot.pulls.ticks import MARKER

ACTIONS_LOGIN: Final = "github-actions"
_REMEMBERED: Final = timedelta(days=150)
_NO_CURSOR: Final[Mapping[str, str | None]] = {"branchesAfter": None, "endedAfter": None}
_REVIEWS: Final = {
    "APPROVED": Review.APPROVED,
    "CHANGES_REQUESTED": Review.CHANGES_REQUESTED,
    "REVIEW_REQUIRED": Review.REQUIRED,
}


@dataclass(frozen=True, slots=True)
class Read:
    """A snapshot, and what writing needs to know beside it.

    `login` is the account of the token; `merge_method` is the one that the repository offers first;
    `pull_ids` maps numbers to GitHub's node ids.
    """

    snapshot: Snapshot
    repository_id: str
    base_tree: str
    login: str
    merge_method: str
    pull_ids: Mapping[int, str] = field(default_factory=dict)


def read(api: Api, base: str, now: datetime) -> Read:
    """Read everything of trimtab's against the branch `base`.

    Raises:
        ForgeError: GitHub cannot be read, or has no such repository or branch.
    """
    owner, _, name = api.repository.partition("/")
    asked: Json = {
        "owner": owner,
        "name": name,
        "base": f"refs/heads/{base}",
        "label": LABEL,
        **_NO_CURSOR,
    }
    branches: list[Json] = []
    ended: list[Json] = []
    more = {"withBranches": True, "withEnded": True, "withIssues": True}
    first: Json = {}
    while any(more.values()):
        answer = api.query("snapshot", asked | more)
        found = answer["repository"]
        first = first or answer
        branches += _nodes(found.get("refs"))
        ended += _nodes(found.get("pullRequests"))
        asked["branchesAfter"] = _next(found.get("refs"))
        asked["endedAfter"] = _next(found.get("pullRequests"))
        more = {
            "withBranches": asked["branchesAfter"] is not None,
            "withEnded": asked["endedAfter"] is not None and _is_recent(ended, now),
            "withIssues": False,
        }
    return _put_together(api, base, first, branches, ended)


def _put_together(
    api: Api, base: str, first: Json, branches: list[Json], ended: list[Json]
) -> Read:
    repository, login = first["repository"], plain_login(first["viewer"]["login"])
    tip = (repository["ref"] or {}).get("target")
    if tip is None:
        raise ForgeError(
            f"{api.repository}: there is no branch {base!r}",
            "Set forge.base in trimtab.yaml to the branch that is applied.",
        )
    through_branches = [pull for ref in branches for pull in _nodes(ref["associatedPullRequests"])]
    pulls = {pull["number"]: pull for pull in (*ended, *through_branches) if _is_ours(pull)}
    snapshot = Snapshot(
        base=tip["oid"],
        pulls=tuple(_pull(pulls[number], login) for number in sorted(pulls)),
        branches={f"{PREFIX}{ref['name']}": _commit(ref["target"]) for ref in branches},
        dashboard=_dashboard(_nodes(repository.get("issues"))),
    )
    ids = {number: pull["id"] for number, pull in pulls.items()}
    method = repository["viewerDefaultMergeMethod"]
    return Read(snapshot, repository["id"], tip["tree"]["oid"], login, method, ids)


def plain_login(login: str) -> str:
    """Return a login without the `[bot]` that GitHub's two APIs disagree about."""
    return login.removesuffix("[bot]")


def _is_ours(pull: Json) -> bool:
    return not pull["isCrossRepository"] and str(pull["headRefName"]).startswith(PREFIX)


def _pull(pull: Json, login: str) -> Pull:
    return Pull(
        number=pull["number"],
        branch=pull["headRefName"],
        state=PullState(pull["state"].lower()),
        title=pull["title"],
        body=pull["body"] or "",
        created_at=_instant(pull["createdAt"]),
        ended_at=_instant(pull["mergedAt"] or pull["closedAt"]) if pull["closedAt"] else None,
        ended_by_us=_ended_by_us(pull, login),
        conflicts=pull["mergeable"] == "CONFLICTING",
        labels=frozenset(label["name"] for label in _nodes(pull["labels"])),
        auto_merge=pull["autoMergeRequest"] is not None,
        review=_REVIEWS.get(pull["reviewDecision"] or ""),
        url=pull["url"],
    )


def _ended_by_us(pull: Json, login: str) -> bool | None:
    """Tell whose doing the end was; every workflow of a repository shares one account."""
    if pull["state"] == "OPEN" or login == ACTIONS_LOGIN:
        return None
    for event in _nodes(pull["timelineItems"]):
        if event.get("actor"):
            return plain_login(event["actor"]["login"]) == login
    return None


def _commit(target: Json) -> Commit:
    return Commit(target["oid"], target["tree"]["oid"], target["message"])


def _dashboard(issues: Iterable[Json]) -> Issue | None:
    for issue in issues:
        if MARKER in (issue["body"] or ""):
            is_open = issue["state"] == "OPEN"
            return Issue(issue["number"], issue["title"], issue["body"], is_open, issue["url"])
    return None


def _is_recent(ended: list[Json], now: datetime) -> bool:
    """Tell whether the next page may still hold something to remember: they come newest first."""
    return now - _instant(ended[-1]["updatedAt"]) < _REMEMBERED


def _nodes(connection: Json | None) -> list[Any]:
    return [node for node in (connection or {}).get("nodes") or [] if node is not None]


def _next(connection: Json | None) -> str | None:
    page = (connection or {}).get("pageInfo") or {}
    return page.get("endCursor") if page.get("hasNextPage") else None


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
