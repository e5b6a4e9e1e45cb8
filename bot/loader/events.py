"""What happens in a run, told to whoever listens: metrics, trace, log, live view."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.domain.batch_size import Observation, Step
from bot.loader.rows import Bookmark, Plane


@dataclass(frozen=True, slots=True)
class Started:
    """The pipeline is connected and about to read; `resumed` says it goes on from a bookmark."""

    plane: Plane
    plane_reason: str
    resumed: bool


@dataclass(frozen=True, slots=True)
class PageRead:
    """The source delivered a page; `seconds` is the time it took to read."""

    records: int
    nbytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Sized:
    """The controller started, or judged a slice (`step` is None at the start)."""

    size: int
    step: Step | None = None


@dataclass(frozen=True, slots=True)
class SliceWritten:
    """A slice went through `write`: `observation` is what the controller is told of it."""

    observation: Observation
    written: int
    failed: int


@dataclass(frozen=True, slots=True)
class WriteFailed:
    """A `write` raised; `retried` when it is tried again after `pause_seconds`."""

    kind: str
    message: str
    retried: bool
    retry_class: str = ""
    pause_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ReadFailed:
    """Reading raised; `retried` when it goes on from the last bookmark."""

    kind: str
    message: str
    retried: bool


@dataclass(frozen=True, slots=True)
class DeadLettered:
    """The dead letters of a page were written."""

    reasons: dict[str, int]
    seconds: float


@dataclass(frozen=True, slots=True)
class BudgetExceeded:
    """More rows failed than the queue may take; `scope` is `page` or `total`."""

    scope: str


@dataclass(frozen=True, slots=True)
class Flushed:
    """A sink made its rows durable; `sink` is `main` or `dlq`."""

    sink: str
    seconds: float


@dataclass(frozen=True, slots=True)
class StateSaved:
    """The state moved, to a bookmark of the source where it has one."""

    seconds: float
    bookmark: Bookmark | None


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a person wants to know once."""

    message: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """The run ended: `completed`, `cancelled` or `failed`."""

    status: str
    seconds: float


Event = (
    Started
    | PageRead
    | Sized
    | SliceWritten
    | WriteFailed
    | ReadFailed
    | DeadLettered
    | BudgetExceeded
    | Flushed
    | StateSaved
    | Note
    | Finished
)
Listener = Callable[[Event], None]
