import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from bot.domain.connection import ConnectionId
from bot.domain.errors import ExitCode, HistoryError
from bot.domain.sync import JobKind, Sync, SyncStatus
from bot.history import mines, schema
from bot.history.damage import explained
from bot.history.statements import Migration, migrations
from bot.history.store import History
from bot.history.syncs import to_arrow

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def syncs(first: int, count: int) -> list[Sync]:
    return [
        Sync(
            number,
            ConnectionId(f"connection-{number % 7}"),
            JobKind.SYNC,
            SyncStatus.SUCCEEDED,
            NOON + timedelta(minutes=number),
            rows=number,
        )
        for number in range(first, first + count)
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A history with a thousand syncs, closed."""
    path = tmp_path / "history.duckdb"
    with History.open(path) as history:
        history.upsert_syncs(syncs(0, 1000))
    return path


def count(path: Path) -> int:
    with History.open(path, read_only=True) as history:
        ((found,),) = history.execute("select count(*) from syncs")
    return int(found)


def refusal(path: Path, *, read_only: bool = False) -> HistoryError:
    """Open `path` and read it whole, and return how that was refused."""

    def read() -> None:
        with History.open(path, read_only=read_only) as history:
            history.execute("select sum(rows), max(status), max(created_at) from syncs")

    with pytest.raises(HistoryError) as refused:
        read()
    assert refused.value.exit_code is ExitCode.EXPECTED_ERROR
    assert str(path) in refused.value.message
    assert refused.value.hint
    assert "\n" not in refused.value.message
    return refused.value


def test_a_missing_history_is_made_when_it_is_written(tmp_path: Path) -> None:
    with History.open(tmp_path / "new.duckdb") as history:
        assert history.execute("select count(*) from syncs") == [(0,)]


def test_a_missing_history_is_not_made_when_it_is_only_read(tmp_path: Path) -> None:
    assert "no history at" in refusal(tmp_path / "new.duckdb", read_only=True).message
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert "folder" in refusal(tmp_path / "missing" / "history.duckdb").message


def test_a_folder_is_no_history(tmp_path: Path) -> None:
    assert "is a directory" in refusal(tmp_path).message


@pytest.mark.parametrize("read_only", [False, True])
def test_an_empty_file_is_named_and_left(tmp_path: Path, read_only: bool) -> None:
    empty = tmp_path / "history.duckdb"
    empty.touch()
    assert "0 bytes" in refusal(empty, read_only=read_only).message
    assert empty.stat().st_size == 0


@pytest.mark.parametrize("kept", [10, 4096, 8192, 12288, 100_000, 0.5, 0.9])
def test_a_file_that_was_cut_short_is_named_and_left(path: Path, kept: float) -> None:
    size = int(path.stat().st_size * kept) if kept < 1 else int(kept)
    os.truncate(path, size)
    assert any(
        word in refusal(path).message for word in ("cut short", "not a history file", "damaged")
    )
    assert path.stat().st_size == size


def test_a_file_with_flipped_bytes_is_named(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for place in range(4096 * 3 + 100, len(content), 5000):
        content[place] ^= 0xFF
    path.write_bytes(content)
    assert "damaged" in refusal(path).message


def test_another_kind_of_file_is_named_and_left(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("not a database\n" * 1000)
    assert "not a history file" in refusal(notes).message
    assert notes.read_text().startswith("not a database")


def test_the_duckdb_file_of_another_program_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "dbt.duckdb"
    with duckdb.connect(str(other)) as connection:
        connection.execute("create table orders (id integer)")
    assert "another program" in refusal(other).message
    with duckdb.connect(str(other)) as connection:
        assert connection.execute("select table_name from duckdb_tables()").fetchall() == [
            ("orders",)
        ]


HOLD = """
import sys, time
from bot.history.store import History
with History.open(sys.argv[1]) as history:
    print("open", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the history open."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
        process.kill()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_history_in_use_names_the_process(
    path: Path, holder: subprocess.Popen[str], read_only: bool
) -> None:
    assert f"in use by another process (PID {holder.pid})" in (
        refusal(path, read_only=read_only).message
    )


def test_a_newer_schema_is_refused_and_left(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("insert into migrations values (99, 'future', now())")
    before = path.read_bytes()
    for read_only in (False, True):
        refused = refusal(path, read_only=read_only)
        assert "schema version 99" in refused.message
        assert "upgrade" in refused.hint
    assert path.read_bytes() == before


def test_an_older_schema_is_not_migrated_where_it_is_only_read(tmp_path: Path) -> None:
    old = tmp_path / "old.duckdb"
    duckdb.connect(str(old)).close()
    assert "opened for reading only" in refusal(old, read_only=True).message


STEPS = (
    *migrations(),
    Migration(len(migrations()) + 1, "more", "alter table syncs add column note varchar;"),
)


def test_an_older_schema_is_migrated_and_keeps_its_syncs(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        schema.prepare(connection, "it", steps=STEPS)
        schema.prepare(connection, "it", steps=STEPS)
        assert connection.execute("select count(*), count(note) from syncs").fetchall() == [
            (1000, 0)
        ]
        assert schema.version(connection, "it") == len(STEPS)


def test_a_mine_from_before_details_were_noted_had_none(tmp_path: Path) -> None:
    old = tmp_path / "old.duckdb"
    with duckdb.connect(str(old)) as connection:
        schema.prepare(connection, "it", steps=migrations()[:1])
        connection.execute(
            "insert into mines values ('w', now(), now(), 'complete', null, now(), 1, 0, 0, [])"
        )
    with History.open(old) as history:
        (mine,) = mines.latest(history)
        assert not mine.detailed
        assert history.detailed(mine.workspace_id, mine.started_at) == {}


def test_a_migration_that_fails_changes_nothing(path: Path) -> None:
    broken = (*STEPS, Migration(len(STEPS) + 1, "broken", "drop table syncs; select oops;"))
    with (
        duckdb.connect(str(path)) as connection,
        pytest.raises(duckdb.Error),
        explained("it"),
    ):
        schema.prepare(connection, "it", steps=broken)
    with duckdb.connect(str(path)) as connection:
        assert schema.version(connection, "it") == len(STEPS)
        assert connection.execute("select count(*) from syncs").fetchall() == [(1000,)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 8 MB; only root can mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a file system is not allowed here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_read_only_disk_is_named(path: Path, small_disk: Path) -> None:
    there = Path(shutil.copy(path, small_disk))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert "cannot be written" in refusal(there).message
    assert count(there) == 1000


def test_a_full_disk_loses_nothing_that_was_committed(path: Path, small_disk: Path) -> None:
    there = Path(shutil.copy(path, small_disk))

    random = np.random.default_rng(5)

    def noise(first: int) -> pa.Table:
        """Lay out twenty thousand syncs that no compression makes smaller."""
        table = to_arrow(syncs(first, 20_000))
        for name in ("rows", "bytes"):
            index = table.column_names.index(name)
            table = table.set_column(index, name, pa.array(random.integers(0, 2**62, 20_000)))
        return table

    def fill() -> None:
        with History.open(there) as history:
            for first in range(1000, 10_000_000, 20_000):
                history.upsert_table(noise(first))
                committed.append(first + 20_000)

    committed = [1000]
    with pytest.raises(HistoryError, match="full") as refused:
        fill()
    assert "prune" in refused.value.hint
    bigger = path.parent / "bigger"
    shutil.copytree(small_disk, bigger)
    assert count(bigger / there.name) == committed[-1]


KILLED_WRITER = """
import sys
from tests.history.test_damage import syncs
from bot.history.store import History
with History.open(sys.argv[1]) as history:
    for first in range(1000, 10_000_000, 500):
        with history.transaction():
            history.upsert_syncs(syncs(first, 250))
            history.upsert_syncs(syncs(first + 250, 250))
        print(first + 500, flush=True)
"""
KILLED_MIGRATION = """
import sys, duckdb
from tests.history.test_damage import STEPS
from bot.history import schema
from bot.history.statements import Migration
slow = "create table big as select range as i from range(60_000_000); drop table syncs;"
with duckdb.connect(sys.argv[1]) as connection:
    print("begun", flush=True)
    schema.prepare(connection, "it", steps=(*STEPS, Migration(len(STEPS) + 1, "slow", slow)))
"""


def kill_after(seconds: float, script: str, path: Path) -> list[str]:
    """Run `script` on `path`, kill it `seconds` after its first line, return what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()
    assert process.returncode == -signal.SIGKILL
    return [*first.split(), *rest.split()]


@pytest.mark.slow
def test_a_kill_while_writing_keeps_every_transaction_whole(path: Path) -> None:
    kept = 1000
    for round_ in range(4):
        told = kill_after(0.05 + 0.1 * round_, KILLED_WRITER, path)
        kept = max(kept, int(told[-1]))
        found = count(path)
        assert found >= kept
        assert found % 500 == 0, "half a transaction stayed"


def test_a_kill_while_migrating_leaves_the_old_schema_and_every_sync(path: Path) -> None:
    kill_after(0.2, KILLED_MIGRATION, path)
    with duckdb.connect(str(path)) as connection:
        assert connection.execute("select count(*) from syncs").fetchall() == [(1000,)]
        assert "big" not in {
            name
            for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()
        }


def test_an_interrupt_inside_duckdb_is_an_interrupt() -> None:
    def interrupted() -> None:
        with explained("it"):
            raise RuntimeError("Query interrupted")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
