"""The summary of a run: what a person, or the caller of `load run -o json`, wants to know of it."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from bot.loader.events import (
    DeadLettered,
    Event,
    Finished,
    PageRead,
    ReadFailed,
    Sized,
    SliceWritten,
    Started,
    StateSaved,
    WriteFailed,
)


@dataclass
class Summary:
    """Counts of a run, kept up to date by listening to it.

    `duration_ms` is wall time; `rows_per_second` counts written rows over it.
    """

    pipeline: str
    status: str = "running"
    plane: str = ""
    resumed: bool = False
    rows_in: int = 0
    rows_out: int = 0
    dlq_count: int = 0
    dlq_reasons: Counter[str] = field(default_factory=Counter)
    pages: int = 0
    writes: int = 0
    retries: int = 0
    adjustments: int = 0
    batch_size: int | None = None
    bookmark: dict[str, Any] | None = None
    duration_ms: int = 0

    def __call__(self, event: Event) -> None:
        """Take one event into account."""
        match event:
            case Started():
                self.plane, self.resumed = event.plane.value, event.resumed
            case PageRead():
                self.pages += 1
                self.rows_in += event.records
            case SliceWritten():
                self.writes += 1
                self.rows_out += event.written
            case Sized():
                self.batch_size = event.size
                self.adjustments += event.step is not None and event.step.adjusted
            case DeadLettered():
                self.dlq_reasons.update(event.reasons)
                self.dlq_count = self.dlq_reasons.total()
            case StateSaved():
                self.bookmark = dict(event.bookmark) if event.bookmark is not None else None
            case WriteFailed() | ReadFailed():
                self.retries += event.retried
            case Finished():
                self.status, self.duration_ms = event.status, round(event.seconds * 1000)
            case _:
                pass

    @property
    def rows_per_second(self) -> int:
        """Return the written rows per second of wall time."""
        return round(self.rows_out / self.duration_ms * 1000) if self.duration_ms else 0

    def as_json(self) -> dict[str, Any]:
        """Return the stable machine form."""
        return {
            **asdict(self),
            "dlq_reasons": dict(self.dlq_reasons),
            "rows_per_second": self.rows_per_second,
        }

    def as_text(self) -> str:
        """Return the lines for a person."""
        rows = f"{self.rows_out:,} rows written of {self.rows_in:,} read"
        letters = f", {self.dlq_count:,} dead letters" if self.dlq_count else ""
        size = f", batch size {self.batch_size:,}" if self.batch_size is not None else ""
        seconds = self.duration_ms / 1000
        return (
            f"{self.pipeline}: {self.status}: {rows}{letters}\n"
            f"  {self.writes:,} writes in {seconds:.1f} s, {self.rows_per_second:,} rows/s{size}"
        )
