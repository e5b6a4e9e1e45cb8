"""A GitHub for tests: real HTTP over loopback, a real bare repository behind it.

What git decides is left to git: object ids, trees, fast-forwards, what a branch differs in. The
rest is as GitHub answers, 422s included. `GitHub.people` are what people do in its web pages.
"""

import base64
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from graphql import GraphQLSchema, build_schema, graphql_sync

from bot.domain.errors import ForgeError
from bot.pulls.git import Git

NOTHING = "0" * 40
WHEN = datetime(2026, 11, 21, 6, tzinfo=UTC)
Json = dict[str, Any]


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]

    @property
    def is_write(self) -> bool:
        if self.path.endswith("/graphql"):
            return str(self.body["query"]).lstrip().startswith("mutation")
        return self.method != "GET"


class RefusalError(Exception):
    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


@dataclass
class Fault:
    """What goes wrong with the next request whose method and path match.

    `after` lets the request be carried out first; status 0 breaks the connection.
    """

    match: str
    status: int
    after: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    message: str = "Server Error"


@dataclass
class PullRequest:
    number: int
    title: str
    body: str
    branch: str
    base: str
    author: str
    state: str = "OPEN"
    is_cross: bool = False
    head_when_ended: str = ""
    created: datetime = WHEN
    updated: datetime = WHEN
    closed: datetime | None = None
    merged: datetime | None = None
    labels: list[str] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    comments: list[Json] = field(default_factory=list)
    reviews: list[Json] = field(default_factory=list)
    auto_merge: bool = False
    ended_by: str | None = None


@dataclass
class IssueRecord:
    number: int
    title: str
    body: str
    labels: list[str]
    state: str = "OPEN"


