"""Write with `COPY … FROM STDIN` inside a script that commits as one: two round trips a slice.

Statements sent in one simple query form one transaction (PostgreSQL documentation, "Multiple
Statements in a Simple Query"), so rows, upsert and mark need no BEGIN and no COMMIT of their own.
"""

import select
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from bot.loader.postgres.copyout import HEADER, TRAILER

CHUNK_BYTES: Final = 1 << 20
_WAITS: Final = 3600_000


@dataclass(frozen=True, slots=True)
class CopyInput:
    """A slice as COPY reads it.

    Args:
        options: what COPY has to be told of the format.
        data: the stream, header and trailer included.
        row_at: returns the position in the slice of the row on a line that COPY reports, None
            where lines and rows do not go together.
    """

    options: str
    data: Iterable[bytes | memoryview]
    row_at: Callable[[int], int | None]


def binary_input(payload: bytes | memoryview) -> CopyInput:
    """Return rows in the binary format, with the header and the trailer around them."""
    view = memoryview(payload)
    chunks = [view[start : start + CHUNK_BYTES] for start in range(0, len(view), CHUNK_BYTES)]
    return CopyInput("FORMAT BINARY", [HEADER, *chunks, TRAILER], lambda line: line - 1)


def undecoded(rows: Any) -> CopyInput:
    """Return the rows of a `CopyRows` as they came."""
    return binary_input(rows.payload())


def run_copy(
    connection: psycopg.Connection[Any], script: str, data: Iterable[bytes | memoryview]
) -> list[tuple[str, ...]]:
    """Run a script with one COPY in it, feeding it `data`; return what a query behind it found.

    Raises:
        psycopg.Error: a statement failed; outside an explicit transaction nothing was kept.
    """
    server = connection.pgconn
    server.send_query(script.encode())
    _flush(server)
    status = None
    while status != ExecStatus.COPY_IN:
        answer = _next_answer(server)
        if answer is None:
            raise psycopg.ProgrammingError("the script has no COPY")
        _refuse_failure(server, answer)
        status = answer.status
    for chunk in data:
        server.put_copy_data(chunk)
        _flush(server)
    server.put_copy_end()
    _flush(server)
    failed, found = None, []
    while (answer := _next_answer(server)) is not None:
        if answer.status == ExecStatus.FATAL_ERROR and failed is None:
            failed = answer
        if answer.status == ExecStatus.TUPLES_OK:
            found = _texts(answer)
    if failed is not None:
        raise psycopg.errors.error_from_result(failed, encoding="utf-8")
    return found


def _texts(answer: PGresult) -> list[tuple[str, ...]]:
    places = range(answer.nfields)
    return [
        tuple((answer.get_value(row, place) or b"").decode() for place in places)
        for row in range(answer.ntuples)
    ]


def _refuse_failure(server: PGconn, answer: PGresult) -> None:
    if answer.status != ExecStatus.FATAL_ERROR:
        return
    while _next_answer(server) is not None:
        pass
    raise psycopg.errors.error_from_result(answer, encoding="utf-8")


def _flush(server: PGconn) -> None:
    """Send what is buffered; read meanwhile, since a server that reports an error stops reading."""
    while server.flush():
        poll = select.poll()
        poll.register(server.socket, select.POLLIN | select.POLLOUT)
        for _, event in poll.poll(_WAITS):
            if event & ~select.POLLOUT:
                server.consume_input()


def _next_answer(server: PGconn) -> PGresult | None:
    while server.is_busy():
        poll = select.poll()
        poll.register(server.socket, select.POLLIN)
        poll.poll(_WAITS)
        server.consume_input()
    return server.get_result()
