"""The table that a sink writes: made where it is missing, compared where it exists."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from bot.loader.postgres.columns import FIRST_USER_OID, Column, Table, describe_table
from bot.loader.postgres.literals import identifier
from bot.loader.protocol import SinkError
from bot.loader.rows import Shape
from bot.loader.sinks.table import listed, on_conflict

STAGED: Final = "pg_temp.trimtab_staged"
"""Where a slice waits for its upsert, or for its bad rows to be found."""
PLACE: Final = "trimtab_place"
"""The column of the staging table that keeps the order of the slice."""

_UNLIMITED: Final = {1042: "bpchar", 1043: "varchar", 1700: "numeric"}


@dataclass(frozen=True, slots=True)
class Target:
    """A table and the columns of it that a run fills, in the order of the run's schema.

    Args:
        table: its name, quoted.
        columns: the columns.
        key: the columns of an upsert's key.
        upsert: rows replace those with their key.
        as_text: rows are staged as text, so that the server can tell which it cannot read.
    """

    table: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    upsert: bool
    as_text: bool = False

    @property
    def names(self) -> str:
        """The columns, quoted and separated by commas."""
        return listed([column.name for column in self.columns])

    @property
    def staged(self) -> str:
        """The staged rows with their places, each column of its own type."""
        if not self.as_text:
            return STAGED
        columns = [
            f"{identifier(c.name)}{f'::{_without_limits(c)}' if _as_text(c) else ''}"
            f" AS {identifier(c.name)}"
            for c in self.columns
        ]
        return f"(SELECT {PLACE}, {', '.join(columns)} FROM {STAGED}) AS staged"

    def merge(self, where: str = "") -> str:
        """Return the statement that moves the staged rows; of rows with one key the last wins."""
        key = listed(self.key)
        replacing = on_conflict(self.key, [column.name for column in self.columns])
        return (
            f"INSERT INTO {self.table} ({self.names}) SELECT DISTINCT ON ({key}) {self.names}"
            f" FROM {self.staged} {where} ORDER BY {key}, {PLACE} DESC {replacing}"
        )

    def staging(self) -> str:
        """Return the statements that make the staging table of this session.

        Its columns take any value that their types have: limits of length and precision are the
        target's business, so that a row which breaks one can be told from the others. A commit
        empties it; rows that were deleted instead would stay in the way of every later slice.
        """
        columns = [f"{PLACE} bigserial"]
        columns += [
            f"{identifier(c.name)} {'text' if self.as_text and _as_text(c) else _without_limits(c)}"
            for c in self.columns
        ]
        name = STAGED.removeprefix("pg_temp.")
        return (
            f"CREATE TEMP TABLE {name} ({', '.join(columns)}) ON COMMIT DELETE ROWS;"
            f" CREATE INDEX ON {STAGED} ({PLACE})"
        )


def find_or_create(
    connection: psycopg.Connection[Any],
    name: str,
    shape: Shape,
    key: Sequence[str],
    *,
    upsert: bool,
) -> Target:
    """Return the target for `shape`, creating the table where there is none.

    Raises:
        SinkError: the table lacks a column, or the upsert has no key that it could conflict on.
    """
    table = describe_table(connection, name)
    if table is None:
        connection.execute(_definition(connection, name, shape, key if upsert else ()).encode())
        table = describe_table(connection, name)
        assert table is not None
    return match(table, shape, key, upsert=upsert)


def may_create(connection: psycopg.Connection[Any], name: str) -> bool:
    """Tell whether this user may make a table of that name where SQL would make it."""
    found = connection.execute(
        "SELECT coalesce(has_schema_privilege(n.oid, 'CREATE'), false)"
        " FROM (SELECT parse_ident(%s) AS parts) AS p LEFT JOIN pg_namespace n ON n.nspname ="
        " CASE WHEN cardinality(p.parts) > 1 THEN p.parts[1] ELSE current_schema() END",
        [name],
    ).fetchone()
    return bool(found and found[0])


def match(table: Table, shape: Shape, key: Sequence[str], *, upsert: bool) -> Target:
    """Find the column of `table` for each column of `shape`.

    Raises:
        SinkError: one is missing.
    """
    columns = []
    for name in shape.names:
        column = table.column(name)
        if column is None:
            known = ", ".join(column.name for column in table.columns)
            raise SinkError(f"{table.name} has no column {name!r}", f"it has: {known}")
        columns.append(column)
    absent = [name for name in key if name not in shape.names]
    if upsert and (absent or not key):
        named = (
            f"the key column {absent[0]!r} is not in the source" if absent else "no key is known"
        )
        raise SinkError(f"mode: upsert, but {named}", "name the columns of the key under `key`")
    return Target(table.name, tuple(columns), tuple(key), upsert)


def _definition(
    connection: psycopg.Connection[Any], name: str, shape: Shape, key: Sequence[str]
) -> str:
    found = connection.execute("SELECT parse_ident(%s)", [name]).fetchone()
    assert found is not None
    columns = [
        f"{identifier(name)} {kind}{'' if nullable else ' NOT NULL'}"
        for name, kind, nullable in _declared(shape)
    ]
    if key:
        columns.append(f"PRIMARY KEY ({listed(key)})")
    return f"CREATE TABLE {identifier(*found[0])} ({', '.join(columns)})"


def _declared(shape: Shape) -> list[tuple[str, str, bool]]:
    """Return name, type and nullability of the columns of a table that holds `shape`."""
    if shape.dialect == "postgres":
        return [
            (c.name, c.type_name if c.identity[0] < FIRST_USER_OID else "text", c.nullable)
            for c in shape.native
        ]
    from bot.loader.postgres.arrowtypes import type_for  # needs pyarrow, which is slow to import

    return [(field.name, type_for(field), field.nullable) for field in shape.schema]


def _without_limits(column: Column) -> str:
    if column.modifier == -1:
        return column.type_name
    return _UNLIMITED.get(column.oid, column.type_name)


def _as_text(column: Column) -> bool:
    """Tell whether a cast from text reads as COPY does; one to a limited type would cut off."""
    builtin = column.oid < FIRST_USER_OID
    return builtin and (column.modifier == -1 or column.oid in _UNLIMITED)
