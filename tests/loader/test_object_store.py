"""Parquet in an object store: written whole, listed in order, read back."""

from collections.abc import Iterator
from typing import Any

import fsspec
import pyarrow as pa
import pytest
from moto.server import ThreadedMotoServer

from bot.loader.protocol import Order, SourceError
from bot.loader.rows import Plane, Reading, Shape
from bot.loader.sinks.parquet import ParquetSink, ParquetSinkConfig
from bot.loader.sources.parquet import ParquetSource, ParquetSourceConfig

SCHEMA = pa.schema([("id", pa.int64())])


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    files = fsspec.filesystem("s3", skip_instance_cache=True)
    if not files.exists("warehouse"):
        files.mkdir("warehouse")
    return "s3://warehouse/orders"


def _write(bucket: str, *pages: range) -> ParquetSink:
    sink = ParquetSink(ParquetSinkConfig(path=bucket))
    sink.prepare(Shape(SCHEMA), Plane.ARROW)
    for page in pages:
        sink.write(pa.RecordBatch.from_pydict({"id": list(page)}, schema=SCHEMA), Order())
        sink.flush()
    return sink


def _read(bucket: str) -> list[int]:
    source = ParquetSource(ParquetSourceConfig(path=bucket, batch_size=3))
    source.shape()
    pages: list[Any] = [page.rows for page in source.pages(Reading())]
    return [i for rows in pages for i in rows.column("id").to_pylist()]


def test_pages_become_parts_that_a_rewind_removes_and_a_source_reads(bucket: str) -> None:
    with pytest.raises(SourceError, match="no Parquet file"):
        _read(bucket)
    sink = _write(bucket, range(5), range(5, 10))
    position = sink.position()
    _write(bucket, range(10, 12))
    assert _read(bucket) == list(range(12))
    again = _write(bucket)
    again.rewind(position)
    assert _read(bucket) == list(range(10))
    assert [check.passed for check in again.check()] == [True]


def test_a_store_without_its_package_is_one_sentence() -> None:
    source = ParquetSource(ParquetSourceConfig(path="gs://bucket/orders"))
    with pytest.raises(SourceError, match="install the store's fsspec package"):
        source.shape()
    (check,) = source.check()
    assert not check.passed
