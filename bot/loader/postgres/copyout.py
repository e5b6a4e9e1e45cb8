"""Read `COPY … TO STDOUT (FORMAT BINARY)`: one message is one row, passed on undecoded.

libpq hands rows out one call at a time and holds Python's lock while it does, which starves the
thread that writes. On a connection without TLS the rows are therefore cut out of the socket's
own bytes (protocol: PostgreSQL documentation, "Message Formats"): half the CPU time, and the
lock is free during every read. The connection is used up by it.
"""

import os
import select
import socket
import struct
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Final, Self

import psycopg
from psycopg.pq import ExecStatus, Format

from bot.loader.postgres.columns import JSON_OIDS, NUMERIC_OID, PLAIN_OIDS
from bot.loader.postgres.session import failure_of
from bot.loader.protocol import SourceError

HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + b"\x00" * 8
TRAILER: Final = b"\xff\xff"
READ_BYTES: Final = 1 << 16
"""Python's lock is held while these are cut into rows, and the thread that writes waits for it."""
ROW, ERROR, DONE = b"dEc"

Decode = Callable[[bytes], dict[str, Any]]


class CopyRows:
    """Rows in PostgreSQL's binary COPY format: one text, and where in it each of them ends.

    Args:
        text: the rows, one behind the other.
        ends: for each row the place behind it.
        decode: turns the bytes of one row into its record.
        first: the first of the rows that are meant.
        last: the row behind the last of them; None for all.
    """

    __slots__ = ("_decode", "_ends", "_first", "_last", "_text")

    def __init__(
        self,
        text: bytes,
        ends: Sequence[int],
        decode: Decode,
        first: int = 0,
        last: int | None = None,
    ) -> None:
        self._text = text
        self._ends = ends
        self._decode = decode
        self._first = first
        self._last = len(ends) if last is None else last

    @classmethod
    def join(cls, rows: Sequence[bytes], decode: Decode) -> Self:
        """Put rows behind one another."""
        return cls(b"".join(rows), array("Q", accumulate(map(len, rows))), decode)

    @property
    def num_rows(self) -> int:
        """Count the rows."""
        return self._last - self._first

    @property
    def nbytes(self) -> int:
        """Measure the rows as they travel, in bytes."""
        return self._start(self._last) - self._start(self._first)

    def slice(self, offset: int = 0, length: int | None = None) -> Self:
        """Return `length` rows from `offset` on, sharing the memory of this one."""
        first = min(self._first + offset, self._last)
        last = self._last if length is None else min(first + length, self._last)
        return type(self)(self._text, self._ends, self._decode, first, last)

    def payload(self) -> memoryview:
        """Return the rows as a COPY stream carries them, without its header and trailer."""
        return memoryview(self._text)[self._start(self._first) : self._start(self._last)]

    def records(self, indices: Sequence[int]) -> list[dict[str, Any]]:
        """Decode the rows at `indices`; JSON stays text, which keeps its numbers exact."""
        places = [self._first + index for index in indices]
        return [self._decode(self._text[self._start(row) : self._ends[row]]) for row in places]

    def _start(self, row: int) -> int:
        return self._ends[row - 1] if row else 0


def fields(row: bytes) -> list[bytes | None]:
    """Cut a binary row into its fields; None is NULL."""
    (count,) = struct.unpack_from("!h", row)
    place, found = 2, []
    for _ in range(count):
        (length,) = struct.unpack_from("!i", row, place)
        place += 4
        found.append(None if length < 0 else row[place : place + length])
        place += max(length, 0)
    return found


def value(oid: int, field: bytes, in_words: Callable[[int, bytes], str]) -> Any:
    """Turn a binary field into a Python value.

    Args:
        oid: the field's type.
        field: its bytes; not NULL.
        in_words: asks the server for the text of a value, for types that Python has no
            lossless value for (intervals with months, ranges, dates out of Python's range, …).
    """
    if oid in JSON_OIDS:
        return field.removeprefix(b"\x01").decode()
    loader = psycopg.adapters.get_loader(oid, Format.BINARY)
    if loader is None or (oid not in PLAIN_OIDS and oid != NUMERIC_OID):
        return in_words(oid, field)
    try:
        return loader(oid, None).load(field)
    except (psycopg.Error, ValueError, OverflowError):
        return in_words(oid, field)


