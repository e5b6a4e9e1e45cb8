"""The live view of a run in a terminal: size, rate, latency, failures."""

import time
from collections import deque
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bot.loader.events import Event, Sized, SliceWritten
from bot.loader.summary import Summary

RECENT_SLICES = 50
REDRAWS_PER_SECOND = 4


def terminal() -> Console:
    """Return the console that the view and the log above it share: standard error."""
    return Console(stderr=True)


class View:
    """Draw a summary and the last slices, a few times a second, below the log."""

    def __init__(self, summary: Summary, console: Console) -> None:
        self._summary = summary
        self._started = time.monotonic()
        self._recent: deque[tuple[float, SliceWritten]] = deque(maxlen=RECENT_SLICES)
        self._last: Sized | None = None
        self._live = Live(
            console=console,
            get_renderable=self.table,
            refresh_per_second=REDRAWS_PER_SECOND,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def __call__(self, event: Event) -> None:
        """Remember what is drawn."""
        match event:
            case SliceWritten():
                self._recent.append((time.monotonic(), event))
            case Sized():
                self._last = event
            case _:
                pass

    def table(self) -> Table:
        """Return what is drawn now."""
        table = Table(box=None, padding=(0, 2, 0, 0))
        for heading in ("pipeline", "rows", "rows/s", "batch", "", "p50 ms", "failed", "elapsed"):
            table.add_column(heading, justify="left" if heading == "pipeline" else "right")
        summary = self._summary
        failed = Text(f"{summary.dlq_count:,}", style="red" if summary.dlq_count else "")
        table.add_row(
            summary.pipeline,
            f"{summary.rows_out:,}",
            f"{self._rate():,.0f}",
            f"{summary.batch_size:,}" if summary.batch_size is not None else "–",
            self._last.step.reason.value if self._last is not None and self._last.step else "",
            f"{self._p50():,.0f}",
            failed,
            f"{time.monotonic() - self._started:.0f} s",
        )
        return table

    def _rate(self) -> float:
        recent = list(self._recent)
        if len(recent) < 2:  # noqa: PLR2004  a rate needs two points
            return 0.0
        seconds = recent[-1][0] - recent[0][0]
        return sum(event.written for _, event in recent[1:]) / seconds if seconds > 0 else 0.0

    def _p50(self) -> float:
        latencies = sorted(event.observation.latency_ms for _, event in list(self._recent))
        return latencies[len(latencies) // 2] if latencies else 0.0
