"""The servers under the loader's tests behave as those tests assume."""

import time

import psycopg

from tests.servers.delay import delayed
from tests.servers.postgres import running_postgres


def test_a_server_starts_answers_and_leaves_nothing_behind() -> None:
    with running_postgres() as server:
        url = server.create_database("somewhere")
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT current_database()").fetchone() == ("somewhere",)
        with delayed(server.host, server.port, 40) as port:
            url = server.url("somewhere", port)
            with psycopg.connect(url, autocommit=True) as connection:
                started = time.monotonic()
                for _ in range(5):
                    connection.execute("SELECT 1")
                assert time.monotonic() - started >= 5 * 0.040
    try:
        psycopg.connect(server.url(), connect_timeout=2).close()
    except psycopg.OperationalError:
        return
    raise AssertionError("the server still answers")
