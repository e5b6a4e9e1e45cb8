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
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Self

import psycopg
from psycopg.pq import ExecStatus, Format

from bot.loader.postgres.columns import ARROW_TYPES, JSON_OIDS, NUMERIC_OID
from bot.loader.postgres.session import failure_of
from bot.loader.protocol import SourceError

HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + b"\x00" * 8
TRAILER: Final = b"\xff\xff"
READ_BYTES: Final = 1 << 18

Decode = Callable[[bytes], dict[str, Any]]


class CopyRows:
    """Rows in PostgreSQL's binary COPY format, cut without copying."""

    __slots__ = ("_bytes", "_decode", "_first", "_last", "_rows")

    def __init__(
        self, rows: list[bytes], decode: Decode, first: int = 0, last: int | None = None
    ) -> None:
        self._rows = rows
        self._decode = decode
        self._first = first
        self._last = len(rows) if last is None else last
        self._bytes: int | None = None

    @property
    def num_rows(self) -> int:
        """Count the rows."""
        return self._last - self._first

    @property
    def nbytes(self) -> int:
        """Measure the rows as they travel, in bytes."""
        if self._bytes is None:
            self._bytes = sum(map(len, self._part()))
        return self._bytes

    def slice(self, offset: int = 0, length: int | None = None) -> Self:
        """Return `length` rows from `offset` on, sharing the memory of this one."""
        first = min(self._first + offset, self._last)
        last = self._last if length is None else min(first + length, self._last)
        return type(self)(self._rows, self._decode, first, last)

    def payload(self) -> bytes:
        """Join the rows as a COPY stream carries them, without its header and trailer."""
        return b"".join(self._part())

    def records(self, indices: Sequence[int]) -> list[dict[str, Any]]:
        """Decode the rows at `indices`; JSON stays text, which keeps its numbers exact."""
        part = self._part()
        return [self._decode(part[index]) for index in indices]

    def _part(self) -> list[bytes]:
        if self._first == 0 and self._last == len(self._rows):
            return self._rows
        return self._rows[self._first : self._last]


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
    if loader is None or (oid not in ARROW_TYPES and oid != NUMERIC_OID):
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
    header = struct.Struct("!cI").unpack_from
    with socket.socket(fileno=os.dup(server.socket)) as wire:
        wire.setblocking(True)
        rest = b""
        while True:
            arrived = wire.recv(READ_BYTES)
            if not arrived:
                raise SourceError("the server closed the connection", kind="Connection")
            buffer = rest + arrived if rest else arrived
            place, end, rows = 0, len(buffer), []
            while place + 5 <= end:
                kind, length = header(buffer, place)
                after = place + 1 + length
                if after > end:
                    break
                if kind == b"d":
                    rows.append(buffer[place + 5 : after])
                elif kind == b"E":
                    raise _server_error(buffer[place + 5 : after])
                elif kind == b"c":
                    yield rows
                    return
                place = after
            rest = buffer[place:]
            yield rows


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
