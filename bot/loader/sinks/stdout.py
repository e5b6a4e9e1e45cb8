"""Write JSON lines to standard output, for a look or for the next program of a pipe."""

import sys
from collections.abc import Sequence
from typing import Any, ClassVar

from bot.loader.protocol import (
    Check,
    Order,
    SinkCapabilities,
    SinkConfig,
    SinkError,
    WriteResult,
)
from bot.loader.rows import Choice, Plane, Rows, Shape
from bot.loader.sinks.jsontext import JsonLines


class StdoutSink:
    """Standard output; what went out cannot be taken back."""

    config_model: ClassVar[type[SinkConfig]] = SinkConfig

    def __init__(self, config: SinkConfig) -> None:
        self._lines: JsonLines | None = None

    @property
    def capabilities(self) -> SinkCapabilities:
        """Say what is true of this sink."""
        return SinkCapabilities(
            atomic_batch=False, row_outcomes=False, replay_safe=False, per_record=True
        )

    def choose(self, shape: Shape) -> Choice:
        """Take Arrow."""
        return Choice(Plane.ARROW, "standard output takes Arrow")

    def prepare(self, shape: Shape, plane: Plane) -> None:
        """Learn the schema."""
        self._lines = JsonLines(shape.schema)

    def write(self, rows: Rows, order: Order) -> WriteResult:
        """Print one slice."""
        assert self._lines is not None
        batch: Any = rows
        try:
            for piece in self._lines.encode(batch):
                sys.stdout.buffer.write(piece)
        except OSError as error:
            raise SinkError(f"standard output: {error.strerror}", kind="File") from None
        return WriteResult(batch.num_rows)

    def flush(self) -> None:
        """Hand everything to the reader of the output."""
        try:
            sys.stdout.buffer.flush()
        except OSError as error:
            raise SinkError(f"standard output: {error.strerror}", kind="File") from None

    def check(self) -> Sequence[Check]:
        """Report that there is one."""
        return [Check("write", passed=True, detail="standard output")]

    def close(self) -> None:
        """Let go of the encoder; the output stays open."""
        if self._lines is not None:
            self._lines.close()
