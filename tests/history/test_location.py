import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem
from moto.server import ThreadedMotoServer

from bot.domain.connection import ConnectionId
from bot.domain.errors import ConfigError, HistoryError
from bot.domain.sync import JobKind, Sync, SyncStatus
from bot.history.location import opened
from bot.history.remote import without_secrets
from bot.history.store import History

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def sync(job: int) -> Sync:
    return Sync(job, ConnectionId("a"), JobKind.SYNC, SyncStatus.SUCCEEDED, NOON)


def jobs(url: str) -> list[int]:
    with opened(url, read_only=True) as history:
        return [job for (job,) in history.execute("select job_id from syncs order by job_id")]


def add(url: str, *numbers: int) -> None:
    with opened(url) as history:
        history.upsert_syncs([sync(number) for number in numbers])


@pytest.fixture(autouse=True)
def scratch(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where copies of remote histories are kept while they are open."""
    folder = tmp_path_factory.mktemp("scratch")
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["path", "file", "memory", "s3"])
def url(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    name = f"team/{uuid.uuid4().hex}/history.duckdb"
    if request.param == "path":
        yield str(tmp_path / name)
    elif request.param == "file":
        yield f"file://{tmp_path}/{name}"
    elif request.param == "memory":
        yield f"memory://{name}"
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue("s3_server"))
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        files = fsspec.filesystem("s3", skip_instance_cache=True)
        if not files.exists("histories"):
            files.mkdir("histories")
        yield f"s3://histories/{name}"


def test_a_runner_without_a_disk_keeps_its_memory(url: str) -> None:
    with pytest.raises(HistoryError, match="no history at"):
        jobs(url)
    add(url, 1)
    add(url, 2)
    assert jobs(url) == [1, 2]


def test_what_was_committed_before_an_error_is_pushed(url: str) -> None:
    def fail_halfway() -> None:
        with opened(url) as history:
            history.upsert_syncs([sync(1)])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_halfway()
    assert jobs(url) == [1]


def test_a_run_that_changes_nothing_writes_nothing(url: str) -> None:
    add(url, 1)
    files, path = fsspec.core.url_to_fs(url)
    before = files.info(path)
    add(url, 1)
    files.invalidate_cache()
    after = files.info(path)
    assert after["size"] == before["size"]
    for mark in ("mtime", "LastModified", "created"):
        if not isinstance(files, LocalFileSystem):
            assert after.get(mark) == before.get(mark)


@pytest.mark.parametrize("url", ["file", "memory", "s3"], indirect=True)
def test_a_copy_that_another_run_replaced_is_never_overwritten(url: str) -> None:
    add(url, 1)

    def meanwhile() -> None:
        with opened(url) as slow:
            slow.upsert_syncs([sync(2)])
            add(url, 3)

    with pytest.raises(HistoryError, match="replaced by another run") as refused:
        meanwhile()
    assert jobs(url) == [1, 3]
    kept = refused.value.hint.rpartition("kept at ")[2].rstrip(".")
    with History.open(kept, read_only=True) as history:
        assert history.execute("select count(*) from syncs") == [(2,)]


@pytest.mark.parametrize("url", ["file", "memory", "s3"], indirect=True)
def test_two_first_runs_do_not_overwrite_each_other(url: str) -> None:
    def meanwhile() -> None:
        with opened(url) as slow:
            slow.upsert_syncs([sync(2)])
            add(url, 3)

    with pytest.raises(HistoryError, match="replaced by another run"):
        meanwhile()
    assert jobs(url) == [3]


@pytest.mark.parametrize("url", ["file", "memory", "s3"], indirect=True)
def test_an_empty_remote_copy_is_named_and_left(url: str) -> None:
    files, path = fsspec.core.url_to_fs(url)
    if isinstance(files, LocalFileSystem):
        files.makedirs(path.rpartition("/")[0])
    files.pipe_file(path, b"")
    with pytest.raises(HistoryError, match="cut short") as refused:
        add(url, 1)
    assert without_secrets(url) in refused.value.message
    assert files.info(path)["size"] == 0


def test_nothing_is_left_on_this_machine(scratch: Path) -> None:
    add("memory://left/history.duckdb", 1)
    assert jobs("memory://left/history.duckdb") == [1]
    assert list(scratch.iterdir()) == []


class BrokenDisk(LocalFileSystem):  # type: ignore[misc]  # fsspec has no types
    """A local disk whose next rename or write fails, as a full or vanished one would."""

    protocol = "broken"
    cachable = False
    failing = ""

    def mv(self, path1: str, path2: str, recursive: bool = True, **options: object) -> None:
        self.fail("mv")
        super().mv(path1, path2, recursive, **options)

    def put_file(self, path1: str, path2: str, callback: object = None, **options: object) -> None:
        super().put_file(path1, path2, callback, **options)
        if self.failing == "put":
            os.truncate(path2, 100)
            self.fail("put")

    def fail(self, point: str) -> None:
        if BrokenDisk.failing == point:
            raise OSError(28, "No space left on device")


@pytest.mark.parametrize("point", ["put", "mv"])
def test_a_push_that_fails_leaves_the_old_copy_and_keeps_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    fsspec.register_implementation("broken", BrokenDisk, clobber=True)
    url = f"broken://{tmp_path}/history.duckdb"
    add(url, 1)
    monkeypatch.setattr(BrokenDisk, "failing", point)
    with pytest.raises(HistoryError, match="Cannot write the history") as refused:
        add(url, 2)
    monkeypatch.setattr(BrokenDisk, "failing", "")
    assert [file.name for file in tmp_path.iterdir()] == ["history.duckdb"]
    assert jobs(url) == [1]
    kept = refused.value.hint.rpartition("kept at ")[2].rstrip(".")
    with History.open(kept, read_only=True) as history:
        assert history.execute("select count(*) from syncs") == [(2,)]


def test_a_push_that_fails_after_an_interrupt_keeps_the_copy_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsspec.register_implementation("broken", BrokenDisk, clobber=True)
    monkeypatch.setattr(BrokenDisk, "failing", "mv")

    def interrupted() -> None:
        with opened(f"broken://{tmp_path}/history.duckdb") as history:
            history.upsert_syncs([sync(1)])
            raise KeyboardInterrupt

    with pytest.raises(HistoryError, match="Cannot write the history") as refused:
        interrupted()
    kept = refused.value.hint.rpartition("kept at ")[2].rstrip(".")
    with History.open(kept, read_only=True) as history:
        assert history.execute("select count(*) from syncs") == [(1,)]


FOREVER = """
import itertools, sys
from datetime import UTC, datetime
from bot.domain.sync import JobKind, Sync, SyncStatus
from bot.history.location import opened

noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
for number in itertools.count():
    with opened(sys.argv[1]) as history:
        history.upsert_syncs([Sync(number, "a", JobKind.SYNC, SyncStatus.SUCCEEDED, noon)])
    print(number, flush=True)
"""


@pytest.mark.slow
def test_a_run_that_is_killed_at_any_point_never_loses_the_remote_copy(tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    url = f"file://{remote}/history.duckdb"
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "TMPDIR": str(tmp_path)}
    pushed = -1
    for round_ in range(4):
        command = [sys.executable, "-c", FOREVER, url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as worker:
            assert worker.stdout is not None
            worker.stdout.readline()
            time.sleep(0.13 + 0.07 * round_)
            worker.send_signal(signal.SIGKILL)
            told = [int(line) for line in worker.stdout.read().split()]
        pushed = max([pushed, 0, *told])
        assert jobs(url)[: pushed + 1] == list(range(pushed + 1))
    add(url, 10_000)
    assert sorted(file.name for file in remote.iterdir()) == ["history.duckdb"]


def test_an_unknown_scheme_is_named() -> None:
    with pytest.raises(ConfigError, match="nowhere://"):
        add("nowhere://bucket/history.duckdb", 1)


def test_no_secret_of_an_address_is_shown() -> None:
    shown = without_secrets("cannot read sftp://bot:hunter2@host/h?X-Amz-Signature=abc")
    assert shown == "cannot read sftp://host/h"