class GitHub:
    """One repository, `acme/data`, served on loopback."""

    def __init__(self, folder: Path, login: str = "trimtab-bot[bot]") -> None:
        self.git = Git(folder)
        self.repository = "acme/data"
        self.login = login
        self.token = "ghs_a_secret_token"
        self.pulls: dict[int, PullRequest] = {}
        self.issues: dict[int, IssueRecord] = {}
        self.statuses: list[Json] = []
        self.teams: dict[str, set[str]] = {}
        self.may_read_teams = True
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.now = WHEN
        self.objects: dict[str, Json] = {}
        self.authors: dict[str, str] = {}
        self.signed: set[str] = set()
        self.permissions: Json = {}
        self.required: list[str] = []
        self.strangers: set[str] = set()
        self.auto_merge_allowed = True
        self._lock = threading.RLock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handling(self))
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    @classmethod
    def make(cls, folder: Path, files: dict[str, bytes]) -> "GitHub":
        """Serve a new repository with one commit on `main`."""
        git = Git(folder)
        folder.mkdir()
        git.run("init", "--quiet", "--bare", "--initial-branch=main")
        root = git.write_commit(git.write_flat_tree({}), [], "root", "1700000000 +0000")
        start = git.write_commit(git.write_tree(root, files), [root], "start", "1700000001 +0000")
        git.move_ref("refs/heads/main", None, start)
        return cls(folder)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def writes(self) -> list[Request]:
        return [request for request in self.requests if request.is_write]

    # What people do.

    def commit(
        self, parent: str, files: dict[str, bytes], message: str = "by hand", author: str = "ada"
    ) -> str:
        at = self.git.resolve(parent)
        assert at is not None
        tree = self.git.write_tree(at, files)
        made = self.git.write_commit(tree, [at], message, "1790000001 +0000")
        self.authors[made] = author
        return made

    def push(
        self, branch: str, files: dict[str, bytes], message: str = "by hand", author: str = "ada"
    ) -> str:
        parent = self.tip(branch) or self.tip("main")
        assert parent is not None
        made = self.commit(parent, files, message, author)
        self.git.run("update-ref", f"refs/heads/{branch}", made)
        return made

    def tip(self, branch: str) -> str | None:
        return self.git.resolve(f"refs/heads/{branch}")

    def tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def end(self, number: int, login: str) -> None:
        pull = self.pulls[number]
        pull.head_when_ended = self.head(pull)
        pull.state, pull.ended_by = "CLOSED", login
        pull.closed = pull.updated = self.tick()

    def merge(self, number: int, login: str = "ada") -> bool:
        """Merge as the green button does; False where there is a conflict."""
        pull = self.pulls[number]
        head, base = self.head(pull), self.tip(pull.base)
        if base is None or not self.merges(pull):
            return False
        tree = self.git.text("merge-tree", "--write-tree", base, head).split()[0]
        made = self.git.write_commit(tree, [base, head], f"Merge #{number}", "1790000002 +0000")
        self.git.move_ref(f"refs/heads/{pull.base}", base, made)
        self.end(number, login)
        pull.state, pull.merged = "MERGED", pull.closed
        return True

    def merges(self, pull: PullRequest) -> bool:
        return self.git.accepts("merge-tree", "--write-tree", pull.base, self.head(pull))

    def reopen(self, number: int) -> bool:
        """Open it again; not where its branch has gone on, or another one is open on it."""
        pull = self.pulls[number]
        tip = self.tip(pull.branch)
        taken = any(p.branch == pull.branch and p.state == "OPEN" for p in self.pulls.values())
        if taken or tip not in {None, pull.head_when_ended}:
            return False
        if tip is None:
            self.git.move_ref(f"refs/heads/{pull.branch}", None, pull.head_when_ended)
        pull.state, pull.closed, pull.ended_by = "OPEN", None, None
        return True

    def remember(self, branch: str, *, ended: bool) -> PullRequest:
        """Put a labelled pull request on record, as if its whole life had gone by."""
        number = self._number()
        pull = PullRequest(number, "title", "body", branch, "main", self.login, labels=["trimtab"])
        self.pulls[number] = pull
        if ended:
            pull.state, pull.closed, pull.ended_by = "CLOSED", self.tick(), "ada"
        return pull

    def delete_branch(self, branch: str, login: str = "ada") -> None:
        for pull in self.pulls.values():
            if pull.branch == branch and pull.state == "OPEN":
                self.end(pull.number, login)
        self.git.run("update-ref", "-d", f"refs/heads/{branch}")

    def review(self, number: int, login: str, state: str, commit: str | None = None) -> None:
        at = commit or self.head(self.pulls[number])
        self.pulls[number].reviews.append(
            {"login": login, "state": state, "commit": at, "at": self.tick()}
        )

    def head(self, pull: PullRequest) -> str:
        live = self.tip(pull.branch) if pull.state == "OPEN" else None
        return live or pull.head_when_ended or NOTHING

    # What the server does.

    def answer(self, request: Request) -> tuple[int, Json | list[Json] | bytes | None, Json]:
        with self._lock:
            self.requests.append(request)
            fault = self._fault(request)
            if fault and not fault.after:
                return fault.status, {"message": fault.message}, fault.headers
            try:
                status, body = self._carry_out(request)
            except RefusalError as refusal:
                return refusal.status, {"message": str(refusal)}, refusal.headers
            except ForgeError as error:
                return 422, {"message": error.message}, {}
            if fault:
                return fault.status, {"message": fault.message}, fault.headers
            return status, body, {}

    def _fault(self, request: Request) -> Fault | None:
        name = f"{request.method} {request.path}"
        if request.path.endswith("/graphql"):
            name = f"GRAPHQL {request.body['query'].split('(')[0].split()[-1]}"
        for fault in self.faults:
            if re.search(fault.match, name):
                self.faults.remove(fault)
                return fault
        return None

    def _carry_out(self, request: Request) -> tuple[int, Any]:
        path = request.path
        if not path.startswith("/app/") and not path.endswith("/installation"):
            held = request.headers.get("authorization", "")
            if held not in {f"token {self.token}", f"Bearer {self.token}"}:
                raise RefusalError(401, "Bad credentials")
        if path == "/graphql":
            return 200, self._graphql(request.body)
        prefix = f"/repos/{self.repository}/"
        if path.startswith(prefix):
            return self._rest(request, path.removeprefix(prefix))
        if match := re.fullmatch(r"/orgs/([^/]+)/teams/([^/]+)(?:/memberships/([^/]+))?", path):
            return 200, self._team(f"{match[1]}/{match[2]}", match[3])
        if re.fullmatch(r"/app/installations/\d+/access_tokens", path):
            self.permissions = request.body["permissions"]
            expires = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
            return 201, {"token": self.token, "expires_at": expires, "permissions": {}}
        raise RefusalError(404, "Not Found")

    def _rest(self, request: Request, path: str) -> tuple[int, Any]:
        for method, pattern, handler in _ROUTES:
            match = re.fullmatch(pattern, path)
            if match and method == request.method:
                groups = [unquote(group) for group in match.groups()]
                answer: tuple[int, Any] = handler(self, request, *groups)
                return answer
        raise RefusalError(404, "Not Found")

    def post_tree(self, request: Request) -> tuple[int, Json]:
        body = request.body
        index = {"GIT_INDEX_FILE": str(self.git.folder / "fake-index")}
        if self._kind(body["base_tree"]) not in {"tree", "commit"}:
            raise RefusalError(422, "base_tree is not a tree")
        self.git.run("read-tree", body["base_tree"], env=index)
        for entry in body["tree"]:
            sha = entry.get("sha") or self.git.store(entry["content"].encode())
            what = f"{entry['mode']},{sha},{entry['path']}"
            self.git.run("update-index", "--add", "--cacheinfo", what, env=index)
        tree = self.git.run("write-tree", env=index).decode().strip()
        return 201, {"sha": tree, "url": f"{self.url}/trees/{tree}", "tree": [], "truncated": False}

    def post_blob(self, request: Request) -> tuple[int, Json]:
        return 201, {"sha": self.git.store(base64.b64decode(request.body["content"]))}

    def get_blob(self, request: Request, sha: str) -> tuple[int, Json]:
        content = base64.encodebytes(self.git.run("cat-file", "blob", sha)).decode()
        return 200, {"sha": sha, "encoding": "base64", "content": content}

    def post_commit(self, request: Request) -> tuple[int, Json]:
        body = request.body
        if self._kind(body["tree"]) != "tree":
            raise RefusalError(422, "Tree SHA does not exist")
        when = "1790000000 +0000"
        sha = self.git.write_commit(body["tree"], body["parents"], body["message"], when)
        self.authors[sha] = self.login
        is_signed = self.login.endswith("[bot]") and not {"author", "committer"} & body.keys()
        self.signed |= {sha} if is_signed else set()
        return 201, {"sha": sha, "verification": {"verified": is_signed, "reason": "valid"}}

    def get_commit(self, request: Request, sha: str) -> tuple[int, Json]:
        if self._kind(sha) != "commit":
            raise RefusalError(404, "Not Found")
        tree = self.git.text("rev-parse", f"{sha}^{{tree}}")
        return 200, {"sha": sha, "tree": {"sha": tree}}

    def get_ref(self, request: Request, branch: str) -> tuple[int, Json]:
        tip = self.tip(branch)
        if tip is None:
            raise RefusalError(404, "Not Found")
        return 200, {"ref": f"refs/heads/{branch}", "object": {"type": "commit", "sha": tip}}

    def post_pull(self, request: Request) -> tuple[int, Json]:
        body = request.body
        tip = self.tip(body["head"])
        if tip is None or self.tip(body["base"]) is None:
            raise RefusalError(422, "Validation Failed")
        if self.git.text("rev-list", "--count", f"{body['base']}..{tip}") == "0":
            raise RefusalError(422, f"No commits between {body['base']} and {body['head']}")
        if any(p.branch == body["head"] and p.state == "OPEN" for p in self.pulls.values()):
            raise RefusalError(422, f"A pull request already exists for acme:{body['head']}.")
        if len(body.get("body") or "") > 65_536:
            raise RefusalError(422, "body is too long (maximum is 65536 characters)")
        number = self._number()
        self.pulls[number] = PullRequest(
            number, body["title"], body["body"], body["head"], body["base"], self.login,
            created=self.tick(), updated=self.now,
        )  # fmt: skip
        return 201, self._pull_json(self.pulls[number])

    def get_pulls(self, request: Request) -> tuple[int, list[Json]]:
        head = request.query.get("head", "")
        found = [
            pull
            for pull in self.pulls.values()
            if pull.state == "OPEN" and (":" not in head or f"acme:{pull.branch}" == head)
        ]
        return 200, [self._pull_json(pull) for pull in found]

    def patch_pull(self, request: Request, number: str) -> tuple[int, Json]:
        pull = self._pull(number)
        body = request.body
        if len(body.get("body") or "") > 65_536:
            raise RefusalError(422, "body is too long (maximum is 65536 characters)")
        pull.title = body.get("title", pull.title)
        pull.body = body.get("body", pull.body)
        pull.updated = self.tick()
        if body.get("state") == "closed" and pull.state == "OPEN":
            self.end(pull.number, self.login)
        return 200, self._pull_json(pull)

    def patch_issue(self, request: Request, number: str) -> tuple[int, Json]:
        if set(request.body.get("assignees") or []) & self.strangers:
            raise RefusalError(422, "Validation Failed")
        record = self.pulls.get(int(number)) or self.issues.get(int(number))
        if record is None:
            raise RefusalError(404, "Not Found")
        for name in ("title", "body", "labels", "assignees"):
            if name in request.body:
                setattr(record, name, request.body[name])
        return 200, {"number": int(number)}

    def post_assignees(self, request: Request, number: str) -> tuple[int, Json]:
        pull = self._pull(number)
        pull.assignees = [*dict.fromkeys([*pull.assignees, *request.body["assignees"]])]
        return 201, {"number": pull.number}

    def post_comment(self, request: Request, number: str) -> tuple[int, Json]:
        made = {"id": len(self.requests), "body": request.body["body"]}
        self._pull(number).comments.append(made)
        return 201, made

    def get_comments(self, request: Request, number: str) -> tuple[int, list[Json]]:
        return 200, self._pull(number).comments

    def post_issue(self, request: Request) -> tuple[int, Json]:
        number = self._number()
        body = request.body
        self.issues[number] = IssueRecord(number, body["title"], body["body"], body["labels"])
        return 201, {"number": number}

    def post_status(self, request: Request, sha: str) -> tuple[int, Json]:
        if len(request.body.get("description") or "") > 140:
            raise RefusalError(422, "description is too long (maximum is 140 characters)")
        if self._kind(sha) != "commit":
            raise RefusalError(422, "No commit found for SHA")
        self.statuses.append({"sha": sha, **request.body})
        return 201, {"id": 1}

    def get_tarball(self, request: Request, sha: str) -> tuple[int, bytes]:
        return 200, self.git.run(
            "archive", "--format=tar.gz", f"--prefix=acme-data-{sha[:7]}/", sha
        )

    def get_compare(self, request: Request, base: str, head: str) -> tuple[int, Json]:
        fork = self.git.text("merge-base", base, head)
        raw = self.git.run("diff-tree", "-r", "-z", "--no-renames", fork, head).decode()
        fields = raw.split("\0")
        names = {"A": "added", "D": "removed", "M": "modified", "T": "changed"}
        files = [
            {"filename": path, "status": names[meta.split()[4]], "sha": meta.split()[3]}
            for meta, path in zip(fields[::2], fields[1::2], strict=False)
        ]
        return 200, {"merge_base_commit": {"sha": fork}, "files": files[:300]}

    def get_rules(self, request: Request, branch: str) -> tuple[int, list[Json]]:
        checks = [{"context": name} for name in self.required]
        rule = {"type": "required_status_checks", "parameters": {"required_status_checks": checks}}
        return 200, [{"type": "deletion"}, *([rule] if checks else [])]

    def get_branch(self, request: Request, branch: str) -> tuple[int, Json]:
        return 200, {"name": branch, "protected": bool(self.required), "protection": {}}

    def get_installation(self, request: Request) -> tuple[int, Json]:
        if not request.headers.get("authorization", "").startswith("Bearer ey"):
            raise RefusalError(401, "A JSON web token could not be decoded")
        return 200, {
            "id": 77,
            "access_tokens_url": f"{self.url}/app/installations/77/access_tokens",
        }

    def _team(self, team: str, login: str | None) -> Json:
        if not self.may_read_teams:
            raise RefusalError(403, "Resource not accessible by integration")
        if team not in self.teams or (login and login not in self.teams[team]):
            raise RefusalError(404, "Not Found")
        return {"state": "active", "role": "member"} if login else {"slug": team}

    def _pull(self, number: str) -> PullRequest:
        if int(number) not in self.pulls:
            raise RefusalError(404, "Not Found")
        return self.pulls[int(number)]

    def _pull_json(self, pull: PullRequest) -> Json:
        return {
            "number": pull.number,
            "node_id": f"PR_{pull.number}",
            "state": "open" if pull.state == "OPEN" else "closed",
            "head": {"ref": pull.branch, "sha": self.head(pull)},
        }

    def _number(self) -> int:
        return 1 + max([*self.pulls, *self.issues], default=0)

    def _kind(self, sha: str) -> str:
        try:
            return self.git.text("cat-file", "-t", sha)
        except ForgeError:
            return ""

    # GraphQL.

    def _graphql(self, body: Json) -> Json:
        done = graphql_sync(
            schema(), body["query"], root_value=_Root(self), variable_values=body["variables"]
        )
        answer: Json = {"data": done.data}
        if done.errors:
            kinds = [getattr(error.original_error, "kind", None) for error in done.errors]
            answer["errors"] = [
                {"message": error.message, **({"type": kind} if kind else {})}
                for error, kind in zip(done.errors, kinds, strict=True)
            ]
        return answer

    def move(self, update: Json) -> None:
        name, before, after = update["name"], update.get("beforeOid"), update["afterOid"]
        branch = name.removeprefix("refs/heads/")
        stands = self.tip(branch)
        if before is not None and before != (stands or NOTHING):
            raise QueryError("UNPROCESSABLE", f"Reference {name} is not at {before}")
        if after == NOTHING:
            self.delete_branch(branch, self.login)
            return
        if self._kind(after) != "commit":
            raise QueryError("UNPROCESSABLE", "Object does not exist")
        if stands and not update["force"]:
            raise QueryError("UNPROCESSABLE", "Update is not a fast forward")
        self.git.run("update-ref", name, after, stands or NOTHING)


