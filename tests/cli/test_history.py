import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.cli.main import main
from bot.domain.connection import (
    Basic,
    Connection,
    ConnectionId,
    ConnectionStatus,
    DestinationId,
    SourceId,
    WorkspaceId,
)
from bot.domain.sync import JobKind, Sync, SyncStatus
from bot.history.store import History
from bot.history.syncs import Upserted

NOW = datetime.now(UTC).replace(microsecond=0)
WORKSPACE = WorkspaceId("w1")


def connection(key: str, name: str) -> Connection:
    ends = (SourceId("s"), DestinationId("d"))
    status = ConnectionStatus.ACTIVE
    return Connection(ConnectionId(key), name, *ends, WORKSPACE, status, Basic(24, "hours"))


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Two named connections and a stranger; one sync a day, back to 500 days ago."""
    path = tmp_path / "history.duckdb"
    with History.open(path) as history:
        history.upsert_syncs(
            [
                Sync(
                    day,
                    ConnectionId("c1"),
                    JobKind.SYNC,
                    SyncStatus.SUCCEEDED,
                    NOW - timedelta(days=day),
                    duration=timedelta(minutes=14),
                    rows=1234,
                )
                for day in range(1, 501)
            ],
            WORKSPACE,
        )
        listed = [connection("c1", "Orders"), connection("c2", "Same"), connection("c3", "Same")]
        history.record_fleet(WORKSPACE, listed, [], [], NOW)
        mine = history.begin_mine(WORKSPACE, NOW, None)
        mine = history.advance_mine(mine, NOW, Upserted(500))
        history.finish_mine(mine, NOW, ["destinations: forbidden"])
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["history", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_show_says_how_much_there_is_and_how_fresh(
    capsys: pytest.CaptureFixture[str], path: str
) -> None:
    code, out, _ = run(capsys, "show", "--history", path)
    assert code == 0
    assert "500 syncs of 3 connections" in out
    assert f"read without a gap up to {NOW:%Y-%m-%d %H:%M} UTC" in out
    assert "not read: destinations: forbidden" in out
    code, out, _ = run(capsys, "show", "--history", path, "-o", "json")
    assert json.loads(out)["workspaces"][0]["last_mine"]["outcome"] == "partial"


@pytest.mark.parametrize("name", ["Orders", "c1"])
def test_show_knows_a_connection_by_its_name_and_its_id(
    capsys: pytest.CaptureFixture[str], path: str, name: str
) -> None:
    code, out, _ = run(capsys, "show", name, "--history", path)
    assert code == 0
    assert "Orders (c1)" in out
    assert "every 24 hours" in out
    assert "usual 0:14:00" in out
    assert "(n = 41)" in out or "(n = 42)" in out
    code, out, _ = run(capsys, "show", name, "--history", path, "-o", "json")
    assert json.loads(out)["last_syncs"][0]["rows"] == 1234


@pytest.mark.parametrize(
    ("name", "sentence"), [("Same", "2 connections are named"), ("nobody", "knows no connection")]
)
def test_show_refuses_to_guess(
    capsys: pytest.CaptureFixture[str], path: str, name: str, sentence: str
) -> None:
    code, out, err = run(capsys, "show", name, "--history", path)
    assert (code, out) == (1, "")
    assert sentence in err


def test_check_finds_a_sound_history_sound(capsys: pytest.CaptureFixture[str], path: str) -> None:
    assert run(capsys, "check", "--history", path)[:2] == (
        0,
        f"{path}: sound; 500 syncs, schema version 2\n",
    )


def test_check_ends_with_1_and_names_what_is_wrong(
    capsys: pytest.CaptureFixture[str], path: str
) -> None:
    with History.open(path) as history:
        history.execute("insert into syncs from syncs where job_id = 7")
    code, out, _ = run(capsys, "check", "--history", path)
    assert (code, out) == (1, f"{path}: 1 job ids that are kept twice\n")
    code, out, _ = run(capsys, "check", "--history", path, "-o", "json")
    assert json.loads(out)["findings"] == [{"what": "job ids that are kept twice", "count": 1}]


def test_prune_says_what_it_would_do_before_it_does_it(
    capsys: pytest.CaptureFixture[str], path: str
) -> None:
    for _ in range(2):
        code, out, _ = run(capsys, "prune", "--dry-run", "--history", path)
        assert (code, "would forget 101 syncs" in out or "would forget 100 syncs" in out) == (
            0,
            True,
        )
    code, out, _ = run(capsys, "prune", "--keep-days", "10", "--history", path)
    assert code == 0
    assert "forgot 49" in out
    assert "forgot 0 syncs" in run(capsys, "prune", "--keep-days", "10", "--history", path)[1]


def test_an_export_can_be_imported_elsewhere(
    capsys: pytest.CaptureFixture[str], path: str, tmp_path: Path
) -> None:
    folder, other = str(tmp_path / "parquet"), str(tmp_path / "new" / "other.duckdb")
    assert run(capsys, "export", folder, "--history", path)[0] == 0
    code, out, _ = run(capsys, "import", folder, "--history", other)
    assert (code, "500 syncs" in out) == (0, True)
    shown, again = (run(capsys, "show", "-o", "json", "--history", it)[1] for it in (path, other))
    assert shown == again


def test_an_import_of_nothing_makes_no_history(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    target = tmp_path / "new.duckdb"
    code, _, err = run(capsys, "import", str(tmp_path), "--history", str(target))
    assert (code, "holds no export" in err) == (1, True)
    assert not target.exists()


@pytest.mark.parametrize("verb", ["show", "check", "prune", "export"])
def test_a_verb_that_needs_a_history_does_not_make_one(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, verb, *(["there"] if verb == "export" else []))
    assert (code, out) == (1, "")
    assert "There is no history at .trimtab/history.duckdb yet" in err
    assert list(tmp_path.iterdir()) == []


def test_the_settings_file_says_where_the_history_is(
    capsys: pytest.CaptureFixture[str],
    path: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "trimtab.yaml").write_text(
        "version: 1\nairbyte: {url: 'http://127.0.0.1:1', auth: none}\n"
        f"history: {{url: 'file://{path}'}}\n"
    )
    monkeypatch.chdir(tmp_path)
    code, out, _ = run(capsys, "show")
    assert (code, "500 syncs" in out) == (0, True)
