"""Write a BigQuery table through `tabledata.insertAll`, which tells the outcome of every row.

API: https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/insertAll
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, ClassVar, Final, Literal

import google.auth.credentials
import pyarrow as pa
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import GoogleAPIError, NotFound
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from google.oauth2 import service_account
from pydantic import Field, SecretStr
from requests.exceptions import RequestException

from bot.loader.protocol import (
    Check,
    ConnectorConfig,
    Order,
    RetryClass,
    RowFailure,
    SinkCapabilities,
    SinkConfig,
    SinkError,
    SliceTooLargeError,
    WriteResult,
)
from bot.loader.rows import Choice, Plane, Rows, Shape
from bot.loader.sinks.jsontext import JsonLines

MAX_ROWS: Final = 50_000
MAX_BYTES: Final = 4 << 20
"""A request may have 10 MB; JSON takes up to twice what the rows take in memory."""
_ONCE: Final[dict[str, Any]] = {"timeout": 60.0, "retry": None}
"""The client would try again for ten minutes by itself; trying again is the loader's."""
_STOPPED: Final = "stopped"


class ServiceAccountJson(ConnectorConfig):
    """The key of a service account."""

    json_text: SecretStr = Field(alias="json", description="The content of the key file.")


class ServiceAccountKey(ConnectorConfig):
    """Log in as a service account."""

    type: Literal["service_account_key"]
    config: ServiceAccountJson


class ApplicationDefault(ConnectorConfig):
    """Log in as the environment says (workload identity, `gcloud auth application-default`)."""

    type: Literal["application_default"]


class Anonymous(ConnectorConfig):
    """Do not log in: for an emulator behind `api_endpoint`."""

    type: Literal["anonymous"]


Auth = Annotated[ServiceAccountKey | ApplicationDefault | Anonymous, Field(discriminator="type")]


class BigquerySinkConfig(SinkConfig):
    """What to write, and where."""

    project_id: str = Field(description="The project that owns the dataset.")
    dataset_id: str = Field(description="The dataset; it has to exist.")
    table_id: str = Field(description="The table; made from the source where it is missing.")
    auth: Auth = Field(ApplicationDefault(type="application_default"), description="How to log in.")
    api_endpoint: str | None = Field(None, description="Another address of the API (an emulator).")


class BigquerySink:
    """A table that rows are streamed into."""

    config_model: ClassVar[type[SinkConfig]] = BigquerySinkConfig

    def __init__(self, config: BigquerySinkConfig) -> None:
        self._config = config
        self._open: bigquery.Client | None = None
        self._lines: JsonLines | None = None

    @property
    def capabilities(self) -> SinkCapabilities:
        """Say what is true of this sink: a request with a bad row is refused as a whole."""
        return SinkCapabilities(
            atomic_batch=True,
            row_outcomes=True,
            replay_safe=False,
            max_rows=MAX_ROWS,
            max_bytes=MAX_BYTES,
        )

    def choose(self, shape: Shape) -> Choice:
        """Take Arrow."""
        return Choice(Plane.ARROW, "BigQuery takes JSON made from Arrow")

    def prepare(self, shape: Shape, plane: Plane) -> None:
        """Make the table if it is missing, or compare its columns.

        Raises:
            SinkError: the table lacks a column, or BigQuery cannot be reached.
        """
        with self._errors_explained():
            try:
                table = self._client.get_table(self._table, **_ONCE)
            except NotFound:
                fields = [_field(field) for field in shape.schema]
                made = bigquery.Table(self._table, schema=fields)
                table = self._client.create_table(made, exists_ok=True, **_ONCE)
        known = {field.name.lower() for field in table.schema}
        for name in shape.schema.names:
            if name.lower() not in known:
                raise SinkError(
                    f"{self._table} has no column {name!r}", f"it has: {', '.join(sorted(known))}"
                )
        self._lines = JsonLines(shape.schema)

    def write(self, rows: Rows, order: Order) -> WriteResult:
        """Send one slice in one request."""
        batch: Any = rows
        if not batch.num_rows:
            return WriteResult(0)
        with self._errors_explained():
            answers = self._client.insert_rows_json(
                self._table,
                self._records(batch),
                skip_invalid_rows=order.isolate,
                **_ONCE,
            )
        failures = tuple(_failures(answers))
        if failures and not order.isolate:
            first = next((f for f in failures if f.kind != _STOPPED), failures[0])
            raise SinkError(f"row {first.index} of the slice: {first.message}", kind=first.kind)
        return WriteResult(batch.num_rows - len(failures), failures)

    def flush(self) -> None:
        """Do nothing: a request that was answered is durable."""

    def check(self) -> Sequence[Check]:
        """Look the dataset and the table up."""
        dataset = f"{self._config.project_id}.{self._config.dataset_id}"
        try:
            with self._errors_explained():
                self._client.get_dataset(dataset, **_ONCE)
        except SinkError as error:
            return [Check("dataset", passed=False, detail=error.message, hint=error.hint)]
        return [Check("dataset", passed=True, detail=dataset)]

    def close(self) -> None:
        """Close the connections."""
        if self._open is not None:
            self._open.close()  # type: ignore[no-untyped-call]
            self._open = None
        if self._lines is not None:
            self._lines.close()
            self._lines = None

    @property
    def _table(self) -> str:
        return f"{self._config.project_id}.{self._config.dataset_id}.{self._config.table_id}"

    @property
    def _client(self) -> bigquery.Client:
        if self._open is None:
            endpoint = self._config.api_endpoint
            self._open = bigquery.Client(
                project=self._config.project_id,
                credentials=_credentials(self._config.auth),
                client_options=ClientOptions(api_endpoint=endpoint) if endpoint else None,
            )
        return self._open

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

    @contextmanager
    def _errors_explained(self) -> Iterator[None]:
        try:
            yield
        except GoogleAPIError as error:
            raise _explained(self._table, error) from None
        except GoogleAuthError as error:
            hint = "look at `auth`, and at the rights of the account"
            raise SinkError(f"{self._table}: cannot log in: {error}", hint, kind="Auth") from None
        except RequestException as error:
            message = f"{self._table}: BigQuery cannot be reached: {type(error).__name__}"
            retry = RetryClass.CONNECTION
            raise SinkError(message, kind="Connection", retry=retry) from None


