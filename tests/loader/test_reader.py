"""Reading ahead: a bounded number of pages, errors in their place, and a thread that ends."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from bot.loader.config import Retry
from bot.loader.protocol import RetryClass, SourceError
from bot.loader.reader import PAGES_AHEAD, PAGES_LEFT, ReadAhead
from bot.loader.rows import Page, Reading
from tests.loader.scripted import ScriptedSource


@dataclass
class CountedSource(ScriptedSource):
    """Counts the pages that it handed out, and notes the end of its generator."""

    handed_out: int = 0
    ended_on: list[str] = field(default_factory=list)

    def pages(self, reading: Reading) -> Iterator[Page]:
        try:
            for page in super().pages(reading):
                self.handed_out += 1
                yield page
        finally:
            self.ended_on.append(threading.current_thread().name)


def test_a_slow_sink_holds_the_source_back() -> None:
    source = CountedSource(1000, 10)
    pages = ReadAhead(source, Reading(), Retry()).pages(lambda _: None)
    next(pages)
    time.sleep(0.2)
    assert source.handed_out <= PAGES_AHEAD + 2
    pages.close()
    assert source.ended_on == ["loader-reader"]
    assert not [t for t in threading.enumerate() if t.name == "loader-reader"]


def test_a_source_that_is_far_ahead_rests_until_few_pages_wait() -> None:
    source = CountedSource(1000, 10)
    pages = ReadAhead(source, Reading(), Retry()).pages(lambda _: None)
    next(pages)
    ahead = _at_rest(source)
    waiting = ahead - 2  # one was taken, and one is in the reader's hand
    for _ in range(waiting - PAGES_LEFT - 1):
        next(pages)
    assert _at_rest(source) == ahead
    next(pages)
    assert _at_rest(source) > ahead + 1
    pages.close()


def _at_rest(source: CountedSource) -> int:
    """Wait until the reader hands out no more, and return how many pages it has."""
    before = -1
    while source.handed_out != before:
        before = source.handed_out
        time.sleep(0.3)
    return before


def test_pages_come_in_order_and_end() -> None:
    pages = ReadAhead(CountedSource(95, 10), Reading(), Retry()).pages(lambda _: None)
    assert [page.bookmark for page in pages] == [{"after": n} for n in [*range(10, 95, 10), 95]]


def test_a_failure_comes_after_the_pages_before_it() -> None:
    source = CountedSource(50, 10, failures=[SourceError("gone")])
    pages = ReadAhead(source, Reading(), Retry()).pages(lambda _: None)
    assert next(pages).rows.num_rows == 10
    with pytest.raises(SourceError, match="gone"):
        next(pages)


def test_without_a_bookmark_there_is_no_going_on_behind_what_was_delivered() -> None:
    lost = SourceError("lost", retry=RetryClass.CONNECTION)
    source = CountedSource(50, 10, bookmarks=False, failures=[lost])
    with pytest.raises(SourceError, match="lost"):
        list(ReadAhead(source, Reading(), Retry(base_ms=1)).pages(lambda _: None))


def test_classes_that_are_not_listed_are_not_tried_again() -> None:
    lost = SourceError("lost", retry=RetryClass.TIMEOUT)
    policy = Retry(base_ms=1, classes=(RetryClass.CONNECTION,))
    with pytest.raises(SourceError, match="lost"):
        list(ReadAhead(CountedSource(50, 10, failures=[lost]), Reading(), policy).pages(print))
