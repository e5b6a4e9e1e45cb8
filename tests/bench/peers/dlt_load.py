"""Load one PostgreSQL table with dlt, as its documentation says it is fastest: connectorx, Parquet.

Run by `bench_loader` in an environment that holds dlt: `dlt_load.py SOURCE TABLE TARGET WHERE`,
where TARGET is `postgres` (WHERE: a URL) or `parquet` (WHERE: a folder).
"""

import sys

import dlt
from dlt.sources.sql_database import sql_table

source, table, target, where = sys.argv[1:]
schema, name = table.split(".")
rows = sql_table(
    credentials=source,
    schema=schema,
    table=name,
    backend="connectorx",
    reflection_level="full_with_precision",
    backend_kwargs={"conn": source, "return_type": "arrow"},
)
if target == "postgres":
    destination = dlt.destinations.postgres(where)
else:
    destination = dlt.destinations.filesystem(bucket_url=where)
pipeline = dlt.pipeline("bench", destination=destination, dataset_name="bench_dlt", dev_mode=False)
pipeline.run(rows, table_name=name, write_disposition="append", loader_file_format="parquet")
