"""Wire models: what the public API sends, as far as we read it; they never leave this folder.

Unknown fields are ignored and enumerations are plain text, because releases differ; what the
API description calls required is required here only where we cannot do without.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidatorFunctionWrapHandler,
    field_validator,
)
from pydantic.alias_generators import to_camel


class Wire(BaseModel):
    """Base of every wire model: camelCase outside, unknown fields ignored."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True)


class Page(Wire):
    """One page of a list; `next` and `previous` are not read, because both lie."""

    data: list[Any]


class Job(Wire):
    """One job; the API calls its creation time `startTime`."""

    job_id: int
    connection_id: str
    status: str
    start_time: AwareDatetime
    job_type: str = ""
    last_updated_at: AwareDatetime | None = None
    duration: timedelta | None = None
    rows_synced: int | None = None
    bytes_synced: int | None = None


class OddJob(Job):
    """A job that the fast path refuses: times without a zone are UTC, odd durations none."""

    @field_validator("start_time", "last_updated_at", mode="before")
    @classmethod
    def _assume_utc(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found = datetime.fromisoformat(value)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found

    @field_validator("duration", mode="wrap")
    @classmethod
    def _drop_odd(cls, value: Any, read: ValidatorFunctionWrapHandler) -> timedelta | None:
        try:
            length: timedelta | None = read(value)
        except ValueError:
            return None
        return length if length is None or length >= timedelta(0) else None


class JobsPage(Wire):
    """A page of jobs that are all readable: the fast path."""

    data: list[Job]


class Workspace(Wire):
    """One workspace."""

    workspace_id: str
    name: str = ""


class ScheduleRead(Wire):
    """How a connection is started, in one of three forms."""

    schedule_type: str = ""
    cron_expression: str | None = None
    basic_timing: str | None = None


class StreamRead(Wire):
    """One stream of a connection."""

    name: str
    namespace: str | None = None
    sync_mode: str = ""


class Configurations(Wire):
    """The streams of a connection."""

    streams: list[StreamRead] = Field(default_factory=list)


class TagRead(Wire):
    """One tag; only its name means something to people."""

    name: str


class ConnectionRead(Wire):
    """One connection."""

    connection_id: str
    source_id: str
    destination_id: str
    workspace_id: str
    name: str = ""
    status: str = ""
    schedule: ScheduleRead | None = None
    configurations: Configurations | None = None
    tags: list[TagRead] | None = None
    created_at: int | None = None


class SourceRead(Wire):
    """One source; its configuration is read for knobs and then dropped."""

    source_id: str
    workspace_id: str
    name: str = ""
    source_type: str = ""
    definition_id: str | None = None
    configuration: dict[str, Any] | None = None


class DestinationRead(Wire):
    """One destination; its configuration is read for knobs and then dropped."""

    destination_id: str
    workspace_id: str
    name: str = ""
    destination_type: str = ""
    definition_id: str | None = None
    configuration: dict[str, Any] | None = None


class PermissionRead(Wire):
    """One role that a user has somewhere."""

    permission_type: str
