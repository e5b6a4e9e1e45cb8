"""A sweep: every sync of a workspace that was created in a stretch of time, read in parallel.

Pages are asked for by time of creation (keyset), never by offsets into a list that pruning
shortens. The API tells creation in whole seconds and breaks no ties, so a page begins in the
second in which the one before it ended, and on its last row; when that row is not there, or
another one is repeated, the second is read on its own. Rows may come twice; the store keeps
them once.
"""

import queue
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from bot.airbyte.client import Airbyte, SyncQuery
from bot.airbyte.configuration import Configuration, Details
from bot.airbyte.pages import NO_JOBS, SyncPage, Unread, Version
from bot.airbyte.transport import MOST_IN_FLIGHT
from bot.domain.connection import WorkspaceId
from bot.domain.errors import AirbyteError
from bot.history.frontier import Cursor, Frontier, Stretch

BATCH_SYNCS: Final = 4000
BATCH_AGE_S: Final = 1.0
MOST_WALKS: Final = 50
_PAGES_AHEAD: Final = 128
"""How many pages may wait for the store before readers pause."""

_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Span:
    """What to sweep: syncs created in `[start, end]`; `start` None is the oldest there is.

    With `is_open`, `end` is the present, and what is even newer is read too. `updated_from`
    leaves out those that have not changed since. `configuration` is asked for what only it
    knows of each page of syncs, unless `detailed` has all of them, by job id, as they are.
    """

    workspace_id: WorkspaceId
    start: datetime | None
    end: datetime
    updated_from: datetime | None = None
    configuration: Configuration | None = None
    detailed: Mapping[int, Version] = field(default_factory=dict)
    is_open: bool = False


@dataclass(slots=True)
class Batch:
    """Syncs to store together; all that was created before `reached` is in this or earlier ones.

    `details` are by job id; `no_details` says why there are none (any more).
    """

    reached: datetime | None = None
    pages: list[SyncPage] = field(default_factory=list)
    details: dict[int, Details] = field(default_factory=dict)
    no_details: str | None = None

    @property
    def unread(self) -> list[Unread]:
        """Return what its pages hold and nobody can read."""
        return [one for page in self.pages for one in page.unread]

    @property
    def size(self) -> int:
        """Count the rows of its pages."""
        return sum(page.size for page in self.pages)


def sweep(airbyte: Airbyte, span: Span) -> Iterator[Batch]:
    """Read a span with as many requests in flight as Airbyte bears.

    Raises:
        AirbyteError: some of it could not be read; everything else was yielded before.
    """
    crew = _Crew(airbyte, span)
    crew.start()
    try:
        yield from _batched(crew)
    finally:
        crew.stop()
    if crew.error is not None:
        raise crew.error


def read_pages(
    airbyte: Airbyte, span: Span, cursor: Cursor | None, bound: datetime | None
) -> tuple[list[SyncPage], Cursor | None]:
    """Read the page at `cursor`, and say where the next one begins; None after the last one.

    It is several pages where a second had to be read on its own.

    Raises:
        AirbyteError: it cannot be read, or Airbyte does not list by time.
    """
    second = None if cursor is None else cursor.second
    offset = 0 if cursor is None else max(cursor.rows - 1, 0)
    page = airbyte.syncs(SyncQuery(span.workspace_id, second, bound, offset, span.updated_from))
    _refuse_disorder(page, second)
    if cursor is not None and _has_moved(page, cursor):
        return _read_second(airbyte, span, cursor.second), Cursor(cursor.second + _SECOND)
    after = None if page.is_last else _after(page, cursor)
    return [page.without_first() if cursor is not None and cursor.tail else page], after


def _has_moved(page: SyncPage, cursor: Cursor) -> bool:
    """Tell whether rows of the cursor's second have gone, or come in another order than before.

    A page begins with the last row of the one before it, and repeats no other.
    """
    if not cursor.tail:
        return False
    ids = page.ids
    return ids[:1] != [cursor.tail[-1]] or not set(cursor.tail).isdisjoint(ids[1:])


def _read_second(airbyte: Airbyte, span: Span, second: datetime) -> list[SyncPage]:
    """Read all syncs of a second, again and again until as many were seen as are listed."""
    pages: list[SyncPage] = []
    seen: set[int] = set()
    for _ in range(MOST_WALKS):
        listed, is_last = 0, False
        while not is_last:
            query = SyncQuery(
                span.workspace_id, second, second + _SECOND, listed, span.updated_from
            )
            page = airbyte.syncs(query)
            pages.append(page)
            seen.update(page.ids)
            listed, is_last = listed + page.size, page.is_last
        unread = {one.what: one for page in pages for one in page.unread}
        if len(seen) + len(unread) >= listed:
            return pages
    what = f"all jobs of {second:%Y-%m-%d %H:%M:%S}"
    unsteady = Unread(what, "they were listed in another order each time")
    return [*pages, SyncPage(NO_JOBS, (unsteady,), is_last=False)]


