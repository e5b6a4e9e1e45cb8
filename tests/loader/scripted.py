"""Connectors whose every effect can be made to fail or to be the last one before a crash.

They keep what they hold in a `World` that outlives a run, as files and databases do. Payloads are
records `{"id": n}`; a source page is a range of ids.
"""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pyarrow as pa

from bot.documents.redaction import Redactor
from bot.loader.config import (
    AdaptiveBatchSize,
    DlqBlock,
    Execution,
    PipelineBlock,
    PipelineConfig,
    Retry,
    SinkBlock,
    SourceBlock,
    State,
)
from bot.loader.dead_letters import DeadLetterQueue
from bot.loader.events import Event
from bot.loader.pipeline import Pipeline
from bot.loader.protocol import (
    Anchor,
    Check,
    Order,
    RetryClass,
    RowFailure,
    SinkCapabilities,
    SinkConfig,
    SinkError,
    SourceCapabilities,
    SourceConfig,
    WriteResult,
)
from bot.loader.rows import Bookmark, Choice, Page, Plane, Reading, Reject, Rows, Shape
from bot.loader.run import Connectors, Status, run_pipeline

E = TypeVar("E")


class Crash(BaseException):
    """The process dies here: nothing that handles ordinary errors may see it."""


@dataclass
class World:
    """What outlives a process, and the effect at which the process dies."""

    rows: list[int] = field(default_factory=list)
    staged: list[int] = field(default_factory=list)
    shown: int = 0
    marks: dict[str, str] = field(default_factory=dict)
    letters: list[dict[str, Any]] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    die_at: int | None = None

    def effect(self, name: str) -> None:
        """Note an effect, and die if this is the one."""
        if self.die_at is not None and len(self.effects) >= self.die_at:
            raise Crash
        self.effects.append(name)


@dataclass
class ScriptedSource:
    """A source of `total` ids in pages; every id divisible by `reject_every` cannot be read."""

    total: int
    page_rows: int
    positional: bool = True
    incremental: bool = False
    bookmarks: bool = True
    reject_every: int | None = None
    failures: list[SinkError | Any] = field(default_factory=list)
    config_model: ClassVar[type[SourceConfig]] = SourceConfig

    @property
    def capabilities(self) -> SourceCapabilities:
        return SourceCapabilities(self.bookmarks, self.positional, self.incremental)

    def shape(self) -> Shape:
        return Shape(pa.schema([("id", pa.int64())]))

    def pages(self, reading: Reading) -> Iterator[Page]:
        start = int(reading.resume["after"]) if reading.resume else 0
        for first in range(start, self.total, self.page_rows):
            if self.failures and first >= self.page_rows:
                raise self.failures.pop(0)
            yield self._page(range(first, min(first + self.page_rows, self.total)))

    def _page(self, ids: range) -> Page:
        bad = [n for n in ids if self.reject_every and n % self.reject_every == 0]
        good = [n for n in ids if n not in set(bad)]
        rejects = tuple(Reject(n - ids.start, {"id": n}, "SchemaDrift", "no") for n in bad)
        batch = pa.RecordBatch.from_pydict({"id": pa.array(good, pa.int64())})
        return Page(batch, {"after": ids.stop} if self.bookmarks else None, rejects)

    def check(self) -> Sequence[Check]:
        return []

    def close(self) -> None:
        pass


OUTCOMES = SinkCapabilities(atomic_batch=True, row_outcomes=True, replay_safe=False)


@dataclass
class ScriptedSink:
    """A sink of ids that refuses the `bad` ones; `before_write` may raise."""

    world: World
    bad: frozenset[int] = frozenset()
    before_write: Callable[[list[int]], None] = lambda _: None
    after_commit: Callable[[list[int]], None] = lambda _: None
    capabilities_: SinkCapabilities = OUTCOMES
    calls: list[int] = field(default_factory=list)
    config_model: ClassVar[type[SinkConfig]] = SinkConfig

    @property
    def capabilities(self) -> SinkCapabilities:
        return self.capabilities_

    def choose(self, shape: Shape) -> Choice:
        return Choice(Plane.ARROW, "the only one")

    def prepare(self, shape: Shape, plane: Plane) -> None:
        pass

    def write(self, rows: Rows, order: Order) -> WriteResult:
        batch: Any = rows
        ids: list[int] = batch.column("id").to_pylist()
        self.calls.append(len(ids))
        self.before_write(ids)
        bad = [(index, n) for index, n in enumerate(ids) if n in self.bad]
        if bad and not order.isolate:
            raise SinkError(f"id {bad[0][1]} is refused", kind="Constraint")
        result = WriteResult(
            len(ids) - len(bad), tuple(RowFailure(i, "Constraint", f"id {n}") for i, n in bad)
        )
        self.commit([n for n in ids if n not in self.bad], order, result)
        self.after_commit(ids)
        return result

    def commit(self, good: list[int], order: Order, result: WriteResult) -> None:
        self.world.effect(f"write {len(good)}")
        self.world.rows.extend(good)

    def flush(self) -> None:
        self.world.effect("flush")

    def check(self) -> Sequence[Check]:
        return []

    def close(self) -> None:
        pass


