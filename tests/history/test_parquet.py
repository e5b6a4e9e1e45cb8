import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bot.domain.connection import (
    Connection,
    ConnectionId,
    ConnectionStatus,
    Cron,
    DestinationId,
    Endpoint,
    SourceId,
    WorkspaceId,
)
from bot.domain.errors import InputError
from bot.domain.event import ConnectionEvent, SettingChange
from bot.domain.sync import Attempt, Failure, JobKind, StreamStats, Sync, SyncStatus
from bot.history import parquet, summary
from bot.history.store import History
from bot.history.syncs import Upserted

NOON = datetime(2026, 3, 1, 12, 0, 0, 5, UTC)
WORKSPACE = WorkspaceId("w1")
ORDERS = Connection(
    ConnectionId("orders"),
    "Orders",
    SourceId("s"),
    DestinationId("d"),
    WORKSPACE,
    ConnectionStatus.ACTIVE,
    Cron("0 0 6 * * ?"),
    tags=frozenset({"finance", "daily"}),
)


def quiet(_: str) -> None:
    """Print nothing."""


def sync(job: int, **changes: Any) -> Sync:
    created = NOON + timedelta(minutes=7 * job)
    states = (SyncStatus.SUCCEEDED, SyncStatus.FAILED, SyncStatus.RUNNING)
    plain = Sync(
        job,
        ConnectionId(("orders", "users")[job % 2]),
        JobKind.RESET if job % 5 == 0 else JobKind.SYNC,
        states[job % 3],
        created,
        None if job % 3 == 2 else created + timedelta(minutes=3),
        created + timedelta(seconds=11) if job % 4 else None,
        timedelta(minutes=3),
        job * 10 if job % 7 else None,
        job * 100,
    )
    return replace(plain, **changes)


def fill(history: History) -> None:
    """Put something of everything into the history."""
    history.upsert_syncs([sync(job) for job in range(200)], WORKSPACE)
    for day, workers in ((1, 4), (2, 4), (3, 8)):
        source = Endpoint("s", "S", "stripe", WORKSPACE, {"num_workers": workers})
        destination = Endpoint("d", "D", "snowflake", WORKSPACE)
        history.record_fleet(
            WORKSPACE, [ORDERS], [source], [destination], NOON + timedelta(days=day)
        )
    failure = Failure("source", "config_error", "no such table")
    history.record_attempts({1: [Attempt(0, "failed", NOON, NOON, 1, 2, failure)]})
    history.record_streams({1: [StreamStats("a", None, 1), StreamStats("a", "eu", 2)]})
    change = SettingChange("scheduleType", '"manual"', '"cron"')
    history.record_events([ConnectionEvent("e", ORDERS.id, "X", NOON, 1, (change,))])
    mine = history.begin_mine(WORKSPACE, NOON, None)
    mine = history.advance_mine(mine, NOON, Upserted(1, 2, 3))
    history.finish_mine(mine, NOON, ["sources: 403"])


def contents(folder: Path) -> dict[str, Any]:
    """Read every row of every file, in their order; null masks may be packed differently."""
    tables = {
        file.name: duckdb.from_parquet(str(file)) for file in sorted(folder.glob("*.parquet"))
    }
    assert len(tables) == len(parquet.TABLES)
    manifest = (folder / "manifest.json").read_text()
    return {"manifest": manifest} | {
        name: (table.columns, table.types, table.fetchall()) for name, table in tables.items()
    }


@pytest.fixture
def exported(history: History, tmp_path: Path) -> Path:
    fill(history)
    parquet.export(history, tmp_path / "export")
    return tmp_path / "export"


def test_an_import_into_nothing_exports_the_same_rows(exported: Path, tmp_path: Path) -> None:
    with History.open(tmp_path / "second.duckdb") as second:
        parquet.import_(second, exported, quiet)
        parquet.export(second, tmp_path / "again")
        assert summary.check(second) == ()
    assert contents(tmp_path / "again") == contents(exported)


def test_an_import_into_itself_changes_nothing(
    history: History, exported: Path, tmp_path: Path
) -> None:
    assert set(parquet.import_(history, exported, quiet).by_table.values()) == {0}
    parquet.export(history, tmp_path / "again")
    assert contents(tmp_path / "again") == contents(exported)


def test_an_import_never_undoes_what_is_newer(exported: Path, tmp_path: Path) -> None:
    ended = sync(2, status=SyncStatus.SUCCEEDED, updated_at=NOON + timedelta(days=1))
    with History.open(tmp_path / "second.duckdb") as second:
        second.upsert_syncs([ended])
        parquet.import_(second, exported, quiet)
        assert second.execute("select status from syncs where job_id = 2") == [("succeeded",)]


def test_an_export_says_connections_by_their_id_and_states_by_name(exported: Path) -> None:
    rows = duckdb.execute(
        "select connection_id, kind, status, duration_seconds, queued_seconds "
        "from read_parquet($path) where job_id in (1, 5) order by job_id",
        {"path": str(exported / "syncs.parquet")},
    ).fetchall()
    assert rows == [
        ("users", "sync", "failed", 180, 11),
        ("users", "reset", "running", 180, 11),
    ]


def test_an_export_never_overwrites(history: History, exported: Path) -> None:
    before = contents(exported)
    with pytest.raises(InputError, match="not an empty folder"):
        parquet.export(history, exported)
    assert contents(exported) == before


def lose_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def break_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text("{}")


def come_from_the_future(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"schema": 99}))


def lose_mines(folder: Path) -> None:
    (folder / "mines.parquet").unlink()


def cut_mines(folder: Path) -> None:
    file = folder / "mines.parquet"
    file.write_bytes(file.read_bytes()[:-20])


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lose_manifest, "holds no export"),
        (break_manifest, "holds no export"),
        (come_from_the_future, "schema version 99"),
        (lose_mines, r"mines\.parquet cannot be read"),
        (cut_mines, r"mines\.parquet cannot be read"),
    ],
)
def test_a_broken_export_is_named_and_nothing_of_it_stays(
    exported: Path, tmp_path: Path, harm: Callable[[Path], None], words: str
) -> None:
    harm(exported)
    with History.open(tmp_path / "second.duckdb") as second:
        with pytest.raises(InputError, match=words):
            parquet.import_(second, exported, quiet)
        assert second.execute("select count(*) from syncs") == [(0,)]