def _credentials(auth: Auth) -> google.auth.credentials.Credentials | None:
    if isinstance(auth, ServiceAccountKey):
        try:
            key = json.loads(auth.config.json_text.get_secret_value())
            credentials: google.auth.credentials.Credentials = (
                service_account.Credentials.from_service_account_info(key)  # type: ignore[no-untyped-call]
            )
        except (ValueError, GoogleAuthError):
            hint = "give the whole content of the key file, as JSON"
            raise SinkError(
                "auth.config.json is no service account key", hint, kind="Auth"
            ) from None
        return credentials
    if isinstance(auth, Anonymous):
        return google.auth.credentials.AnonymousCredentials()  # type: ignore[no-untyped-call]
    return None


def _explained(table: str, error: GoogleAPIError) -> SinkError:
    status = int(getattr(error, "code", None) or 0)
    message = f"{table}: {getattr(error, 'message', None) or error}"
    too_large = 413
    if status == too_large or "payload size" in message.lower():
        return SliceTooLargeError(message, kind="TooLarge")
    limited, server, forbidden = 429, 500, {401, 403}
    if status == limited or "rateLimitExceeded" in str(error):
        return SinkError(message, kind="RateLimited", retry=RetryClass.RATE_LIMITED)
    if status >= server:
        return SinkError(message, kind="HttpStatus", retry=RetryClass.HTTP_5XX)
    hint = "look at `auth`, and at the rights of the account" if status in forbidden else ""
    return SinkError(message, hint, kind="Auth" if hint else "HttpStatus")


def _failures(answers: Sequence[dict[str, Any]]) -> Iterator[RowFailure]:
    for answer in sorted(answers, key=lambda one: int(one["index"])):
        error: dict[str, Any] = next(iter(answer.get("errors") or []), {})
        where = f"{error['location']}: " if error.get("location") else ""
        reason = str(error.get("reason") or "invalid")
        yield RowFailure(int(answer["index"]), reason, f"{where}{error.get('message') or reason}")


def _field(field: Any) -> bigquery.SchemaField:
    mode = "NULLABLE" if field.nullable else "REQUIRED"
    return bigquery.SchemaField(field.name, _type(field.type), mode=mode)


def _type(kind: Any) -> str:
    tests = {
        "BOOLEAN": pa.types.is_boolean,
        "INTEGER": pa.types.is_integer,
        "FLOAT": pa.types.is_floating,
        "BIGNUMERIC": pa.types.is_decimal,
        "DATE": pa.types.is_date,
        "TIME": pa.types.is_time,
        "JSON": lambda one: one == pa.json_() or pa.types.is_nested(one),
        "BYTES": lambda one: pa.types.is_binary(one) or pa.types.is_large_binary(one),
        "TIMESTAMP": lambda one: pa.types.is_timestamp(one) and one.tz,
        "DATETIME": pa.types.is_timestamp,
    }
    return next((name for name, is_it in tests.items() if is_it(kind)), "STRING")
