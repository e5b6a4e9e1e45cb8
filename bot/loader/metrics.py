"""Metrics of a run for Prometheus, each under our own prefix and under `faucet_`.

The second set has the names of the adaptive batch sizing documentation, so that dashboards and
alerts made for it work as they are. Labels are `pipeline`, `row`, and closed sets.
"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client import write_to_textfile as _write_to_textfile
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bot.domain.batch_size import Decision, Step
from bot.loader.config import ROW
from bot.loader.events import (
    BudgetExceeded,
    DeadLettered,
    Event,
    Finished,
    Flushed,
    PageRead,
    ReadFailed,
    Sized,
    SliceWritten,
    Started,
    StateSaved,
    WriteFailed,
)

PREFIXES: Final = ("trimtab_", "faucet_")
SECONDS: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
_LABELS = ("pipeline", "row")


class Metrics:
    """Everything that is counted of one pipeline's row, kept up to date by listening."""

    def __init__(self, pipeline: str) -> None:
        self._own = CollectorRegistry(auto_describe=False)
        self._labels = (pipeline, ROW)
        self.registry = CollectorRegistry()
        for prefix in PREFIXES:
            self.registry.register(_Prefixed(self._own, prefix))
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}

    def __call__(self, event: Event) -> None:  # noqa: C901, PLR0912  a table of events
        """Take one event into account."""
        match event:
            case Started():
                self._set("pipeline_in_flight", 1, "Runs under way.")
                self._set("pipeline_start_time_unix_seconds", time.time(), "When it started.")
            case PageRead():
                self._count("source_pages", 1, "Pages read.")
                self._count("source_records", event.records, "Records read.")
                self._time("source_page_duration_seconds", event.seconds, "Reading of a page.")
            case ReadFailed():
                self._count("source_errors", 1, "Failures of the source.", kind=event.kind)
                self._retried("read", "", event.retried, 0.0)
            case SliceWritten():
                self._count("sink_writes", 1, "Writes of a slice.")
                self._count("sink_records", event.written, "Rows written.")
                seconds = event.observation.latency_ms / 1000
                self._time("sink_write_duration_seconds", seconds, "Writing of a slice.")
            case WriteFailed():
                self._count("sink_errors", 1, "Failed writes.", kind=event.kind)
                self._retried("write", event.retry_class, event.retried, event.pause_seconds)
            case Sized():
                self._sized(event.size, event.step)
            case DeadLettered():
                for reason, count in event.reasons.items():
                    self._count("sink_dlq_records", count, "Dead letters.")
                    self._count("sink_dlq_pages", 1, "Pages with dead letters.", reason=reason)
                self._time("sink_dlq_write_duration_seconds", event.seconds, "Dead letters' write.")
            case BudgetExceeded():
                help_ = "Runs stopped by a failure budget."
                self._count("sink_dlq_budget_exceeded", 1, help_, scope=event.scope)
            case Flushed(sink="main"):
                self._time("sink_flush_duration_seconds", event.seconds, "Flush of the sink.")
            case Flushed():
                self._time("sink_dlq_flush_duration_seconds", event.seconds, "Flush of the queue.")
            case StateSaved():
                self._count("state_put", 1, "Checkpoints saved.")
                self._time("state_put_duration_seconds", event.seconds, "Saving of a checkpoint.")
                if event.bookmark is not None:
                    help_ = "When the state last moved to a bookmark."
                    self._set("pipeline_last_bookmark_unix_seconds", time.time(), help_)
            case Finished():
                self._set("pipeline_in_flight", 0, "Runs under way.")
                self._count("pipeline_runs", 1, "Runs that ended.", status=event.status)
                self._set("pipeline_run_duration_seconds", event.seconds, "Time of the last run.")
            case _:
                pass

    @contextlib.contextmanager
    def served(self, port: int) -> Iterator[None]:
        """Answer `GET /metrics` on a port of every interface, from a thread of its own.

        Raises:
            OSError: the port is taken.
        """
        server, thread = start_http_server(port, registry=self.registry)
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def write(self, path: Path) -> None:
        """Replace a textfile for the node exporter, whole."""
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_to_textfile(str(path), self.registry)

    def _sized(self, size: int, step: Step | None) -> None:
        self._set("pipeline_adaptive_batch_size", size, "Current effective batch size, rows.")
        name, help_ = "pipeline_adaptive_batch_cooldown_active", "1 while cool-down is active."
        self._set(name, float(step is not None and step.cooldown > 0), help_)
        if step is None:
            return
        if step.adjusted:
            direction = "up" if step.decision is Decision.GROW else "down"
            help_ = "Adjustments of the batch size."
            name, reason = "pipeline_adaptive_batch_adjustments", step.reason.value
            self._count(name, 1, help_, direction=direction, reason=reason)
        name = "pipeline_adaptive_batch_p50_latency_ms"
        if step.window_full and step.p50_latency_ms is not None:
            self._set(name, step.p50_latency_ms, "Rolling p50 write latency, milliseconds.")
        elif name in self._gauges:
            self._gauges[name].clear()

    def _retried(self, operation: str, class_: str, again: bool, pause: float) -> None:  # noqa: FBT001  passed on
        if not again:
            self._count("resilience_giveup", 1, "Failures not tried again.", op=operation)
            return
        labels = {"op": operation, "class": class_ or "source"}
        self._count("resilience_retries", 1, "Tries after a failure.", **labels)
        self._count("resilience_retry_sleep_seconds", pause, "Pauses between tries.", op=operation)

    def _count(self, name: str, amount: float, help_: str, **labels: str) -> None:
        if name not in self._counters:
            names = (*_LABELS, *labels)
            self._counters[name] = Counter(name, help_, names, registry=self._own)
        self._counters[name].labels(*self._labels, *labels.values()).inc(amount)

    def _set(self, name: str, value: float, help_: str) -> None:
        if name not in self._gauges:
            self._gauges[name] = Gauge(name, help_, _LABELS, registry=self._own)
        self._gauges[name].labels(*self._labels).set(value)

    def _time(self, name: str, seconds: float, help_: str) -> None:
        if name not in self._histograms:
            histogram = Histogram(name, help_, _LABELS, registry=self._own, buckets=SECONDS)
            self._histograms[name] = histogram
        self._histograms[name].labels(*self._labels).observe(seconds)


class _Prefixed(Collector):
    """The families of a registry under a prefix, without the `_created` series."""

    def __init__(self, registry: CollectorRegistry, prefix: str) -> None:
        self._registry = registry
        self._prefix = prefix

    def collect(self) -> Iterator[Metric]:
        """Yield every family under its prefixed name."""
        for family in self._registry.collect():
            renamed = Metric(self._prefix + family.name, family.documentation, family.type)
            renamed.samples = [
                sample._replace(name=self._prefix + sample.name)
                for sample in family.samples
                if not sample.name.endswith("_created")
            ]
            yield renamed
