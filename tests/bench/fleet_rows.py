"""Seeded rows for the history's benchmarks: a fleet's syncs in the order in which they were made."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

STEP_SECONDS = 8640
"""Ten syncs a day for each connection."""
FIRST_SECOND = 1_767_225_600
STATUSES = ("succeeded", "failed", "cancelled")


def chunks(connections: int, syncs_each: int, seed: int = 7) -> Iterator[pa.Table]:
    """Yield `connections` × `syncs_each` syncs by creation time, about a million at a time."""
    random = np.random.default_rng(seed)
    typical_seconds = random.lognormal(6.0, 1.0, connections)
    typical_rows = random.lognormal(10.0, 2.0, connections)
    offsets = random.integers(0, STEP_SECONDS, connections)
    order = np.argsort(offsets, kind="stable")
    steps_a_chunk = max(1, 1_000_000 // connections)
    names = pa.array(
        [f"{number:08x}-5a5a-4bbb-8ccc-{number:012x}" for number in range(connections)]
    )
    for first in range(0, syncs_each, steps_a_chunk):
        steps = min(steps_a_chunk, syncs_each - first)
        who = np.tile(order, steps)
        size = len(who)
        step = np.repeat(np.arange(first, first + steps), connections)
        created = FIRST_SECOND + step * STEP_SECONDS + offsets[who]
        seconds = (typical_seconds[who] * random.lognormal(0.0, 0.3, size)).astype(np.int32) + 1
        queued = random.integers(0, 60, size)
        rows = (typical_rows[who] * random.lognormal(0.0, 0.4, size)).astype(np.int64)
        status = (random.random(size) > 0.97).astype(np.int8) + (random.random(size) > 0.995)
        yield pa.table(
            {
                "job_id": np.arange(first * connections, first * connections + size),
                "connection_id": pa.DictionaryArray.from_arrays(who.astype(np.int32), names),
                "kind": pa.DictionaryArray.from_arrays(np.zeros(size, np.int32), ["sync"]),
                "status": pa.DictionaryArray.from_arrays(status.astype(np.int32), list(STATUSES)),
                "created_at": _times(created),
                "updated_at": _times(created + queued + seconds),
                "duration_seconds": (seconds + queued).astype(np.int32),
                "queued_seconds": queued.astype(np.int32),
                "rows": rows,
                "bytes": rows * 200,
            }
        )


def _times(seconds: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pa.Array:
    return pa.array(seconds.astype(np.int64)).cast(pa.timestamp("s"))