class QueryError(Exception):
    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@cache
def schema() -> GraphQLSchema:
    return build_schema(Path(__file__).with_suffix(".graphql").read_text(encoding="utf-8"))


def _page(nodes: list[Any], first: int | None, after: str | None) -> Json:
    start = int(after) if after else 0
    end = start + (first or 100)
    return {
        "nodes": nodes[start:end],
        "pageInfo": {"hasNextPage": end < len(nodes), "endCursor": str(end)},
    }


class _Root:
    def __init__(self, hub: GitHub) -> None:
        self.hub = hub
        self.viewer = {"login": hub.login}

    def repository(self, _info: Any, owner: str, name: str) -> Any:
        if f"{owner}/{name}" != self.hub.repository:
            raise QueryError("NOT_FOUND", f"Could not resolve to a Repository '{owner}/{name}'.")
        return _Repository(self.hub)

    def updateRefs(self, _info: Any, input: Json) -> Json:  # noqa: A002, N802  GitHub's names
        for update in input["refUpdates"]:
            self.hub.move(update)
        return {"clientMutationId": None}

    def enablePullRequestAutoMerge(self, _info: Any, input: Json) -> Json:  # noqa: A002, N802
        if not self.hub.auto_merge_allowed:
            raise QueryError("UNPROCESSABLE", "Auto merge is not allowed for this repository")
        return self._auto_merge(input, on=True)

    def disablePullRequestAutoMerge(self, _info: Any, input: Json) -> Json:  # noqa: A002, N802
        return self._auto_merge(input, on=False)

    def _auto_merge(self, given: Json, *, on: bool) -> Json:
        pull = self.hub.pulls[int(given["pullRequestId"].removeprefix("PR_"))]
        pull.auto_merge = on
        return {"pullRequest": _pull_node(self.hub, pull)}


