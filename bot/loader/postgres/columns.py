"""Columns as PostgreSQL declares them."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg.pq import ExecStatus

from bot.loader.postgres.literals import identifier
from bot.loader.rows import NativeColumn

FIRST_USER_OID: Final = 16_384
NUMERIC_OID: Final = 1700
JSON_OIDS: Final = frozenset({114, 3802})
MOST_DECIMAL_DIGITS: Final = 38

PLAIN_OIDS: Final = frozenset(
    {16, 17, 19, 20, 21, 23, 25, 114, 700, 701, 1042, 1043, 1082, 1083, 1114, 1184, 2950, 3802}
)
"""Types whose every value has a type of its own in Arrow and in Python (`arrowtypes`)."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, its type as `(oid, modifier)` and in words, and whether it may be NULL."""

    name: str
    oid: int
    modifier: int
    type_name: str
    not_null: bool = False

    @property
    def decimal(self) -> tuple[int, int] | None:
        """Precision and scale of a numeric that a 128-bit decimal holds, else None."""
        if self.oid != NUMERIC_OID or self.modifier <= 0:
            return None
        precision = ((self.modifier - 4) >> 16) & 0xFFFF
        scale = (((self.modifier - 4) & 0x7FF) ^ 1024) - 1024
        fits = precision <= MOST_DECIMAL_DIGITS and 0 <= scale <= precision
        return (precision, scale) if fits else None

    @property
    def expression(self) -> str:
        """What to select so that the Arrow driver sends the Arrow type, or text to be cast to it."""
        name = identifier(self.name)
        native = self.oid in PLAIN_OIDS or self.decimal is not None
        return name if native else f"{name}::text AS {name}"

    def native(self) -> NativeColumn:
        """Return the column as the loader compares it."""
        identity = (self.oid, self.modifier)
        return NativeColumn(self.name, self.type_name, identity, nullable=not self.not_null)


@dataclass(frozen=True, slots=True)
class Table:
    """A table that exists: its quoted name, its columns, and the columns of its primary key."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    def column(self, name: str) -> Column | None:
        """Find a column by name."""
        return next((column for column in self.columns if column.name == name), None)


def describe_table(connection: psycopg.Connection[Any], table: str) -> Table | None:
    """Look a table or view up as SQL would (`search_path`, case folding); None if there is none."""
    found = connection.execute(
        "SELECT c.oid, quote_ident(n.nspname) || '.' || quote_ident(c.relname)"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.oid = to_regclass(%s)",
        [table],
    ).fetchone()
    if found is None:
        return None
    oid, name = found
    columns = connection.execute(
        "SELECT attname, atttypid, atttypmod, format_type(atttypid, atttypmod), attnotnull"
        " FROM pg_attribute WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped"
        " AND attgenerated = '' ORDER BY attnum",
        [oid],
    ).fetchall()
    key = connection.execute(
        "SELECT a.attname FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k(attnum, place)"
        " JOIN pg_attribute a ON a.attrelid = %s AND a.attnum = k.attnum"
        " WHERE i.indrelid = %s AND i.indisprimary ORDER BY k.place",
        [oid, oid],
    ).fetchall()
    return Table(name, tuple(Column(*row) for row in columns), tuple(row[0] for row in key))


def describe_query(connection: psycopg.Connection[Any], query: str) -> tuple[Column, ...]:
    """Ask the server what a query returns, without running it.

    Raises:
        psycopg.Error: the query is wrong, or names two columns alike.
    """
    server = connection.pgconn
    prepared = server.prepare(b"", query.encode())
    described = server.describe_prepared(b"")
    for answer in (prepared, described):
        if answer.status != ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(answer, encoding="utf-8")
    types = [(described.ftype(i), described.fmod(i)) for i in range(described.nfields)]
    names = [(described.fname(i) or b"").decode() for i in range(described.nfields)]
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise psycopg.ProgrammingError(f"the query returns two columns named {repeated[0]!r}")
    words = connection.execute(
        "SELECT format_type(t.oid, t.modifier) FROM unnest(%s::oid[], %s::int[])"
        " WITH ORDINALITY AS t(oid, modifier, place) ORDER BY place",
        [[oid for oid, _ in types], [modifier for _, modifier in types]],
    ).fetchall()
    return tuple(
        Column(name, oid, modifier, word[0])
        for name, (oid, modifier), word in zip(names, types, words, strict=True)
    )
