"""The client of Airbyte's public API: domain values in, domain values out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

import httpx
from pydantic import ValidationError

from bot.airbyte import mapping, problem, wire
from bot.airbyte.access import Access
from bot.airbyte.pages import Columns, SyncPage, Unread
from bot.airbyte.paging import walk
from bot.airbyte.transport import Patience, Traffic, Transport
from bot.domain.connection import Connection, Endpoint, Workspace, WorkspaceId
from bot.domain.sync import Sync

LARGEST_PAGE: Final = 100
SMALLEST_PAGE: Final = 2

Value = TypeVar("Value")
Read = TypeVar("Read", bound=wire.Wire)


@dataclass(frozen=True, slots=True)
class Listing(Generic[Value]):
    """A list read to its end; `unread` is what is missing from it."""

    items: tuple[Value, ...]
    unread: tuple[Unread, ...] = ()


@dataclass(frozen=True, slots=True)
class SyncQuery:
    """Which jobs of a workspace to list, oldest first; all times are inclusive."""

    workspace_id: WorkspaceId
    created_from: datetime | None = None
    created_to: datetime | None = None
    offset: int = 0
    updated_from: datetime | None = None


class Airbyte:
    """Read one Airbyte through its public API; safe to share between threads."""

    def __init__(
        self, access: Access, patience: Patience | None = None, page_size: int = LARGEST_PAGE
    ) -> None:
        if not SMALLEST_PAGE <= page_size <= LARGEST_PAGE:
            raise ValueError(f"page_size must be {SMALLEST_PAGE} to {LARGEST_PAGE}")
        self.transport = Transport(access, patience)
        self.page_size = page_size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()

    @property
    def root(self) -> str:
        """Return the address that is read."""
        return self.transport.access.root

    @property
    def traffic(self) -> Traffic:
        """Return what has been asked so far."""
        return self.transport.traffic

    def server_time(self) -> datetime:
        """Return the time by Airbyte's clock (ours, until Airbyte has told its own)."""
        return self.transport.server_time()

    def workspaces(self) -> Listing[Workspace]:
        """List every workspace in sight."""
        return self._all("/workspaces", wire.Workspace, mapping.workspace, {})

    def roles(self) -> frozenset[str]:
        """Return the names of the roles that we have anywhere, such as `workspace_reader`.

        Raises:
            AirbyteError: Airbyte does not tell.
        """
        response = self.transport.get("/permissions")
        rows, _ = _read_each(_rows(response), "role", wire.PermissionRead, lambda row: row)
        return frozenset(row.permission_type for row in rows)

    def connections(self, workspace_id: WorkspaceId) -> Listing[Connection]:
        """List the connections of a workspace, deleted ones included where Airbyte tells."""
        query = {"workspaceIds": workspace_id, "includeDeleted": "true"}
        return self._all("/connections", wire.ConnectionRead, mapping.connection, query)

    def sources(self, workspace_id: WorkspaceId) -> Listing[Endpoint]:
        """List the sources of a workspace."""
        query = {"workspaceIds": workspace_id}
        return self._all("/sources", wire.SourceRead, mapping.source, query)

    def destinations(self, workspace_id: WorkspaceId) -> Listing[Endpoint]:
        """List the destinations of a workspace."""
        query = {"workspaceIds": workspace_id}
        return self._all("/destinations", wire.DestinationRead, mapping.destination, query)

    def syncs(self, query: SyncQuery) -> SyncPage:
        """Read one page of jobs of every kind, by time of creation.

        Raises:
            AirbyteError: no answer, or a page of which nothing can be read.
        """
        params = {
            "workspaceIds": query.workspace_id,
            "orderBy": "createdAt|ASC",
            "limit": self.page_size,
            "offset": query.offset,
        }
        if query.created_from is not None:
            params["createdAtStart"] = _stamp(query.created_from)
        if query.created_to is not None:
            params["createdAtEnd"] = _stamp(query.created_to)
        if query.updated_from is not None:
            params["updatedAtStart"] = _stamp(query.updated_from)
        response = self.transport.get("/jobs", params)
        try:
            jobs = wire.JobsPage.model_validate_json(response.content).data
        except ValidationError:
            return self._rows_one_by_one(response)
        return SyncPage(Columns.of(jobs), (), is_last=len(jobs) < self.page_size)

    def sync(self, sync_id: int) -> Sync | None:
        """Read one job, or return None when Airbyte has it no more."""
        try:
            response = self.transport.get(f"/jobs/{sync_id}")
        except problem.Refused as refused:
            if refused.status == httpx.codes.NOT_FOUND:
                return None
            raise
        try:
            return mapping.sync(wire.OddJob.model_validate_json(response.content))
        except ValidationError as error:
            raise problem.unreadable(response, _why(error)) from None

    def _rows_one_by_one(self, response: httpx.Response) -> SyncPage:
        rows = _rows(response)
        jobs, unread = _read_each(rows, "job", wire.OddJob, lambda job: job)
        if rows and not jobs:
            raise problem.unreadable(response, unread[0].why)
        return SyncPage(Columns.of(jobs), tuple(unread), is_last=len(rows) < self.page_size)

    def _all(
        self,
        path: str,
        model: type[Read],
        to_value: Callable[[Read], Value],
        query: Mapping[str, str],
    ) -> Listing[Value]:
        def fetch(offset: int) -> list[object]:
            params = {**query, "limit": self.page_size, "offset": offset}
            return _rows(self.transport.get(path, params))

        what = path.strip("/")
        walked = walk(fetch, _identity, self.page_size)
        values, unread = _read_each(walked.rows, what.removesuffix("s"), model, to_value)
        if not walked.steady:
            unread.append(Unread(what, "the list kept changing while it was read"))
        return Listing(tuple(values), tuple(unread))


def _rows(response: httpx.Response) -> list[object]:
    try:
        return wire.Page.model_validate_json(response.content).data
    except ValidationError as error:
        raise problem.unreadable(response, _why(error)) from None


def _read_each(
    rows: Sequence[object], what: str, model: type[Read], to_value: Callable[[Read], Value]
) -> tuple[list[Value], list[Unread]]:
    values: list[Value] = []
    unread: list[Unread] = []
    for row in rows:
        try:
            values.append(to_value(model.model_validate(row)))
        except ValidationError as error:
            # A row without an id is not quoted: it may be a configuration with secrets.
            unread.append(Unread(f"{what} {_id(row) or 'without an id'}", _why(error)))
    return values, unread


def _identity(row: object) -> object:
    return _id(row) or repr(row)


def _id(row: object) -> str | int | None:
    """Return the id of a raw row: its first field whose name says so."""
    if isinstance(row, dict):
        for key in ("jobId", "connectionId", "sourceId", "destinationId", "workspaceId"):
            found = row.get(key)
            if isinstance(found, str | int):
                return found
    return None


def _why(error: ValidationError) -> str:
    """Say what is wrong without quoting values: a configuration may hold secrets."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
