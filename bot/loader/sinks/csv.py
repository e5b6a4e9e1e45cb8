"""Write a CSV file, appended to."""

import csv
import io
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv

from bot.loader.protocol import Order, SinkError, WriteResult
from bot.loader.rows import Plane, Rows, Shape
from bot.loader.sinks.appendfile import AppendFileConfig, AppendFileSink
from bot.loader.sinks.table import quoted


class CsvSink(AppendFileSink):
    """A file of comma-separated values under a header line, UTF-8, RFC 4180.

    An unquoted empty field is NULL and a quoted one the empty string; times are ISO 8601, bytes
    base64, nested values JSON.
    """

    def __init__(self, config: AppendFileConfig) -> None:
        super().__init__(config)
        self._path = config.path
        self._engine: duckdb.DuckDBPyConnection | None = None
        self._query: str | None = None

    def prepare(self, shape: Shape, plane: Plane) -> None:
        """Open the file; write the header into an empty one, compare it with the one that is there.

        Raises:
            SinkError: the file has other columns.
        """
        names = list(shape.schema.names)
        expressions = [_expression(field) for field in shape.schema]
        if any(" AS " in expression for expression in expressions):
            self._engine = duckdb.connect()
            self._query = f"SELECT {', '.join(expressions)} FROM slice"
        header = io.StringIO()
        csv.writer(header, lineterminator="\n").writerow(names)
        if self._file.size == 0:
            self._file.append([header.getvalue().encode()])
            self._file.sync()
            return
        with self._path.open(encoding="utf-8", newline="") as existing:
            found = next(csv.reader(existing), [])
        if found != names:
            raise SinkError(
                f"{self._path}: has the columns {', '.join(found)}; the source has "
                f"{', '.join(names)}",
                "name another file, or bring the columns of the source into this order",
            )
        self._file.end_line()

    def write(self, rows: Rows, order: Order) -> WriteResult:
        """Append one slice."""
        batch: Any = rows
        table = pa.Table.from_arrays(
            [array.storage if array.type == pa.json_() else array for array in batch.columns],
            names=batch.schema.names,
        )
        if self._engine is not None and self._query is not None:
            self._engine.register("slice", table)
            table = self._engine.sql(self._query).to_arrow_table()
        text = io.BytesIO()
        options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
        pyarrow.csv.write_csv(table, text, options)
        self._file.append([text.getbuffer()])
        return WriteResult(batch.num_rows)

    def close(self) -> None:
        """Close the file."""
        super().close()
        if self._engine is not None:
            self._engine.close()


def _expression(field: Any) -> str:
    name = quoted(field.name)
    if field.type == pa.uuid():
        return f"{name}::VARCHAR AS {name}"
    if pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
        return f"to_base64({name}) AS {name}"
    if pa.types.is_nested(field.type):
        return f"to_json({name})::VARCHAR AS {name}"
    return name
