from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.history.store import History
from tests.airbyte.loopback import Server


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with History.open(tmp_path / "history.duckdb") as opened:
        yield opened


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()
