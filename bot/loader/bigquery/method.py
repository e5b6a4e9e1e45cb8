"""What a way into a table has to be."""

from collections.abc import Sequence
from typing import Any, Protocol

from google.cloud.bigquery import SchemaField

from bot.loader.protocol import Check, Order, SinkCapabilities, WriteResult


class Method(Protocol):
    """A way to write rows into one table, which exists by then."""

    @property
    def capabilities(self) -> SinkCapabilities:
        """Say what is true of a sink that writes so."""
        ...

    def prepare(self, schema: Any, columns: Sequence[SchemaField]) -> None:
        """Make ready for batches of a schema, into a table with these columns.

        Raises:
            SinkError: a column of the table cannot take what the schema has for it.
        """
        ...

    def write(self, batch: Any, order: Order) -> WriteResult:
        """Write one slice that is not empty."""
        ...

    def check(self) -> Sequence[Check]:
        """Look whether BigQuery can be written in this way, changing nothing; do not raise."""
        ...

    def close(self) -> None:
        """Let go of every resource; safe to call twice and before anything else."""
        ...
