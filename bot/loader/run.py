"""Running a pipeline: connect, find the place to go on from, deliver page after page."""

import contextlib
import threading
import time
import uuid
from dataclasses import dataclass, replace
from typing import Literal

from bot.domain.errors import TrimtabError
from bot.loader import registry
from bot.loader.config import ROW, DlqBlock, PipelineConfig, State
from bot.loader.dead_letters import Addresser, DeadLetterQueue
from bot.loader.delivery import Delivery, Parts
from bot.loader.events import Finished, Listener, Note, Started
from bot.loader.guarantee import describe_guarantee
from bot.loader.pipeline import Pipeline
from bot.loader.protocol import PositionedSink, Sink, Source, StagedSink, TransactionalSink
from bot.loader.reader import ReadAhead
from bot.loader.rows import Choice, Reading
from bot.loader.slices import SliceWriter
from bot.loader.state import Checkpoint, FileState, MemoryState, StateStore, later

Status = Literal["completed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Connectors:
    """The connectors of a pipeline, built and not connected."""

    source: Source
    sink: Sink
    dlq: DeadLetterQueue | None

    def close(self) -> None:
        """Let go of all of them."""
        self.source.close()
        self.sink.close()
        if self.dlq is not None:
            self.dlq.close()


def build_connectors(config: PipelineConfig) -> Connectors:
    """Build the connectors that a pipeline names."""
    block = config.pipeline
    source = registry.find_source(block.source.type)(block.source.config)
    sink = registry.find_sink(block.sink.type)(block.sink.config)
    return Connectors(source, sink, _build_queue(block.dlq))


def build_store(state: State) -> StateStore:
    """Build the store that a pipeline keeps its state in."""
    return MemoryState() if state.type == "memory" else FileState(state.path)


def run_pipeline(
    pipeline: Pipeline,
    connectors: Connectors,
    listen: Listener,
    cancelled: threading.Event,
    *,
    fresh: bool = False,
) -> Status:
    """Run a pipeline to the end of its source, or until `cancelled` is set.

    Args:
        pipeline: a checked pipeline file.
        connectors: its connectors, from `build_connectors`; closed at the end.
        listen: is told what happens, on this thread.
        cancelled: stops the run after the slice at hand; everything done is kept.
        fresh: forget the state (and the sink's mark) and start from the beginning.

    Raises:
        LoaderError: the pipeline cannot run, or stopped on a failure; the state is where the
            last complete page (or slice, where the sink keeps marks) ended.
    """
    state, started = pipeline.config.pipeline.state, time.monotonic()
    store = build_store(state)
    status = "failed"
    try:
        with store.hold(pipeline.config.scope), contextlib.closing(connectors):
            run = _Run(pipeline, connectors, store, listen, cancelled)
            result = run.go(fresh=fresh or state.type == "memory")
            status = result
            return result
    except TrimtabError as error:
        error.message, error.hint = pipeline.redact(error.message), pipeline.redact(error.hint)
        raise
    finally:
        listen(Finished(status, time.monotonic() - started))


def _build_queue(block: DlqBlock | None) -> DeadLetterQueue | None:
    if block is None:
        return None
    return DeadLetterQueue(block, registry.find_sink(block.sink.type)(block.sink.config))


class _Run:
    """One run, step by step."""

    def __init__(
        self,
        pipeline: Pipeline,
        connectors: Connectors,
        store: StateStore,
        listen: Listener,
        cancelled: threading.Event,
    ) -> None:
        self._pipeline = pipeline
        self._config = pipeline.config
        self._connectors = connectors
        self._store = store
        self._listen = listen
        self._cancelled = cancelled
        retry = pipeline.config.execution.retry
        self._writer = SliceWriter(connectors.sink, self._config.scope, retry, listen, cancelled)

    def go(self, *, fresh: bool) -> Status:
        source, sink = self._connectors.source, self._connectors.sink
        shape = source.shape()
        choice = sink.choose(shape)
        sink.prepare(shape, choice.plane)
        if self._connectors.dlq is not None:
            self._connectors.dlq.prepare()
        found = None if fresh else self._find_checkpoint()
        unseen = found is not None and found.finished and bool(found.sink_position)
        if found is not None and unseen and isinstance(sink, StagedSink):
            found = self._show_last(sink, found)
            if not source.capabilities.incremental or found.bookmark is None:
                self._tell_start(choice, resumed=True)
                self._listen(Note("the last load ended before its rows were shown: now they are"))
                return "completed"
        checkpoint = self._begin(found)
        self._tell_start(choice, resumed=checkpoint.bookmark is not None)
        delivery = Delivery(self._parts(), checkpoint)
        delivery.save(checkpoint)
        reader = ReadAhead(
            source, Reading(choice.plane, checkpoint.bookmark), self._config.execution.retry
        )
        with contextlib.closing(reader.pages(self._listen)) as pages:
            for page in pages:
                if self._cancelled.is_set():
                    break
                delivery.deliver(page)
        if self._cancelled.is_set():
            delivery.save(delivery.checkpoint)
            return "cancelled"
        self._finish(delivery)
        return "completed"

    def _find_checkpoint(self) -> Checkpoint | None:
        """Return where the last run came to, as the state and the sink together tell it."""
        sink, scope = self._connectors.sink, self._config.scope
        stored = self._store.get(scope)
        text = sink.mark(scope) if isinstance(sink, TransactionalSink) else None
        marked = Checkpoint.parse(text, "the sink's mark") if text is not None else None
        return later(stored, marked)

    def _show_last(self, sink: StagedSink, found: Checkpoint) -> Checkpoint:
        """Show the last rows of a load that died between its end and showing them."""
        self._writer.publish(sink, found.sink_position or {})
        shown = replace(found, sink_position={})
        self._store.put(self._config.scope, shown)
        return shown

    def _begin(self, found: Checkpoint | None) -> Checkpoint:
        """Return the checkpoint to start from, with sink and queue cut back to it."""
        sink, dlq = self._connectors.sink, self._connectors.dlq
        incremental = self._connectors.source.capabilities.incremental
        if found is not None and not found.finished:
            if found.sink_position is not None and isinstance(sink, PositionedSink):
                sink.rewind(found.sink_position)
            if dlq is not None:
                dlq.rewind(found.dlq_position)
                dlq.deliver(found.outbox)
                dlq.flush()
            return self._placed(found.advance(outbox=()))
        if found is not None and incremental:
            return self._placed(found.advance(finished=False, outbox=()))
        if isinstance(sink, TransactionalSink):
            sink.clear_mark(self._config.scope)
        return self._placed(Checkpoint(load=uuid.uuid4().hex))

    def _placed(self, checkpoint: Checkpoint) -> Checkpoint:
        """Note how far sink and queue are durable now."""
        sink, dlq = self._connectors.sink, self._connectors.dlq
        return checkpoint.advance(
            sink_position=sink.position() if isinstance(sink, PositionedSink) else None,
            dlq_position=dlq.position() if dlq is not None else None,
        )

    def _parts(self) -> Parts:
        config, sink = self._config, self._connectors.sink
        sizing = config.execution.adaptive_batch_size
        return Parts(
            sink=sink,
            dlq=self._connectors.dlq,
            store=self._store,
            scope=config.scope,
            writer=self._writer,
            addresser=Addresser(config.pipeline.sink.type, config.name, ROW, self._pipeline.redact),
            sizing=sizing if sizing is not None and sizing.enabled else None,
            batch_size=config.pipeline.sink.config.batch_size,
            positional=self._connectors.source.capabilities.positional,
            listen=self._listen,
            cancelled=self._cancelled,
        )

    def _tell_start(self, choice: Choice, *, resumed: bool) -> None:
        self._listen(Started(choice.plane, choice.reason, resumed))
        promise = describe_guarantee(
            self._connectors.source.capabilities,
            self._connectors.sink.capabilities,
            self._config.pipeline.state.type,
        )
        if promise.startswith("at least"):
            self._listen(Note(f"delivery is {promise}", warning=True))
        sizing = self._config.execution.adaptive_batch_size
        kind = self._config.pipeline.sink.type
        if sizing is not None and sizing.enabled and self._connectors.sink.capabilities.per_record:
            self._listen(
                Note(
                    f"adaptive batch sizing is active, but has no effect on {kind}: what is "
                    "written at a time does not depend on the batch size"
                )
            )

    def _finish(self, delivery: Delivery) -> None:
        """Close the load; that it is finished is the last thing that is written down."""
        last, sink = delivery.last(), self._connectors.sink
        if self._connectors.source.capabilities.incremental:
            delivery.save(last.advance(finished=True, outbox=()))
            return
        if isinstance(sink, TransactionalSink):
            delivery.save(last)
            sink.clear_mark(self._config.scope)
        delivery.save(last.advance(finished=True, outbox=(), bookmark=None, skip_records=0))
