"""What only the Configuration API tells of a job: attempts, failures, streams, the real start."""

from typing import Any, Final

from bot.lab.failures import reason_of
from bot.lab.fleet import LabConnection
from bot.lab.jobs import FIRST_JOB_ID, STATUS_NAMES, TERMINAL, AttemptRecord, JobStatus
from bot.lab.noise import key_of, unit
from bot.lab.world import World

CONFIG_TYPES: Final = ("sync", "reset_connection", "refresh", "clear")
_EMITTED_OVER_COMMITTED: Final = 1.0003


class JobDetails:
    """Reads one world's jobs in the Configuration API's shapes (times in epoch seconds)."""

    def __init__(self, world: World) -> None:
        self._world = world

    def connection(self, row: int) -> LabConnection:
        """Return the connection of a job."""
        return self._world.fleet.by_index[self.value(row, "connection")]

    def value(self, row: int, name: str) -> int:
        """Return one column of a job."""
        return int(self._world.engine.jobs.column(name)[row])

    def job(self, row: int) -> dict[str, Any]:
        """Show a job."""
        connection = self.connection(row)
        status = self.value(row, "status")
        return {
            "id": row + FIRST_JOB_ID,
            "configType": CONFIG_TYPES[self.value(row, "kind")],
            "configId": connection.id,
            "enabledStreams": [{"name": stream["name"]} for stream in connection.streams],
            "createdAt": self.value(row, "created"),
            "startedAt": self.value(row, "started") or None,
            "updatedAt": self.value(row, "updated"),
            "status": STATUS_NAMES[status],
            "aggregatedStats": _stats(self.value(row, "rows"), self.value(row, "bytes")),
            "streamAggregatedStats": [
                {
                    "streamName": name,
                    **_stats(rows, size),
                    "wasBackfilled": False,
                    "wasResumed": self.value(row, "attempts") > 1,
                }
                for name, rows, size in self.streams(row)
            ],
        }

    def attempts(self, row: int) -> list[dict[str, Any]]:
        """Show a job's attempts, numbered from 0."""
        records = list(self._world.engine.jobs.attempts.get(row, ()))
        status, started = self.value(row, "status"), self.value(row, "started")
        if not records and status == JobStatus.SUCCEEDED:
            ended, rows = self.value(row, "updated"), self.value(row, "rows")
            records = [AttemptRecord(started, ended, 0, rows, self.value(row, "bytes"))]
        shown = [self._attempt(row, number, one) for number, one in enumerate(records)]
        if status == JobStatus.RUNNING:
            now = self._world.now
            number = len(shown)
            begun = {"createdAt": started, "updatedAt": now}
            shown.append({"id": number, "status": "running", **begun, "totalStats": _stats(0, 0)})
        return shown

    def streams(self, row: int) -> list[tuple[str, int, int]]:
        """Split a job's rows and bytes by stream: full-refresh ones share what was read whole."""
        connection = self.connection(row)
        rows, size = self.value(row, "rows"), self.value(row, "bytes")
        full = self.value(row, "full_rows")
        key = key_of("streams", connection.id)
        split: dict[str, int] = {}
        for whole, total in ((True, full), (False, rows - full)):
            names = [
                stream["name"]
                for stream in connection.streams
                if str(stream.get("syncMode")).startswith("full_refresh") == whole
            ]
            weights = [0.2 + unit(key, number) for number in range(len(names))]
            left = total
            for name, weight in zip(names, weights, strict=True):
                part = int(total * weight / sum(weights))
                split[name] = part
                left -= part
            if names:
                split[names[0]] += left
        per_row = size / rows if rows else 0.0
        return [(name, part, int(part * per_row)) for name, part in split.items()]

    def _attempt(self, row: int, number: int, record: AttemptRecord) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": number,
            "status": "failed" if record.failure else "succeeded",
            "createdAt": record.started,
            "updatedAt": record.ended,
            "endedAt": record.ended,
            "bytesSynced": record.bytes,
            "recordsSynced": record.rows,
            "totalStats": {**_stats(record.rows, record.bytes), "bytesCommitted": None},
            "streamStats": [],
        }
        reason = reason_of(record.failure, self._family(row))
        if reason is not None:
            shown["failureSummary"] = {
                "failures": [
                    {
                        "failureOrigin": reason.origin,
                        "failureType": reason.kind,
                        "externalMessage": reason.external,
                        "internalMessage": reason.internal,
                        "stacktrace": f"Traceback (most recent call last): … {reason.internal}",
                        "retryable": reason.retryable,
                        "timestamp": record.ended * 1000 + 123,
                    }
                ],
                "partialSuccess": record.rows > 0,
            }
        return shown

    def failure(self, row: int) -> dict[str, Any] | None:
        """Show why a job failed, as its timeline event does."""
        reason = reason_of(self.value(row, "failure"), self._family(row))
        if reason is None or self.value(row, "status") < TERMINAL:
            return None
        return {
            "failureOrigin": reason.origin,
            "failureType": reason.kind,
            "externalMessage": reason.external,
            "internalMessage": reason.internal,
            "timestamp": self.value(row, "updated") * 1000 + 123,
        }

    def _family(self, row: int) -> str:
        return self._world.fleet.sources[self.connection(row).source_id].connector.family


def _stats(rows: int, size: int) -> dict[str, Any]:
    return {
        "recordsEmitted": int(rows * _EMITTED_OVER_COMMITTED),
        "bytesEmitted": int(size * _EMITTED_OVER_COMMITTED),
        "recordsCommitted": rows,
        "bytesCommitted": size,
        "recordsRejected": 0,
    }
