"""Syncs: single runs of a connection, as the history keeps them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.connection import ConnectionId


class SyncStatus(StrEnum):
    """Airbyte's job states; one that we do not know reads as `UNKNOWN` and is not terminal."""

    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    SUCCEEDED = "succeeded"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> "SyncStatus":
        return cls.UNKNOWN

    @property
    def is_terminal(self) -> bool:
        """Tell whether the sync can change no more."""
        return self in {SyncStatus.FAILED, SyncStatus.SUCCEEDED, SyncStatus.CANCELLED}


class JobKind(StrEnum):
    """What an Airbyte job does; only `SYNC` feeds forecasts, the others explain gaps."""

    SYNC = "sync"
    RESET = "reset"
    REFRESH = "refresh"
    CLEAR = "clear"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> "JobKind":
        return cls.UNKNOWN


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed, in Airbyte's own words, scrubbed of secrets at the edge."""

    origin: str
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try inside a sync; `number` counts from 0."""

    number: int
    status: str
    created_at: datetime
    ended_at: datetime | None = None
    rows: int | None = None
    bytes: int | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class StreamStats:
    """What one stream moved in one sync, over all its attempts; None means "not told"."""

    name: str
    namespace: str | None = None
    rows: int | None = None
    bytes: int | None = None
    rejected_rows: int | None = None
    was_backfilled: bool | None = None
    was_resumed: bool | None = None


@dataclass(frozen=True, slots=True)
class Sync:
    """One sync.

    `created_at` is when Airbyte created it, `started_at` when work began (None when the API in
    reach does not say), `updated_at` when it ended. `rows` and `bytes` are the committed totals,
    which is what Airbyte bills; None means "not told", 0 means "nothing moved".
    """

    id: int
    connection_id: ConnectionId
    kind: JobKind
    status: SyncStatus
    created_at: datetime
    updated_at: datetime | None = None
    started_at: datetime | None = None
    duration: timedelta | None = None
    rows: int | None = None
    bytes: int | None = None

    @property
    def queued(self) -> timedelta | None:
        """Return how long it waited before work began, or None when that is not known."""
        return None if self.started_at is None else self.started_at - self.created_at