class _Repository:
    id = "R_1"
    viewerDefaultMergeMethod = "SQUASH"  # noqa: N815

    def __init__(self, hub: GitHub) -> None:
        self.hub = hub

    def ref(self, _info: Any, qualifiedName: str) -> Json | None:  # noqa: N803
        sha = self.hub.git.resolve(qualifiedName)
        return None if sha is None else {"name": qualifiedName, "target": _object(self.hub, sha)}

    def object(self, _info: Any, expression: str) -> Json | None:
        try:
            sha = self.hub.git.text("rev-parse", "--verify", "--quiet", expression)
        except ForgeError:
            return None
        return _object(self.hub, sha)

    def refs(
        self,
        _info: Any,
        refPrefix: str,  # noqa: N803
        first: int | None = None,
        after: str | None = None,
    ) -> Json:
        listed = self.hub.git.text("for-each-ref", "--format=%(refname) %(objectname)", refPrefix)
        nodes = [
            {
                "name": name.removeprefix(refPrefix),
                "target": _object(self.hub, sha),
                "associatedPullRequests": self._associated(name.removeprefix("refs/heads/")),
            }
            for name, sha in (line.split() for line in listed.splitlines())
        ]
        return _page(nodes, first, after)

    def _associated(self, branch: str) -> Callable[..., Json]:
        pulls = [p for p in reversed(self.hub.pulls.values()) if p.branch == branch]
        nodes = [_pull_node(self.hub, pull) for pull in pulls]
        return lambda _info, first=None, **_: _page(nodes, first, None)

    def pullRequest(self, _info: Any, number: int) -> Json | None:  # noqa: N802
        if number not in self.hub.pulls:
            raise QueryError("NOT_FOUND", f"Could not resolve to a PullRequest {number}.")
        return _pull_node(self.hub, self.hub.pulls[number])

    def pullRequests(  # noqa: N802
        self,
        _info: Any,
        labels: list[str],
        states: list[str],
        first: int | None = None,
        after: str | None = None,
        **_: Any,
    ) -> Json:
        found = [
            pull
            for pull in sorted(self.hub.pulls.values(), key=lambda p: p.updated, reverse=True)
            if pull.state in states and set(labels) & set(pull.labels)
        ]
        return _page([_pull_node(self.hub, pull) for pull in found], first, after)

    def issues(self, _info: Any, labels: list[str], **_: Any) -> Json:
        found = [
            {
                "number": each.number, "title": each.title, "body": each.body,
                "state": each.state, "url": f"https://github.com/acme/data/issues/{each.number}",
            }
            for each in reversed(self.hub.issues.values())
            if set(labels) & set(each.labels)
        ]  # fmt: skip
        return {"nodes": found}


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _object(hub: GitHub, sha: str) -> Json:
    # What an id names never changes.
    if sha not in hub.objects:
        hub.objects[sha] = _read(hub, sha)
    return hub.objects[sha]


