"""How fast the lab makes history and serves it: `python -m tests.bench.bench_lab [connections]`.

Making history is compared with the least that any event loop in Python does (one push and two
pops of a heap per sync), serving with a server that answers the same bytes from memory.
"""

import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from statistics import median

import httpx

from bot.lab import Faults, Setup
from bot.lab import constants as known
from bot.lab.http import Answer
from bot.lab.lab import UNTIL, Lab, world_of
from bot.lab.server import LabServer

DAYS = 90
PAGES = 200
ROUNDS = 5


def main(connections: int) -> None:
    start = int(UNTIL.timestamp()) - DAYS * known.DAY
    world = world_of(Setup(fleet=connections, days=DAYS), start)
    made = seconds(lambda: world.advance(int(UNTIL.timestamp())))
    syncs = world.engine.jobs.count
    floor = seconds(lambda: bare_events(syncs))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{connections:,} connections x {DAYS} days: {syncs:,} syncs, peak {peak:,.0f} MiB")
    print(f"  making them   {made:8.1f} s   {made / syncs * 1e6:6.1f} us each")
    print(f"  bare heap     {floor:8.1f} s   {floor / syncs * 1e6:6.1f} us each")
    print(f"  ratio         {made / floor:8.1f}")
    serve()


def serve() -> None:
    with Lab(Setup(fleet=200, days=60)) as lab:
        body = {"client_id": lab.client_id, "client_secret": lab.client_secret}
        token = httpx.post(f"{lab.url}/applications/token", json=body).json()["access_token"]
        with httpx.Client(headers={"authorization": f"Bearer {token}"}) as client:
            page = client.get(f"{lab.url}/jobs?limit=100").content
            bare = LabServer(lambda _: Answer(200, page), Faults(), lambda: 0)
            times: dict[str, list[float]] = {"lab, first time": [], "lab, again": [], "bare": []}
            for turn in range(ROUNDS):
                first = turn * PAGES * 100
                urls = [f"{lab.url}/jobs?limit=100&offset={first + n * 100}" for n in range(PAGES)]
                same = [f"http://127.0.0.1:{bare.port}/"] * PAGES
                for name, wanted in (
                    ("lab, first time", urls),
                    ("lab, again", urls),
                    ("bare", same),
                ):
                    times[name].append(seconds(partial(read, client, wanted)))
            bare.close()
    for name, found in times.items():
        print(
            f"  {name:16} {PAGES / median(found):8.0f} pages/s   {ratio(times, name):5.2f} of bare"
        )


def ratio(times: dict[str, list[float]], name: str) -> float:
    pairs = zip(times[name], times["bare"], strict=True)
    return median(bare / mine for mine, bare in pairs)


def read(client: httpx.Client, urls: list[str]) -> None:
    for url in urls:
        assert client.get(url).status_code == httpx.codes.OK


def bare_events(count: int) -> None:
    heap: list[tuple[int, int]] = [(n * 997 % 86_400, n) for n in range(1_000)]
    heap.sort()
    for number in range(count):
        at, _ = heappop(heap)
        heappush(heap, (at + 3_600, number))
        heappush(heap, (at + 600, -number))
        heappop(heap)


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
