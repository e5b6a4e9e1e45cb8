"""The Storage Write API over gRPC: a client, and a connection whose requests are answered in turn.

API: https://cloud.google.com/bigquery/docs/write-api
"""

import queue
import threading
from collections.abc import Iterator
from typing import Any, Final

import grpc
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import DeadlineExceeded, ServiceUnavailable, from_grpc_error
from google.api_core.gapic_v1 import routing_header
from google.cloud.bigquery_storage_v1 import BigQueryWriteClient
from google.cloud.bigquery_storage_v1.services.big_query_write.transports import (
    BigQueryWriteGrpcTransport,
)
from google.cloud.bigquery_storage_v1.types import AppendRowsRequest, AppendRowsResponse

from bot.loader.bigquery.config import Anonymous, BigquerySinkConfig, credentials_for

SECONDS: Final = 60.0
"""How long an answer may take."""
# Requests have up to 10 MB; gRPC's own limit is below that. An emulator is never behind a proxy.
_CHANNEL: Final = (("grpc.max_send_message_length", -1), ("grpc.enable_http_proxy", 0))


def open_client(config: BigquerySinkConfig) -> BigQueryWriteClient:
    """Make a client; only an emulator, to which nobody logs in, is spoken to in the clear."""
    endpoint = config.storage_endpoint
    if isinstance(config.auth, Anonymous):
        channel = grpc.insecure_channel(str(endpoint), options=_CHANNEL)
        transport = BigQueryWriteGrpcTransport(channel=channel)
        return BigQueryWriteClient(transport=transport)  # type: ignore[no-untyped-call]
    options = ClientOptions(api_endpoint=endpoint) if endpoint else None
    credentials = credentials_for(config.auth)
    return BigQueryWriteClient(credentials=credentials, client_options=options)  # type: ignore[no-untyped-call]


class Connection:
    """One call of `AppendRows`, to one stream."""

    def __init__(self, client: BigQueryWriteClient, stream: str) -> None:
        self._requests: queue.SimpleQueue[AppendRowsRequest | None] = queue.SimpleQueue()
        # The generated method would wait for the first answer in here, out of reach of a limit.
        # Outside of the US a request has to name its stream in a header, or does not find it.
        header = routing_header.to_grpc_metadata((("write_stream", stream),))  # type: ignore[no-untyped-call]
        append_rows: Any = client.transport.append_rows
        self._answers = append_rows(self._sent(), metadata=(header,))

    def ask(self, request: AppendRowsRequest) -> AppendRowsResponse:
        """Send a request and wait for its answer.

        Raises:
            GoogleAPICallError: the connection broke or stayed silent: it is not known whether the
                request took effect.
        """
        late = threading.Event()
        watch = threading.Timer(SECONDS, self._give_up, [late])
        watch.daemon = True
        watch.start()
        self._requests.put(request)
        try:
            answer: AppendRowsResponse = next(self._answers)
        except StopIteration:
            raise ServiceUnavailable("BigQuery closed the connection") from None  # type: ignore[no-untyped-call]
        except grpc.RpcError as error:
            if late.is_set():
                silent = f"no answer within {SECONDS:g} s"
                raise DeadlineExceeded(silent) from None  # type: ignore[no-untyped-call]
            raise from_grpc_error(error) from None  # type: ignore[no-untyped-call]
        finally:
            watch.cancel()
        return answer

    def close(self) -> None:
        """Hang up."""
        self._requests.put(None)
        self._answers.cancel()

    def _sent(self) -> Iterator[AppendRowsRequest]:
        return iter(self._requests.get, None)

    def _give_up(self, late: threading.Event) -> None:
        late.set()
        self._answers.cancel()
