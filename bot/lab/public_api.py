"""The public API: paths below its root, each answered as the server really answers."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any, Final
from urllib.parse import urlencode

from bot.lab import constants as known
from bot.lab import shapes
from bot.lab.actions import CancelJob, DeleteConnection, DeleteEndpoint, StartJob
from bot.lab.changes import Changes
from bot.lab.clocktext import parse_time
from bot.lab.fleet import EndpointKind
from bot.lab.http import Answer, Refusal, Request, anonymous_error, bare, missing, ok, problem
from bot.lab.jobpages import JobPages, JobQuery
from bot.lab.jobs import FIRST_JOB_ID, KIND_NAMES, STATUS_NAMES
from bot.lab.world import World

_ORDERS: Final = {
    f"{column}|{way}": (column, way == "DESC")
    for column in ("createdAt", "updatedAt")
    for way in ("ASC", "DESC")
}


class PublicApi:
    """Routes of the public API over one world.

    Args:
        host: root that `next` and `previous` are built from; on a default chart it is wrong.
        floor: shortest gap, in seconds, that a written cron may have.
    """

    def __init__(self, world: World, pages: JobPages, host: str, floor: int) -> None:
        self._world = world
        self._pages = pages
        self._host = host
        self._changes = Changes(world, floor)
        self._lists: dict[str, Callable[[Request], Answer]] = {
            "jobs": self._list_jobs,
            "connections": self._list_connections,
            "sources": lambda request: self._list_endpoints(request, "source"),
            "destinations": lambda request: self._list_endpoints(request, "destination"),
            "workspaces": self._list_workspaces,
            "tags": self._list_tags,
            "streams": self._streams,
            "health": lambda _: Answer(200, b"Successful operation", "text/plain"),
        }

    def answer(self, request: Request) -> Answer:
        """Answer one request whose path is `/<things>` or `/<things>/<id>`."""
        parts = request.path.strip("/").split("/")
        if len(parts) == 1 and parts[0] in self._lists:
            if request.method == "GET":
                return self._lists[parts[0]](request)
            if request.method == "POST":
                return self._create(parts[0], request)
        elif len(parts) == 2:  # noqa: PLR2004  the thing and its id
            return self._one(parts[0], parts[1], request)
        return problem(404, "resource-not-found", f"No route for {request.path}.")

    def _list_jobs(self, request: Request) -> Answer:
        limit, offset = _paging(request)
        query = self._job_query(request)
        rows = self._pages.page(query, offset, limit, request.number)
        kept: dict[str, str] = {}
        # The server forgets every other filter when it builds its links.
        if (kind := request.value("jobType")) is not None:
            kept["jobType"] = kind
        if (connection := request.value("connectionId")) is not None:
            kept["connectionId"] = connection
        elif spaces := request.values("workspaceIds"):
            kept["workspaceIds"] = ",".join(spaces)
        following, previous = self._links("jobs", kept, limit, offset, len(rows))
        body = f'{{"next":"{following}","previous":"{previous}","data":{self._pages.json(rows)}}}'
        return Answer(200, body.encode())

    def _job_query(self, request: Request) -> JobQuery:
        index = None
        if (connection_id := request.value("connectionId")) is not None:
            connection = self._world.fleet.connections.get(
                connection_id
            ) or self._world.fleet.deleted.get(connection_id)
            if connection is None:
                raise Refusal(missing("connection", request.number))
            index = connection.index
        spaces = request.values("workspaceIds")
        order, descending = "createdAt", False
        if (given := request.value("orderBy")) is not None:
            if given not in _ORDERS:
                raise Refusal(problem(400, "bad-request", f"Cannot order by {given}."))
            order, descending = _ORDERS[given]
        return JobQuery(
            connection=index,
            workspaces=frozenset(spaces) if spaces else None,
            kind=_choice(request, "jobType", KIND_NAMES),
            status=_choice(request, "status", STATUS_NAMES),
            created=(_time(request, "createdAtStart"), _time(request, "createdAtEnd")),
            updated=(_time(request, "updatedAtStart"), _time(request, "updatedAtEnd")),
            order=order,
            descending=descending,
        )

    def _list_connections(self, request: Request) -> Answer:
        fleet = self._world.fleet
        spaces, tags = set(request.values("workspaceIds")), set(request.values("tagIds"))
        found = list(fleet.connections.values())
        if (request.value("includeDeleted") or "").lower() == "true":
            found = sorted([*found, *fleet.deleted.values()], key=lambda one: one.index)
        chosen = [
            one
            for one in found
            if (not spaces or one.workspace_id in spaces)
            and (not tags or tags.intersection(one.tag_ids))
        ]
        kept = {"workspaceIds": ",".join(sorted(spaces))} if spaces else {}
        return self._page(
            request, "connections", kept, chosen, lambda one: shapes.connection(one, fleet)
        )

    def _list_endpoints(self, request: Request, kind: EndpointKind) -> Answer:
        fleet = self._world.fleet
        spaces = set(request.values("workspaceIds"))
        chosen = [
            one
            for one in fleet.endpoints(kind).values()
            if one.id not in fleet.hidden and (not spaces or one.workspace_id in spaces)
        ]
        kept = {"workspaceIds": ",".join(sorted(spaces))} if spaces else {}
        return self._page(request, f"{kind}s", kept, chosen, shapes.endpoint)

    def _list_workspaces(self, request: Request) -> Answer:
        spaces = set(request.values("workspaceIds"))
        chosen = [
            one for one in self._world.fleet.workspaces.values() if not spaces or one.id in spaces
        ]
        return self._page(request, "workspaces", {}, chosen, shapes.workspace)

    def _list_tags(self, request: Request) -> Answer:
        spaces = set(request.values("workspaceIds"))
        tags = self._world.fleet.tags.values()
        return ok({"data": [shapes.tag(t) for t in tags if not spaces or t.workspace_id in spaces]})

    def _streams(self, request: Request) -> Answer:
        source_id = request.value("sourceId")
        names: dict[str, dict[str, Any]] = {}
        for connection in self._world.fleet.users_of(source_id or ""):
            for stream in connection.streams:
                names[stream["name"]] = {
                    "streamName": stream["name"],
                    "syncModes": [
                        "full_refresh_overwrite",
                        "full_refresh_append",
                        "incremental_append",
                        "incremental_deduped_history",
                    ],
                    "defaultCursorField": ["updated_at"],
                    "sourceDefinedCursorField": False,
                    "sourceDefinedPrimaryKey": [["id"]],
                    "propertyFields": [["id"], ["updated_at"]],
                }
        body = [names[name] for name in sorted(names)]
        return ok(body)

    def _page(
        self,
        request: Request,
        path: str,
        kept: dict[str, str],
        found: Sequence[Any],
        shape: Callable[[Any], dict[str, Any]],
    ) -> Answer:
        limit, offset = _paging(request)
        data = [shape(one) for one in islice(found, offset, offset + limit)]
        following, previous = self._links(path, kept, limit, offset, len(data))
        return ok({"next": following, "previous": previous, "data": data})

    def _links(
        self, path: str, kept: dict[str, str], limit: int, offset: int, size: int
    ) -> tuple[str, str]:
        """Build the links that nobody should follow: any non-empty page has a next one."""

        def link(to: int) -> str:
            query = urlencode({**kept, "limit": limit, "offset": to}, safe=",")
            return f"{self._host}/v1/{path}?{query}"

        following = link(offset + limit) if size else ""
        return following, link(max(0, offset - limit)) if offset else ""

    def _one(self, things: str, thing_id: str, request: Request) -> Answer:
        handler = {
            "jobs": self._job,
            "connections": self._connection,
            "sources": lambda i, r: self._endpoint("source", i, r),
            "destinations": lambda i, r: self._endpoint("destination", i, r),
            "workspaces": self._workspace,
            "tags": self._tag,
        }.get(things)
        if handler is None:
            return problem(404, "resource-not-found", f"No route for {request.path}.")
        return handler(thing_id, request)

    def _job(self, job_id: str, request: Request) -> Answer:
        row = int(job_id) - FIRST_JOB_ID if job_id.isdigit() else -1
        if not self._pages.has(row):
            return missing("job", request.number)
        if request.method == "DELETE" and not self._world.do(CancelJob(row=row)):
            return problem(409, "state-conflict", "Job is not currently running")
        if request.method not in {"GET", "DELETE"}:
            return _not_allowed(request)
        return self._job_answer(row)

    def _job_answer(self, row: int) -> Answer:
        import numpy as np

        return Answer(200, self._pages.json(np.asarray([row]))[1:-1].encode())

    def _connection(self, connection_id: str, request: Request) -> Answer:
        connection = self._world.fleet.connections.get(connection_id)
        if connection is None:
            return missing("connection", request.number)
        if request.method == "DELETE":
            self._world.do(DeleteConnection(connection_id=connection_id))
            return Answer(204)
        if request.method == "PATCH":
            connection = self._changes.patch_connection(connection, request.json())
        elif request.method != "GET":
            return _not_allowed(request)
        return ok(shapes.connection(connection, self._world.fleet))

    def _endpoint(self, kind: EndpointKind, endpoint_id: str, request: Request) -> Answer:
        fleet = self._world.fleet
        endpoint = fleet.endpoints(kind).get(endpoint_id)
        if endpoint is None or endpoint_id in fleet.hidden:
            return missing(kind, request.number)
        if request.method == "DELETE":
            self._world.do(DeleteEndpoint(endpoint_id=endpoint_id))
            return Answer(204)
        if request.method in {"PATCH", "PUT"}:
            endpoint = self._changes.change_endpoint(
                endpoint, request.json(), whole=request.method == "PUT"
            )
        elif request.method != "GET":
            return _not_allowed(request)
        return ok(shapes.endpoint(endpoint))

    def _workspace(self, workspace_id: str, request: Request) -> Answer:
        workspace = self._world.fleet.workspaces.get(workspace_id)
        if workspace is None:
            return missing("workspace", request.number)
        if request.method == "PATCH":
            body = request.json()
            workspace.name = body.get("name", workspace.name)
            workspace.notifications.update(body.get("notifications", {}))
        elif request.method != "GET":
            return _not_allowed(request)
        return ok(shapes.workspace(workspace))

    def _tag(self, tag_id: str, request: Request) -> Answer:
        tag = self._world.fleet.tags.get(tag_id)
        if tag is None:
            return missing("tag", request.number)
        if request.method == "DELETE":
            del self._world.fleet.tags[tag_id]
            return Answer(204)
        if request.method == "PATCH":
            body = request.json()
            tag.name, tag.color = body.get("name", tag.name), body.get("color", tag.color)
        return ok(shapes.tag(tag))

    def _create(self, things: str, request: Request) -> Answer:
        body, changes = request.json(), self._changes
        if things == "jobs":
            return self._start_job(body, request)
        makers: dict[str, Callable[[], dict[str, Any]]] = {
            "connections": lambda: shapes.connection(
                changes.create_connection(body), self._world.fleet
            ),
            "sources": lambda: shapes.endpoint(changes.create_endpoint("source", body)),
            "destinations": lambda: shapes.endpoint(changes.create_endpoint("destination", body)),
            "tags": lambda: shapes.tag(changes.create_tag(body)),
            "workspaces": lambda: shapes.workspace(changes.create_workspace(body)),
        }
        return ok(makers[things]()) if things in makers else _not_allowed(request)

    def _start_job(self, body: dict[str, Any], request: Request) -> Answer:
        connection = self._world.fleet.connections.get(str(body.get("connectionId")))
        if connection is None:
            return missing("connection", request.number)
        kind = body.get("jobType", "sync")
        if kind not in KIND_NAMES or kind == "refresh":
            return problem(
                422, "unprocessable-entity", "The body of the request was not understood.",
                message=f"jobType {kind} cannot be started here",
            )  # fmt: skip
        row = self._world.do(
            StartJob(connection_id=connection.id, kind=KIND_NAMES.index(kind), by_person=True)
        )
        if row is None:
            return problem(409, "try-again-later", "A sync is already running for this connection.")
        return self._job_answer(row)


def _paging(request: Request) -> tuple[int, int]:
    """Return limit and offset.

    Raises:
        Refusal: out of bounds; bean validation answers with an error id and no reason.
    """
    try:
        limit = int(request.value("limit") or known.PAGE_DEFAULT)
        offset = int(request.value("offset") or 0)
    except ValueError:
        raise Refusal(bare(400, "Failed to convert argument")) from None
    if not 1 <= limit <= known.PAGE_MAX or offset < 0:
        raise Refusal(anonymous_error(400, request.number))
    return limit, offset


def _choice(request: Request, name: str, allowed: Iterable[str]) -> int | None:
    given = request.value(name)
    if given is None:
        return None
    names = list(allowed)
    if given not in names:
        raise Refusal(problem(400, "bad-request", f"Unexpected value '{given}' for {name}."))
    return names.index(given)


def _time(request: Request, name: str) -> int | None:
    given = request.value(name)
    if given is None:
        return None
    at = parse_time(given)
    if at is None:
        raise Refusal(bare(400, f"Failed to convert argument [{name}] for value [{given}]"))
    return at


def _not_allowed(request: Request) -> Answer:
    return bare(405, f"Method [{request.method}] not allowed for URI [{request.path}]")
