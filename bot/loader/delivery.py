"""Delivering pages: cut, write, dead-letter, flush, and only then move the state."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bot.domain.batch_size import Controller, Observation, Reason
from bot.domain.errors import LoaderError
from bot.loader.config import AdaptiveBatchSize
from bot.loader.controllers import build_controller
from bot.loader.dead_letters import Addresser, BudgetExceededError, DeadLetterQueue, Envelope
from bot.loader.events import (
    BudgetExceeded,
    DeadLettered,
    Flushed,
    Listener,
    Note,
    Sized,
    SliceWritten,
    StateSaved,
)
from bot.loader.paging import PageWork
from bot.loader.protocol import (
    PositionedSink,
    RetryClass,
    RowFailure,
    Sink,
    SliceTooLargeError,
    StagedSink,
    TransactionalSink,
    WriteResult,
)
from bot.loader.rows import Bookmark, Page, Rows, records_of
from bot.loader.slices import Attempted, SliceWriter
from bot.loader.state import Checkpoint, StateStore

LAZY_STATE_SECONDS = 1.0
"""A sink with transactions keeps the state itself; the store then follows this far behind."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a delivery works with.

    Args:
        sink: where rows go.
        dlq: where rows go that the sink refuses, None to stop on them instead.
        store: where the state goes.
        scope: the name of the pipeline's row in the state.
        writer: writes slices into `sink`.
        addresser: makes the envelopes of dead letters.
        sizing: adaptive batch sizing, None when it is off.
        batch_size: rows per write when it is off, None for whole pages.
        positional: the source gives the same records in the same order when read again.
        listen: is told what happens.
        cancelled: set to stop after the slice at hand.
    """

    sink: Sink
    dlq: DeadLetterQueue | None
    store: StateStore
    scope: str
    writer: SliceWriter
    addresser: Addresser
    sizing: AdaptiveBatchSize | None
    batch_size: int | None
    positional: bool
    listen: Listener
    cancelled: threading.Event


@dataclass(frozen=True, slots=True)
class _Place:
    """A place in the source: a bookmark, and the records behind it that are dealt with."""

    bookmark: Bookmark | None
    skip_records: int


class Delivery:
    """Deliver pages in order, from a checkpoint on."""

    def __init__(self, parts: Parts, checkpoint: Checkpoint) -> None:
        self._parts = parts
        self.checkpoint = checkpoint
        self._bookmark = checkpoint.bookmark
        self._behind = 0
        self._skip = checkpoint.skip_records
        self._controller: Controller | None = None
        self._letters: list[Envelope] = []
        self._saved_at = -LAZY_STATE_SECONDS
        self._warned_at_min = False

    def deliver(self, page: Page) -> None:
        """Deliver one page; when cancelled, the part of it that was begun.

        Raises:
            BudgetExceededError: too many rows failed; the page is delivered all the same.
            LoaderError: the page could not be delivered; what was is kept and recorded.
        """
        work = PageWork(page, self._skip)
        self._skip -= min(self._skip, work.records)
        self._refuse_rejects_without_queue(page)
        try:
            self._write_rows(page, work)
        except Exception:
            self._keep_begun(page, work)
            raise
        if work.left_rows:
            self._keep_begun(page, work)
            return
        self._letters += self._reject_letters(work, work.records)
        failures = len(self._letters)
        self._settle(page, work)
        self._check_budget(failures)

    def save(self, checkpoint: Checkpoint) -> None:
        """Put a checkpoint into the store, and show the rows that a sink staged for it."""
        parts, started = self._parts, time.perf_counter()
        parts.store.put(parts.scope, checkpoint)
        self.checkpoint = checkpoint
        self._saved_at = time.monotonic()
        seconds = time.perf_counter() - started
        parts.listen(StateSaved(seconds, checkpoint.bookmark))
        if isinstance(parts.sink, StagedSink) and checkpoint.sink_position:
            parts.writer.publish(parts.sink, checkpoint.sink_position)
            # Nothing is left to be shown by a later run, which could come too late to ask for it.
            self.checkpoint = replace(checkpoint, sink_position={})
            parts.store.put(parts.scope, self.checkpoint)

    def last(self) -> Checkpoint:
        """Return the checkpoint of a source that came to its end.

        What was staged of pages that have no name in the source is the load's only now: before,
        a crash made it start again.
        """
        sink = self._parts.sink
        if not isinstance(sink, StagedSink):
            return self.checkpoint
        return replace(self.checkpoint, sink_position=sink.position())

    @property
    def _searches(self) -> bool:
        sizing = self._parts.sizing
        return sizing is not None and sizing.controller == "goodput"

    @property
    def _sees_failures(self) -> bool:
        return self._searches or self._parts.dlq is not None

    def _write_rows(self, page: Page, work: PageWork) -> None:
        cap, capped_rows = 0, 0
        while work.left_rows and not self._parts.cancelled.is_set():
            size = self._cut(page, work.left_rows)
            rows = work.front(min(size, cap) if capped_rows > 0 else size)
            attempted = self._write(page, work, rows)
            smaller = self._smaller(attempted, rows.num_rows)
            if smaller is not None:
                cap, capped_rows = smaller, max(capped_rows, rows.num_rows)
                if self._sees_failures:
                    self._observe(page, attempted, rows.num_rows, rows.num_rows)
                continue
            failures = self._failures_of(attempted, rows.num_rows)
            whole = attempted.result is None and not isinstance(attempted.error, SliceTooLargeError)
            self._letters += self._envelopes(
                work, rows, failures, "dlq_all" if whole else "partial"
            )
            work.advance(rows.num_rows)
            capped_rows -= rows.num_rows
            self._observe(page, attempted, rows.num_rows, len(failures))

    def _write(self, page: Page, work: PageWork, rows: Rows) -> Attempted:
        def seal(result: WriteResult) -> Checkpoint:
            return self._sealed(page, work, rows, result)

        parts = self._parts
        attempted = parts.writer.write(rows, isolate=parts.dlq is not None, sealer=seal)
        if attempted.checkpoint is not None:
            self.checkpoint = attempted.checkpoint
        return attempted

    def _cut(self, page: Page, left_rows: int) -> int:
        """Return the rows of the next slice; the controller starts at the first page with rows."""
        parts = self._parts
        if parts.sizing is None:
            size = parts.batch_size or left_rows
        else:
            if self._controller is None:
                first = page.rows.num_rows
                self._controller = build_controller(parts.sizing, first, parts.batch_size)
                parts.listen(Sized(self._controller.size))
            size = self._controller.cut(left_rows)
        limits = parts.sink.capabilities
        if limits.max_rows is not None:
            size = min(size, limits.max_rows)
        if limits.max_bytes is not None:
            row_bytes = max(1, page.rows.nbytes // max(1, page.rows.num_rows))
            size = min(size, limits.max_bytes // row_bytes)
        return max(1, min(size, left_rows))

    def _smaller(self, attempted: Attempted, rows: int) -> int | None:
        """Return the size to try again with, None when the slice is done, or lost as it is."""
        error, sizing = attempted.error, self._parts.sizing
        if error is None or attempted.uncertain or rows == 1:
            return None
        if isinstance(error, SliceTooLargeError):
            return rows // 2
        size_related = error.retry in (None, RetryClass.TIMEOUT)
        if sizing is None or not self._searches or not size_related:
            return None
        return max(rows // 2, sizing.min) if rows > sizing.min else None

    def _failures_of(self, attempted: Attempted, rows: int) -> Sequence[RowFailure]:
        """Return the rows of a slice that failed, or stop the run when it may not go on.

        Raises:
            SinkError: the slice failed whole, and its rows may not become dead letters.
        """
        error, dlq = attempted.error, self._parts.dlq
        if attempted.result is not None:
            return attempted.result.failures
        assert error is not None
        of_a_row = isinstance(error, SliceTooLargeError)
        if dlq is None or attempted.uncertain or not (dlq.takes_whole_batches or of_a_row):
            raise error
        return [RowFailure(index, error.kind, error.message) for index in range(rows)]

    def _observe(self, page: Page, attempted: Attempted, rows: int, errors: int) -> None:
        parts, controller = self._parts, self._controller
        # The documented rule counts the pauses between tries as latency, and sees errors only
        # through the dead-letter queue; the search wants the sink's own time and every failure.
        seconds = attempted.seconds - (attempted.paused_seconds if self._searches else 0.0)
        visible = errors if self._sees_failures else 0
        observation = Observation(page.rows.num_rows, rows, visible, seconds * 1000)
        written = attempted.result.written if attempted.result is not None else 0
        parts.listen(SliceWritten(observation, written, errors))
        if controller is None:
            return
        step = controller.observe(observation)
        parts.listen(Sized(step.size_after, step))
        if step.reason is Reason.AT_MIN and visible and not self._warned_at_min:
            self._warned_at_min = True
            message = f"rows keep failing at the smallest batch size ({step.size_after})"
            parts.listen(Note(message, warning=True))

    def _place_after(self, page: Page, work: PageWork, rows: int) -> _Place | None:
        """Return where to go on once `rows` more are written, None where that has no name."""
        if rows >= work.left_rows and page.bookmark is not None:
            return _Place(page.bookmark, 0)
        if not self._parts.positional:
            return None
        return _Place(self._bookmark, self._behind + work.records_after(rows))

    def _sealed(self, page: Page, work: PageWork, rows: Rows, result: WriteResult) -> Checkpoint:
        """Return the checkpoint that the sink commits together with a slice."""
        place = self._place_after(page, work, rows.num_rows)
        if place is None:
            # The page will be read again as a whole, and its dead letters made again with it.
            return self.checkpoint.advance()
        letters = self._envelopes(work, rows, result.failures, "partial")
        rejects = self._reject_letters(work, work.records_after(rows.num_rows))
        return self.checkpoint.advance(
            bookmark=place.bookmark,
            skip_records=place.skip_records,
            outbox=(*self._letters, *letters, *rejects),
        )

    def _settle(self, page: Page, work: PageWork) -> None:
        """Finish a page: dead letters, flush, state."""
        parts, place = self._parts, self._place_after(page, work, 0)
        had_letters = self._write_letters()
        self._flush("main", parts.sink.flush)
        if had_letters and parts.dlq is not None:
            self._flush("dlq", parts.dlq.flush)
        if page.bookmark is not None:
            self._bookmark, self._behind = page.bookmark, 0
        else:
            self._behind += work.records
        if place is None:
            return
        checkpoint = self._durable(self.checkpoint.advance(), place)
        lazy = isinstance(parts.sink, TransactionalSink)
        if lazy and time.monotonic() - self._saved_at < LAZY_STATE_SECONDS:
            self.checkpoint = checkpoint
        else:
            self.save(checkpoint)

    def _keep_begun(self, page: Page, work: PageWork) -> None:
        """Keep what was done of a page that cannot be finished; what fails now is only noted.

        The state keeps its number: a slice whose fate is unknown has the next one in its mark,
        and wins if it was committed.
        """
        parts, place = self._parts, self._place_after(page, work, 0)
        try:
            self._letters += self._reject_letters(work, work.records_after(0))
            had_letters = self._write_letters()
            if had_letters and parts.dlq is not None:
                self._flush("dlq", parts.dlq.flush)
            self._flush("main", parts.sink.flush)
            if place is not None:
                self.save(self._durable(self.checkpoint, place))
        except LoaderError as error:
            parts.listen(Note(f"while stopping: {error.message}", warning=True))

    def _durable(self, checkpoint: Checkpoint, place: _Place) -> Checkpoint:
        """Return a checkpoint for a place whose rows and dead letters are all durable."""
        parts = self._parts
        position = parts.sink.position() if isinstance(parts.sink, PositionedSink) else None
        return replace(
            checkpoint,
            bookmark=place.bookmark,
            skip_records=place.skip_records,
            sink_position=position,
            dlq_position=parts.dlq.position() if parts.dlq is not None else None,
            outbox=(),
        )

    def _write_letters(self) -> bool:
        """Write the dead letters of the page, all at once; tell whether there were any."""
        letters, self._letters = self._letters, []
        if not letters or self._parts.dlq is None:
            return False
        started = time.perf_counter()
        reasons = self._parts.dlq.write(letters)
        self._parts.listen(DeadLettered(dict(reasons), time.perf_counter() - started))
        return True

    def _flush(self, name: str, flush: Callable[[], None]) -> None:
        started = time.perf_counter()
        flush()
        self._parts.listen(Flushed(name, time.perf_counter() - started))

    def _check_budget(self, page_failures: int) -> None:
        if self._parts.dlq is None or not page_failures:
            return
        try:
            self._parts.dlq.check_budget(page_failures)
        except BudgetExceededError as error:
            self.save(self.checkpoint)
            self._parts.listen(BudgetExceeded(error.scope))
            raise

    def _envelopes(
        self, work: PageWork, rows: Rows, failures: Sequence[RowFailure], reason: str
    ) -> list[Envelope]:
        if not failures:
            return []
        now = time.time_ns() // 1_000_000
        records = records_of(rows, [failure.index for failure in failures])
        return [
            self._parts.addresser.envelope(
                record,
                kind=failure.kind,
                message=failure.message,
                reason=reason,
                record_index=work.position(failure.index),
                ts_ms=now,
            )
            for failure, record in zip(failures, records, strict=True)
        ]

    def _reject_letters(self, work: PageWork, records: int) -> list[Envelope]:
        now = time.time_ns() // 1_000_000
        return [
            self._parts.addresser.envelope(
                reject.record,
                kind=reject.kind,
                message=reject.message,
                reason="schema_drift",
                record_index=reject.index,
                ts_ms=now,
            )
            for reject in work.rejects_before(records)
        ]

    def _refuse_rejects_without_queue(self, page: Page) -> None:
        if page.rejects and self._parts.dlq is None:
            reject = page.rejects[0]
            raise LoaderError(
                self._parts.addresser.redact(
                    f"record {reject.index} of a page does not fit the schema: {reject.message}"
                ),
                "Add a `dlq:` block to set such records apart and go on.",
            )
