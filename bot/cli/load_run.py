"""What `trimtab load run` puts around a run: signals, metrics, trace, log and live view."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Self

import click

from bot.domain.errors import InputError, TrimtabError
from bot.loader.events import Event, Listener, SliceWritten
from bot.loader.log import Log
from bot.loader.pipeline import Pipeline
from bot.loader.run import build_connectors, run_pipeline
from bot.loader.summary import Summary
from bot.loader.trace import TraceWriter

if TYPE_CHECKING:
    from bot.loader.metrics import Metrics

TEXTFILE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What a run is asked to tell, and where."""

    trace: Path | None
    metrics_port: int | None
    metrics_file: Path | None
    quiet: bool
    live: bool


def run_and_report(
    pipeline: Pipeline, options: Telemetry, *, fresh: bool
) -> tuple[Summary, TrimtabError | None]:
    """Run a pipeline; return its summary, and the error that stopped it if one did."""
    summary = Summary(pipeline.config.name)
    with contextlib.ExitStack() as stack:
        cancelled = stack.enter_context(cancelled_by_signals())
        listeners: list[Listener] = [summary, *_listeners(pipeline, options, summary, stack)]

        def listen(event: Event) -> None:
            for listener in listeners:
                listener(event)

        try:
            connectors = build_connectors(pipeline.config)
            run_pipeline(pipeline, connectors, listen, cancelled, fresh=fresh)
        except TrimtabError as error:
            return summary, error
    return summary, None


def _listeners(
    pipeline: Pipeline, options: Telemetry, summary: Summary, stack: contextlib.ExitStack
) -> Iterator[Listener]:
    if options.metrics_port is not None or options.metrics_file is not None:
        metrics = _build_metrics(pipeline.config.name)
        yield metrics
        if options.metrics_port is not None:
            _serve(metrics, options.metrics_port, stack)
        if options.metrics_file is not None:
            yield stack.enter_context(_Textfile(metrics, options.metrics_file))
    if options.trace is not None:
        trace = stack.enter_context(_open_trace(options.trace))
        yield lambda event: trace(event.observation) if isinstance(event, SliceWritten) else None
    print_line: Callable[[str], None] = partial(click.echo, err=True)
    if options.live:
        from bot.loader.view import View, terminal  # rich is slow to import

        console = terminal()
        print_line = partial(console.print, markup=False)
        yield stack.enter_context(View(summary, console))
    if not options.quiet:
        sizing = pipeline.config.execution.adaptive_batch_size
        log_every = sizing.log_every if sizing is not None else 0
        yield Log(print_line, pipeline.redact, log_every)


class _Textfile:
    """Keep a metrics textfile current while the run lasts, and write it once more at the end."""

    def __init__(self, metrics: "Metrics", path: Path) -> None:
        self._metrics = metrics
        self._path = path
        self._written_at = 0.0

    def __enter__(self) -> Self:
        try:
            self._metrics.write(self._path)
        except OSError as error:
            raise InputError(f"{self._path}: cannot be written: {error.strerror}") from None
        return self

    def __exit__(self, *_: object) -> None:
        self._write()

    def __call__(self, event: Event) -> None:
        del event
        if time.monotonic() - self._written_at >= TEXTFILE_SECONDS:
            self._write()

    def _write(self) -> None:
        # Rows matter more than their counts: a disk that is full now does not stop the run.
        with contextlib.suppress(OSError):
            self._metrics.write(self._path)
        self._written_at = time.monotonic()


def _build_metrics(pipeline: str) -> "Metrics":
    try:
        from bot.loader.metrics import Metrics
    except ImportError as error:
        raise InputError(
            f"metrics need a package that is not installed: {error.name}",
            'pip install "trimtab[loader]"',
        ) from error
    return Metrics(pipeline)


def _serve(metrics: "Metrics", port: int, stack: contextlib.ExitStack) -> None:
    try:
        stack.enter_context(metrics.served(port))
    except OSError as error:
        raise InputError(
            f"metrics cannot be served on port {port}: {error.strerror}",
            "Choose another --metrics-port.",
        ) from None


def _open_trace(path: Path) -> TraceWriter:
    try:
        return TraceWriter(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None


@contextlib.contextmanager
def cancelled_by_signals() -> Iterator[threading.Event]:
    """Set the event on the first SIGINT or SIGTERM; the second one interrupts at once."""
    cancelled = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        if cancelled.is_set():
            raise KeyboardInterrupt
        cancelled.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield cancelled
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
