"""Find the rows that PostgreSQL refuses, land the others, and learn each bad row's own error.

Two ways, both exact, both inside one transaction that the caller commits:

* *stage*: COPY everything into a temporary table without constraints, then let the server move
  it, range by range. One round trip, whatever is wrong with how many rows.
* *jump*, for few bad rows and a server that is near, or where nothing can be staged: COPY names
  the line that failed; land what lies before it, set it apart, go on behind it. An error without
  a line (a deferred constraint, a statement trigger) halves the range instead.
"""

import re
import time
from collections.abc import Callable
from importlib.resources import files
from typing import Any, Final

import psycopg

from bot.loader.postgres.copyin import CopyInput, run_copy
from bot.loader.postgres.session import explain, failure_of
from bot.loader.postgres.target import PLACE, STAGED, Target
from bot.loader.protocol import RowFailure

SEGMENT_ROWS: Final = 1_000
NEAR_SEGMENT_ROWS: Final = 250
STAGED_SEGMENT_ROWS: Final = 100
STAGING_S: Final = 3.5e-6
"""What staging a row costs besides writing it; measured with ten mixed columns, as are segments."""
ROW_ERRORS: Final = ("22", "23", "44", "P0")
"""SQLSTATE classes that say something about a row: data, constraint, check option, trigger."""

BEGIN: Final = "BEGIN; SET CONSTRAINTS ALL IMMEDIATE"
_NO_STAGING: Final = ("42501", "42704", "25006", "0A000")
"""No right to make temporary tables or functions, no PL/pgSQL, a server that forbids them."""

_LINE = re.compile(r"COPY [^,]*,\D*(\d+)")

Encode = Callable[[int, int], CopyInput]
"""Encode the rows from the first position up to the second."""

_MOVE: Final = files(__package__).joinpath("move_staged.sql").read_text("utf-8")


def is_row_error(error: psycopg.Error) -> bool:
    """Tell whether an error may be the fault of single rows."""
    return (error.sqlstate or "").startswith(ROW_ERRORS)


def forbids_staging(error: psycopg.Error) -> bool:
    """Tell whether an error means that this user, or this server, cannot stage rows."""
    return error.sqlstate in _NO_STAGING


def movable(target: Target) -> str:
    """Return the statements that make a session ready for `stage`, beside its staging table."""
    window = f"{PLACE} >= trimtab_low AND {PLACE} < trimtab_high"
    if target.upsert:
        # Rows arrive sorted by their key here, so the last one that was looked at tells nothing.
        move = target.merge(f"WHERE {window}")
    else:
        window += f" AND setval('pg_temp.trimtab_at', {PLACE}) > 0"
        move = f"INSERT INTO {target.table} ({target.names}) SELECT {target.names}"
        move += f" FROM {target.staged} WHERE {window}"
    return _MOVE.format(place=PLACE, staged=STAGED, move=move, rows=STAGED_SEGMENT_ROWS)


def stage(connection: psycopg.Connection[Any], target: Target, data: CopyInput) -> list[RowFailure]:
    """Open a transaction and land the good rows in it; return the failures in order.

    Raises:
        psycopg.Error: the rows cannot even be staged (input that no type takes), or a failure
            that is no row's fault.
    """
    copy = f"COPY {STAGED} ({target.names}) FROM STDIN ({data.options})"
    script = f"{BEGIN}; {copy}; SELECT * FROM pg_temp.trimtab_move()"
    refused = run_copy(connection, script, data.data)
    return [
        RowFailure(int(place), failure_of(code, message).kind, message)
        for place, code, message in refused
    ]


def round_trip_s(connection: psycopg.Connection[Any]) -> float:
    """Measure how long the server takes to answer, in seconds: the least of a few times."""
    spans = []
    for _ in range(5):
        started = time.perf_counter()
        connection.execute(b"SELECT 1")
        spans.append(time.perf_counter() - started)
    return min(spans)


def worth_jumping(rows: int, round_trip_s: float) -> int:
    """Return up to how many bad rows among `rows` are found faster by jumping.

    A jump costs two round trips for every segment, and for every bad row six more: the COPY that
    fails, the way back, and the COPY of what lies before.
    """
    round_trips = rows * STAGING_S / round_trip_s
    return max(0, int((round_trips - 2 * rows / NEAR_SEGMENT_ROWS) // 6))


def jump(
    connection: psycopg.Connection[Any],
    target: Target,
    encode: Encode,
    rows: int,
    most: int | None = None,
) -> list[RowFailure] | None:
    """Open a transaction and land the good rows in it; return the failures in order.

    Args:
        connection: a connection with no transaction.
        target: where the rows go.
        encode: returns a part of them.
        rows: how many there are.
        most: failures to give up after: the transaction is taken back, and the answer is None.

    Raises:
        psycopg.Error: a failure that is no row's fault.
    """
    failures: list[RowFailure] = []
    step = SEGMENT_ROWS if most is None else NEAR_SEGMENT_ROWS
    ranges = [(first, min(first + step, rows)) for first in reversed(range(0, rows, step))]
    connection.execute(BEGIN.encode())
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
            # Taken back and forgotten: they would pile up inside one another.
            connection.execute("ROLLBACK TO trimtab_rows; RELEASE trimtab_rows")
            bad, rest = _narrow(error, data, first, last)
            if bad is not None:
                failures.append(_failure(bad, error))
            if most is not None and len(failures) > most:
                connection.execute("ROLLBACK")
                return None
            ranges += rest
    return sorted(failures, key=lambda failure: failure.index)


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
