"""A real Prometheus on loopback, filled with series of the past."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

BINARIES = ("prometheus", "promtool")


def is_installed() -> bool:
    return all(shutil.which(name) for name in BINARIES)


@contextmanager
def serving(folder: Path, series: Mapping[str, Sequence[tuple[int, float]]]) -> Iterator[str]:
    """Start a server that holds `series` (by name with labels), and give its address."""
    names = {name.partition("{")[0] for name in series}
    lines = [f"# TYPE {name} gauge" for name in sorted(names)]
    lines += [f"{name} {value} {at}" for name, points in series.items() for at, value in points]
    text = folder / "series.txt"
    text.write_text("\n".join([*lines, "# EOF", ""]))
    data, config = folder / "data", folder / "prometheus.yml"
    made = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(text), str(data)]
    subprocess.run(made, check=True, capture_output=True)
    config.write_text("global: {scrape_interval: 1h}\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        try:
            _wait(url)
            yield url
        finally:
            server.terminate()


def _wait(url: str) -> None:
    for _ in range(200):
        try:
            if httpx.get(f"{url}/-/ready").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise TimeoutError("Prometheus did not get ready")
