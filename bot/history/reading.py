"""Reading one workspace: what a mine does with each.

It reads the fleet as it is now, every sync created since a day before the last reading (Airbyte
corrects late), older ones that changed since then, and each one that had not ended when it was
last seen. A batch of syncs and how far the reading has come are committed together, so that one
that is killed at any point is continued by the next.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from typing import Any, Final, Protocol

import httpx

from bot.airbyte.client import Airbyte, Listing
from bot.airbyte.configuration import Configuration
from bot.airbyte.pages import Unread, to_table
from bot.airbyte.problem import Refused
from bot.domain.connection import WorkspaceId
from bot.domain.errors import AirbyteError
from bot.domain.mine import Mine
from bot.history.crew import ask_all
from bot.history.store import History
from bot.history.sweep import Batch, Span, sweep
from bot.history.syncs import Upserted

OVERLAP: Final = timedelta(days=1)
"""How long after a sync's creation Airbyte may still correct it without saying so."""

EVENTS_KEPT: Final = timedelta(days=550)
"""Airbyte keeps its timeline for 18 months."""

EVENTS_OVERLAP: Final = timedelta(days=7)
"""Events are few, so that some are read again rather than one lost to a failed request."""

INTERRUPTED: Final = "interrupted"

_MOST_SENTENCES: Final = 20
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the mine of one workspace has come."""

    workspace_id: WorkspaceId
    read_from: datetime | None
    read_to: datetime | None
    until: datetime
    syncs: int


class Watcher(Protocol):
    """Whoever wants to know how mining goes on."""

    def progress(self, progress: Progress) -> None:
        """Take note of a committed batch."""

    def finished(self, mine: Mine) -> None:
        """Take note of a workspace that is done."""


@dataclass(slots=True)
class Reading:
    """The reading of one workspace; after `run`, its fields say what it came to.

    `lost` is the failure that makes it pointless to go on with other workspaces.
    `configuration` turns None when the Configuration API is not to be had.
    """

    history: History
    airbyte: Airbyte
    watcher: Watcher
    workspace_id: WorkspaceId
    configuration: Configuration | None
    mine: Mine = field(init=False)
    until: datetime = field(init=False)
    connections: int = 0
    syncs: int = 0
    lost: AirbyteError | None = None
    unread: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unfinished: set[int] = field(default_factory=set)

    def run(self, since: datetime | None) -> None:
        """Read the workspace, from `since` or where the last reading ended, and enter how it went.

        Raises:
            HistoryError: the history cannot be written.
            KeyboardInterrupt: the reading is recorded as partial first.
        """
        watermark = self.history.watermark(self.workspace_id)
        settled = None if watermark is None else watermark - OVERLAP
        start = since or settled
        self.unfinished = set(self.history.unfinished(self.workspace_id))
        self.mine = self.history.begin_mine(self.workspace_id, datetime.now(UTC), start)
        try:
            self._read(start, settled)
        except AirbyteError as error:
            self.unread.append(error.message)
            # A workspace that is closed to us says nothing about the others; silence does.
            closed = isinstance(error, Refused) and error.status != httpx.codes.UNAUTHORIZED
            self.lost = None if closed else error
        except KeyboardInterrupt:
            self._finish([*self.unread, INTERRUPTED])
            raise
        self._finish(self.unread)

    def _read(self, start: datetime | None, settled: datetime | None) -> None:
        self._read_fleet()
        # Airbyte's clock, not ours: it stamps the syncs, and has just told its time.
        self.until = self.airbyte.server_time().replace(microsecond=0)
        self._read_events(start)
        # What was read again for the overlap is mostly known, and its details are the larger part.
        known = {} if settled is None else self.history.detailed(self.workspace_id, settled)
        recent = Span(self.workspace_id, start, self.until, detailed=known, is_open=True)
        self._sweep(replace(recent, configuration=self.configuration))
        if start is not None and settled is not None:
            corrected = Span(self.workspace_id, None, start, updated_from=settled)
            self._sweep(replace(corrected, configuration=self.configuration))
        self._read_unfinished()

    def _read_fleet(self) -> None:
        airbyte, where = self.airbyte, self.workspace_id
        questions: list[Callable[[], Listing[Any]]] = [
            partial(airbyte.connections, where),
            partial(airbyte.sources, where),
            partial(airbyte.destinations, where),
        ]
        try:
            connections, sources, destinations = ask_all(questions)
        except Refused as refused:
            self.unread.append(refused.message)
            return
        self.connections = len(connections.items)
        missing = connections.unread + sources.unread + destinations.unread
        self._note_unread(missing)
        if not missing:
            seen_at = airbyte.server_time()
            self.history.record_fleet(
                where, connections.items, sources.items, destinations.items, seen_at
            )

    def _read_events(self, start: datetime | None) -> None:
        """Read settings and schema changes, before the syncs move the watermark past them."""
        if self.configuration is None:
            return
        absence = self.configuration.absence(self.workspace_id)
        if absence is not None:
            self._go_without_details(absence)
            return
        since = self.until - EVENTS_KEPT if start is None else start - EVENTS_OVERLAP
        events = self.configuration.events
        try:
            where = self.configuration.connections_with_events(self.workspace_id, since, self.until)
            found = ask_all([partial(events, each, since) for each in sorted(where)])
        except AirbyteError as error:
            self.notes.append(f"settings changes were not read: {error.message}")
            return
        self.history.record_events(chain.from_iterable(found))

    def _go_without_details(self, why: str) -> None:
        self.configuration = None
        self.notes.append(f"attempts and failure reasons were not read: {why}")

    def _sweep(self, span: Span) -> None:
        since = span.updated_from
        for batch in sweep(self.airbyte, span):
            self._note_unread(batch.unread)
            if batch.no_details is not None:
                self._go_without_details(batch.no_details)
            self._store(batch, batch.reached if since is None else self.mine.read_to)
            if since is not None and any(p.has_ended_before(since - _SECOND) for p in batch.pages):
                return  # a release without that filter; what had not ended is read one by one

    def _store(self, batch: Batch, reached: datetime | None) -> None:
        self.unfinished.difference_update(chain.from_iterable(page.ids for page in batch.pages))
        self.syncs += batch.size
        details = batch.details.items()
        queued = {sync_id: one.queued for sync_id, one in details if one.queued is not None}
        table = to_table(batch.pages, queued)
        with self.history.transaction():
            upserted = self.history.upsert_table(table, self.workspace_id)
            self.history.record_attempts({sync_id: one.attempts for sync_id, one in details})
            self.history.record_streams({sync_id: one.streams for sync_id, one in details})
            self._advance(upserted, reached)
        progress = Progress(
            self.workspace_id, self.mine.read_from, self.mine.read_to, self.until, self.syncs
        )
        self.watcher.progress(progress)

    def _read_unfinished(self) -> None:
        left = sorted(self.unfinished)
        found = ask_all([partial(self.airbyte.sync, sync_id) for sync_id in left])
        known = [sync for sync in found if sync is not None]
        with self.history.transaction():
            upserted = self.history.upsert_syncs(known, self.workspace_id)
            self._advance(upserted, self.mine.read_to)

    def _advance(self, upserted: Upserted, reached: datetime | None) -> None:
        if reached is not None:
            self.mine = self.history.advance_mine(self.mine, reached, upserted)

    def _note_unread(self, unread: Iterable[Unread]) -> None:
        self.unread += [f"{one.what}: {one.why}" for one in unread]

    def _finish(self, unread: list[str]) -> None:
        more = len(unread) - _MOST_SENTENCES
        told = [*unread[:_MOST_SENTENCES], f"and {more:,} more"] if more > 0 else unread
        detailed = self.configuration is not None
        self.mine = self.history.finish_mine(self.mine, datetime.now(UTC), told, detailed=detailed)
        self.watcher.finished(self.mine)
