"""Mining: bring the history up to date with Airbyte; the first time and every night alike.

Of each workspace it reads the fleet as it is now, every sync created since a day before the last
complete reading (Airbyte corrects late), older ones that changed since then, and each one that
had not ended when it was last seen. A batch of syncs and how far the mine has come are committed
together, so a mine that is killed at any point is continued by the next one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, Protocol

from bot.airbyte.client import Airbyte, Listing, Unread
from bot.airbyte.problem import Refused
from bot.domain.connection import WorkspaceId
from bot.domain.errors import AirbyteError
from bot.domain.mine import Mine
from bot.domain.sync import Sync
from bot.history.crew import ask_all
from bot.history.store import History
from bot.history.sweep import Span, sweep

OVERLAP: Final = timedelta(days=1)
"""How long after a sync's creation Airbyte may still correct it without saying so."""

INTERRUPTED: Final = "interrupted"

_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class MiningPlan:
    """What to mine: some workspaces (none named is all in sight), and from when on.

    `since` reads again from that time of creation; without it, mining goes on where it stopped.
    """

    workspaces: tuple[WorkspaceId, ...] = ()
    since: datetime | None = None


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


@dataclass(frozen=True, slots=True)
class Mined:
    """What mining came to. `unread` is what no mine holds: workspaces that were not begun."""

    mines: tuple[Mine, ...]
    unread: tuple[str, ...]
    connections: int
    requests: int
    repeats: int
    skew: timedelta | None

    @property
    def is_complete(self) -> bool:
        """Tell whether everything that was to be read was read."""
        return not self.unread and not any(mine.unread for mine in self.mines)


def mine(history: History, airbyte: Airbyte, plan: MiningPlan, watcher: Watcher) -> Mined:
    """Bring the history up to date.

    What cannot be read is recorded and reported, not raised, once Airbyte has let us in.

    Raises:
        AirbyteError: Airbyte cannot be reached, refuses the credentials, or shows no workspace.
        HistoryError: the history cannot be written.
        KeyboardInterrupt: the mine that was under way is recorded as partial first.
    """
    workspaces = plan.workspaces or _workspaces(airbyte)
    mines: list[Mine] = []
    unread: list[str] = []
    connections = 0
    for place, workspace_id in enumerate(workspaces):
        one = _WorkspaceMine(history, airbyte, plan, watcher, workspace_id)
        one.run()
        mines.append(one.mine)
        connections += one.connections
        if one.lost is not None:
            if not any(mine.read_to for mine in mines):
                raise one.lost
            unread += [f"workspace {left}: not begun" for left in workspaces[place + 1 :]]
            break
    traffic = airbyte.traffic
    return Mined(
        tuple(mines), tuple(unread), connections, traffic.requests, traffic.repeats, traffic.skew
    )


def _workspaces(airbyte: Airbyte) -> tuple[WorkspaceId, ...]:
    listing = airbyte.workspaces()
    if not listing.items:
        raise AirbyteError(
            f"No workspace is in sight at {airbyte.root}",
            "Give the application's user the reader role on the workspaces that it is for.",
        )
    return tuple(workspace.id for workspace in listing.items)


@dataclass(slots=True)
class _WorkspaceMine:
    history: History
    airbyte: Airbyte
    plan: MiningPlan
    watcher: Watcher
    workspace_id: WorkspaceId
    mine: Mine = field(init=False)
    until: datetime = field(init=False)
    connections: int = 0
    syncs: int = 0
    lost: AirbyteError | None = None
    unread: list[str] = field(default_factory=list)
    unfinished: set[int] = field(default_factory=set)

    def run(self) -> None:
        """Read the workspace, and enter into the ledger how that went."""
        watermark = self.history.watermark(self.workspace_id)
        settled = None if watermark is None else watermark - OVERLAP
        start = self.plan.since or settled
        self.unfinished = set(self.history.unfinished(self.workspace_id))
        self.mine = self.history.begin_mine(self.workspace_id, datetime.now(UTC), start)
        try:
            self._read(start, settled)
        except AirbyteError as error:
            self.unread.append(error.message)
            # A workspace that is closed to us says nothing about the others; silence does.
            self.lost = None if isinstance(error, Refused) else error
        except KeyboardInterrupt:
            self._finish([*self.unread, INTERRUPTED])
            raise
        self._finish(self.unread)

    def _read(self, start: datetime | None, settled: datetime | None) -> None:
        self._read_fleet()
        # Airbyte's clock, not ours: it stamps the syncs, and has just told its time.
        self.until = self.airbyte.server_time().replace(microsecond=0)
        self._sweep(Span(self.workspace_id, start, self.until))
        if start is not None and settled is not None:
            self._sweep(Span(self.workspace_id, None, start, updated_from=settled))
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

    def _sweep(self, span: Span) -> None:
        late = span.updated_from is not None
        for batch in sweep(self.airbyte, span):
            self._note_unread(batch.unread)
            self._store(batch.syncs, self.mine.read_to if late else batch.reached)
            if late and any(_is_older(sync, span.updated_from) for sync in batch.syncs):
                return  # a release without that filter; what had not ended is read one by one

    def _read_unfinished(self) -> None:
        left = sorted(self.unfinished)
        found = ask_all([partial(self.airbyte.sync, sync_id) for sync_id in left])
        self._store([sync for sync in found if sync is not None], self.mine.read_to)

    def _store(self, syncs: Iterable[Sync], reached: datetime | None) -> None:
        found = list(syncs)
        self.unfinished.difference_update(sync.id for sync in found)
        self.syncs += len(found)
        with self.history.transaction():
            upserted = self.history.upsert_syncs(found, self.workspace_id)
            if reached is not None:
                self.mine = self.history.advance_mine(self.mine, reached, upserted)
        self.watcher.progress(
            Progress(
                self.workspace_id, self.mine.read_from, self.mine.read_to, self.until, self.syncs
            )
        )

    def _note_unread(self, unread: Iterable[Unread]) -> None:
        self.unread += [f"{one.what}: {one.why}" for one in unread]

    def _finish(self, unread: list[str]) -> None:
        self.mine = self.history.finish_mine(self.mine, datetime.now(UTC), unread)
        self.watcher.finished(self.mine)


def _is_older(sync: Sync, updated_from: datetime | None) -> bool:
    ended = sync.updated_at
    return ended is not None and updated_from is not None and ended < updated_from - _SECOND
