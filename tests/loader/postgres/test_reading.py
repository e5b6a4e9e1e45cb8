"""Reading PostgreSQL: parameters, cursors with ties, NULLs, errors in mid-stream, both readers."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.loader.postgres import copyout
from bot.loader.postgres.copyout import CopyRows
from bot.loader.postgres.literals import bind
from bot.loader.protocol import SourceError
from bot.loader.rows import Plane, Reading
from bot.loader.sources.postgres import PostgresSource, PostgresSourceConfig

Opener = Callable[..., PostgresSource]


@pytest.fixture
def opened(database: str) -> Iterator[Opener]:
    """Build sources over the test's database, and close them afterwards."""
    with ExitStack() as stack:

        def build(**config: Any) -> PostgresSource:
            source = PostgresSource(PostgresSourceConfig(connection_url=database, **config))
            stack.callback(source.close)
            return source

        yield build


def _ids(page: Any) -> list[int]:
    rows = page.rows
    records = rows.records(range(rows.num_rows)) if hasattr(rows, "records") else rows.to_pylist()
    return [record["id"] for record in records]


def _execute(database: str, *statements: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@given(st.lists(st.binary(max_size=9)), st.integers(0, 9), st.none() | st.integers(0, 9), st.data())
def test_rows_that_are_cut_are_the_rows_of_a_list_that_is_cut(
    rows: list[bytes], offset: int, length: int | None, data: st.DataObject
) -> None:
    stop = None if length is None else offset + length
    cut = CopyRows.join(rows, lambda row: {"row": row}).slice(offset, length)
    wanted = rows[offset:stop]
    assert (cut.num_rows, cut.nbytes) == (len(wanted), sum(map(len, wanted)))
    assert bytes(cut.payload()) == b"".join(wanted)
    indices = data.draw(st.lists(st.sampled_from(range(len(wanted))))) if wanted else []
    assert cut.records(indices) == [{"row": wanted[index]} for index in indices]
    again = cut.slice(1)
    assert bytes(again.payload()) == b"".join(wanted[1:])


def test_parameters_are_put_where_they_are_meant() -> None:
    query = "SELECT '$1', \"$1\", $$ $1 $$, E'\\'$1' -- $1\n, /* $2 */ a$1 FROM t WHERE b > $1;"
    assert bind(query, ["it's"]).endswith("a$1 FROM t WHERE b > 'it''s'")
    assert bind(query, ["x"]).count("'x'") == 1
    assert bind("SELECT $2, $1, $3", [1, True, None]) == "SELECT true, 1, NULL"


@pytest.mark.parametrize(("query", "values"), [("SELECT $2", ["a"]), ("SELECT 1", ["a"])])
def test_a_parameter_too_few_or_too_many_is_an_error(query: str, values: list[str]) -> None:
    with pytest.raises(SourceError, match=r"param|uses"):
        bind(query, values)


def test_a_text_parameter_is_read_as_what_it_is_compared_with(opened: Opener) -> None:
    query = "SELECT id FROM (VALUES (1, now()), (2, '2020-01-01')) AS t(id, at) WHERE at > $1"
    source = opened(query=query, params=["2026-01-01T00:00:00Z"])
    source.shape()
    assert [_ids(page) for page in source.pages(Reading(Plane.RAW))] == [[1]]


@pytest.mark.parametrize("plane", list(Plane))
def test_rows_that_share_a_cursor_value_stay_on_one_page(
    database: str, opened: Opener, plane: Plane
) -> None:
    _execute(
        database,
        "CREATE TABLE t AS SELECT i AS id, (ARRAY[1.0, 1.00, 2])[1 + i / 8] AS n"
        " FROM generate_series(0, 19) AS i",
    )
    source = opened(query="SELECT * FROM t", cursor="n", batch_size=17)
    source.shape()
    pages = list(source.pages(Reading(plane)))
    assert [len(_ids(page)) for page in pages] == [16, 4]
    behind = list(source.pages(Reading(plane, pages[0].bookmark)))
    assert [_ids(page) for page in behind] == [[16, 17, 18, 19]]
    # A page that one value fills is cut all the same, and says that it is no place to resume.
    source = opened(query="SELECT * FROM t", cursor="n", batch_size=10)
    source.shape()
    marks = [page.bookmark is None for page in source.pages(Reading(plane))]
    assert marks == [True, False]


@pytest.mark.parametrize("plane", list(Plane))
def test_a_null_in_the_cursor_is_an_error_and_no_lost_row(
    database: str, opened: Opener, plane: Plane
) -> None:
    _execute(database, "CREATE TABLE t (id int, at int)", "INSERT INTO t VALUES (1, 1), (2, NULL)")
    source = opened(table="t", cursor="at")
    source.shape()
    with pytest.raises(SourceError, match="'at' holds NULL"):
        list(source.pages(Reading(plane)))


@pytest.mark.parametrize("plane", list(Plane))
def test_an_error_in_mid_stream_is_one_sentence(opened: Opener, plane: Plane) -> None:
    query = "SELECT 1 / (50000 - i) AS id FROM generate_series(1, 60000) AS i"
    source = opened(query=query, batch_size=1000)
    source.shape()
    with pytest.raises(SourceError, match="division by zero") as caught:
        list(source.pages(Reading(plane)))
    assert "\n" not in caught.value.message


def test_both_readers_of_the_wire_give_the_same_rows(database: str) -> None:
    wide = "CASE WHEN i % 1000 = 0 THEN 300000 ELSE i % 1000 END"
    query = f"SELECT i, repeat('x', {wide}) FROM generate_series(1, 5000) AS i"
    found = []
    for reader in (copyout._from_socket, copyout._from_libpq):
        with psycopg.connect(database, autocommit=True) as connection:
            statement = f"COPY ({query}) TO STDOUT (FORMAT BINARY)".encode()
            found.append([row for rows in reader(connection, statement) for row in rows])
            connection.close()
    assert found[0] == found[1]
    assert len(found[0]) >= 5000


def test_an_unknown_cursor_is_told_with_the_columns_that_there_are(opened: Opener) -> None:
    source = opened(query="SELECT 1 AS id", cursor="at")
    with pytest.raises(SourceError, match="no column 'at'"):
        source.shape()


def test_reading_as_arrow_does_not_import_pandas(database: str) -> None:
    """It costs half a second of every run, wherever it happens to be installed."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE times AS SELECT now() AS at, current_date AS day")
    program = """
import sys
from bot.loader.rows import Plane, Reading
from bot.loader.sources.postgres import PostgresSource, PostgresSourceConfig
source = PostgresSource(PostgresSourceConfig(connection_url=sys.argv[1], table="times"))
source.shape()
assert [page.rows.num_rows for page in source.pages(Reading(Plane.ARROW))] == [1]
assert "pandas" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program, database], check=True)


def test_a_run_of_undecoded_rows_imports_no_arrow(tmp_path: Path, database: str) -> None:
    """It is the larger part of the start of a run, and so are the packages of the live view."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE origin AS SELECT generate_series(1, 10) AS id")
    place = {"connection_url": database}
    config = {
        "version": 1,
        "name": "copied",
        "pipeline": {
            "source": {"type": "postgres", "config": {**place, "table": "origin"}},
            "sink": {"type": "postgres", "config": {**place, "table": "copied"}},
            "dlq": {"sink": {"type": "jsonl", "config": {"path": str(tmp_path / "letters")}}},
            "state": {"type": "file", "path": str(tmp_path / "state")},
        },
    }
    path = tmp_path / "copied.yaml"
    path.write_text(json.dumps(config))
    program = """
import sys
from bot.cli.main import main
assert main(["load", "run", sys.argv[1]]) == 0
assert not {"pyarrow", "numpy", "duckdb", "rich"} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", program, str(path)], check=True)
