"""Write through the Storage Write API: Arrow over gRPC, shown once the state counts the rows."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import pyarrow as pa
from google.api_core.exceptions import NotFound
from google.cloud.bigquery import SchemaField
from google.cloud.bigquery_storage_v1 import BigQueryWriteClient
from google.cloud.bigquery_storage_v1.types import GetWriteStreamRequest, RowError

from bot.loader.bigquery.arrowrows import ArrowRows
from bot.loader.bigquery.config import BigquerySinkConfig
from bot.loader.bigquery.connection import open_client
from bot.loader.bigquery.errors import explaining
from bot.loader.bigquery.streams import ONCE, Streams
from bot.loader.protocol import (
    Anchor,
    Check,
    Order,
    RowFailure,
    SinkCapabilities,
    SinkError,
    SliceTooLargeError,
    WriteResult,
)
from bot.loader.rows import Bookmark

CAPABILITIES: Final = SinkCapabilities(
    atomic_batch=True,
    row_outcomes=True,
    replay_safe=False,
    anchor=Anchor.STAGED,
    # A request has less than 10 MB; decimals take twice over the wire what they take in memory,
    # and what becomes more than that as text is refused below, and cut smaller by the loader.
    max_bytes=4 << 20,
)
MAX_REQUEST: Final = 10_000_000
_ENVELOPE: Final = 4_096
"""What a request has besides rows and schema: the name of the stream, lengths, the offset."""


class StorageWrite:
    """Rows that are staged in a stream, one request a slice, and shown with the state."""

    def __init__(self, config: BigquerySinkConfig) -> None:
        self._config = config
        self._table = config.table
        self._parent = (
            f"projects/{config.project_id}/datasets/{config.dataset_id}/tables/{config.table_id}"
        )
        self._open: BigQueryWriteClient | None = None
        self._staged: Streams | None = None
        self._rows: ArrowRows | None = None

    @property
    def capabilities(self) -> SinkCapabilities:
        """Say what is true of a sink that writes so."""
        return CAPABILITIES

    def prepare(self, schema: Any, columns: Sequence[SchemaField]) -> None:
        """Find the type in which each column goes over the wire."""
        self._rows = ArrowRows(schema, columns, self._table)

    def write(self, batch: Any, order: Order) -> WriteResult:
        """Stage one slice, without its bad rows where they are to be isolated.

        A row that BigQuery refuses keeps it from taking the others: they are sent again.
        """
        assert self._rows is not None
        fitted = self._rows.fit(batch)
        failures = {failure.index: failure for failure in fitted.failures}
        rows, places = fitted.batch, list(fitted.places)
        while True:
            if failures and not order.isolate:
                first = failures[min(failures)]
                raise SinkError(f"row {first.index} of the slice: {first.message}", kind=first.kind)
            refused = {error.index: error for error in self._append(rows)}
            if not refused:
                break
            failures |= {places[at]: _failure(places[at], one) for at, one in refused.items()}
            kept = [at for at in range(len(places)) if at not in refused]
            rows, places = rows.take(pa.array(kept, pa.int64())), [places[at] for at in kept]
        return WriteResult(len(places), tuple(failures[place] for place in sorted(failures)))

    def flush(self) -> None:
        """Look whether BigQuery still has every staged row.

        Raises:
            SinkError: it closed a stream; the state must not count what was in it.
        """
        lost = self._staged.lost() if self._staged is not None else 0
        if lost:
            raise SinkError(
                f"{self._table}: BigQuery closed a stream with {lost} rows that nobody has seen",
                "run it again: they are delivered anew",
                kind="StreamLost",
            )

    def position(self) -> Bookmark:
        """Name the rows that are staged and not shown; empty when there are none."""
        unseen = self._staged.unseen() if self._staged is not None else {}
        return {"streams": [[name, rows] for name, rows in unseen.items()]} if unseen else {}

    def publish(self, position: Bookmark) -> None:
        """Show the rows of a position, of this run or an earlier one; once more changes nothing."""
        for name, rows in position.get("streams", ()):
            if not str(name).startswith(f"{self._parent}/streams/"):
                raise SinkError(
                    f"{self._table}: the state tells of rows for another table, in {name}",
                    "write where they were to go, or remove the state and start again",
                )
            with explaining(self._table), _missed(self._table, str(name), int(rows)):
                self._streams.show(str(name), int(rows))

    def rewind(self, position: Bookmark) -> None:
        """Show what the state counts; what was staged behind it is never shown."""
        self._drop_streams()
        self.publish(position)

    def check(self) -> Sequence[Check]:
        """Ask for the stream that every table has; a table that is still missing is well."""
        request = GetWriteStreamRequest(name=f"{self._parent}/streams/_default")
        try:
            with explaining(self._table), suppress(NotFound):
                self._client.get_write_stream(request, **ONCE)
        except SinkError as error:
            return [Check("storage write", passed=False, detail=error.message, hint=error.hint)]
        return [Check("storage write", passed=True, detail="it answers")]

    def close(self) -> None:
        """Hang up; what was not shown stays out of sight."""
        self._drop_streams()
        if self._open is not None:
            self._open.transport.close()  # type: ignore[no-untyped-call]
            self._open = None
        if self._rows is not None:
            self._rows.close()
            self._rows = None

    @property
    def _client(self) -> BigQueryWriteClient:
        if self._open is None:
            self._open = open_client(self._config)
        return self._open

    @property
    def _streams(self) -> Streams:
        if self._staged is None:
            self._staged = Streams(self._client, self._table, self._parent)
        return self._staged

    def _drop_streams(self) -> None:
        if self._staged is not None:
            self._staged.close()
            self._staged = None

    def _append(self, rows: Any) -> Sequence[RowError]:
        if not rows.num_rows:
            return ()
        schema, data = rows.schema.serialize().to_pybytes(), rows.serialize().to_pybytes()
        size = len(schema) + len(data) + _ENVELOPE
        if size >= MAX_REQUEST:
            message = f"{self._table}: {rows.num_rows} rows make a request of {size} bytes"
            raise SliceTooLargeError(message, kind="TooLarge")
        with explaining(self._table):
            return self._streams.append(schema, data, rows.num_rows)


def _failure(place: int, error: RowError) -> RowFailure:
    code = RowError.RowErrorCode(error.code)
    known = code is not RowError.RowErrorCode.ROW_ERROR_CODE_UNSPECIFIED
    kind = code.name if known else "invalid"
    return RowFailure(place, kind, " ".join(error.message.split()) or kind)


@contextmanager
def _missed(table: str, stream: str, rows: int) -> Iterator[None]:
    """Say what it means that rows cannot be shown because their stream is no more."""
    try:
        yield
    except NotFound:
        raise SinkError(
            f"{table}: {stream} is no more: BigQuery cannot tell whether its first {rows} rows "
            "were shown",
            "see whether the table has the last page of the run that was broken off; then "
            "remove the state and start again",
            kind="StreamLost",
        ) from None
