"""Dead letters: rows that could not be delivered, kept with the reason, in one write per page."""

import base64
import datetime as dt
import json
import math
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bot.documents.redaction import Redactor
from bot.domain.errors import LoaderError
from bot.loader.config import DlqBlock
from bot.loader.protocol import Check, Order, PositionedSink, RecordSink, Sink, StagedSink
from bot.loader.rows import Bookmark, Plane, Shape

Envelope = dict[str, Any]
"""`error: {kind, message}`, `reason`, `payload`, `ts_ms`, `sink`, `pipeline`, `row`,
`record_index` (position in the page as it was read)."""


class BudgetExceededError(LoaderError):
    """More rows failed than `max_failures_per_page` or `max_failures_total` allows."""

    def __init__(self, message: str, hint: str, scope: str) -> None:
        super().__init__(message, hint)
        self.scope = scope


@dataclass(frozen=True, slots=True)
class Addresser:
    """Make envelopes for one pipeline's row; error texts lose their secrets, payloads do not."""

    sink: str
    pipeline: str
    row: str
    redact: Redactor

    def envelope(
        self,
        payload: Mapping[str, Any],
        *,
        kind: str,
        message: str,
        reason: str,
        record_index: int,
        ts_ms: int,
    ) -> Envelope:
        """Return the envelope of one record."""
        return {
            "error": {"kind": kind, "message": self.redact(message)},
            "reason": reason,
            "payload": json_value(dict(payload)),
            "ts_ms": ts_ms,
            "sink": self.sink,
            "pipeline": self.pipeline,
            "row": self.row,
            "record_index": record_index,
        }


class DeadLetterQueue:
    """The sink of the dead letters, with its budgets.

    A dead letter that cannot be written stops the run: there is no queue behind the queue.
    """

    def __init__(self, block: DlqBlock, sink: Sink) -> None:
        self._block = block
        self._sink = sink
        self.total = 0

    @property
    def takes_whole_batches(self) -> bool:
        """Tell whether a batch that fails whole is dead-lettered row by row."""
        return self._block.on_batch_error == "dlq_all"

    def prepare(self) -> None:
        """Make the queue ready to be written."""
        self._sink.prepare(Shape(envelope_schema), Plane.ARROW)

    def write(self, envelopes: Sequence[Envelope]) -> Counter[str]:
        """Write the dead letters of a page, in the order of their records; count the reasons."""
        self.deliver(envelopes)
        self.total += len(envelopes)
        return Counter(str(envelope["reason"]) for envelope in envelopes)

    def deliver(self, envelopes: Sequence[Envelope]) -> None:
        """Write envelopes without counting them (those of an earlier process, after a crash)."""
        if envelopes:
            ordered = sorted(envelopes, key=lambda envelope: int(envelope["record_index"]))
            if isinstance(self._sink, RecordSink):
                self._sink.write_records(ordered)
            else:
                self._sink.write(envelope_batch(ordered), Order())

    def flush(self) -> None:
        """Make the dead letters durable, and seen where the sink stages them."""
        self._sink.flush()
        if isinstance(self._sink, StagedSink):
            self._sink.publish(self._sink.position())

    def position(self) -> Bookmark | None:
        """Say how far the queue is durable, None where its sink cannot tell."""
        # What the sink stages is seen when it is flushed, before the state knows of it.
        if isinstance(self._sink, StagedSink) or not isinstance(self._sink, PositionedSink):
            return None
        return self._sink.position()

    def rewind(self, position: Bookmark | None) -> None:
        """Cut off what a crashed process wrote behind `position`.

        A queue that is shorter has had letters taken out of it since (replayed, discarded), which
        is no loss: unlike the rows of a sink, nothing of it is to be written again.
        """
        if position is None or not isinstance(self._sink, PositionedSink):
            return
        now = self._sink.position()
        if all(now[unit] >= reached for unit, reached in position.items()):
            self._sink.rewind(position)

    def check_budget(self, page_failures: int) -> None:
        """Stop the run once too many rows failed; call when the page is durable.

        Raises:
            BudgetExceededError: the page's budget first, then the run's.
        """
        per_page, total = self._block.max_failures_per_page, self._block.max_failures_total
        if per_page is not None and page_failures > per_page:
            raise BudgetExceededError(
                f"{page_failures} rows of one page failed, more than max_failures_per_page "
                f"({per_page})",
                "The page is delivered and its dead letters are kept; the next run goes on "
                "behind it. Look at them with `trimtab load dlq inspect`.",
                "page",
            )
        if total is not None and self.total > total:
            raise BudgetExceededError(
                f"{self.total} rows failed, more than max_failures_total ({total})",
                "Everything read so far is delivered or dead-lettered; the next run goes on "
                "behind it. Look at the dead letters with `trimtab load dlq inspect`.",
                "total",
            )

    def check(self) -> Sequence[Check]:
        """Look whether the queue can be written."""
        return self._sink.check()

    def close(self) -> None:
        """Let go of the sink."""
        self._sink.close()


def envelope_schema() -> Any:
    """Return the Arrow schema of envelopes; the payload is JSON of any shape."""
    import pyarrow as pa

    return pa.schema(
        [
            ("error", pa.struct([("kind", pa.string()), ("message", pa.string())])),
            ("reason", pa.string()),
            ("payload", pa.json_()),
            ("ts_ms", pa.int64()),
            ("sink", pa.string()),
            ("pipeline", pa.string()),
            ("row", pa.string()),
            ("record_index", pa.int64()),
        ]
    )


def envelope_batch(envelopes: Sequence[Envelope]) -> Any:
    """Make one `pyarrow.RecordBatch` of envelopes."""
    import pyarrow as pa

    schema = envelope_schema()
    columns: list[Any] = []
    for column in schema:
        values = [envelope[column.name] for envelope in envelopes]
        if column.name == "payload":
            texts = [json.dumps(value, ensure_ascii=False) for value in values]
            columns.append(
                pa.ExtensionArray.from_storage(column.type, pa.array(texts, pa.string()))
            )
        else:
            columns.append(pa.array(values, column.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def json_value(value: Any) -> Any:  # noqa: PLR0911  a table of types reads best as one
    """Bring a Python value into JSON without losing any of it.

    Decimals, dates and uuids become text, bytes base64, and floats that JSON has no number for
    their names; `dlq replay` knows the column types and turns them back.
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case Decimal() | uuid.UUID():
            return str(value)
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case dt.timedelta():
            return value.total_seconds()
        case bytes() | bytearray() | memoryview():
            return base64.b64encode(value).decode("ascii")
        case Mapping():
            return {str(key): json_value(item) for key, item in value.items()}
        case list() | tuple() | set():
            return [json_value(item) for item in value]
        case _:
            return str(value)