def _after(page: SyncPage, cursor: Cursor | None) -> Cursor:
    assert page.created is not None, "a page that is not the last one has jobs"
    last = page.created[1].replace(microsecond=0)
    tail = page.ids_since(last)
    if cursor is None or last > cursor.second:
        return Cursor(last, len(tail), tail)
    if not cursor.tail:
        return replace(cursor, rows=page.size, tail=tail)
    return replace(cursor, rows=cursor.rows + page.size - 1, tail=cursor.tail + tail[1:])


def _refuse_disorder(page: SyncPage, second: datetime | None) -> None:
    if page.created is None:
        return
    first, last = page.created
    if first > last or (second and first < second):
        raise AirbyteError(
            "Airbyte does not list jobs by the time that was asked for",
            "This release neither sorts nor filters jobs by time; trimtab needs one that does.",
        )


class _Signal(Enum):
    ENDED = "a reader has no more work"
    LATE = "nothing was read for a while"


class _Crew:
    """Threads that read pages side by side; daemons, so that Ctrl-C never waits for one."""

    def __init__(self, airbyte: Airbyte, span: Span) -> None:
        self.error: AirbyteError | None = None
        self._read: queue.SimpleQueue[Batch | BaseException | _Signal] = queue.SimpleQueue()
        self._room = threading.Semaphore(_PAGES_AHEAD)
        self._airbyte = airbyte
        self._span = span
        self._frontier = Frontier(span.start, span.end, airbyte.page_size, is_open=span.is_open)
        self._configuration = span.configuration
        self._changed = threading.Condition()
        self._stopped = False

    def start(self) -> None:
        for number in range(MOST_IN_FLIGHT):
            threading.Thread(target=self._work, name=f"reader-{number}", daemon=True).start()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def next(self, patience_s: float) -> "Batch | BaseException | _Signal":
        """Return what a reader hands over next, or that none did in time."""
        try:
            item = self._read.get(timeout=max(patience_s, 0))
        except queue.Empty:
            return _Signal.LATE
        if isinstance(item, Batch):
            self._room.release()
        return item

    def _work(self) -> None:
        try:
            while (taken := self._take()) is not None:
                self._room.acquire()
                self._read_one(*taken)
        except BaseException as error:  # noqa: BLE001  handed over to the thread that asked
            self._read.put(error)
        finally:
            self._read.put(_Signal.ENDED)

    def _take(self) -> tuple[Stretch, datetime | None] | None:
        with self._changed:
            while not self._stopped and not self._frontier.is_done:
                stretch = self._frontier.take()
                if stretch is not None:
                    return stretch, self._frontier.bound(stretch)
                self._changed.wait()
            self._changed.notify_all()
            return None

    def _read_one(self, stretch: Stretch, bound: datetime | None) -> None:
        try:
            pages, cursor = read_pages(self._airbyte, self._span, stretch.cursor, bound)
        except AirbyteError as error:
            self.error = error
            self.stop()
            return
        batch = Batch(pages=pages)
        self._add_details(batch)
        with self._changed:
            if cursor is None:
                self._frontier.finish(stretch)
            else:
                self._frontier.advance(stretch, cursor, batch.size)
            # Inside the lock: who sees `reached` has the rows of all that lies before it.
            batch.reached = self._frontier.reached
            self._read.put(batch)
            self._changed.notify_all()

    def _add_details(self, batch: Batch) -> None:
        configuration = self._configuration
        for page in batch.pages:
            if configuration is None or page.created is None:
                return
            if page.has_only(self._span.detailed):
                continue
            try:
                found = configuration.details(self._span.workspace_id, *page.created)
            except AirbyteError as error:
                self._configuration = configuration = None
                batch.no_details = error.message
                return
            batch.details |= {one: found[one] for one in page.ids if one in found}


def _batched(crew: _Crew) -> Iterator[Batch]:
    """Join pages to batches that are worth a transaction; none waits longer than a moment."""
    batch, rows, born, working = Batch(), 0, time.monotonic(), MOST_IN_FLIGHT
    while working:
        item = crew.next(born + BATCH_AGE_S - time.monotonic())
        if isinstance(item, BaseException):
            raise item
        if isinstance(item, Batch):
            batch.reached = item.reached
            batch.pages += item.pages
            rows += item.size
            batch.details |= item.details
            batch.no_details = batch.no_details or item.no_details
        elif item is _Signal.ENDED:
            working -= 1
        ripe = rows >= BATCH_SYNCS or item is _Signal.LATE or not working
        if ripe and batch.reached is not None:
            yield batch
            batch, rows, born = Batch(), 0, time.monotonic()