class MarkedSink(ScriptedSink):
    """With transactions: rows and mark come together or not at all."""

    def commit(self, good: list[int], order: Order, result: WriteResult) -> None:
        text = order.mark.text(result) if order.mark else None
        self.world.effect(f"commit {len(good)}")
        self.world.rows.extend(good)
        if order.mark and text is not None:
            self.world.marks[order.mark.scope] = text

    def mark(self, scope: str) -> str | None:
        return self.world.marks.get(scope)

    def clear_mark(self, scope: str) -> None:
        self.world.effect("clear mark")
        self.world.marks.pop(scope, None)


class AppendedSink(ScriptedSink):
    """Append-only: it can be cut back to a position."""

    def position(self) -> Bookmark:
        return {"rows": len(self.world.rows)}

    def rewind(self, position: Bookmark) -> None:
        del self.world.rows[int(position["rows"]) :]


class StagingSink(ScriptedSink):
    """What is written is seen once it is published; `staged` outlives the process, unseen."""

    lost_publishes = 0

    def commit(self, good: list[int], order: Order, result: WriteResult) -> None:
        self.world.effect(f"stage {len(good)}")
        self.world.staged.extend(good)

    def position(self) -> Bookmark:
        unseen = len(self.world.staged) - self.world.shown
        return {"staged": len(self.world.staged)} if unseen else {}

    def publish(self, position: Bookmark) -> None:
        if self.lost_publishes:
            self.lost_publishes -= 1
            raise SinkError("no answer", retry=RetryClass.CONNECTION)
        reached = int(position.get("staged", 0))
        self.world.effect(f"publish {reached}")
        self.world.rows.extend(self.world.staged[self.world.shown : reached])
        self.world.shown = max(self.world.shown, reached)

    def rewind(self, position: Bookmark) -> None:
        self.publish(position)
        del self.world.staged[self.world.shown :]


@dataclass
class LetterBox:
    """A dead-letter sink that can be cut back, as a file can."""

    world: World
    config_model: ClassVar[type[SinkConfig]] = SinkConfig
    capabilities: ClassVar[SinkCapabilities] = SinkCapabilities(
        atomic_batch=False, row_outcomes=False, replay_safe=False, anchor=Anchor.POSITION
    )

    def choose(self, shape: Shape) -> Choice:
        return Choice(Plane.ARROW, "the only one")

    def prepare(self, shape: Shape, plane: Plane) -> None:
        pass

    def write(self, rows: Rows, order: Order) -> WriteResult:
        batch: Any = rows
        self.world.effect(f"letters {batch.num_rows}")
        for letter in batch.to_pylist():
            self.world.letters.append({**letter, "payload": json.loads(letter["payload"])})
        return WriteResult(batch.num_rows)

    def flush(self) -> None:
        self.world.effect("flush letters")

    def position(self) -> Bookmark:
        return {"letters": len(self.world.letters)}

    def rewind(self, position: Bookmark) -> None:
        del self.world.letters[int(position["letters"]) :]

    def check(self) -> Sequence[Check]:
        return []

    def close(self) -> None:
        pass


FIXED_QUICKLY = Retry(base_ms=1, cap_ms=2)


@dataclass
class Bench:
    """A pipeline of scripted connectors, run as often as a test likes."""

    folder: Path
    source: ScriptedSource
    sink: ScriptedSink
    dlq: str | None = "propagate"
    sizing: AdaptiveBatchSize | None = None
    batch_size: int | None = None
    retry: Retry = FIXED_QUICKLY
    budgets: dict[str, int] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    events: list[Event] = field(default_factory=list)
    cancelled: threading.Event = field(default_factory=threading.Event)

    def run(self, *, fresh: bool = False) -> Status:
        sink_block = SinkBlock(type="scripted", config=SinkConfig(batch_size=self.batch_size))
        block = None
        if self.dlq is not None:
            block = DlqBlock.model_validate(
                {"sink": sink_block, "on_batch_error": self.dlq, **self.budgets}
            )
        config = PipelineConfig(
            version=1,
            name="bench",
            pipeline=PipelineBlock(
                source=SourceBlock(type="scripted", config=SourceConfig()),
                sink=sink_block,
                dlq=block,
                state=State(path=self.folder),
            ),
            execution=Execution(adaptive_batch_size=self.sizing, retry=self.retry),
        )
        queue = DeadLetterQueue(block, LetterBox(self.sink.world)) if block else None
        return run_pipeline(
            Pipeline(self.folder / "bench.yaml", config, Redactor(self.secrets)),
            Connectors(self.source, self.sink, queue),
            self.events.append,
            self.cancelled,
            fresh=fresh,
        )

    def of(self, kind: type[E]) -> list[E]:
        """Return the events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]
