"""Measure forecasts on simulated fleets: `python -m tests.bench.bench_lab_forecasts [seed…]`.

Seeds that nothing was chosen by: name others to look anew. SIZE=full takes 300 connections and 120
days; quick 80 connections.
"""

import os
import sys
from typing import Final

import numpy as np

from bot.domain.connection import ConnectionId
from bot.forecast.runs import Runs
from bot.lab.jobs import KIND_NAMES, STATUS_NAMES, TERMINAL
from bot.lab.lab import UNTIL, Setup, world_of
from bot.lab.truth import Truth
from bot.lab.world import World
from tests.bench.forecast_scores import print_risk, print_scores, risk, scores

CONNECTIONS: Final = 300 if os.environ.get("SIZE") == "full" else 80
DAYS: Final = 120
JUDGED: Final = 28
SEEDS: Final = (90_211,)


def world(seed: int) -> World:
    """Live a fleet's days."""
    end = int(UNTIL.timestamp())
    found = world_of(Setup(seed=seed, fleet=CONNECTIONS, days=DAYS), end - DAYS * 86_400)
    found.advance(end)
    return found


def runs_of(lived: World) -> tuple[Runs, dict[ConnectionId, str]]:
    """Return the ended syncs of a world, and the source of each connection."""
    table = Truth(lived).table()
    ended = (table["status"] >= TERMINAL) & (table["kind"] == KIND_NAMES.index("sync"))
    rows = {name: values[ended] for name, values in table.items()}
    links = sorted(lived.fleet.by_index, key=lambda link: link.id)
    place = np.empty(len(links), np.int64)
    place[[link.index for link in links]] = np.arange(len(links))
    connection = place[rows["connection"]]
    order = np.lexsort((rows["job_id"], rows["created"], connection))
    rows = {name: values[order] for name, values in rows.items()}
    sources = lived.fleet.sources
    started = np.where(rows["started"] > 0, rows["started"], rows["created"])
    runs = Runs(
        connections=tuple(ConnectionId(link.id) for link in links),
        families=tuple(sources[link.source_id].connector.name for link in links),
        connection=connection[order],
        created=rows["created"].astype(np.int64),
        ended=rows["updated"].astype(np.int64),
        succeeded=rows["status"] == STATUS_NAMES.index("succeeded"),
        cancelled=rows["status"] == STATUS_NAMES.index("cancelled"),
        seconds=(rows["updated"] - started).astype(np.float32),
        elapsed=(rows["updated"] - rows["created"]).astype(np.float32),
        rows=rows["rows"].astype(np.float32),
        bytes=rows["bytes"].astype(np.float32),
        sources=tuple(link.source_id for link in links),
    )
    return runs, {ConnectionId(link.id): link.source_id for link in links}


def main(seeds: tuple[int, ...]) -> None:
    """Print a table for each seed."""
    for seed in seeds:
        runs, sources = runs_of(world(seed))
        print(f"\nseed {seed}: {CONNECTIONS} connections × {DAYS} days, {len(runs):,} syncs")
        for quantity, column in (("duration", "seconds"), ("rows", "rows")):
            print_scores(scores(runs, quantity, column, JUDGED, learn=True))
        print_risk(risk(runs, sources, JUDGED))


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or SEEDS)
