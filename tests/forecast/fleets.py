"""Small fleets of known nature, for tests of forecasts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa

from bot.domain.connection import ConnectionId
from bot.forecast.runs import Runs

MONDAY: Final = 1_772_409_600
"""2026-03-02 00:00 UTC."""
DAY: Final = 86_400


@dataclass(frozen=True)
class Kind:
    """How a connection's syncs run; `weekday` and `hour` multiply the usual seconds."""

    seconds: float = 600.0
    spread: float = 0.1
    per_day: int = 1
    weekday: Mapping[int, float] = field(default_factory=dict)
    hour: Mapping[int, float] = field(default_factory=dict)
    daily_growth: float = 0.0
    fails: float = 0.0
    family: str = "postgres"


def table(kinds: Mapping[str, Kind], days: int, seed: int = 1) -> pa.Table:
    """Run each kind for some days from MONDAY on; columns as in `bot.history.frames.syncs`."""
    dice = np.random.default_rng(seed)
    rows = []
    for name, kind in kinds.items():
        for tick in range(days * kind.per_day):
            created = MONDAY + 3600 + tick * (DAY // kind.per_day)
            day, hour = (created - MONDAY) // DAY, created // 3600 % 24
            factor = kind.weekday.get(day % 7, 1) * kind.hour.get(hour, 1)
            growth = np.exp(kind.daily_growth * day)
            seconds = kind.seconds * factor * growth * np.exp(kind.spread * dice.normal())
            failed = dice.random() < kind.fails
            rows.append((name, created, int(np.ceil(seconds)), "failed" if failed else "succeeded"))
    return _columns(rows)


def runs(kinds: Mapping[str, Kind], days: int, seed: int = 1) -> Runs:
    """Return the same as `Runs`."""
    return Runs.of(table(kinds, days, seed), families(kinds))


def families(kinds: Mapping[str, Kind]) -> dict[ConnectionId, str]:
    return {ConnectionId(name): kind.family for name, kind in kinds.items()}


def _columns(rows: list[tuple[str, int, int, str]]) -> pa.Table:
    names, created, seconds, status = zip(*rows, strict=True)
    size = [1000 * value for value in seconds]
    return pa.table(
        {
            "connection_id": pa.array(names).dictionary_encode(),
            "job_id": pa.array(range(len(rows)), pa.int64()),
            "status": pa.array(status).dictionary_encode(),
            "created_at": pa.array(created, pa.int64()).cast(pa.timestamp("s")),
            "duration_seconds": pa.array(seconds, pa.int32()),
            "queued_seconds": pa.array([0] * len(rows), pa.int32()),
            "run_seconds": pa.array(seconds, pa.int32()),
            "rows": pa.array(size, pa.int64()),
            "bytes": pa.array([200 * value for value in size], pa.int64()),
        }
    )
