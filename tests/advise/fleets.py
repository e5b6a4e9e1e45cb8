"""Small situations made by hand: a connection, its syncs, and what policy says of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bot.advise.advisor import Situation
from bot.domain.connection import (
    Connection,
    ConnectionId,
    ConnectionStatus,
    Cron,
    DestinationId,
    Endpoint,
    KnobValue,
    Schedule,
    SourceId,
    Stream,
    WorkspaceId,
)
from bot.domain.cron import parse
from bot.domain.forecast import Evidence
from bot.domain.knob import KnobKind
from bot.domain.promises import Phase, StepLimit, Terms
from bot.domain.subject import Subject
from bot.forecast.runs import Runs

NOW = datetime(2026, 3, 16, 12, 5, tzinfo=UTC)
"""A Monday."""
HOURLY = Cron("0 0 * * * ?")
FREE = Terms(
    Phase.LIVE,
    steps={
        each: StepLimit(each)
        for each in ("schedule", "frequency", "status", *(kind.value for kind in KnobKind))
    },
)


@dataclass(frozen=True)
class Done:
    """One sync that ended."""

    at: datetime
    seconds: int = 300
    rows: int = 1000
    status: str = "succeeded"


@dataclass(frozen=True)
class Given:
    """A connection with its syncs."""

    key: str = "a"
    schedule: Schedule = HOURLY
    syncs: Sequence[Done] = ()
    modes: Sequence[str] = ("incremental_append",)
    source: str = "s"
    connector: str = "source-stripe"
    knobs: dict[str, KnobValue] = field(default_factory=dict)
    status: ConnectionStatus = ConnectionStatus.ACTIVE

    @property
    def subject(self) -> Subject:
        space = WorkspaceId("w")
        connection = Connection(
            ConnectionId(self.key),
            self.key,
            SourceId(self.source),
            DestinationId("d"),
            space,
            self.status,
            self.schedule,
            tuple(Stream(f"t{number}", mode) for number, mode in enumerate(self.modes)),
        )
        source = Endpoint(self.source, self.source, self.connector, space, self.knobs)
        warehouse = Endpoint("d", "warehouse", "destination-snowflake", space)
        return Subject(connection, source, warehouse, "main")


def every(cron: str, days: int, sync: Callable[[datetime], Done] = Done) -> list[Done]:
    """Run a cron for some days up to now."""
    fires = parse(cron).fires_between(NOW - timedelta(days=days), NOW - timedelta(hours=2))
    return [sync(fire) for fire in fires]


def runs_of(given: Iterable[Given]) -> Runs:
    rows = [(each.key, sync) for each in given for sync in each.syncs]
    names = pa.array([key for key, _ in rows], pa.string()).dictionary_encode()
    seconds = pa.array([sync.seconds for _, sync in rows], pa.int32())
    created = [int(sync.at.timestamp()) for _, sync in rows]
    table = pa.table(
        {
            "connection_id": names,
            "job_id": pa.array(range(len(rows)), pa.int64()),
            "status": pa.array([sync.status for _, sync in rows], pa.string()),
            "created_at": pa.array(created, pa.int64()).cast(pa.timestamp("s")),
            "duration_seconds": seconds,
            "queued_seconds": pa.array([0] * len(rows), pa.int32()),
            "run_seconds": seconds,
            "rows": pa.array([sync.rows for _, sync in rows], pa.int64()),
            "bytes": pa.array([sync.rows * 200 for _, sync in rows], pa.int64()),
        }
    )
    families = {ConnectionId(each.key): each.connector for each in given}
    return Runs.of(table, families)


def situation_of(*given: Given, terms: Terms = FREE, **more: Any) -> Situation:
    """Build the situation of some connections, all under the same terms."""
    evidence = {}
    for each in given:
        good = [sync.at for sync in each.syncs if sync.status == "succeeded"]
        if good:
            evidence[ConnectionId(each.key)] = Evidence(min(good), max(good), len(good))
    return Situation(
        NOW,
        **{
            "subjects": tuple(each.subject for each in given),
            "evidence": evidence,
            "terms": {ConnectionId(each.key): terms for each in given},
            "runs": runs_of(given),
            **more,
        },
    )


def ratio(setting: str, allowed: str) -> Terms:
    """Allow one setting to change by a factor at most."""
    return Terms(Phase.LIVE, steps={setting: StepLimit(setting, ratio=Decimal(allowed))})
