"""Find the rows that PostgreSQL refuses, land the others, and learn each bad row's own error.

Two ways, both exact, both inside one transaction that the caller commits:

* *jump*: COPY names the line that failed; land what lies before it, set it apart, go on behind
  it. Cheap where a round trip is cheap. An error without a line (a deferred constraint, a
  statement trigger) halves the range instead.
* *stage*: COPY everything into a table without constraints, then let the server move it in
  segments, row by row where a segment fails. A fixed number of round trips.
"""

import re
from collections.abc import Callable
from importlib.resources import files
from typing import Any, Final

import psycopg

from bot.loader.postgres.copyin import run_copy
from bot.loader.postgres.encode import CopyInput
from bot.loader.postgres.session import explain, failure_of
from bot.loader.postgres.target import PLACE, STAGED, Target
from bot.loader.protocol import RowFailure

SEGMENT_ROWS: Final = 1_000
STAGED_SEGMENT_ROWS: Final = 250
SLOW_ROUND_TRIP_S: Final = 0.002
MANY_FAILURES: Final = 40
ROW_ERRORS: Final = ("22", "23", "44", "P0")
"""SQLSTATE classes that say something about a row: data, constraint, check option, trigger."""

_LINE = re.compile(r"COPY [^,]*,\D*(\d+)")

Encode = Callable[[int, int], CopyInput]
"""Encode the rows from the first position up to the second."""

_MOVE: Final = files(__package__).joinpath("move_staged.sql").read_text("utf-8")


def is_row_error(error: psycopg.Error) -> bool:
    """Tell whether an error may be the fault of single rows."""
    return (error.sqlstate or "").startswith(ROW_ERRORS)


def jump(
    connection: psycopg.Connection[Any],
    target: Target,
    encode: Encode,
    rows: int,
    most: int | None = None,
) -> list[RowFailure] | None:
    """Land the good rows in the open transaction; return the failures in order.

    None when there are more than `most`, so that staging is cheaper; nothing has landed then.

    Raises:
        psycopg.Error: a failure that is no row's fault.
    """
    failures: list[RowFailure] = []
    starts = range(0, rows, SEGMENT_ROWS)
    ranges = [(first, min(first + SEGMENT_ROWS, rows)) for first in reversed(starts)]
    connection.execute("SAVEPOINT trimtab_slice")
    while ranges:
        first, last = ranges.pop()
        if first == last:
            continue
        data = encode(first, last)
        copy = f"COPY {target.table} ({target.names}) FROM STDIN ({data.options})"
        script = f"SAVEPOINT trimtab_rows; {copy}; RELEASE trimtab_rows"
        try:
            run_copy(connection, script, data.data)
        except psycopg.Error as error:
            if not is_row_error(error):
                raise
            connection.execute("ROLLBACK TO trimtab_rows")
            bad, rest = _narrow(error, data, first, last)
            if bad is not None:
                failures.append(_failure(bad, error))
            ranges += rest
            if most is not None and len(failures) > most:
                connection.execute("ROLLBACK TO trimtab_slice")
                return None
    return sorted(failures, key=lambda failure: failure.index)


def stage(connection: psycopg.Connection[Any], target: Target, data: CopyInput) -> list[RowFailure]:
    """Land the good rows in the open transaction; return the failures in order.

    Raises:
        psycopg.Error: the rows cannot even be staged (input that no type takes).
    """
    begin = f"{target.staging()}; DELETE FROM {STAGED}"
    copy = f"COPY {STAGED} ({target.names}) FROM STDIN ({data.options})"
    run_copy(connection, f"{begin}; {copy}; {_move(target)}", data.data)
    query = b"SELECT place, code, message FROM trimtab_refused ORDER BY place"
    refused = connection.execute(query).fetchall()
    return [
        RowFailure(place, failure_of(code, message).kind, message)
        for place, code, message in refused
    ]


def _narrow(
    error: psycopg.Error, data: CopyInput, first: int, last: int
) -> tuple[int | None, list[tuple[int, int]]]:
    """Return the row at fault, if the error tells, and the ranges still to do, rightmost first."""
    line = _LINE.search(error.diag.context or "")
    place = data.row_at(int(line[1])) if line is not None else None
    if place is not None and first + place < last:
        bad = first + place
        return bad, [(bad + 1, last), (first, bad)]
    if last - first == 1:
        return first, []
    middle = (first + last) // 2
    return None, [(middle, last), (first, middle)]


def _failure(index: int, error: psycopg.Error) -> RowFailure:
    failure = explain(error)
    return RowFailure(index, failure.kind, failure.message)


def _move(target: Target) -> str:
    window = f"{PLACE} >= low AND {PLACE} < low + {STAGED_SEGMENT_ROWS}"
    insert = f"INSERT INTO {target.table} ({target.names})"
    segment = f"{insert} SELECT {target.names} FROM {STAGED} WHERE {window} ORDER BY {PLACE}"
    row = f"{insert} VALUES ({target.values})"
    if target.upsert:
        segment, row = target.merge(f"WHERE {window}"), f"{row} {target.on_conflict()}"
    return _MOVE.format(
        place=PLACE, staged=STAGED, segment=segment, row=row, rows=STAGED_SEGMENT_ROWS
    )