def _read(hub: GitHub, sha: str) -> Json:
    kind = hub.git.text("cat-file", "-t", sha)
    if kind == "commit":
        tree = hub.git.text("rev-parse", f"{sha}^{{tree}}")
        message = hub.git.run("show", "-s", "--format=%B", sha).decode().rstrip("\n")
        return {"__typename": "Commit", "oid": sha, "message": message, "tree": {"oid": tree}}
    listed = hub.git.run("ls-tree", "-z", sha).decode().split("\0")
    entries = [
        {"name": line.split("\t", 1)[1], "mode": int(line.split()[0], 8)} for line in listed if line
    ]
    return {"__typename": "Tree", "oid": sha, "entries": entries}


def _pull_node(hub: GitHub, pull: PullRequest) -> Json:
    closing = "MergedEvent" if pull.state == "MERGED" else "ClosedEvent"
    actor = {"__typename": "User", "login": (pull.ended_by or "").removesuffix("[bot]")}
    ended = [{"__typename": closing, "actor": actor}] if pull.ended_by else []
    reviews = [
        {
            "author": {"__typename": "User", "login": review["login"]},
            "state": review["state"],
            "submittedAt": _iso(review["at"]),
            "commit": review["commit"] and {"oid": review["commit"]},
        }
        for review in pull.reviews
    ]
    return {
        "id": f"PR_{pull.number}",
        "number": pull.number,
        "url": f"https://github.com/acme/data/pull/{pull.number}",
        "state": pull.state,
        "title": pull.title,
        "body": pull.body,
        "author": {
            "__typename": "Bot" if pull.author.endswith("[bot]") else "User",
            "login": pull.author.removesuffix("[bot]"),
        },
        "createdAt": _iso(pull.created),
        "updatedAt": _iso(pull.updated),
        "closedAt": pull.closed and _iso(pull.closed),
        "mergedAt": pull.merged and _iso(pull.merged),
        "baseRefName": pull.base,
        "baseRefOid": hub.tip(pull.base),
        "headRefName": pull.branch,
        "headRefOid": hub.head(pull),
        "isCrossRepository": pull.is_cross,
        "mergeable": _mergeable(hub, pull),
        "reviewDecision": None,
        "autoMergeRequest": {"enabledAt": _iso(WHEN)} if pull.auto_merge else None,
        "labels": {"nodes": [{"name": name} for name in pull.labels]},
        "commits": lambda _info, last: {"nodes": [{"commit": _head_commit(hub, hub.head(pull))}]},
        "reviews": lambda _info, first=None, after=None: _page(reviews, first, after),
        "timelineItems": {"nodes": ended},
    }