def read_rows(connection: psycopg.Connection[Any], query: str) -> Iterator[list[bytes]]:
    """Run `query` and hand its rows out as they arrive, in lists of no particular length.

    Raises:
        SourceError: the server reported an error, or the connection broke.
    """
    server = connection.pgconn
    statement = f"COPY ({query}) TO STDOUT (FORMAT BINARY)".encode()
    direct = not server.ssl_in_use and not getattr(server, "gssapi_in_use", False)
    arriving = _from_socket(connection, statement) if direct else _from_libpq(connection, statement)
    first = True
    for rows in arriving:
        if first and rows:
            rows[0] = rows[0].removeprefix(HEADER)
            first = False
        if rows and rows[-1] == TRAILER:
            rows.pop()
        if rows:
            yield rows


def _from_socket(connection: psycopg.Connection[Any], statement: bytes) -> Iterator[list[bytes]]:
    server = connection.pgconn
    server.send_query(statement)
    while server.flush():
        select.select([], [server.socket], [])
    header, size = struct.Struct("!BI").unpack_from, 5
    with socket.socket(fileno=os.dup(server.socket)) as wire:
        wire.setblocking(True)
        rest, wanted = b"", size
        while True:
            buffer = _received(wire, rest, wanted)
            place, end, rows, wanted = 0, len(buffer), [], size
            while place + size <= end:
                kind, length = header(buffer, place)
                after = place + 1 + length
                if after > end:
                    wanted = after - place
                    break
                if kind == ROW:
                    rows.append(buffer[place + size : after])
                elif kind == ERROR:
                    raise _server_error(buffer[place + size : after])
                elif kind == DONE:
                    yield rows
                    return
                place = after
            rest = buffer[place:]
            yield rows


def _received(wire: socket.socket, rest: bytes, wanted: int) -> bytes:
    """Receive until there are `wanted` bytes, `rest` in front; pieces are joined once."""
    pieces, count = [rest] if rest else [], len(rest)
    while count < wanted:
        arrived = wire.recv(READ_BYTES)
        if not arrived:
            raise SourceError("the server closed the connection", kind="Connection")
        pieces.append(arrived)
        count += len(arrived)
    return b"".join(pieces)


def _from_libpq(connection: psycopg.Connection[Any], statement: bytes) -> Iterator[list[bytes]]:
    server = connection.pgconn
    answer = server.exec_(statement)
    if answer.status != ExecStatus.COPY_OUT:
        raise _driver_error(psycopg.errors.error_from_result(answer, encoding="utf-8"))
    rows: list[bytes] = []
    while True:
        try:
            length, data = server.get_copy_data(1)
        except psycopg.OperationalError as error:
            raise _driver_error(error) from None
        if length > 0:
            rows.append(bytes(data))
        elif length == 0:
            yield rows
            rows = []
            select.select([server.socket], [], [])
            server.consume_input()
        else:
            answers = iter(server.get_result, None)
            failed = [a for a in answers if a.status == ExecStatus.FATAL_ERROR]
            if failed:
                raise _driver_error(psycopg.errors.error_from_result(failed[0], encoding="utf-8"))
            yield rows
            return


def _server_error(body: bytes) -> SourceError:
    parts = {part[:1]: part[1:].decode("utf-8", "replace") for part in body.split(b"\0") if part}
    failure = failure_of(parts.get(b"C", ""), parts.get(b"M", "the server reported an error"))
    return SourceError(failure.message, kind=failure.kind, retry=failure.retry)


def _driver_error(error: psycopg.Error) -> SourceError:
    failure = failure_of(error.sqlstate or "", error.diag.message_primary or str(error).strip())
    return SourceError(failure.message, kind=failure.kind, retry=failure.retry)
