"""Writing slices: one write, one transaction, one observation, with its retries and its mark."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.loader.config import Retry
from bot.loader.events import Listener, WriteFailed
from bot.loader.protocol import (
    Mark,
    Order,
    Sink,
    SinkError,
    SliceTooLargeError,
    StagedSink,
    TransactionalSink,
    WriteResult,
)
from bot.loader.retry import Tries
from bot.loader.rows import Bookmark, Rows
from bot.loader.state import Checkpoint

Sealer = Callable[[WriteResult], Checkpoint]
"""Returns the checkpoint that holds once a slice with this outcome is in the sink."""


@dataclass(frozen=True, slots=True)
class Attempted:
    """What became of a slice.

    Args:
        result: the outcome, None when it failed whole.
        error: why it failed whole.
        checkpoint: what the sink committed with it, None where it keeps no marks.
        uncertain: the sink may hold the slice although it failed (the connection broke around
            the commit); its mark will tell the next run.
        seconds: all the time it took.
        paused_seconds: the part of it spent waiting between tries.
    """

    result: WriteResult | None
    error: SinkError | None
    checkpoint: Checkpoint | None
    uncertain: bool
    seconds: float
    paused_seconds: float


class SliceWriter:
    """Write slices into a sink, trying again only where that cannot duplicate rows.

    That is where the sink says that replaying a write is safe, where it keeps a mark that tells
    whether the write that failed was committed after all, or where it never shows what failed.
    """

    def __init__(
        self, sink: Sink, scope: str, retry: Retry, listen: Listener, cancelled: threading.Event
    ) -> None:
        self._sink = sink
        self._scope = scope
        self._retry = retry
        self._listen = listen
        self._cancelled = cancelled

    def write(self, rows: Rows, *, isolate: bool, sealer: Sealer) -> Attempted:
        """Write one slice; a `SinkError` is not raised but returned."""
        tries = Tries(self._retry, self._cancelled)
        started = time.perf_counter()
        sealed: list[tuple[WriteResult, Checkpoint]] = []

        def seal(result: WriteResult) -> str:
            checkpoint = sealer(result)
            sealed[:] = [(result, checkpoint)]
            return checkpoint.text()

        marked = isinstance(self._sink, TransactionalSink)
        order = Order(isolate, Mark(self._scope, seal) if marked else None)
        result, error = None, None
        while result is None:
            try:
                # The answer to an earlier try may have been lost, and not the rows.
                result = self._landed(sealed) or self._sink.write(rows, order)
                error = None
            except SinkError as failure:
                # What it was raised through holds the rows of the slice, and this frame the error.
                error = failure.with_traceback(None)
                error.__context__ = None
                if not self._try_again(failure, tries):
                    break
        uncertain = error is not None and bool(sealed) and error.retry is not None
        seconds = time.perf_counter() - started
        checkpoint = sealed[0][1] if sealed and result is not None else None
        return Attempted(result, error, checkpoint, uncertain, seconds, tries.paused_seconds)

    def publish(self, sink: StagedSink, position: Bookmark) -> None:
        """Show what a sink staged, which can be tried again at any time.

        Raises:
            SinkError: it is not shown; the state names it still.
        """
        tries = Tries(self._retry, self._cancelled)
        while True:
            try:
                sink.publish(position)
            except SinkError as error:
                if not self._try_again(error, tries):
                    raise
            else:
                return

    def _try_again(self, error: SinkError, tries: Tries) -> bool:
        """Tell listeners of a failure, and wait if there is to be another try."""
        exact = isinstance(self._sink, TransactionalSink | StagedSink)
        safe = exact or self._sink.capabilities.replay_safe
        again = safe and not isinstance(error, SliceTooLargeError) and tries.may_go_on(error)
        pause = tries.next_pause() if again else 0.0
        retry_class = error.retry.value if error.retry else ""
        self._listen(WriteFailed(error.kind, error.message, again, retry_class, pause))
        if again:
            tries.pause(pause)
        return again

    def _landed(self, sealed: list[tuple[WriteResult, Checkpoint]]) -> WriteResult | None:
        """Ask the sink whether a try that failed was committed after all."""
        if not sealed or not isinstance(self._sink, TransactionalSink):
            return None
        result, checkpoint = sealed[0]
        text = self._sink.mark(self._scope)
        if text is None:
            return None
        found = Checkpoint.parse(text, "the sink's mark")
        same = found.load == checkpoint.load and found.seq == checkpoint.seq
        return result if same else None
