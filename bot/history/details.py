"""Details beside the syncs: attempts with their failures, per-stream totals, timeline events."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bot.domain.connection import ConnectionId
from bot.domain.event import ConnectionEvent, SettingChange
from bot.domain.sync import Attempt, Failure, StreamStats
from bot.history.statements import statement
from bot.history.times import aware, to_the_second

if TYPE_CHECKING:
    from bot.history.store import History


def record_attempts(history: "History", attempts: Mapping[int, Sequence[Attempt]]) -> None:
    """Keep the attempts of each job id, in place of those that were known of it."""
    rows = [_attempt_row(job, attempt) for job, tries in attempts.items() for attempt in tries]
    _replace(history, "attempts", list(attempts), rows)


def record_streams(history: "History", stats: Mapping[int, Sequence[StreamStats]]) -> None:
    """Keep the per-stream totals of each job id, in place of those that were known of it."""
    rows = [
        {
            "job_id": job,
            "stream": stream.name,
            "namespace": stream.namespace,
            "rows": stream.rows,
            "bytes": stream.bytes,
            "rejected_rows": stream.rejected_rows,
            "was_backfilled": stream.was_backfilled,
            "was_resumed": stream.was_resumed,
        }
        for job, streams in stats.items()
        for stream in streams
    ]
    _replace(history, "stream_stats", list(stats), rows)


def record_events(history: "History", events: Iterable[ConnectionEvent]) -> int:
    """Keep timeline events, each once by its id; return how many were new."""
    import pyarrow as pa

    rows = {
        event.id: {
            "event_id": event.id,
            "connection_id": str(event.connection_id),
            "kind": event.kind,
            "happened_at": to_the_second(event.at),
            "job_id": event.job_id,
            "changes": _changes_json(event.changes),
        }
        for event in events
    }
    if not rows:
        return 0
    names = ("event_id", "connection_id", "kind", "changes")
    schema = pa.schema(
        [(name, pa.string()) for name in names]
        + [("happened_at", pa.timestamp("s")), ("job_id", pa.int64())]
    )
    table = pa.Table.from_pylist(list(rows.values()), schema)
    with history.transaction(), history.relation("incoming", table):
        history.execute(statement("upsert_keys"), {"workspace_id": None})
        ((added,),) = history.execute(statement("upsert_events"))
    return int(added)


def attempts_of(history: "History", job_id: int) -> tuple[Attempt, ...]:
    """Return what is known of a sync's attempts, in their order; empty when nothing is."""
    return tuple(_attempt(row) for row in history.execute(statement("attempts_of"), [job_id]))


def streams_of(history: "History", job_id: int) -> tuple[StreamStats, ...]:
    """Return a sync's per-stream totals by namespace and name; empty when nothing is known."""
    return tuple(StreamStats(*row) for row in history.execute(statement("streams_of"), [job_id]))


def events_of(history: "History", connection_id: ConnectionId) -> tuple[ConnectionEvent, ...]:
    """Return a connection's timeline, oldest first."""
    return tuple(
        ConnectionEvent(
            event_id,
            connection_id,
            kind,
            aware(at),
            job_id,
            tuple(SettingChange(**change) for change in json.loads(changes)),
        )
        for event_id, kind, at, job_id, changes in history.execute(
            statement("events_of"), [connection_id]
        )
    )


def _replace(history: "History", name: str, jobs: list[int], rows: list[dict[str, Any]]) -> None:
    """Put `rows` into the table `name` in place of all that it holds of `jobs`."""
    import pyarrow as pa

    if not jobs:
        return
    known = pa.table({"job_id": pa.array(jobs, pa.int64())})
    with history.transaction():
        with history.relation("incoming_jobs", known):
            history.execute(statement(f"forget_{name}"))
        if rows:
            columns = {column: [row[column] for row in rows] for column in rows[0]}
            with history.relation("incoming", pa.table(columns)):
                history.execute(statement(f"insert_{name}"))


def _attempt_row(job: int, attempt: Attempt) -> dict[str, Any]:
    failure = attempt.failure
    return {
        "job_id": job,
        "number": attempt.number,
        "status": attempt.status,
        "created_at": to_the_second(attempt.created_at),
        "ended_at": to_the_second(attempt.ended_at),
        "rows": attempt.rows,
        "bytes": attempt.bytes,
        "failure_origin": failure and failure.origin,
        "failure_kind": failure and failure.kind,
        "failure_message": failure and failure.message,
    }


def _attempt(row: tuple[Any, ...]) -> Attempt:
    number, status, created, ended, rows, size, origin, kind, message = row
    failure = None if origin is None else Failure(origin, kind, message)
    return Attempt(number, status, aware(created), aware(ended), rows, size, failure)


def _changes_json(changes: Sequence[SettingChange]) -> str:
    return json.dumps(
        [
            {"field": change.field, "before": change.before, "after": change.after}
            for change in changes
        ]
    )
