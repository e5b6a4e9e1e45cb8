"""The Configuration API: what the public one does not tell, where it can be reached.

It is internal to Airbyte and promises nothing, so it is probed before it is used and never
required: attempts and failure reasons, the real start of a sync, totals by stream, and the
timeline of settings and schema changes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeVar

import httpx
from pydantic import Field, ValidationError

from bot.airbyte import problem
from bot.airbyte.mapping import epoch
from bot.airbyte.transport import Ask, Transport
from bot.airbyte.wire import Wire
from bot.domain.connection import ConnectionId, WorkspaceId
from bot.domain.errors import AirbyteError
from bot.domain.event import ConnectionEvent, SettingChange
from bot.domain.sync import Attempt, Failure, StreamStats

PAGE_SIZE: Final = 200

_JOB_KINDS: Final = ("sync", "reset_connection", "refresh", "clear")
EVENT_KINDS: Final = (
    "CONNECTION_SETTINGS_UPDATE",
    "CONNECTION_ENABLED",
    "CONNECTION_DISABLED",
    "SCHEMA_UPDATE",
    "SCHEMA_CONFIG_UPDATE",
    "CONNECTOR_UPDATE",
)
_LONGEST_MESSAGE: Final = 500
_SECOND: Final = timedelta(seconds=1)

Model = TypeVar("Model", bound=Wire)


class SchemaChange(StrEnum):
    """Whether a source's schema has moved away from what a connection was set up for."""

    NONE = "no_change"
    NON_BREAKING = "non_breaking"
    BREAKING = "breaking"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> "SchemaChange":
        return cls.UNKNOWN


@dataclass(frozen=True, slots=True)
class Details:
    """What only the Configuration API knows of a sync; `queued` is until work really began."""

    queued: timedelta | None
    attempts: tuple[Attempt, ...]
    streams: tuple[StreamStats, ...]


class _Totals(Wire):
    records_committed: int | None = None
    bytes_committed: int | None = None
    records_rejected: int | None = None


class _Stream(_Totals):
    stream_name: str
    stream_namespace: str | None = None
    was_backfilled: bool | None = None
    was_resumed: bool | None = None


class _Reason(Wire):
    failure_origin: str = "unknown"
    failure_type: str = "unknown"
    external_message: str | None = None
    timestamp: int = 0


class _Failures(Wire):
    failures: list[_Reason] = Field(default_factory=list)


class _Attempt(Wire):
    id: int
    status: str = ""
    created_at: float
    ended_at: float | None = None
    records_synced: int | None = None
    bytes_synced: int | None = None
    total_stats: _Totals | None = None
    failure_summary: _Failures | None = None


class _Job(Wire):
    id: int
    created_at: float
    started_at: float | None = None
    stream_aggregated_stats: list[_Stream] = Field(default_factory=list)


class _JobWithAttempts(Wire):
    job: _Job
    attempts: list[_Attempt] = Field(default_factory=list)


class _Jobs(Wire):
    jobs: list[_JobWithAttempts]


class _MinimalEvent(Wire):
    connection_id: str


class _MinimalEvents(Wire):
    events: list[_MinimalEvent]


class _Event(Wire):
    id: str
    connection_id: str
    event_type: str = "UNKNOWN"
    created_at: float
    summary: dict[str, Any] | None = None


class _Events(Wire):
    events: list[_Event]


class _WebConnection(Wire):
    schema_change: str = ""


