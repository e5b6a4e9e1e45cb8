"""A real PostgreSQL server on a free loopback port, in a folder of its own, for tests and benches.

Binaries come from `PATH`, from `/usr/lib/postgresql/*/bin`, or from the PyPI package `pgserver`.
PostgreSQL refuses to run as root, so a root caller starts it as `postgres` or `nobody`.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

START_TIMEOUT_S = 60.0
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """Where a running server listens, and the folder of its programs."""

    host: str
    port: int
    programs: Path
    pid: int

    def url(self, database: str = "postgres", port: int | None = None) -> str:
        """Return the connection URL of `database`, at `port` where a proxy stands before it."""
        return f"postgresql://postgres@{self.host}:{port or self.port}/{database}"

    def create_database(self, name: str) -> str:
        """Create an empty database and return its URL."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database with whatever is still connected to it."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


def find_programs() -> Path:
    """Return the folder that holds `initdb` and `postgres`.

    Raises:
        RuntimeError: neither the system nor PyPI's `pgserver` has them.
    """
    found = shutil.which("initdb")
    candidates = [Path(found).resolve().parent] if found else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    bundled = importlib.util.find_spec("pgserver")
    if bundled is not None and bundled.origin is not None:
        candidates.append(Path(bundled.origin).parent / "pginstall" / "bin")
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise RuntimeError("no PostgreSQL programs: install postgresql or the PyPI package pgserver")


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _account() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL cannot run as root and there is no account `nobody`")


def _as_account(account: pwd.struct_passwd | None) -> dict[str, object]:
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    process.kill()
    process.wait()
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()[-2000:]}")


@contextmanager
def running_postgres(settings: dict[str, str] | None = None) -> Iterator[PostgresServer]:
    """Start a server, hand it out, and stop and remove it afterwards.

    Args:
        settings: server settings by name; the default trades durability for speed, which a test
            that never kills the server itself does not need.
    """
    programs, account = find_programs(), _account()
    home = Path(tempfile.mkdtemp(prefix="trimtab-postgres-"))
    if account is not None:
        os.chown(home, account.pw_uid, account.pw_gid)
    data, log, port = home / "data", home / "log", free_port()
    rights = _as_account(account)
    initdb = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8"]
    initdb += ["--locale=C", "--no-sync"]
    try:
        subprocess.run(initdb, check=True, capture_output=True, cwd=home, **rights)  # type: ignore[call-overload]
        options = {"listen_addresses": "127.0.0.1", "port": str(port), "max_connections": "100"}
        options |= {"unix_socket_directories": "", **(FAST if settings is None else settings)}
        command = [str(programs / "postgres"), "-D", str(data)]
        command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with log.open("wb") as output:
            process = subprocess.Popen(  # type: ignore[call-overload]
                command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd=home, **rights
            )
        server = PostgresServer("127.0.0.1", port, programs, process.pid)
        try:
            _wait_until_ready(process, server.url(), log)
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
                process.wait()
    finally:
        shutil.rmtree(home, ignore_errors=True)
