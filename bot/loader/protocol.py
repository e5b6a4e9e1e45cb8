"""What a source and a sink have to be: the contract between the loader and its connectors.

A run is `source.pages(…)` → slices → `sink.write(…)`; everything that decides (batch size, dead
letters, retries, state) is the loader's, everything that knows a system is the connector's.
What travels between them is in `bot.loader.rows`.

A connector is a class registered under the entry point group `trimtab.sources` or
`trimtab.sinks`; the entry point's name is the `type` in the configuration. The built-in ones
register in the same way.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

from bot.domain.errors import LoaderError
from bot.loader.rows import Bookmark, Choice, Page, Plane, Reading, Rows, Shape


@dataclass(frozen=True, slots=True)
class SourceCapabilities:
    """What is true of a source as it is configured.

    Args:
        resumable: pages carry bookmarks, and reading from one goes on behind the last row of
            its page.
        positional: two readings from one bookmark give the same rows in the same order (pages
            may be cut elsewhere), so the loader can resume inside a page by skipping rows.
            Untrue of a query without a total order.
        incremental: the last bookmark of a finished run is where the next run starts. When
            False a finished run forgets it and the next run reads everything.
    """

    resumable: bool
    positional: bool
    incremental: bool


class Anchor(Enum):
    """How a sink keeps what it holds and what the state says in step across a crash."""

    NONE = "none"
    """It cannot: a crash may deliver up to one page again (harmless when `replay_safe`)."""
    POSITION = "position"
    """Append-only storage: `position` says how far it is durable, `rewind` cuts it back."""
    STAGED = "staged"
    """Rows stay out of sight until the state counts them: `publish` shows what a position names,
    and what was staged behind the last one is never shown."""
    TRANSACTION = "transaction"
    """The mark of a slice is committed in the same transaction as its rows."""


@dataclass(frozen=True, slots=True)
class SinkCapabilities:
    """What is true of a sink as it is configured (mode, key); the conformance battery checks it.

    Args:
        atomic_batch: a `write` that raises has left nothing of its slice behind.
        row_outcomes: with `Order.isolate`, `write` lands the good rows and reports each bad
            one with its own error.
        replay_safe: writing the same slice twice leaves the sink as writing it once (keyed
            upsert). A plain insert is not, whatever else the sink can do.
        per_record: the sink writes a record at a time whatever the size of the slice, so the
            batch size has no effect (csv, jsonl, stdout).
        anchor: how the sink survives a crash.
        max_rows: most rows that one `write` may carry, None without a limit.
        max_bytes: most bytes (`Rows.nbytes`) that one `write` may carry, None without a limit.
    """

    atomic_batch: bool
    row_outcomes: bool
    replay_safe: bool
    per_record: bool = False
    anchor: Anchor = Anchor.NONE
    max_rows: int | None = None
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class RowFailure:
    """One row that the sink refused.

    Args:
        index: position of the row in the slice.
        kind: class of the failure (`Constraint`, `Conversion`, `MissingKey`, `HttpStatus`, …).
        message: the system's own words, without secrets and without other rows' values.
    """

    index: int
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What became of a slice: rows written, and the failures ordered by index."""

    written: int
    failures: tuple[RowFailure, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """What a sink with `Anchor.TRANSACTION` commits together with the rows of a slice.

    Args:
        scope: the name under which the mark is kept; one mark per scope, the last one wins.
        text: called once the outcome of the slice is known, before the commit; returns the
            text to keep. Called again if the slice is isolated or retried inside `write`.
    """

    scope: str
    text: Callable[[WriteResult], str]


@dataclass(frozen=True, slots=True)
class Order:
    """How to write a slice.

    Args:
        isolate: bad rows are to be set apart and reported (a dead-letter queue is there). When
            False the first bad row fails the slice: raise, and land nothing if `atomic_batch`.
        mark: what to commit with the rows; only given to sinks with `Anchor.TRANSACTION`.
    """

    isolate: bool = False
    mark: Mark | None = None


class RetryClass(StrEnum):
    """Why a failure may go away by itself."""

    HTTP_5XX = "http_5xx"
    RATE_LIMITED = "rate_limited"
    CONNECTION = "connection"
    TIMEOUT = "timeout"


class ConnectorError(LoaderError):
    """A source or a sink failed.

    Args:
        message: one sentence, without secrets.
        hint: what to do next.
        kind: class of the failure, stable, for metrics and dead letters (`Sink`, `Source`,
            `HttpStatus`, `RateLimited`, `Constraint`, `Conversion`, `Auth`, …).
        retry: why trying again may help; None when it will not (credentials, configuration,
            data).
    """

    def __init__(
        self, message: str, hint: str = "", *, kind: str = "", retry: RetryClass | None = None
    ) -> None:
        super().__init__(message, hint)
        self.kind = kind or type(self).__name__.removesuffix("Error")
        self.retry = retry


class SourceError(ConnectorError):
    """A source cannot be reached, or sends what cannot be read."""


class SinkError(ConnectorError):
    """A sink cannot be reached, or refused a whole slice.

    With `atomic_batch` nothing of the slice was kept, or (connection lost at the commit) the
    mark tells whether it was.
    """


class SliceTooLargeError(SinkError):
    """A sink refused a slice for its size: fewer rows may pass (54000, 53200, HTTP 413, …)."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `doctor`: what was looked at, whether it is well, and what to do if not."""

    name: str
    passed: bool
    detail: str
    hint: str = ""


class ConnectorConfig(BaseModel):
    """Base of every connector's `config:` block: unknown keys are errors, values do not change.

    Declare a secret as `pydantic.SecretStr` (`connection_url` is one): it is then never shown,
    and its value is blotted out of every message the loader prints or keeps. Every field needs
    a `description`; it becomes part of `trimtab load schema`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceConfig(ConnectorConfig):
    """Base of every source's configuration."""

    batch_size: int = Field(
        default=10_000,
        ge=1,
        le=1_000_000,
        description="Rows per page: the ceiling of the write size and the unit of the state.",
    )


class SinkConfig(ConnectorConfig):
    """Base of every sink's configuration."""

    batch_size: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Rows per write when adaptive batch sizing is off; a whole page when unset. "
        "With it on, the controller starts from the first page instead.",
    )