def _head_commit(hub: GitHub, sha: str) -> Json:
    is_signed = sha in hub.signed
    signature = {"isValid": True, "wasSignedByGitHub": True} if is_signed else None
    return _object(hub, sha) | {"author": {"name": hub.authors.get(sha)}, "signature": signature}


def _mergeable(hub: GitHub, pull: PullRequest) -> str:
    if pull.state != "OPEN":
        return "UNKNOWN"
    return "MERGEABLE" if hub.merges(pull) else "CONFLICTING"


_ROUTES: list[tuple[str, str, Callable[..., tuple[int, Any]]]] = [
    ("POST", r"git/trees", GitHub.post_tree),
    ("POST", r"git/blobs", GitHub.post_blob),
    ("GET", r"git/blobs/([0-9a-f]{40})", GitHub.get_blob),
    ("POST", r"git/commits", GitHub.post_commit),
    ("GET", r"git/commits/([0-9a-f]{40})", GitHub.get_commit),
    ("GET", r"git/ref/heads/(.+)", GitHub.get_ref),
    ("GET", r"pulls", GitHub.get_pulls),
    ("POST", r"pulls", GitHub.post_pull),
    ("PATCH", r"pulls/(\d+)", GitHub.patch_pull),
    ("POST", r"issues", GitHub.post_issue),
    ("PATCH", r"issues/(\d+)", GitHub.patch_issue),
    ("POST", r"issues/(\d+)/assignees", GitHub.post_assignees),
    ("GET", r"issues/(\d+)/comments", GitHub.get_comments),
    ("POST", r"issues/(\d+)/comments", GitHub.post_comment),
    ("POST", r"statuses/([0-9a-f]{40})", GitHub.post_status),
    ("GET", r"tarball/([0-9a-f]{40})", GitHub.get_tarball),
    ("GET", r"compare/(.+)\.\.\.(.+)", GitHub.get_compare),
    ("GET", r"rules/branches/(.+)", GitHub.get_rules),
    ("GET", r"branches/(.+)", GitHub.get_branch),
    ("GET", r"installation", GitHub.get_installation),
]


def _handling(hub: GitHub) -> type[BaseHTTPRequestHandler]:
    class Handling(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            raw = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {key.lower(): value for key, value in self.headers.items()}
            query = dict(parse_qsl(parts.query))
            body = json.loads(raw) if raw else None
            request = Request(self.command, parts.path, query, body, headers)
            status, answer, extra = hub.answer(request)
            if status == 0:
                self.close_connection = True
                return
            is_bytes = isinstance(answer, bytes)
            payload = answer if is_bytes else json.dumps(answer).encode()
            assert isinstance(payload, bytes)
            self.send_response(status)
            kind = "application/gzip" if is_bytes else "application/json"
            for key, value in {"content-type": kind, **extra}.items():
                self.send_header(key, value)
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_POST = do_PATCH = do_DELETE = do_PUT = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Keep the test output clean."""

    return Handling