class Configuration:
    """Read the Configuration API of one Airbyte, with the transport of the public client."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def absence(self, workspace_id: WorkspaceId) -> str | None:
        """Say why this API cannot be used for a workspace, or None when it can."""
        if self._transport.access.configuration_root is None:
            return "its address cannot be derived from the API root"
        now = self._transport.server_time()
        try:
            self._jobs(workspace_id, now, now, 0)
        except AirbyteError as error:
            return error.message
        return None

    def details(
        self, workspace_id: WorkspaceId, created_from: datetime, created_to: datetime
    ) -> dict[int, Details]:
        """Return what is known of the jobs created in a stretch of time, by job id.

        Raises:
            AirbyteError: the API is not there, refuses, or answers what nobody can read.
        """
        found: dict[int, Details] = {}
        offset = 0
        while True:
            page = self._jobs(workspace_id, created_from, created_to + _SECOND, offset).jobs
            found.update((one.job.id, self._details(one)) for one in page)
            offset += PAGE_SIZE
            if len(page) < PAGE_SIZE:
                return found

    def connections_with_events(
        self, workspace_id: WorkspaceId, since: datetime, until: datetime
    ) -> set[ConnectionId]:
        """Return the connections whose settings or schema changed in a stretch of time.

        Raises:
            AirbyteError: as for `details`.
        """
        body = {
            "workspaceId": workspace_id,
            "eventTypes": EVENT_KINDS,
            "createdAtStart": since.isoformat(),
            "createdAtEnd": until.isoformat(),
        }
        answer = self._post("/connections/events/list_minimal", body, _MinimalEvents)
        return {ConnectionId(event.connection_id) for event in answer.events}

    def events(self, connection_id: ConnectionId, since: datetime) -> list[ConnectionEvent]:
        """Return when settings or schema of a connection changed, and how.

        Raises:
            AirbyteError: as for `details`.
        """
        found: dict[str, ConnectionEvent] = {}
        offset = 0
        while True:
            body = {
                "connectionId": connection_id,
                "eventTypes": EVENT_KINDS,
                "createdAtStart": since.isoformat(),
                "pagination": {"pageSize": PAGE_SIZE, "rowOffset": offset},
            }
            page = self._post("/connections/events/list", body, _Events).events
            found.update((event.id, _event(event)) for event in page)
            offset += PAGE_SIZE
            if len(page) < PAGE_SIZE:
                return list(found.values())

    def schema_change(self, connection_id: ConnectionId) -> SchemaChange:
        """Return whether the source's schema has changed under a connection.

        Raises:
            AirbyteError: as for `details`.
        """
        body = {"connectionId": connection_id}
        answer = self._post("/web_backend/connections/get", body, _WebConnection)
        return SchemaChange(answer.schema_change)

    def _jobs(
        self, workspace_id: WorkspaceId, start: datetime, end: datetime, offset: int
    ) -> _Jobs:
        body = {
            "workspaceIds": [workspace_id],
            "configTypes": _JOB_KINDS,
            "createdAtStart": start.isoformat(),
            "createdAtEnd": end.isoformat(),
            "orderByField": "createdAt",
            "orderByMethod": "ASC",
            "pagination": {"pageSize": PAGE_SIZE, "rowOffset": offset},
        }
        return self._post("/jobs/list_for_workspaces", body, _Jobs)

    def _post(self, path: str, body: Mapping[str, Any], model: type[Model]) -> Model:
        response = self._answer(path, body)
        try:
            return model.model_validate_json(response.content)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise problem.unreadable(response, first["msg"]) from None

    def _answer(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        root = self._transport.access.configuration_root
        return self._transport.send(Ask("POST", f"{root}{path}", body=body))

    def _details(self, read: _JobWithAttempts) -> Details:
        started = read.job.started_at
        waited_s = None if started is None else started - read.job.created_at
        streams = tuple(
            StreamStats(
                stream.stream_name,
                stream.stream_namespace,
                stream.records_committed,
                stream.bytes_committed,
                stream.records_rejected,
                stream.was_backfilled,
                stream.was_resumed,
            )
            for stream in read.job.stream_aggregated_stats
        )
        return Details(
            None if waited_s is None else timedelta(seconds=max(waited_s, 0)),
            tuple(self._attempt(attempt) for attempt in read.attempts),
            streams,
        )

    def _attempt(self, read: _Attempt) -> Attempt:
        totals = read.total_stats or _Totals()
        reasons = read.failure_summary.failures if read.failure_summary else []
        first = min(reasons, key=lambda reason: reason.timestamp, default=None)
        return Attempt(
            number=read.id,
            status=read.status,
            created_at=epoch(read.created_at),
            ended_at=None if read.ended_at is None else epoch(read.ended_at),
            rows=totals.records_committed
            if totals.records_committed is not None
            else read.records_synced,
            bytes=totals.bytes_committed
            if totals.bytes_committed is not None
            else read.bytes_synced,
            failure=None if first is None else self._failure(first),
        )

    def _failure(self, reason: _Reason) -> Failure:
        said = self._transport.redact(reason.external_message or "")
        return Failure(reason.failure_origin, reason.failure_type, said[:_LONGEST_MESSAGE])


def _event(read: _Event) -> ConnectionEvent:
    summary = read.summary or {}
    patches = summary.get("patches")
    job_id = summary.get("jobId")
    return ConnectionEvent(
        id=read.id,
        connection_id=ConnectionId(read.connection_id),
        kind=read.event_type,
        at=epoch(read.created_at),
        job_id=job_id if isinstance(job_id, int) else None,
        changes=tuple(_changes(patches)) if isinstance(patches, dict) else (),
    )


def _changes(patches: dict[str, Any]) -> list[SettingChange]:
    return [
        SettingChange(field, json.dumps(patch.get("from")), json.dumps(patch.get("to")))
        for field, patch in patches.items()
        if isinstance(patch, dict)
    ]
