"""Write a file of JSON lines, appended to."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from bot.loader.protocol import (
    Anchor,
    Check,
    Order,
    SinkCapabilities,
    SinkConfig,
    WriteResult,
)
from bot.loader.rows import Bookmark, Choice, Plane, Rows, Shape
from bot.loader.sinks.appendfile import AppendFile

if TYPE_CHECKING:
    from bot.loader.sinks.jsontext import JsonLines


class JsonlSinkConfig(SinkConfig):
    """Where to write."""

    path: Path = Field(description="The file; made with its folders, appended to if it exists.")


class JsonlSink:
    """A file with one JSON object a line.

    Decimals and JSON columns keep every digit. What JSON has no number for (NaN, the infinities)
    is a string, as PostgreSQL writes it; bytes are base64.
    """

    config_model: ClassVar[type[SinkConfig]] = JsonlSinkConfig

    def __init__(self, config: JsonlSinkConfig) -> None:
        self._file = AppendFile(config.path)
        self._schema: Any = None
        self._lines: JsonLines | None = None

    @property
    def capabilities(self) -> SinkCapabilities:
        """Say what is true of this sink."""
        return SinkCapabilities(
            atomic_batch=True,
            row_outcomes=False,
            replay_safe=False,
            per_record=True,
            anchor=Anchor.POSITION,
        )

    def choose(self, shape: Shape) -> Choice:
        """Take Arrow."""
        return Choice(Plane.ARROW, "a file takes Arrow")

    def prepare(self, shape: Shape, plane: Plane) -> None:
        """Open the file, making it where it is missing."""
        self._schema = shape.schema
        self._file.sync()

    def write(self, rows: Rows, order: Order) -> WriteResult:
        """Append one slice."""
        batch: Any = rows
        if self._lines is None:
            from bot.loader.sinks.jsontext import JsonLines  # a queue that stays empty needs none

            self._lines = JsonLines(self._schema)
        self._file.append(self._lines.encode(batch))
        return WriteResult(batch.num_rows)

    def flush(self) -> None:
        """Make what was appended durable."""
        self._file.sync()

    def position(self) -> Bookmark:
        """Say how long the file is."""
        return self._file.position()

    def rewind(self, position: Bookmark) -> None:
        """Cut the file back."""
        self._file.rewind(position)

    def check(self) -> Sequence[Check]:
        """Look whether the file could be written."""
        return [self._file.check()]

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        if self._lines is not None:
            self._lines.close()
