from collections.abc import Iterator

import pytest

from tests.airbyte.loopback import Server


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()
