"""The servers that loader tests share: one PostgreSQL for each test process, a database a test."""

import itertools
from collections.abc import Iterator

import pytest

from tests.servers.postgres import PostgresServer, running_postgres

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[str]:
    """Hand out the URL of an empty database that only this test sees."""
    name = f"test_{next(_numbers)}"
    yield postgres_server.create_database(name)
    postgres_server.drop_database(name)
