"""Marks: a write that a dead process left with the server is waited for, never overtaken."""

import threading
import time

import psycopg
import pyarrow as pa
import pytest
from pydantic import SecretStr

from bot.loader.rows import Plane, Shape
from bot.loader.sinks.postgres import PostgresSink, PostgresSinkConfig

SCHEMA = pa.schema([("id", pa.int64())])


@pytest.mark.parametrize("earlier", [None, "one"])
def test_a_mark_is_read_once_the_write_under_way_has_ended(
    database: str, earlier: str | None
) -> None:
    sink = PostgresSink(PostgresSinkConfig(connection_url=SecretStr(database), table="t"))
    sink.choose(Shape(SCHEMA))
    sink.prepare(Shape(SCHEMA), Plane.ARROW)
    seen: list[str | None] = []
    with psycopg.connect(database, autocommit=True) as dying:
        if earlier is not None:
            dying.execute("INSERT INTO trimtab_marks VALUES ('s', %s)", [earlier])
        dying.execute("BEGIN")
        dying.execute(
            "INSERT INTO trimtab_marks VALUES ('s', 'two')"
            " ON CONFLICT (scope) DO UPDATE SET mark = excluded.mark"
        )
        reader = threading.Thread(target=lambda: seen.append(sink.mark("s")))
        reader.start()
        time.sleep(0.3)
        assert seen == []
        dying.execute("COMMIT")
        reader.join(timeout=30)
    assert seen == ["two"]
    sink.clear_mark("s")
    assert sink.mark("s") is None
    sink.close()


def test_doctor_says_that_a_table_cannot_be_made_where_its_schema_is_missing(
    database: str,
) -> None:
    def passed(table: str) -> bool:
        sink = PostgresSink(PostgresSinkConfig(connection_url=database, table=table))
        checks = sink.check()
        sink.close()
        return all(check.passed for check in checks)

    assert passed("target")
    assert passed("public.target")
    assert not passed("nowhere.target")
