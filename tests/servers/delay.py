"""A TCP proxy that adds a round trip: every byte arrives half the round trip after it was sent.

Bandwidth is not limited: what is sent back to back arrives back to back. It runs as a process of
its own, so that its work is not counted as the client's: `python -m tests.servers.delay`.
"""

import argparse
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CHUNK_BYTES = 1 << 18
IN_FLIGHT_CHUNKS = 256


def _send_when_due(pending: "queue.Queue[tuple[float, bytes]]", target: socket.socket) -> None:
    while True:
        due, data = pending.get()
        wait = due - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        try:
            if not data:
                target.shutdown(socket.SHUT_WR)
                return
            target.sendall(data)
        except OSError:
            return


def _forward(origin: socket.socket, target: socket.socket, delay_s: float) -> None:
    pending: queue.Queue[tuple[float, bytes]] = queue.Queue(IN_FLIGHT_CHUNKS)
    threading.Thread(target=_send_when_due, args=(pending, target), daemon=True).start()
    data = b"start"
    while data:
        try:
            data = origin.recv(CHUNK_BYTES)
        except OSError:
            data = b""
        pending.put((time.monotonic() + delay_s, data))


def serve(listener: socket.socket, target: tuple[str, int], delay_s: float) -> None:
    """Forward every connection to `target`, each direction `delay_s` late; never returns."""
    while True:
        client, _ = listener.accept()
        upstream = socket.create_connection(target)
        for end in (client, upstream):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for origin, sink in ((client, upstream), (upstream, client)):
            threading.Thread(target=_forward, args=(origin, sink, delay_s), daemon=True).start()


@contextmanager
def delayed(host: str, port: int, round_trip_ms: float) -> Iterator[int]:
    """Run a proxy before `host:port` and hand out the port that it listens on."""
    command = [sys.executable, "-m", "tests.servers.delay", host, str(port), str(round_trip_ms)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def main() -> None:
    """Listen on a free loopback port, print it, and forward until terminated."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("round_trip_ms", type=float)
    options = parser.parse_args()
    with socket.create_server(("127.0.0.1", 0)) as listener, suppress(KeyboardInterrupt):
        print(listener.getsockname()[1], flush=True)
        serve(listener, (options.host, options.port), options.round_trip_ms / 2000)


if __name__ == "__main__":
    main()
