"""Reading ahead: the source runs on a thread of its own, a few pages in front of the sink."""

import threading
import time
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from bot.loader.config import Retry
from bot.loader.events import Listener, PageRead, ReadFailed
from bot.loader.protocol import Source, SourceError
from bot.loader.retry import Tries
from bot.loader.rows import Page, Reading

PAGES_AHEAD = 8
PAGES_LEFT = 2
"""A reader that is far enough ahead rests until only these wait: one that is woken for every page
takes the processor from the writer just when it starts its next slice."""
BYTES_AHEAD = 32 * 1024 * 1024
STOP_SECONDS = 10.0
"""A source that hangs in its driver is left behind after this; its connection is then closed."""


@dataclass(frozen=True, slots=True)
class _Failure:
    error: BaseException


class ReadAhead:
    """Iterate over the pages of a source that are read on another thread.

    At most `PAGES_AHEAD` pages wait, and no more than `BYTES_AHEAD` unless a single page is
    larger: memory is bounded by the page. A failure that may pass is tried again from the last
    bookmark that was read. Listeners are told on the thread of the consumer.
    """

    def __init__(self, source: Source, reading: Reading, retry: Retry) -> None:
        self._source = source
        self._reading = reading
        self._retry = retry
        self._changed = threading.Condition()
        self._waiting: deque[tuple[Page, PageRead] | ReadFailed | _Failure | None] = deque()
        self._bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, name="loader-reader", daemon=True)

    def pages(self, listen: Listener) -> Generator[Page]:
        """Start reading, and yield pages in order.

        Raises:
            SourceError: reading failed for good; every page before it has been yielded.
        """
        self._thread.start()
        try:
            while True:
                item = self._take()
                match item:
                    case None:
                        return
                    case _Failure(error):
                        raise error
                    case ReadFailed():
                        listen(item)
                    case (page, event):
                        listen(event)
                        yield page
        finally:
            self.stop()

    def stop(self) -> None:
        """Make the reader end after the page it is at, and wait for it, but not for ever."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def _read(self) -> None:
        try:
            self._read_with_retries()
            self._put(None, 0)
        except BaseException as error:  # noqa: BLE001  carried over to the consumer's thread
            self._put(_Failure(error), 0)

    def _read_with_retries(self) -> None:
        tries = Tries(self._retry, self._stop)
        reading, delivered = self._reading, False
        while True:
            try:
                for page in self._timed(reading):
                    delivered = True
                    if page.bookmark is not None:
                        reading = Reading(reading.plane, page.bookmark)
                        delivered = False
                        tries = Tries(self._retry, self._stop)
                return  # noqa: TRY300  an else would sit far from what it belongs to
            except SourceError as error:
                # Behind a page without a bookmark there is no place to go on from.
                again = tries.may_go_on(error) and not delivered
                self._put(ReadFailed(error.kind, error.message, retried=again), 0)
                if not again:
                    raise
                tries.pause(tries.next_pause())

    def _timed(self, reading: Reading) -> Iterator[Page]:
        pages = self._source.pages(reading)
        try:
            started = time.perf_counter()
            for page in pages:
                seconds = time.perf_counter() - started
                records, nbytes = page.rows.num_rows + len(page.rejects), page.rows.nbytes
                self._put((page, PageRead(records, nbytes, seconds)), nbytes)
                yield page
                if self._stop.is_set():
                    return
                started = time.perf_counter()
        finally:
            close = getattr(pages, "close", None)
            if close is not None:
                close()

    def _put(self, item: tuple[Page, PageRead] | ReadFailed | _Failure | None, nbytes: int) -> None:
        with self._changed:
            rests = self._full(nbytes)
            while rests and not self._stop.is_set():
                self._changed.wait()
                rests = len(self._waiting) > PAGES_LEFT or self._full(nbytes)
            self._waiting.append(item)
            self._bytes += nbytes
            self._changed.notify_all()

    def _full(self, nbytes: int) -> bool:
        if not self._waiting:
            return False
        return len(self._waiting) >= PAGES_AHEAD or self._bytes + nbytes > BYTES_AHEAD

    def _take(self) -> tuple[Page, PageRead] | ReadFailed | _Failure | None:
        with self._changed:
            while not self._waiting:
                self._changed.wait()
            item = self._waiting.popleft()
            if isinstance(item, tuple):
                self._bytes -= item[1].nbytes
            if len(self._waiting) <= PAGES_LEFT:
                self._changed.notify_all()
            return item
