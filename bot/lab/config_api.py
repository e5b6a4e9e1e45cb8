"""The part of the Configuration API that enriches a history: POST, JSON, epoch seconds."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from bot.domain.errors import CronError
from bot.lab import constants as known
from bot.lab.actions import data_of, kind_of
from bot.lab.clocktext import java_time, parse_time
from bot.lab.events import Events
from bot.lab.fleet import LabConnection
from bot.lab.http import Answer, Refusal, Request, missing, ok, problem
from bot.lab.jobdetails import CONFIG_TYPES, JobDetails
from bot.lab.jobpages import JobPages, JobQuery
from bot.lab.jobs import FIRST_JOB_ID, STATUS_NAMES, TERMINAL, JobStatus
from bot.lab.world import World

Body = dict[str, Any]
_CONNECTION_STATES: Final = ("pending", "queued", "running", "incomplete", "failed", "synced")


class ConfigApi:
    """Routes of the Configuration API over one world."""

    def __init__(self, world: World, pages: JobPages) -> None:
        self._world = world
        self._pages = pages
        self._details = JobDetails(world)
        self._events = Events(world, self._details)
        self._routes: dict[str, Callable[[Body, Request], Answer]] = {
            "/jobs/list": self._jobs,
            "/jobs/list_for_workspaces": self._jobs,
            "/jobs/get_light": lambda b, r: ok({"job": self._details.job(self._row(b, r))}),
            "/jobs/get_without_logs": self._job,
            "/jobs/get": self._job,
            "/jobs/get_debug_info": self._job,
            "/jobs/get_last_replication_job": self._last_job,
            "/attempt/get_for_job": self._attempt,
            "/attempt/get_combined_stats": self._attempt_stats,
            "/connections/get": lambda b, r: ok(self._connection(self._link(b, r))),
            "/web_backend/connections/get": self._web_connection,
            "/connections/events/list": self._list_events,
            "/connections/events/list_minimal": self._list_minimal_events,
            "/connections/history/data": self._history,
            "/connections/history/uptime": self._history,
            "/connections/status": self._statuses,
            "/stream_statuses/list": self._stream_statuses,
            "/web_backend/describe_cron_expression": self._describe_cron,
        }

    def answer(self, request: Request) -> Answer:
        """Answer one request whose path is below the API's root."""
        if request.path == "/health":
            return ok({"available": True})
        if request.path in {"/workspaces/get_usage", "/organizations/get_usage"}:
            return problem(501, "not-implemented", "This is not part of the community edition.")
        route = self._routes.get(request.path)
        if route is None or request.method != "POST":
            return problem(404, "resource-not-found", f"No route for {request.path}.")
        return route(request.json(), request)

    def _jobs(self, body: Body, request: Request) -> Answer:
        spaces = body.get("workspaceIds")
        index = None
        if (config_id := body.get("configId")) is not None:
            index = self._link({"connectionId": config_id}, request).index
        field = body.get("orderByField") or "createdAt"
        query = JobQuery(
            connection=index,
            workspaces=frozenset(spaces) if spaces else None,
            created=(_time(body, "createdAtStart"), _time(body, "createdAtEnd")),
            updated=(_time(body, "updatedAtStart"), _time(body, "updatedAtEnd")),
            order=field,
            descending=(body.get("orderByMethod") or "DESC").upper() == "DESC",
        )
        rows = self._pages.rows(query)
        kinds = [CONFIG_TYPES.index(one) for one in body["configTypes"] if one in CONFIG_TYPES]
        jobs = self._world.engine.jobs
        if len(kinds) < len(CONFIG_TYPES):
            rows = rows[np.isin(jobs.column("kind")[rows], kinds)]
        if statuses := body.get("statuses"):
            codes = [STATUS_NAMES.index(one) for one in statuses if one in STATUS_NAMES]
            rows = rows[np.isin(jobs.column("status")[rows], codes)]
        size, offset = _pagination(body)
        page = [int(row) for row in rows[offset : offset + size]]
        total = len(page) if spaces else len(rows)
        shown = [
            {"job": self._details.job(row), "attempts": self._details.attempts(row)} for row in page
        ]
        return ok({"jobs": shown, "totalJobCount": total})

    def _job(self, body: Body, request: Request) -> Answer:
        row = self._row(body, request)
        return ok(
            {
                "job": self._details.job(row),
                "attempts": [
                    {"attempt": attempt, "logType": "structured", "logs": None}
                    for attempt in self._details.attempts(row)
                ],
            }
        )

    def _last_job(self, body: Body, request: Request) -> Answer:
        index = self._link(body, request).index
        rows = self._pages.rows(JobQuery(connection=index, kind=0, descending=True))
        return ok({"job": self._details.job(int(rows[0])) if len(rows) else None})

    def _attempt(self, body: Body, request: Request) -> Answer:
        attempts = self._details.attempts(self._row({"id": body["jobId"]}, request))
        number = int(body["attemptNumber"])
        return (
            ok(attempts[number]) if number < len(attempts) else missing("attempt", request.number)
        )

    def _attempt_stats(self, body: Body, request: Request) -> Answer:
        attempts = self._details.attempts(self._row({"id": body["jobId"]}, request))
        number = int(body["attemptNumber"])
        if number >= len(attempts):
            return missing("attempt", request.number)
        one = attempts[number]
        return ok({**one["totalStats"], "bytesCommitted": one.get("bytesSynced", 0)})

    def _connection(self, link: LabConnection) -> Body:
        return {
            "connectionId": link.id,
            "name": link.name,
            "sourceId": link.source_id,
            "destinationId": link.destination_id,
            "status": link.status,
            "scheduleType": kind_of(link.schedule),
            "scheduleData": data_of(link.schedule),
            "namespaceDefinition": link.namespace_definition.replace("custom_", "custom"),
            "namespaceFormat": link.namespace_format,
            "prefix": link.prefix,
            "nonBreakingChangesPreference": link.non_breaking.replace(
                "disable_connection", "disable"
            ),
            "breakingChange": link.schema_change == "breaking",
            "backfillPreference": "disabled",
            "onDemandEnabled": False,
            "createdAt": link.created_at,
        }

    def _web_connection(self, body: Body, request: Request) -> Answer:
        link = self._link(body, request)
        rows = self._pages.rows(JobQuery(connection=link.index, kind=0, descending=True))
        latest = self._details.value(int(rows[0]), "status") if len(rows) else None
        return ok(
            {
                **self._connection(link),
                "schemaChange": link.schema_change,
                "latestSyncJobCreatedAt": (
                    self._details.value(int(rows[0]), "created") if len(rows) else None
                ),
                "latestSyncJobStatus": None if latest is None else STATUS_NAMES[latest],
                "isSyncing": link.index in self._world.engine.running,
            }
        )

    def _statuses(self, body: Body, request: Request) -> Answer:
        shown = []
        for connection_id in body["connectionIds"]:
            link = self._link({"connectionId": connection_id}, request)
            rows = self._pages.rows(JobQuery(connection=link.index, kind=0, descending=True))
            state = "pending"
            if link.status != "active":
                state = "paused"
            elif len(rows):
                status = self._details.value(int(rows[0]), "status")
                state = _CONNECTION_STATES[min(status, JobStatus.SUCCEEDED)]
            shown.append({"connectionId": link.id, "connectionSyncStatus": state})
        return ok(shown)

    def _history(self, body: Body, request: Request) -> Answer:
        link = self._link(body, request)
        rows = self._pages.rows(JobQuery(connection=link.index, kind=0))
        ended = [int(r) for r in rows if self._details.value(int(r), "status") >= TERMINAL]
        shown = []
        for row in ended[-int(body["numberOfJobs"]) :]:
            job = self._details.job(row)
            stats = job["aggregatedStats"]
            shown.append(
                {
                    "jobId": job["id"],
                    "jobCreatedAt": job["createdAt"],
                    "jobUpdatedAt": job["updatedAt"],
                    "configType": job["configType"],
                    **stats,
                    "streamStatuses": [
                        {"streamName": s["streamName"], "status": job["status"]}
                        for s in job["streamAggregatedStats"]
                    ],
                }
            )
        return ok(shown)

    def _stream_statuses(self, body: Body, request: Request) -> Answer:
        rows = [
            int(row)
            for connection_id in ([body["connectionId"]] if "connectionId" in body else [])
            for row in self._pages.rows(
                JobQuery(connection=self._link({"connectionId": connection_id}, request).index)
            )
        ]
        size, offset = _pagination(body)
        shown = [one for row in rows[-size - offset :] for one in self._events.stream_statuses(row)]
        return ok({"streamStatuses": shown[offset : offset + size]})

    def _list_events(self, body: Body, request: Request) -> Answer:
        link = self._link(body, request)
        span = (_time(body, "createdAtStart"), _time(body, "createdAtEnd"))
        found = self._events.of(link, frozenset(body.get("eventTypes") or ()), span)
        size, offset = _pagination(body)
        return ok({"events": [one.shown() for one in found[offset : offset + size]]})

    def _list_minimal_events(self, body: Body, request: Request) -> Answer:
        del request
        span = (_time(body, "createdAtStart"), _time(body, "createdAtEnd"))
        kinds = frozenset(body.get("eventTypes") or ())
        fleet = self._world.fleet
        names = {link.id: link.name for link in fleet.by_index}
        found = self._events.in_workspace(str(body["workspaceId"]), kinds, span)
        return ok(
            {
                "events": [
                    {
                        "eventId": one.id,
                        "connectionName": names[one.connection_id],
                        "connectionId": one.connection_id,
                        "createdAt": java_time(one.at),
                        "eventType": one.kind,
                    }
                    for one in found
                ]
            }
        )

    def _describe_cron(self, body: Body, request: Request) -> Answer:
        from datetime import UTC, datetime
        from itertools import islice

        from bot.domain.cron import parse

        del request
        text = str(body.get("cronExpression"))
        try:
            cron = parse(text)
        except CronError as error:
            return problem(400, "cron-validation/invalid-expression", error.message)
        fires = islice(cron.fires_after(datetime.fromtimestamp(self._world.now, UTC)), 3)
        executions = [int(fire.timestamp()) for fire in fires]
        return ok({"cronExpression": text, "description": text, "nextExecutions": executions})

    def _link(self, body: Body, request: Request) -> LabConnection:
        fleet, given = self._world.fleet, str(body.get("connectionId"))
        found = fleet.connections.get(given) or fleet.deleted.get(given)
        if found is None:
            raise Refusal(missing("connection", request.number))
        return found

    def _row(self, body: Body, request: Request) -> int:
        row = int(body["id"]) - FIRST_JOB_ID
        if not self._pages.has(row):
            raise Refusal(missing("job", request.number))
        return row


def _time(body: Body, name: str) -> int | None:
    given = body.get(name)
    return None if given is None else parse_time(str(given))


def _pagination(body: Body) -> tuple[int, int]:
    given = body.get("pagination") or {}
    return int(given.get("pageSize", known.CONFIG_PAGE_DEFAULT)), int(given.get("rowOffset", 0))
