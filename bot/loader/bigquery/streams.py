"""Streams that hold rows out of sight until they are shown, so that a crash leaves none too many.

A stream of type BUFFERED takes rows at explicit offsets, and shows them up to the offset that
`FlushRows` names. A run has one of them. Where it is not known how a stream ends (an answer was
lost twice) it is left with what is known of it, and the next rows go to another: what lies behind
is never shown. Streams are not finalized: a finalized one could not be shown again when a later
run asks for it, and BigQuery does not need it of this type.

https://cloud.google.com/bigquery/docs/write-api#buffered_type
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from google.api_core.exceptions import (
    AlreadyExists,
    FailedPrecondition,
    GoogleAPICallError,
    NotFound,
    OutOfRange,
    from_grpc_status,
)
from google.cloud.bigquery_storage_v1 import BigQueryWriteClient
from google.cloud.bigquery_storage_v1.types import (
    AppendRowsRequest,
    AppendRowsResponse,
    ArrowRecordBatch,
    ArrowSchema,
    CreateWriteStreamRequest,
    FlushRowsRequest,
    RowError,
    StorageError,
    WriteStream,
)

from bot.loader.bigquery.connection import SECONDS, Connection
from bot.loader.bigquery.errors import explained
from bot.loader.protocol import SinkError

ONCE: Final[dict[str, Any]] = {"timeout": SECONDS, "retry": None}
"""The client would try again by itself; trying again is the loader's."""
_CODES: Final = StorageError.StorageErrorCode
_GONE: Final = (NotFound, FailedPrecondition)
_ENDED: Final = frozenset(
    {_CODES.STREAM_NOT_FOUND, _CODES.INVALID_STREAM_STATE, _CODES.STREAM_FINALIZED}
)


@dataclass(slots=True)
class _Stream:
    """A stream: the rows that are known to be in it, those that are shown, whether it is gone."""

    name: str
    rows: int = 0
    shown: int = 0
    gone: bool = False


class Streams:
    """The streams of one run into one table."""

    def __init__(self, client: BigQueryWriteClient, table: str, parent: str) -> None:
        self._client = client
        self._table = table
        self._parent = parent
        self._streams: dict[str, _Stream] = {}
        self._stream: _Stream | None = None
        self._connection: Connection | None = None

    def append(self, schema: bytes, rows: bytes, count: int) -> Sequence[RowError]:
        """Append rows; none of them where some are returned as bad.

        Raises:
            GoogleAPICallError: no row of these will be shown.
        """
        stream = self._stream or self._create()
        try:
            return self._append(stream, schema, rows, count)
        except GoogleAPICallError:
            if not stream.gone or stream.rows > stream.shown:
                raise
        # BigQuery ended a stream that had nothing left to show: no row is lost with it.
        return self._append(self._create(), schema, rows, count)

    def unseen(self) -> dict[str, int]:
        """Return how many rows have to be shown of each stream that has some."""
        return {one.name: one.rows for one in self._streams.values() if one.rows > one.shown}

    def lost(self) -> int:
        """Count the rows that were taken, not shown yet, and that BigQuery no longer has."""
        return sum(one.rows - one.shown for one in self._streams.values() if one.gone)

    def show(self, name: str, rows: int) -> None:
        """Show the first rows of a stream, of this run or an earlier one.

        Raises:
            GoogleAPICallError: they are not, or not all of them.
            SinkError: BigQuery says that it showed fewer.
        """
        stream = self._streams.get(name)
        if stream is not None and stream.shown >= rows:
            return
        request = FlushRowsRequest(write_stream=name, offset=rows - 1)
        try:
            answer = self._client.flush_rows(request, **ONCE)
        except AlreadyExists:
            pass  # an answer was lost, and these rows are shown
        else:
            if answer.offset < rows - 1:
                raise SinkError(f"{self._table}: {answer.offset + 1} of {rows} rows were shown")
        if stream is not None:
            stream.shown = rows
            if stream is not self._stream:
                del self._streams[name]

    def close(self) -> None:
        """Hang up; what is not shown stays out of sight."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _append(
        self, stream: _Stream, schema: bytes, rows: bytes, count: int
    ) -> Sequence[RowError]:
        try:
            answer, again = self._ask(stream, schema, rows)
        except GoogleAPICallError as error:
            self._leave(stream, gone=isinstance(error, _GONE))
            raise
        if "error" not in answer:
            stream.rows += count
            return ()
        status = answer.error
        refusal = from_grpc_status(status.code, status.message)  # type: ignore[no-untyped-call]
        if again and isinstance(refusal, AlreadyExists):
            stream.rows += count
            return ()
        gone = isinstance(refusal, _GONE) or _ended(status)
        if gone or again or isinstance(refusal, AlreadyExists | OutOfRange):
            # It may end elsewhere than here: what became of the first try is still not known.
            self._leave(stream, gone=gone)
        if answer.row_errors:
            return answer.row_errors
        raise refusal

    def _ask(self, stream: _Stream, schema: bytes, rows: bytes) -> tuple[AppendRowsResponse, bool]:
        """Send rows for the end of a stream; a second time if the first has no answer.

        The second one, at the same offset, is refused where the first took effect. So idle
        connections, which BigQuery closes, cost no failed write.
        """
        try:
            return self._send(stream, schema, rows), False
        except GoogleAPICallError as error:
            self.close()
            if explained(self._table, error).retry is None:
                raise
        return self._send(stream, schema, rows), True

    def _send(self, stream: _Stream, schema: bytes, rows: bytes) -> AppendRowsResponse:
        data = AppendRowsRequest.ArrowData(rows=ArrowRecordBatch(serialized_record_batch=rows))
        request = AppendRowsRequest(offset=stream.rows, arrow_rows=data)
        if self._connection is None:
            self._connection = Connection(self._client, stream.name)
            request.write_stream = stream.name
            request.arrow_rows.writer_schema = ArrowSchema(serialized_schema=schema)
        return self._connection.ask(request)

    def _create(self) -> _Stream:
        wanted = WriteStream(type_=WriteStream.Type.BUFFERED)
        request = CreateWriteStreamRequest(parent=self._parent, write_stream=wanted)
        stream = _Stream(self._client.create_write_stream(request, **ONCE).name)
        self._streams[stream.name] = self._stream = stream
        return stream

    def _leave(self, stream: _Stream, *, gone: bool) -> None:
        """Append no more to a stream."""
        self.close()
        self._stream = None
        stream.gone = gone
        if stream.rows == stream.shown:
            del self._streams[stream.name]


def _ended(status: Any) -> bool:
    """Tell whether a refusal means that the stream takes no rows any more, whatever they are."""
    found = StorageError.pb(StorageError())
    details = [found.code for detail in status.details if detail.Unpack(found)]
    return any(code in _ENDED for code in details)