@runtime_checkable
class Source(Protocol):
    """Where a pipeline reads.

    Built as `SourceClass(config)` without connecting to anything. Calls come in the order
    `shape` → `pages` → `close`; `check` may come alone. `pages` is run on a thread of its own,
    and its generator is closed on that same thread; the other calls come from the main one,
    never at the same time.
    """

    config_model: ClassVar[type[SourceConfig]]

    def __init__(self, config: Any) -> None: ...

    @property
    def capabilities(self) -> SourceCapabilities:
        """Say what is true of this source as configured, without connecting."""
        ...

    def shape(self) -> Shape:
        """Describe what `pages` will send. Connects; reads no more than it must.

        Raises:
            SourceError: the source cannot be reached, or there is nothing to describe.
        """
        ...

    def pages(self, reading: Reading) -> Iterator[Page]:
        """Read pages of at most `batch_size` rows, holding no more than two in memory.

        Raises:
            SourceError: reading failed; with `retry` set the loader may call `pages` again
                from the last bookmark that it made durable.
        """
        ...

    def check(self) -> Sequence[Check]:
        """Look whether the source can be read (for `doctor`); report, do not raise."""
        ...

    def close(self) -> None:
        """Let go of every resource; safe to call twice and before anything else."""
        ...


@runtime_checkable
class Sink(Protocol):
    """Where a pipeline writes.

    Built as `SinkClass(config)` without connecting. Calls come from one thread, in the order
    `choose` → `prepare` → (`write`…, `flush`)… → `close`. The loader's effects per page are
    always: writes → dead letters → `flush` → state; so what the state says is in the sink.

    Cutting pages into slices is the loader's work: one `write` is one slice is one transaction
    where the sink has transactions. A sink never cuts a slice into several commits.
    """

    config_model: ClassVar[type[SinkConfig]]

    def __init__(self, config: Any) -> None: ...

    @property
    def capabilities(self) -> SinkCapabilities:
        """Say what is true of this sink as configured, without connecting."""
        ...

    def choose(self, shape: Shape) -> Choice:
        """Pick the plane for a shape. May connect to compare columns; changes nothing.

        Raises:
            SinkError: the sink cannot take this shape at all (say which column).
        """
        ...

    def prepare(self, shape: Shape, plane: Plane) -> None:
        """Make ready for rows: create the table or file where it is missing, check what exists.

        Raises:
            SinkError: the target cannot be made, or has columns that do not fit.
        """
        ...

    def write(self, rows: Rows, order: Order) -> WriteResult:
        """Write one slice.

        Every row is accounted for: `written + len(failures) == rows.num_rows`.

        Raises:
            SliceTooLargeError: refused for its size.
            SinkError: the slice failed as a whole. The connection is usable again afterwards,
                or the next call makes a new one.
        """
        ...

    def flush(self) -> None:
        """Make every row written so far durable (fsync for files; nothing for committed rows).

        Raises:
            SinkError: rows may not be durable; the state will not move.
        """
        ...

    def check(self) -> Sequence[Check]:
        """Look whether the sink can be written (for `doctor`), changing nothing; do not raise."""
        ...

    def close(self) -> None:
        """Flush nothing, let go of every resource; safe to call twice and before anything else."""
        ...


@runtime_checkable
class PositionedSink(Sink, Protocol):
    """A sink with `Anchor.POSITION`: append-only storage that can be cut back."""

    def position(self) -> Bookmark:
        """Say how far the storage is durable: called after `prepare` and after each `flush`."""
        ...

    def rewind(self, position: Bookmark) -> None:
        """Remove what was appended behind `position`; called after `prepare`, before `write`.

        Raises:
            SinkError: the storage is shorter than `position` says (somebody cut it).
        """
        ...


@runtime_checkable
class RecordSink(Sink, Protocol):
    """A sink that also takes a few records as they are, without Arrow in between."""

    def write_records(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Write records of JSON values like a slice.

        Raises:
            SinkError: nothing of them was kept.
        """
        ...


@runtime_checkable
class StagedSink(PositionedSink, Protocol):
    """A sink with `Anchor.STAGED`: rows are shown only once a durable state names them.

    Its position names what is staged and not shown yet, and is empty when that is nothing. A
    `write` that raised is in no later position, whatever became of it; so it can be tried again.
    `rewind` shows what a position names and forgets the rest.
    """

    def publish(self, position: Bookmark) -> None:
        """Show the rows that a position names: called when it is durable; a second time is nothing.

        Raises:
            SinkError: they are not shown. The state names them still, and the next run shows them.
        """
        ...


@runtime_checkable
class TransactionalSink(Sink, Protocol):
    """A sink with `Anchor.TRANSACTION`: it keeps the mark of the last slice beside the rows."""

    def mark(self, scope: str) -> str | None:
        """Read the mark last committed under `scope`; called after `prepare` and before a retry.

        Raises:
            SinkError: the sink cannot be reached.
        """
        ...

    def clear_mark(self, scope: str) -> None:
        """Forget the mark of `scope`; nothing happens when there is none."""
        ...
