"""Write a BigQuery table, by one of two methods: `bot.loader.bigquery` has them."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final, Self, cast

from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from bot.domain.errors import ConfigError
from bot.loader.bigquery.columns import new_column
from bot.loader.bigquery.config import BigquerySinkConfig, credentials_for
from bot.loader.bigquery.errors import explaining
from bot.loader.bigquery.insertall import InsertAll
from bot.loader.bigquery.method import Method
from bot.loader.protocol import (
    Check,
    Order,
    SinkCapabilities,
    SinkConfig,
    SinkError,
    WriteResult,
)
from bot.loader.rows import Bookmark, Choice, Plane, Rows, Shape

_ONCE: Final[dict[str, Any]] = {"timeout": 60.0, "retry": None}
"""The client would try again for ten minutes by itself; trying again is the loader's."""


class BigquerySink:
    """A table that rows are appended to.

    What a sink can promise shows in its class, so `method: storage_write` makes one of
    `StorageWriteSink`.
    """

    config_model: ClassVar[type[SinkConfig]] = BigquerySinkConfig

    def __new__(cls, config: BigquerySinkConfig) -> Self:
        """Make a sink of the class that the method has."""
        chosen = StorageWriteSink if config.method == "storage_write" else cls
        return cast("Self", super().__new__(chosen))

    def __init__(self, config: BigquerySinkConfig) -> None:
        self._config = config
        self._open: bigquery.Client | None = None
        self._method = self._make_method()

    @property
    def capabilities(self) -> SinkCapabilities:
        """Say what is true of this sink: a request with a bad row is refused as a whole."""
        return self._method.capabilities

    def choose(self, shape: Shape) -> Choice:
        """Take Arrow."""
        storage = self._config.method == "storage_write"
        return Choice(
            Plane.ARROW,
            "BigQuery takes Arrow" if storage else "BigQuery takes JSON made from Arrow",
        )

    def prepare(self, shape: Shape, plane: Plane) -> None:
        """Make the table if it is missing, or compare its columns.

        Raises:
            SinkError: the table lacks a column, or BigQuery cannot be reached.
        """
        name = self._config.table
        with explaining(name):
            try:
                table = self._client().get_table(name, **_ONCE)
            except NotFound:
                fields = [new_column(field) for field in shape.schema]
                made = bigquery.Table(name, schema=fields)
                table = self._client().create_table(made, exists_ok=True, **_ONCE)
        known = {field.name.lower() for field in table.schema}
        for column in shape.schema.names:
            if column.lower() not in known:
                raise SinkError(
                    f"{name} has no column {column!r}", f"it has: {', '.join(sorted(known))}"
                )
        self._method.prepare(shape.schema, table.schema)

    def write(self, rows: Rows, order: Order) -> WriteResult:
        """Send one slice in one request."""
        return self._method.write(rows, order) if rows.num_rows else WriteResult(0)

    def flush(self) -> None:
        """Do nothing: a request that was answered is durable."""

    def check(self) -> Sequence[Check]:
        """Look the dataset up, and whatever else the method needs."""
        dataset = f"{self._config.project_id}.{self._config.dataset_id}"
        try:
            with explaining(self._config.table):
                self._client().get_dataset(dataset, **_ONCE)
        except SinkError as error:
            return [Check("dataset", passed=False, detail=error.message, hint=error.hint)]
        return [Check("dataset", passed=True, detail=dataset), *self._method.check()]

    def close(self) -> None:
        """Close the connections."""
        self._method.close()
        if self._open is not None:
            self._open.close()  # type: ignore[no-untyped-call]
            self._open = None

    def _make_method(self) -> Method:
        return InsertAll(self._config.table, self._client)

    def _client(self) -> bigquery.Client:
        if self._open is None:
            endpoint = self._config.api_endpoint
            self._open = bigquery.Client(
                project=self._config.project_id,
                credentials=credentials_for(self._config.auth),
                client_options=ClientOptions(api_endpoint=endpoint) if endpoint else None,
            )
        return self._open


class StorageWriteSink(BigquerySink):
    """A table whose rows are staged, and shown once the state counts them."""

    def flush(self) -> None:
        """Look whether BigQuery still has every staged row."""
        self._staging.flush()

    def position(self) -> Bookmark:
        """Name the rows that are staged and not shown."""
        return self._staging.position()

    def rewind(self, position: Bookmark) -> None:
        """Show what the state counts; what was staged behind it is never shown."""
        self._staging.rewind(position)

    def publish(self, position: Bookmark) -> None:
        """Show the rows of a position."""
        self._staging.publish(position)

    def _make_method(self) -> Method:
        try:
            # gRPC takes its time to load, and is needed in here only.
            from bot.loader.bigquery.storagewrite import StorageWrite
        except ImportError as error:
            raise ConfigError(
                f"method: storage_write needs a package that is not installed: {error.name}",
                'pip install "trimtab[bigquery]"',
            ) from error
        self._staging = StorageWrite(self._config)
        return self._staging
