"""The batch size search on a real PostgreSQL behind a delay, against fixed sizes.

Run as `python -m tests.bench.bench_batch_size [--rows 3000000]`. The sink is reached through a
proxy that adds a round trip; the source is not. `goodput` starts at 1,000 rows.
"""

import os
import tempfile
import threading
from pathlib import Path

import click
import psycopg

from bot.loader.pipeline import load_pipeline
from bot.loader.run import build_connectors, run_pipeline
from bot.loader.summary import Summary
from tests.servers.delay import delayed
from tests.servers.postgres import PostgresServer, running_postgres

FULL = os.environ.get("SIZE") == "full"
PAGE_ROWS = 100_000
START_ROWS = 1000
FIXED = (1000, 10_000, 30_000, 100_000)
AIM = 0.8
CREATE = """
CREATE TABLE src AS
SELECT g::int8 AS id, md5(g::text)::uuid AS uid, 'customer ' || g AS name,
       CASE WHEN g % 5 = 0 THEN NULL ELSE md5(g::text) END AS note, 'DE'::varchar(2) AS country,
       (g % 1000)::int4 AS qty, ((g % 100000) / 100.0)::numeric(12, 2) AS amount,
       g / 7.0::float8 AS ratio, g % 2 = 0 AS ok, now() AS at
FROM generate_series(1, {rows}) AS g
"""
FILE = """\
version: 1
name: {name}
pipeline:
  source: {{type: postgres, config: {{connection_url: "{source}", table: src, batch_size: {page}}}}}
  sink: {{type: postgres, config: {{connection_url: "{sink}", table: dst, batch_size: {size}}}}}
  dlq: {{sink: {{type: jsonl, config: {{path: "{folder}/{name}.jsonl"}}}}}}
  state: {{path: "{folder}/state"}}
"""
SEARCH = "execution: {adaptive_batch_size: {enabled: true, controller: goodput, max: 1000000}}\n"


class Bench:
    """One server, one table, one folder."""

    def __init__(self, server: PostgresServer, folder: Path) -> None:
        self._url = server.create_database("bench")
        self._server = server
        self._folder = folder

    def fill(self, rows: int) -> None:
        """Make a source of so many rows."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("DROP TABLE IF EXISTS src")
            connection.execute(CREATE.format(rows=rows).encode())
            connection.execute("ALTER TABLE src ADD PRIMARY KEY (id)")
            connection.execute("VACUUM ANALYZE src")

    def rows_per_second(self, size: int, port: int, *, search: bool) -> tuple[int, int | None]:
        """Load the table once; return rows per second, and the size at the end."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("DROP TABLE IF EXISTS dst")
        name = f"size_{size}_{search}"
        text = FILE.format(
            name=name,
            source=self._url,
            sink=self._server.url("bench", port),
            page=PAGE_ROWS,
            size=size,
            folder=self._folder,
        )
        path = self._folder / f"{name}.yaml"
        path.write_text(text + (SEARCH if search else ""))
        pipeline, summary = load_pipeline(path, {}), Summary(name)
        run_pipeline(pipeline, build_connectors(pipeline.config), summary, threading.Event())
        return summary.rows_per_second, summary.batch_size


@click.command()
@click.option("--rows", default=3_000_000 if FULL else 1_000_000, show_default=True)
@click.option("--fixed-rows", default=600_000 if FULL else 300_000, show_default=True)
@click.option("--delays", default="0,5,20", show_default=True, help="Round trips, milliseconds.")
def main(rows: int, fixed_rows: int, delays: str) -> None:
    """Print rows per second of fixed sizes and of the search, per round trip."""
    missed = []
    with running_postgres() as server, tempfile.TemporaryDirectory() as folder:
        bench = Bench(server, Path(folder))
        print(f"{'round trip':>10}" + "".join(f"{n:>12,}" for n in FIXED) + f"{'goodput':>24}")
        for milliseconds in (int(text) for text in delays.split(",")):
            with delayed(server.host, server.port, milliseconds) as port:
                bench.fill(fixed_rows)
                fixed = [bench.rows_per_second(n, port, search=False)[0] for n in FIXED]
                bench.fill(rows)
                found, size = bench.rows_per_second(START_ROWS, port, search=True)
            share = found / max(fixed)
            cells = "".join(f"{rate:>12,}" for rate in fixed)
            print(f"{milliseconds:>7} ms{cells}{found:>12,} {share:.0%} at {size:,}")
            if share < AIM:
                missed.append(f"{milliseconds} ms: {share:.0%}")
    print("aims met" if not missed else f"aims missed ({AIM:.0%}): {', '.join(missed)}")
    raise SystemExit(bool(missed))


if __name__ == "__main__":
    main()
