"""Metrics of a run for Prometheus, as text: for a textfile collector or a push gateway.

A run sets a dozen gauges once and ends. Writing the format takes less code than the client library's
registry, and keeps that library where it is needed, in the loader.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from bot.domain.errors import InputError
from bot.report.summary import Fate, Summary

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_PUSH_TIMEOUT_S: Final = 10


@dataclass(frozen=True, slots=True)
class Gauge:
    """One measure with its help and its values by label."""

    name: str
    help: str
    values: Mapping[tuple[str, str] | None, float]

    def lines(self) -> Iterator[str]:
        """Yield the family in Prometheus' text format."""
        yield f"# HELP {self.name} {self.help}"
        yield f"# TYPE {self.name} gauge"
        for label, value in self.values.items():
            labels = "" if label is None else f'{{{label[0]}="{_escaped(label[1])}"}}'
            yield f"{self.name}{labels} {value:.15g}"


def measures(summary: Summary, seconds: Mapping[str, float], ended: datetime) -> Iterator[Gauge]:
    """Yield what is worth an alert or a chart of one run that ended at `ended`."""
    yield _single("last_run_timestamp_seconds", "When the last run ended.", ended.timestamp())
    complete = float(not summary.unread)
    yield _single("last_run_complete", "1 when everything could be read.", complete)
    yield _single("connections", "Connections in the history.", summary.connections)
    yield _single("syncs_new", "Syncs that the run saw first.", summary.new_syncs)
    yield _single("syncs_changed", "Syncs that had changed.", summary.changed_syncs)
    yield _single("recommendations_blocked", "Recommendations held back.", summary.blocked)
    fates = {fate: sum(entry.fate is fate for entry in summary.entries) for fate in Fate}
    yield Gauge(
        "trimtab_pull_requests",
        "Pull requests by what became of them.",
        {("fate", fate.value): float(count) for fate, count in fates.items()},
    )
    if summary.saving is not None:
        low, high = summary.saving
        yield Gauge(
            f"trimtab_predicted_saving_{low.currency.lower()}",
            "Predicted saving in 30 days of what is proposed: ends of the 90 % intervals, added.",
            {("bound", "low"): float(low.amount), ("bound", "high"): float(high.amount)},
        )
    yield Gauge(
        "trimtab_stage_seconds",
        "Time of the last run by stage.",
        {("stage", name): spent for name, spent in seconds.items()},
    )


def exposition(gauges: Iterator[Gauge]) -> str:
    """Return gauges in Prometheus' text format."""
    return "".join(f"{line}\n" for gauge in gauges for line in gauge.lines())


def write_textfile(path: Path, text: str) -> None:
    """Replace a file for the node exporter, whole: it must never read half of one.

    Raises:
        InputError: it cannot be written.
    """
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise InputError(f"{path}: metrics cannot be written ({error.strerror})") from None


def push(url: str, text: str) -> None:
    """Replace the group at a push gateway's `url` (`https://host/metrics/job/trimtab`).

    Raises:
        InputError: it does not answer, or refuses.
    """
    import httpx

    try:
        answer = httpx.put(
            url,
            content=text.encode(),
            headers={"Content-Type": CONTENT_TYPE},
            timeout=_PUSH_TIMEOUT_S,
        )
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        # The message of an httpx error quotes the URL, which may hold a password.
        raise InputError(f"metrics cannot be pushed ({type(error).__name__})") from None


def _single(name: str, help_: str, value: float) -> Gauge:
    return Gauge(f"trimtab_{name}", help_, {None: value})


def _escaped(label: str) -> str:
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
