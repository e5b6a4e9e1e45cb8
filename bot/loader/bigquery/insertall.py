"""Write through `tabledata.insertAll`: JSON over HTTP, with an outcome for every row.

API: https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/insertAll
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
from google.cloud import bigquery

from bot.loader.bigquery.errors import explaining
from bot.loader.protocol import Check, Order, RowFailure, SinkCapabilities, SinkError, WriteResult
from bot.loader.sinks.jsontext import JsonLines

CAPABILITIES: Final = SinkCapabilities(
    atomic_batch=True,
    row_outcomes=True,
    replay_safe=False,
    max_rows=50_000,
    # A request may have 10 MB; JSON takes up to twice what the rows take in memory.
    max_bytes=4 << 20,
)
_STOPPED: Final = "stopped"


class InsertAll:
    """Rows that are streamed in, one request a slice."""

    def __init__(self, table: str, client: Callable[[], bigquery.Client]) -> None:
        self._table = table
        self._client = client
        self._lines: JsonLines | None = None

    @property
    def capabilities(self) -> SinkCapabilities:
        """Say what is true of a sink that writes so."""
        return CAPABILITIES

    def prepare(self, schema: Any, columns: Sequence[bigquery.SchemaField]) -> None:
        """Make ready for batches of a schema; whether a value fits is left to BigQuery."""
        del columns
        self._lines = JsonLines(schema)

    def write(self, batch: Any, order: Order) -> WriteResult:
        """Send one slice in one request."""
        with explaining(self._table):
            # The client would try again for ten minutes by itself; trying again is the loader's.
            answers = self._client().insert_rows_json(
                self._table,
                self._records(batch),
                skip_invalid_rows=order.isolate,
                timeout=60.0,
                retry=None,  # type: ignore[arg-type]
            )
        failures = tuple(_failures(answers))
        if failures and not order.isolate:
            first = next((f for f in failures if f.kind != _STOPPED), failures[0])
            raise SinkError(f"row {first.index} of the slice: {first.message}", kind=first.kind)
        return WriteResult(batch.num_rows - len(failures), failures)

    def check(self) -> Sequence[Check]:
        """Look at nothing: the API is the one that the table was looked up through."""
        return []

    def close(self) -> None:
        """Let go of the engine that writes JSON."""
        if self._lines is not None:
            self._lines.close()
            self._lines = None

    def _records(self, batch: Any) -> list[dict[str, Any]]:
        assert self._lines is not None
        text = b"".join(self._lines.encode(batch))
        # Numbers with a point go as text, which BigQuery reads without a double in between.
        records = [json.loads(line, parse_float=str) for line in text.splitlines()]
        for field in batch.schema:
            if field.type == pa.json_() or pa.types.is_nested(field.type):
                for record in records:
                    value = record[field.name]
                    record[field.name] = None if value is None else json.dumps(value)
        return records


def _failures(answers: Sequence[dict[str, Any]]) -> Iterator[RowFailure]:
    for answer in sorted(answers, key=lambda one: int(one["index"])):
        error: dict[str, Any] = next(iter(answer.get("errors") or []), {})
        where = f"{error['location']}: " if error.get("location") else ""
        reason = str(error.get("reason") or "invalid")
        yield RowFailure(int(answer["index"]), reason, f"{where}{error.get('message') or reason}")
