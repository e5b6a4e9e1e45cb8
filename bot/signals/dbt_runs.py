"""The time that dbt's models take, from the results of its runs.

Source: dbt's documentation, "Run results JSON file".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.domain.errors import SignalError
from bot.signals.dbt_manifest import read_artefact, utc

_HIGH = 0.95


@dataclass(frozen=True, slots=True)
class Timings:
    """The seconds that each node takes (the 95 % quantile of its runs), and the runs themselves.

    `runs` are (end, node, seconds), oldest first; `notes` say which files could not be read.
    """

    seconds: Mapping[str, float]
    runs: tuple[tuple[datetime, str, float], ...]
    notes: tuple[str, ...]


def read_timings(folder: Path, patterns: Iterable[str]) -> Timings:
    """Read every file that the patterns name; one that cannot be read is a note."""
    runs: list[tuple[datetime, str, float]] = []
    notes: list[str] = []
    for pattern in patterns:
        files = sorted(_files(folder, pattern))
        if not files:
            notes.append(f"{pattern}: there is no such file")
        for file in files:
            try:
                runs += _runs(read_artefact(file))
            except SignalError as error:
                notes.append(error.message)
            except (KeyError, TypeError, AttributeError, ValueError):
                notes.append(f"{file.name} holds no results of runs")
    by_node: dict[str, list[float]] = {}
    for _, node, seconds in runs:
        by_node.setdefault(node, []).append(seconds)
    high = {node: _quantile(sorted(times)) for node, times in by_node.items()}
    return Timings(high, tuple(sorted(runs)), tuple(notes))


def _files(folder: Path, pattern: str) -> Iterable[Path]:
    if Path(pattern).is_absolute():
        folder, pattern = Path("/"), pattern.lstrip("/")
    return folder.glob(pattern)


def _runs(data: dict[str, Any]) -> list[tuple[datetime, str, float]]:
    ended = utc(data["metadata"]["generated_at"])
    return [
        (ended, str(result["unique_id"]), float(result["execution_time"]))
        for result in data["results"]
        if result["status"] == "success"
    ]


def _quantile(times: list[float]) -> float:
    """Return the value at rank q·(n + 1), which for few runs is the longest."""
    rank = min(round(_HIGH * (len(times) + 1)), len(times))
    return times[max(rank, 1) - 1]
