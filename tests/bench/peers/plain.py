"""The limits that no loader passes: bare drivers, one process, one file, no state, no retries."""

import sys
from typing import Any

import adbc_driver_postgresql.dbapi
import duckdb
import pyarrow.parquet

OPEN: list[Any] = []
COLUMNS = "id, uid, name, note, country, qty, amount::text AS amount, score, created_at, attrs"


def batches(url: str, table: str) -> Any:
    """Stream a table as Arrow; the stream ends with the connection, so that is kept."""
    connection = adbc_driver_postgresql.dbapi.connect(url)
    cursor = connection.cursor()
    OPEN.extend([cursor, connection])
    cursor.execute(f"SELECT {COLUMNS} FROM {table}")
    return cursor.fetch_record_batch()


def to_parquet(url: str, table: str, path: str) -> None:
    reader = batches(url, table)
    with pyarrow.parquet.ParquetWriter(path, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)


def to_jsonl(url: str, table: str, path: str) -> None:
    reader = batches(url, table)  # noqa: F841  DuckDB finds it by its name
    duckdb.sql(f"COPY (SELECT * FROM reader) TO '{path}' (FORMAT json)")


def csv_to_jsonl(origin: str, path: str) -> None:
    duckdb.sql(f"COPY (FROM read_csv('{origin}')) TO '{path}' (FORMAT json)")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
    for one in OPEN:
        one.close()
