"""The store: one DuckDB file, opened by one process at a time, written in transactions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bot.airbyte.pages import Version
from bot.domain.connection import Connection, Endpoint, WorkspaceId
from bot.domain.event import ConnectionEvent
from bot.domain.mine import Mine
from bot.domain.sync import Attempt, StreamStats, Sync
from bot.history import details, fleet, mines, schema, syncs
from bot.history.damage import explained, refuse_unusable
from bot.history.statements import statement
from bot.history.syncs import Upserted
from bot.history.times import naive

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

MEMORY_LIMIT_BYTES = 1_500_000_000
"""What DuckDB may hold before it spills to disk; Python and Arrow come on top."""


class History:
    """Every sync that was ever seen; open it with `History.open`.

    Each method that writes is one transaction; inside `transaction()` they are all one.
    """

    def __init__(self, connection: "duckdb.DuckDBPyConnection", name: str) -> None:
        self._connection = connection
        self._in_transaction = False
        self.name = name

    @classmethod
    @contextmanager
    def open(
        cls,
        path: Path | str,
        *,
        read_only: bool = False,
        threads: int | None = None,
        name: str | None = None,
    ) -> Iterator[Self]:
        """Open the history at `path`, creating it and migrating its schema when it is written.

        Args:
            path: a file on a local disk.
            read_only: never change the file; it has to exist.
            threads: how many DuckDB may use; one for each core when None.
            name: what to call it in errors; the path when None.

        Raises:
            HistoryError: the file is missing, locked, damaged, of a newer schema, or on a disk
                that cannot be written.
        """
        import duckdb

        path, name = Path(path), name or str(path)
        refuse_unusable(path, name, read_only=read_only)
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{MEMORY_LIMIT_BYTES}B",
        }
        if threads is not None:
            config["threads"] = threads
        with explained(name):
            connection = duckdb.connect(str(path), read_only=read_only, config=config)
        try:
            with explained(name):
                schema.prepare(connection, f"The history {name}", read_only=read_only)
                connection.execute(statement("session"))
            yield cls(connection, name)
        finally:
            with explained(name):
                connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything inside one transaction: all of it stays, or none."""
        if self._in_transaction:
            yield
            return
        with explained(self.name):
            self._connection.begin()
        self._in_transaction = True
        try:
            yield
            with explained(self.name):
                self._connection.commit()
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._in_transaction = False

    def execute(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """Run `sql` and return its rows; times come as naive UTC.

        Raises:
            HistoryError: the file cannot be read or written.
        """
        with explained(self.name):
            return self._connection.execute(sql, parameters).fetchall()

    def arrow(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None
    ) -> "pa.Table":
        """Run `sql` and return an Arrow table.

        Raises:
            HistoryError: the file cannot be read.
        """
        with explained(self.name):
            return self._connection.sql(sql, params=parameters).to_arrow_table()

    @contextmanager
    def relation(self, name: str, table: "pa.Table") -> Iterator[None]:
        """Let statements inside read the Arrow `table` under `name`."""
        import duckdb

        self._connection.register(name, table)
        try:
            yield
        except BaseException:
            # An aborted transaction takes the name with it, and refuses this.
            with suppress(duckdb.TransactionException):
                self._connection.unregister(name)
            raise
        self._connection.unregister(name)

    def upsert_syncs(
        self, seen: Iterable[Sync], workspace_id: WorkspaceId | None = None
    ) -> Upserted:
        """Add syncs and bring known ones up to date; see `syncs.upsert`."""
        return syncs.upsert(self, seen, workspace_id)

    def upsert_table(self, table: "pa.Table", workspace_id: WorkspaceId | None = None) -> Upserted:
        """Do the same from Arrow columns; see `syncs.upsert_table`."""
        return syncs.upsert_table(self, table, workspace_id)

    def unfinished(self, workspace_id: WorkspaceId) -> list[int]:
        """Return the job ids, ascending, of the workspace's syncs that had not ended when seen."""
        return [job for (job,) in self.execute(statement("unfinished"), [workspace_id])]

    def detailed(self, workspace_id: WorkspaceId, since: datetime) -> dict[int, Version]:
        """Return the syncs created since, by job id, that have ended and whose details are known.

        They are known only as long as a sync is of the version that they were read with.
        """
        terms = {"workspace_id": workspace_id, "since": naive(since)}
        rows = self.execute(statement("detailed"), terms)
        return {job: Version(*version) for job, *version in rows}

    def record_attempts(self, attempts: Mapping[int, Sequence[Attempt]]) -> None:
        """Keep the attempts of each job id, in place of those that were known; see `details`."""
        details.record_attempts(self, attempts)

    def record_streams(self, stats: Mapping[int, Sequence[StreamStats]]) -> None:
        """Keep the per-stream totals of each job id, in place of those that were known."""
        details.record_streams(self, stats)

    def record_events(self, events: Iterable[ConnectionEvent]) -> int:
        """Keep timeline events, each once by its id; return how many were new."""
        return details.record_events(self, events)

    def record_fleet(
        self,
        workspace_id: WorkspaceId,
        connections: Iterable[Connection],
        sources: Iterable[Endpoint],
        destinations: Iterable[Endpoint],
        seen_at: datetime,
    ) -> None:
        """Keep the settings of one complete listing of a workspace; see `fleet.record`."""
        listing = fleet.Listing(
            workspace_id, tuple(connections), tuple(sources), tuple(destinations), seen_at
        )
        fleet.record(self, listing)

    def watermark(self, workspace_id: WorkspaceId) -> datetime | None:
        """Return up to when every sync of the workspace has been read, without a gap."""
        return mines.watermark(self, workspace_id)

    def begin_mine(
        self, workspace_id: WorkspaceId, started_at: datetime, read_from: datetime | None
    ) -> Mine:
        """Enter a mine into the ledger, before its first page."""
        return mines.begin(self, workspace_id, started_at, read_from)

    def advance_mine(self, mine: Mine, read_to: datetime, upserted: Upserted) -> Mine:
        """Note, in the transaction of the pages, how far a mine has come."""
        return mines.advance(self, mine, read_to, upserted)

    def finish_mine(
        self,
        mine: Mine,
        finished_at: datetime,
        unread: Sequence[str] = (),
        *,
        detailed: bool = False,
    ) -> Mine:
        """Close a mine: complete, or partial when anything could not be read."""
        return mines.finish(self, mine, finished_at, unread, detailed=detailed)

    def _roll_back(self) -> None:
        """Undo; a connection that is already broken has nothing left to undo."""
        import duckdb

        with suppress(duckdb.Error):
            self._connection.rollback()
