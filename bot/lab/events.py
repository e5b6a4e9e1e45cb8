"""The connection timeline: events of jobs and of settings, newest first, kept for 18 months."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bot.lab import constants as known
from bot.lab.fleet import LabConnection, uuid_of
from bot.lab.jobdetails import JobDetails
from bot.lab.jobs import FIRST_JOB_ID, TERMINAL, JobStatus
from bot.lab.world import World

Span = tuple[int | None, int | None]
_PREFIX = ("SYNC", "CLEAR", "REFRESH", "CLEAR")


@dataclass(frozen=True, slots=True)
class Shown:
    """One event as the API shows it; `at` in epoch seconds."""

    id: str
    connection_id: str
    at: int
    kind: str
    summary: dict[str, Any]
    by_person: bool

    def shown(self) -> dict[str, Any]:
        """Return its JSON."""
        person = {"id": uuid_of(0, "person"), "name": "Ada", "email": "ada@example.com"}
        return {
            "id": self.id,
            "connectionId": self.connection_id,
            "eventType": self.kind,
            "summary": self.summary,
            "createdAt": self.at,
            "user": person if self.by_person else None,
        }


class Events:
    """Builds timelines from jobs and from what the world remembers."""

    def __init__(self, world: World, details: JobDetails) -> None:
        self._world = world
        self._details = details

    def of(self, link: LabConnection, kinds: frozenset[str], span: Span) -> list[Shown]:
        """Return a connection's events of the given kinds (none: all), newest first."""
        found = self._of_settings(link)
        if not kinds or any(kind.startswith(_PREFIX) for kind in kinds):
            # Events outlive jobs, so the prune of jobs does not matter here.
            jobs = self._world.engine.jobs
            rows = (jobs.column("connection") == link.index).nonzero()[0].tolist()
            found += [one for row in rows for one in self._of_job(row, link)]
        return self._chosen(found, kinds, span)

    def in_workspace(self, space: str, kinds: frozenset[str], span: Span) -> list[Shown]:
        """Return a workspace's events, newest first."""
        links = self._world.fleet.by_index
        mine = [link for link in links if link.workspace_id == space]
        found = [one for link in mine for one in self._of_settings(link)]
        if not kinds or any(kind.startswith(_PREFIX) for kind in kinds):
            jobs = self._world.engine.jobs
            member = np.asarray([link.workspace_id == space for link in links], dtype=np.bool_)
            mask = member[jobs.column("connection")]
            mask &= jobs.column("updated") >= (span[0] or 0)
            for row in mask.nonzero()[0].tolist():
                found += self._of_job(row, self._details.connection(row))
        return self._chosen(found, kinds, span)

    def _chosen(self, found: list[Shown], kinds: frozenset[str], span: Span) -> list[Shown]:
        oldest = self._world.now - known.EVENT_RETENTION_DAYS * known.DAY
        low = max(span[0] or oldest, oldest)
        high = span[1] if span[1] is not None else self._world.now
        chosen = [
            one for one in found if low <= one.at <= high and (not kinds or one.kind in kinds)
        ]
        return sorted(chosen, key=lambda one: (one.at, one.id), reverse=True)

    def _of_settings(self, link: LabConnection) -> list[Shown]:
        return [
            Shown(
                uuid_of(0, "event", link.id, number),
                link.id,
                event.at,
                event.kind,
                event.summary,
                event.by_person,
            )
            for number, event in enumerate(self._world.timeline.of(link.id))
        ]

    def stream_statuses(self, row: int) -> list[dict[str, Any]]:
        """Return how each stream of a job ended."""
        details = self._details
        ended = details.value(row, "status") >= TERMINAL
        good = details.value(row, "status") == JobStatus.SUCCEEDED
        return [
            {
                "id": uuid_of(0, "stream status", row, name),
                "connectionId": details.connection(row).id,
                "workspaceId": details.connection(row).workspace_id,
                "jobId": row + FIRST_JOB_ID,
                "attemptNumber": max(0, details.value(row, "attempts") - 1),
                "jobType": "SYNC",
                "streamName": name,
                "runState": ("COMPLETE" if good else "INCOMPLETE") if ended else "RUNNING",
                "transitionedAt": details.value(row, "updated") * 1000,
            }
            for name, _, _ in details.streams(row)
        ]

    def _of_job(self, row: int, link: LabConnection) -> list[Shown]:
        details = self._details
        prefix = _PREFIX[details.value(row, "kind")]
        created = details.value(row, "created")
        found = []
        manual = bool(details.value(row, "manual"))
        if manual:
            summary = {"jobId": row + FIRST_JOB_ID, "startTimeEpochSeconds": created}
            event_id = uuid_of(0, "started", row)
            found.append(Shown(event_id, link.id, created, f"{prefix}_STARTED", summary, True))
        status = details.value(row, "status")
        if status < TERMINAL:
            return found
        ended, rows = details.value(row, "updated"), details.value(row, "rows")
        word = JobStatus(status).name
        if status == JobStatus.FAILED and rows:
            word = "INCOMPLETE"
        found.append(
            Shown(
                uuid_of(0, "ended", row),
                link.id,
                ended,
                f"{prefix}_{word}",
                {
                    "jobId": row + FIRST_JOB_ID,
                    "startTimeEpochSeconds": created,
                    "endTimeEpochSeconds": ended,
                    "bytesLoaded": details.value(row, "bytes"),
                    "recordsLoaded": rows,
                    "attemptsCount": details.value(row, "attempts"),
                    "failureReason": details.failure(row),
                },
                False,
            )
        )
        return found
