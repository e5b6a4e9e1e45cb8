"""The schema's version: read it, refuse a newer one, migrate an older one forward."""

from typing import TYPE_CHECKING

from bot.domain.errors import HistoryError
from bot.history.statements import Migration, migrations, statement

if TYPE_CHECKING:
    import duckdb

NEWEST = len(migrations())


def prepare(
    connection: "duckdb.DuckDBPyConnection",
    where: str,
    *,
    read_only: bool = False,
    steps: tuple[Migration, ...] | None = None,
) -> None:
    """Bring the schema to the newest version; each step is one transaction with its number.

    Args:
        connection: an open DuckDB database.
        where: how to name it in an error.
        read_only: refuse an older schema instead of migrating it.
        steps: the migrations to know of; all that ship with trimtab when None.

    Raises:
        HistoryError: the file is another program's, or of a newer trimtab, or it is older and
            may only be read.
    """
    steps = migrations() if steps is None else steps
    current = version(connection, where)
    if current > len(steps):
        raise HistoryError(
            f"{where} has schema version {current}, and this trimtab knows versions up to "
            f"{len(steps)}.",
            "A newer trimtab wrote it: upgrade this one. The file was not touched.",
        )
    if read_only and current < len(steps):
        state = f"has schema version {current}, older than {len(steps)}" if current else "is empty"
        raise HistoryError(
            f"{where} {state}, and it was opened for reading only.",
            "Run `trimtab history check` where the file can be written: it migrates the schema.",
        )
    for step in steps[current:]:
        _apply(connection, step)


def version(connection: "duckdb.DuckDBPyConnection", where: str) -> int:
    """Return the schema's version, 0 for a database without any table.

    Raises:
        HistoryError: it holds tables that are not trimtab's.
    """
    tables = {
        name
        for (name,) in connection.execute(
            "select table_name from duckdb_tables() where not internal and not temporary"
        ).fetchall()
    }
    if not tables:
        return 0
    if "migrations" not in tables:
        raise HistoryError(
            f"{where} is a DuckDB file of another program: it holds {min(tables)!r} and no "
            "history.",
            "Point `history.url` at a file of its own.",
        )
    row = connection.execute("select coalesce(max(version), 0) from migrations").fetchone()
    assert row is not None
    return int(row[0])


def _apply(connection: "duckdb.DuckDBPyConnection", step: Migration) -> None:
    connection.begin()
    try:
        connection.execute(statement("migrations"))
        connection.execute(step.sql)
        connection.execute(
            "insert into migrations values (?, ?, now() at time zone 'UTC')",
            [step.version, step.name],
        )
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
