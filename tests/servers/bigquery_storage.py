"""A stand-in for BigQuery's Storage Write API: real gRPC over loopback, with the library's messages.

It keeps what the documentation says of streams (offsets, types, what is seen when), decodes the
Arrow batches and holds them against the schema of the table, which it shares with the REST
stand-in: https://cloud.google.com/bigquery/docs/reference/storage/rpc
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import pyarrow as pa
from google.cloud.bigquery_storage_v1 import types
from google.protobuf.any_pb2 import Any as Detail
from google.rpc.status_pb2 import Status
from grpc import StatusCode as Code

Json = dict[str, Any]
Storage = types.StorageError.StorageErrorCode
LIMIT = 10_000_000
SERVICE = "google.cloud.bigquery.storage.v1.BigQueryWrite"
_ARROW: dict[str, Callable[[Any], bool]] = {
    "BOOLEAN": pa.types.is_boolean,
    "INTEGER": pa.types.is_signed_integer,
    "FLOAT": lambda t: pa.types.is_float32(t) or pa.types.is_float64(t),
    "STRING": pa.types.is_string,
    "JSON": pa.types.is_string,
    "GEOGRAPHY": pa.types.is_string,
    "BYTES": pa.types.is_binary,
    "DATE": pa.types.is_date32,
    "TIME": lambda t: t == pa.time64("us"),
    "DATETIME": lambda t: t == pa.timestamp("us"),
    "TIMESTAMP": lambda t: t == pa.timestamp("us", "UTC"),
    "NUMERIC": lambda t: pa.types.is_decimal128(t) and 0 <= t.scale <= 9,
    "BIGNUMERIC": lambda t: pa.types.is_decimal256(t) and 0 <= t.scale <= 38,
}


class RefusedError(Exception):
    """What a call is answered with instead of a result."""

    def __init__(self, code: Code, message: str, storage: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.storage = storage


@dataclass
class Fault:
    """What goes wrong with the next call of a method.

    Args:
        method: the method, `AppendRows`.
        code: the status that it ends with.
        message: the words of the status.
        after: let the call take effect first: only its answer is lost.
        in_band: `AppendRows` answers the request with the error, and the connection stays.
        storage: BigQuery's own code of the error.
        seconds: keep silent for so long first.
    """

    method: str
    code: Code = Code.UNAVAILABLE
    message: str = "connection reset"
    after: bool = False
    in_band: bool = False
    storage: Any = None
    seconds: float = 0.0

    def refusal(self) -> RefusedError:
        time.sleep(self.seconds)
        return RefusedError(self.code, self.message, self.storage)


@dataclass
class Stream:
    """A stream: its rows, how many of them are seen, and whether it takes more."""

    table: str
    kind: Any
    rows: list[Json] = field(default_factory=list)
    seen: int = 0
    finalized: bool = False
    committed: bool = False


@dataclass
class StorageServer:
    """The streams, and what is to go wrong next."""

    tables: dict[str, Json]
    rows: dict[str, list[Json]]
    address: str = ""
    streams: dict[str, Stream] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    schemas: list[Any] = field(default_factory=list)
    most_shown: int | None = None
    most_errors: int = 1_000
    bad_row: Callable[[Json], str | None] = lambda row: None
    lock: Any = field(default_factory=threading.RLock)

    def create(self, request: Any) -> Any:
        table = request.parent.rpartition("/")[2]
        if table not in self.tables:
            raise RefusedError(Code.NOT_FOUND, f"Not found: table {table}", Storage.TABLE_NOT_FOUND)
        name = f"{request.parent}/streams/s{len(self.streams)}"
        self.streams[name] = Stream(table, request.write_stream.type_)
        return types.WriteStream(name=name, type_=request.write_stream.type_)

    def get(self, request: Any) -> Any:
        parent, _, stream = request.name.rpartition("/streams/")
        if stream == "_default" and parent.rpartition("/")[2] in self.tables:
            return types.WriteStream(name=request.name, type_=types.WriteStream.Type.COMMITTED)
        return types.WriteStream(name=request.name, type_=self.stream(request.name).kind)

    def finalize(self, request: Any) -> Any:
        stream = self.stream(request.name)
        stream.finalized = True
        return types.FinalizeWriteStreamResponse(row_count=len(stream.rows))

    def flush(self, request: Any) -> Any:
        stream, until = self.stream(request.write_stream), int(request.offset) + 1
        if stream.kind != types.WriteStream.Type.BUFFERED or stream.finalized:
            raise RefusedError(Code.INVALID_ARGUMENT, "this stream cannot be flushed")
        if until > len(stream.rows):
            raise RefusedError(Code.OUT_OF_RANGE, f"offset {until - 1} is beyond the end")
        if until <= stream.seen:
            raise RefusedError(Code.ALREADY_EXISTS, f"flushed until {stream.seen} already")
        until = min(until, self.most_shown or until)
        self._show(stream, until)
        return types.FlushRowsResponse(offset=until - 1)

    def commit(self, request: Any) -> Any:
        streams = [self.stream(name) for name in request.write_streams]
        for stream in streams:
            pending = stream.kind == types.WriteStream.Type.PENDING
            if stream.committed or not (pending and stream.finalized):
                error = types.StorageError(code=Storage.INVALID_STREAM_STATE, entity=stream.table)
                return types.BatchCommitWriteStreamsResponse(stream_errors=[error])
        for stream in streams:
            self._show(stream, len(stream.rows))
            stream.committed = True
        return types.BatchCommitWriteStreamsResponse(commit_time={"seconds": int(time.time())})

    def append(self, name: str, schema: Any, request: Any) -> Any:
        stream = self.stream(name)
        if stream.finalized:
            raise RefusedError(Code.INVALID_ARGUMENT, "finalized", Storage.STREAM_FINALIZED)
        if types.AppendRowsRequest.pb(request).ByteSize() >= LIMIT:
            raise RefusedError(
                Code.INVALID_ARGUMENT, f"AppendRows request too large: limit {LIMIT}"
            )
        fields = {f["name"].lower(): f for f in self.tables[stream.table]["schema"]["fields"]}
        _check_schema(schema, fields)
        buffer = pa.py_buffer(request.arrow_rows.rows.serialized_record_batch)
        batch = pa.ipc.read_record_batch(buffer, schema)
        batch.validate(full=True)
        if request.offset is not None and int(request.offset) != len(stream.rows):
            behind = int(request.offset) < len(stream.rows)
            raise RefusedError(
                Code.ALREADY_EXISTS if behind else Code.OUT_OF_RANGE,
                f"the end is {len(stream.rows)}, the offset {request.offset}",
                Storage.OFFSET_ALREADY_EXISTS if behind else Storage.OFFSET_OUT_OF_RANGE,
            )
        rows = batch.to_pylist()
        if errors := list(self._row_errors(rows, fields))[: self.most_errors]:
            status = Status(code=Code.INVALID_ARGUMENT.value[0], message="Errors found in rows")
            return types.AppendRowsResponse(error=status, row_errors=errors)
        at = len(stream.rows)
        stream.rows += rows
        if stream.kind == types.WriteStream.Type.COMMITTED:
            self._show(stream, len(stream.rows))
        return types.AppendRowsResponse(append_result={"offset": at}, write_stream=name)

    def stream(self, name: str) -> Stream:
        if name not in self.streams:
            raise RefusedError(Code.NOT_FOUND, f"Not found: {name}", Storage.STREAM_NOT_FOUND)
        return self.streams[name]

    def fault(self, method: str, *, after: bool) -> Fault | None:
        """Take the fault that a call of a method is to have now."""
        with self.lock:
            if self.faults and (self.faults[0].method, self.faults[0].after) == (method, after):
                return self.faults.pop(0)
        return None

    def _show(self, stream: Stream, until: int) -> None:
        self.rows.setdefault(stream.table, []).extend(stream.rows[stream.seen : until])
        stream.seen = max(stream.seen, until)

    def _row_errors(self, rows: list[Json], fields: dict[str, Json]) -> Iterator[Any]:
        code = types.RowError.RowErrorCode.FIELDS_ERROR
        for index, row in enumerate(rows):
            message = self.bad_row(row) or _row_problem(row, fields)
            if message is not None:
                yield types.RowError(index=index, code=code, message=message)


def _check_schema(schema: Any, fields: dict[str, Json]) -> None:
    for sent in schema:
        declared = fields.get(sent.name.lower())
        if declared is None:
            extra = Storage.SCHEMA_MISMATCH_EXTRA_FIELDS
            raise RefusedError(Code.INVALID_ARGUMENT, f"no such field: {sent.name}", extra)
        if not _ARROW[declared["type"]](sent.type):
            message = f"{sent.name}: {sent.type} does not go into {declared['type']}"
            raise RefusedError(Code.INVALID_ARGUMENT, message)


def _row_problem(row: Json, fields: dict[str, Json]) -> str | None:
    values = {name.lower(): value for name, value in row.items()}
    for name, declared in fields.items():
        value = values.get(name)
        if declared.get("mode") == "REQUIRED" and value is None:
            return f"Missing required field: {name}."
        if declared["type"] == "JSON" and value is not None:
            try:
                json.loads(value, parse_constant=_refuse_constant)
            except ValueError:
                return f"{name}: not JSON"
    return None


def _refuse_constant(text: str) -> None:
    raise ValueError(text)


class _Service:
    """The methods as gRPC calls them."""

    def __init__(self, state: StorageServer) -> None:
        self._state = state

    def handlers(self) -> Any:
        state = self._state
        unary: dict[str, tuple[Callable[[Any], Any], Any]] = {
            "CreateWriteStream": (state.create, types.CreateWriteStreamRequest),
            "GetWriteStream": (state.get, types.GetWriteStreamRequest),
            "FinalizeWriteStream": (state.finalize, types.FinalizeWriteStreamRequest),
            "FlushRows": (state.flush, types.FlushRowsRequest),
            "BatchCommitWriteStreams": (state.commit, types.BatchCommitWriteStreamsRequest),
        }
        made = {
            name: grpc.unary_unary_rpc_method_handler(
                self._unary(name, act),
                kind.deserialize,
                lambda answer: type(answer).serialize(answer),
            )
            for name, (act, kind) in unary.items()
        }
        made["AppendRows"] = grpc.stream_stream_rpc_method_handler(
            self._append_rows,
            types.AppendRowsRequest.deserialize,
            types.AppendRowsResponse.serialize,
        )
        return grpc.method_handlers_generic_handler(SERVICE, made)

    def _unary(self, name: str, act: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
        def call(request: Any, context: Any) -> Any:
            self._state.calls.append(name)
            answer = None
            try:
                if fault := self._state.fault(name, after=False):
                    raise fault.refusal()
                with self._state.lock:
                    answer = act(request)
                if fault := self._state.fault(name, after=True):
                    raise fault.refusal()
            except RefusedError as refused:
                context.abort(refused.code, refused.message)
            return answer

        return call

    def _append_rows(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        name, schema = "", None
        header = dict(context.invocation_metadata()).get("x-goog-request-params", "")
        for request in requests:
            self._state.calls.append("AppendRows")
            if not name:
                name = request.write_stream
                schema = pa.ipc.read_schema(
                    pa.py_buffer(request.arrow_rows.writer_schema.serialized_schema)
                )
                self._state.schemas.append(schema)
                if "streams%2F" not in header and "streams/" not in header:
                    context.abort(Code.INVALID_ARGUMENT, "no routing header")
            fault = self._state.fault("AppendRows", after=False)
            try:
                if fault is not None:
                    raise fault.refusal()
                with self._state.lock:
                    answer = self._state.append(name, schema, request)
                fault = self._state.fault("AppendRows", after=True)
                if fault is not None:
                    raise fault.refusal()
            except RefusedError as refused:
                if fault is not None and not fault.in_band:
                    context.abort(refused.code, refused.message)
                answer = types.AppendRowsResponse(error=_status(refused))
            yield answer


def _status(refused: RefusedError) -> Status:
    status = Status(code=refused.code.value[0], message=refused.message)
    if refused.storage is not None:
        detail = Detail()
        detail.Pack(types.StorageError.pb(types.StorageError(code=refused.storage)))
        status.details.append(detail)
    return status


@contextmanager
def running_storage(state: StorageServer) -> Iterator[None]:
    """Serve on a free loopback port."""
    options = [("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)]
    server = grpc.server(ThreadPoolExecutor(max_workers=8), options=options)
    server.add_generic_rpc_handlers((_Service(state).handlers(),))
    state.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield
    finally:
        server.stop(grace=None).wait()
