"""Measure mining: `python -m tests.bench.bench_mining [connections] [days]`.

A lab serves a fleet from a process of its own: once as fast as it can, which no Airbyte does and
which pits our parsing against its bare sockets, and once thinking 20 ms about each page, which is
still quick for an Airbyte. Three readers take turns, each from nothing:

- mining, into a new history file;
- a bare loop, with as many requests in flight, that fetches the same pages and parses none;
- the loop of Airbyte's official SDK (PyPI `airbyte-api`), one page after the other, parsed.
"""

import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from queue import Empty, SimpleQueue
from statistics import median
from time import perf_counter

import httpx
from airbyte_api import AirbyteAPI, models

from bot.airbyte.access import Access, Application
from bot.airbyte.client import Airbyte
from bot.airbyte.transport import MOST_IN_FLIGHT, Ask
from bot.domain.mine import Mine
from bot.history.mining import MiningPlan, mine
from bot.history.reading import Progress
from bot.history.store import History
from bot.lab import Faults, Lab

ROUNDS = 3
PAGE = 100
DELAYS_S = (0.0, 0.02)


@dataclass(frozen=True)
class Served:
    """A lab in another process."""

    url: str
    client_id: str
    client_secret: str
    syncs: int

    @property
    def access(self) -> Access:
        return Access.to(self.url, Application(self.client_id, self.client_secret))


class Recorder(Airbyte):
    """The real client, which notes what it asks for."""

    def record(self) -> list[Ask]:
        asks: list[Ask] = []
        send = self.transport.send

        def noted(ask: Ask) -> httpx.Response:
            asks.append(ask)
            return send(ask)

        self.transport.send = noted  # type: ignore[method-assign]
        return asks


class Silent:
    """Watches without a word."""

    def progress(self, progress: Progress) -> None:
        """Say nothing."""

    def finished(self, mine: Mine) -> None:
        """Say nothing."""


def serve(connections: int, days: int, delay_s: float, pipe: Pipe) -> None:
    """Run a lab until the other end of the pipe says anything."""
    faults = Faults(delay=delay_s)
    # A seed of its own for each lab: the SDK keeps tokens by client id for the whole process.
    seed = 1 + DELAYS_S.index(delay_s)
    with Lab.start(seed=seed, connections=connections, days=days, faults=faults) as lab:
        pipe.send(Served(lab.url, lab.client_id, lab.client_secret, len(lab.truth.syncs())))
        pipe.recv()


def read_by_mining(served: Served, asks: list[Ask] | None = None) -> int:
    """Mine into a new file; note what was asked for."""
    with tempfile.TemporaryDirectory() as folder, Recorder(served.access) as airbyte:
        recorded = airbyte.record()
        with History.open(Path(folder) / "history.duckdb") as history:
            mined = mine(history, airbyte, MiningPlan(details=False), Silent())
        if asks is not None:
            asks[:] = recorded
    assert mined.is_complete
    return sum(one.new for one in mined.mines)


def fetch_bare(served: Served, asks: list[Ask]) -> int:
    """Fetch the same pages side by side, and look at nothing."""
    waiting: SimpleQueue[Ask] = SimpleQueue()
    for ask in asks:
        waiting.put(ask)
    fetched: list[int] = []
    with httpx.Client(headers={"authorization": f"Bearer {mint(served)}"}) as client:

        def work() -> None:
            while True:
                try:
                    ask = waiting.get_nowait()
                except Empty:
                    return
                fetched.append(len(client.request(ask.method, ask.url).content))

        threads = [threading.Thread(target=work) for _ in range(MOST_IN_FLIGHT)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(fetched) == len(asks)
    return served.syncs


def read_by_sdk(served: Served) -> int:
    """Page through all jobs with the official SDK."""
    credentials = models.SchemeClientCredentials(
        client_id=served.client_id,
        client_secret=served.client_secret,
        token_url=f"{served.url}/applications/token",
    )
    sdk = AirbyteAPI(
        server_url=served.url, security=models.Security(client_credentials=credentials)
    )
    count = 0
    while True:
        answer = sdk.jobs.list_jobs(
            request={"limit": PAGE, "offset": count, "order_by": "createdAt|ASC"}
        )
        assert answer.jobs_response is not None
        rows = answer.jobs_response.data
        count += len(rows)
        if len(rows) < PAGE:
            return count


def mint(served: Served) -> str:
    """Get a token."""
    body = {"client_id": served.client_id, "client_secret": served.client_secret}
    answer = httpx.post(f"{served.url}/applications/token", json=body)
    return str(answer.json()["access_token"])


def timed(read: Callable[[], int], expected: int) -> float:
    """Return the seconds that a reader takes, having checked that it missed nothing."""
    started = perf_counter()
    count = read()
    seconds = perf_counter() - started
    assert count == expected, f"{count} of {expected} syncs"
    return seconds


def compare(connections: int, days: int, delay_s: float) -> None:
    """Take turns and print medians beside the baselines."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    arguments = (connections, days, delay_s, theirs)
    process = context.Process(target=serve, args=arguments, daemon=True)
    process.start()
    theirs.close()  # so that a lab that dies is noticed
    served: Served = ours.recv()
    asks: list[Ask] = []
    read_by_mining(served, asks)
    readers: dict[str, Callable[[], int]] = {
        "trimtab mine": lambda: read_by_mining(served),
        "bare loop, same pages, unparsed": lambda: fetch_bare(served, asks),
        "official SDK, one loop": lambda: read_by_sdk(served),
    }
    seconds: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(ROUNDS):
        for name, read in readers.items():
            seconds[name].append(timed(read, served.syncs))
    ours.send("enough")
    process.join()
    print(
        f"{served.syncs:,} syncs of {connections} connections in {len(asks):,} requests, "
        f"{delay_s * 1000:.0f} ms of thought each"
    )
    print(f"{'reader':34} {'median s':>9} {'syncs/s':>9} {'mining is':>10}")
    mining = median(seconds["trimtab mine"])
    for name, taken in seconds.items():
        other = median(taken)
        print(f"{name:34} {other:9.2f} {served.syncs / other:9,.0f} {other / mining:9.2f}×")


def main(connections: int = 300, days: int = 30) -> None:
    """Compare at each pace of the server."""
    for delay_s in DELAYS_S:
        compare(connections, days, delay_s)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
