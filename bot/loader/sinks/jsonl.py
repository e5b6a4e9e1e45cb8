"""Write a file of JSON lines, appended to."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bot.loader.protocol import Order, WriteResult
from bot.loader.rows import Plane, Rows, Shape
from bot.loader.sinks.appendfile import AppendFileConfig, AppendFileSink

if TYPE_CHECKING:
    from bot.loader.sinks.jsontext import JsonLines


class JsonlSink(AppendFileSink):
    """A file with one JSON object a line.

    Decimals and JSON columns keep every digit. What JSON has no number for (NaN, the infinities)
    is a string, as PostgreSQL writes it; bytes are base64.
    """

    def __init__(self, config: AppendFileConfig) -> None:
        super().__init__(config)
        self._shape: Shape | None = None
        self._lines: JsonLines | None = None

    def prepare(self, shape: Shape, plane: Plane) -> None:
        """Open the file, making it where it is missing."""
        self._shape = shape
        self._file.end_line()
        self._file.sync()

    def write(self, rows: Rows, order: Order) -> WriteResult:
        """Append one slice."""
        batch: Any = rows
        if self._lines is None:
            from bot.loader.sinks.jsontext import JsonLines  # a queue that stays empty needs none

            assert self._shape is not None
            self._lines = JsonLines(self._shape.schema)
        self._file.append(self._lines.encode(batch))
        return WriteResult(batch.num_rows)

    def write_records(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Append a few records, each a line."""
        texts = (json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in records)
        # Half of a surrogate pair becomes its escape, which JSON has as well.
        self._file.append(f"{text}\n".encode("utf-8", "backslashreplace") for text in texts)

    def close(self) -> None:
        """Close the file."""
        super().close()
        if self._lines is not None:
            self._lines.close()
