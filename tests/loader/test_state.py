"""State: one file replaced whole, and the choice between what it says and what the sink says."""

import threading
from pathlib import Path

import pytest

from bot.domain.errors import LoaderError
from bot.loader.state import Checkpoint, FileState, later

SCOPE = "orders::default"


def test_what_is_put_is_what_is_got(tmp_path: Path) -> None:
    checkpoint = Checkpoint(
        "a", 7, {"id": 2**63 - 1}, 3, {"bytes": 5}, None, ({"payload": {"n": 2**63 - 1}},)
    )
    FileState(tmp_path / "deep").put(SCOPE, checkpoint)
    assert FileState(tmp_path / "deep").get(SCOPE) == checkpoint


def test_nothing_is_got_where_nothing_was_put(tmp_path: Path) -> None:
    assert FileState(tmp_path).get(SCOPE) is None


def test_writers_with_one_process_id_never_share_a_temporary_file(tmp_path: Path) -> None:
    """Containers repeat process ids; two of them on one folder are two threads here."""
    store = FileState(tmp_path)
    failures: list[BaseException] = []

    def write(load: str) -> None:
        try:
            for seq in range(100):
                store.put(SCOPE, Checkpoint(load, seq, {"n": load * 50}))
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    found = store.get(SCOPE)
    assert found is not None
    assert found.seq == 99
    assert [path.name for path in tmp_path.iterdir()] == ["orders.default.json"]


def test_a_failed_write_leaves_the_old_state(tmp_path: Path) -> None:
    store = FileState(tmp_path)
    store.put(SCOPE, Checkpoint("a", 1))
    with pytest.raises(TypeError):
        store.put(SCOPE, Checkpoint("a", 2, {"not json": {1}}))
    found = store.get(SCOPE)
    assert found is not None
    assert found.seq == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_state_of_another_version_is_refused(tmp_path: Path) -> None:
    store = FileState(tmp_path)
    text = Checkpoint("a").text().replace('"version":1', '"version":9')
    store.path(SCOPE).write_text(text)
    with pytest.raises(LoaderError, match="version 9"):
        store.get(SCOPE)


def test_the_sink_is_right_unless_it_is_behind() -> None:
    old, new = Checkpoint("a", 1), Checkpoint("a", 2)
    other = Checkpoint("b", 1)
    assert later(None, None) is None
    assert later(old, None) is old
    assert later(None, old) is old
    assert later(new, old) is new
    assert later(old, new) is new
    assert later(new, other) is other
