"""The programs that `bench_loader` races: ours, its peers, and the limits that none can pass."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import psycopg

from tests.bench.processes import Run, run_measured
from tests.servers.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
PEERS = ROOT / "tests" / "bench" / "peers"
ENVIRONMENTS = ROOT / "build" / "bench"
PAGE = 10_000
FILE_PAGE = 100_000
SERVER = {"shared_buffers": "1GB", "max_wal_size": "8GB", "checkpoint_timeout": "30min"}
SOURCE = """
CREATE SCHEMA IF NOT EXISTS bench;
DROP TABLE IF EXISTS bench.src;
CREATE TABLE bench.src (
  id bigint PRIMARY KEY, uid uuid NOT NULL, name text NOT NULL, note text,
  country varchar(2) NOT NULL, qty int NOT NULL, amount numeric(12,2) NOT NULL,
  score float8 NOT NULL, created_at timestamptz NOT NULL, attrs jsonb
);
INSERT INTO bench.src
SELECT i, md5(i::text)::uuid, 'customer ' || md5((i * 7)::text),
  CASE WHEN i % 5 = 0 THEN NULL ELSE substr(md5((i * 3)::text), 1, 20 + (i % 12)::int) END,
  (ARRAY['DE', 'FR', 'US', 'GB', 'JP'])[1 + i % 5],
  CASE WHEN {bad} THEN -1 ELSE (i * 31) % 10000 END, ((i * 7919) % 10000000) / 100.0,
  sqrt(i::float8), timestamptz '2024-01-01 00:00:00+00' + i * interval '7.25 seconds',
  CASE WHEN i % 5 = 3 THEN NULL ELSE jsonb_build_object('k', i % 100, 'v', 'x' || i % 1000) END
FROM generate_series(1, {rows}::bigint) AS i;
VACUUM ANALYZE bench.src;
"""
EXACT = "SELECT count(*), sum(hashtextextended(ROW(t.*)::text, 0)) FROM {table} AS t"
LOOSE = "SELECT count(*), sum(id), sum(amount), sum(qty), max(created_at) FROM {table}"
FILE_SUM = """
SELECT count(*), sum(hash(id, uid::VARCHAR, name, note, country, qty, amount::DECIMAL(12, 2),
  score, epoch_us(created_at::TIMESTAMPTZ), attrs->>'k', attrs->>'v')) FROM {source}
"""


@dataclass
class Bench:
    """What every case works with."""

    server: PostgresServer
    folder: Path
    rows: int
    runs: dict[str, list[Run]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.server.url()

    def sql(self, *statements: str) -> list[tuple[object, ...]]:
        found: list[tuple[object, ...]] = []
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
                found = cursor.fetchall() if cursor.description else []
        return found

    def make_source(self, rows: int, bad: str = "false") -> None:
        for statement in SOURCE.format(rows=rows, bad=bad).split(";\n"):
            if statement.strip():
                self.sql(statement)

    def run(self, name: str, command: list[str], **env: str) -> Run:
        environment = {**os.environ, "HOME": str(self.folder), **env}
        log = self.folder / "log"
        run = run_measured(command, environment, ROOT, log)
        if run.exit_code != 0:
            self.failures[name] = run.output.strip().splitlines()[-1] if run.output else "?"
        else:
            self.runs.setdefault(name, []).append(run)
        return run


Case = Callable[[Bench], None]


def pipeline(
    bench: Bench, source: Mapping[str, object], sink: Mapping[str, object], **more: object
) -> list[str]:
    """Write a pipeline file, with a dead-letter queue and state, and return how to run it."""
    shutil.rmtree(bench.folder / "state", ignore_errors=True)
    (bench.folder / "letters.jsonl").unlink(missing_ok=True)
    letters = {"type": "jsonl", "config": {"path": str(bench.folder / "letters.jsonl")}}
    config = {
        "version": 1,
        "name": "bench",
        "pipeline": {
            "source": source,
            "sink": sink,
            "dlq": {"sink": letters},
            "state": {"type": "file", "path": str(bench.folder / "state")},
        },
        "execution": {"adaptive_batch_size": {"enabled": True, "min": PAGE, "max": PAGE, **more}},
    }
    path = bench.folder / "pipeline.yaml"
    path.write_text(json.dumps(config))
    return [sys.executable, "-m", "bot.cli.main", "load", "run", str(path)]


def postgres(bench: Bench, page: int = PAGE, port: int | None = None) -> dict[str, object]:
    url = bench.server.url(port=port)
    config = {"connection_url": url, "table": "bench.src", "batch_size": page}
    return {"type": "postgres", "config": config}


def into(bench: Bench, table: str, port: int | None = None) -> dict[str, object]:
    config = {"connection_url": bench.server.url(port=port), "table": f"bench.{table}"}
    return {"type": "postgres", "config": config}


def check_table(bench: Bench, name: str, table: str, query: str = EXACT) -> None:
    if bench.sql(query.format(table="bench.src")) != bench.sql(query.format(table=table)):
        bench.failures[name] = "the rows differ from the source"
        bench.runs[name].pop()


def check_file(bench: Bench, name: str, source: str) -> None:
    import adbc_driver_postgresql.dbapi

    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        with (
            adbc_driver_postgresql.dbapi.connect(bench.url) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(
                "SELECT id, uid, name, note, country, qty, amount::text AS amount, score,"
                " created_at, attrs::json AS attrs FROM bench.src"
            )
            engine.register("origin", cursor.fetch_record_batch())
            wanted = engine.sql(FILE_SUM.format(source="origin")).fetchall()
        found = engine.sql(FILE_SUM.format(source=source)).fetchall()
    if wanted != found:
        bench.failures[name] = "the rows differ from the source"
        bench.runs[name].pop()


def trimtab_pg(bench: Bench) -> None:
    bench.sql("DROP TABLE IF EXISTS bench.trimtab")
    name = "postgres→postgres trimtab"
    if not bench.run(name, pipeline(bench, postgres(bench), into(bench, "trimtab"))).exit_code:
        check_table(bench, name, "bench.trimtab")


def psql_pipe(bench: Bench) -> None:
    bench.sql("DROP TABLE IF EXISTS bench.piped", "CREATE TABLE bench.piped (LIKE bench.src)")
    psql = f"{bench.server.programs}/psql -q {bench.url} -c"
    command = f"{psql} '\\copy bench.src TO STDOUT (FORMAT binary)'"
    command += f" | {psql} '\\copy bench.piped FROM STDIN (FORMAT binary)'"
    name = "postgres→postgres psql binary pipe"
    if not bench.run(name, ["bash", "-c", command]).exit_code:
        check_table(bench, name, "bench.piped")


def python_of(peer: str) -> Path:
    return ENVIRONMENTS / peer / "bin" / "python"


def dlt_pg(bench: Bench) -> None:
    bench.sql("DROP SCHEMA IF EXISTS bench_dlt CASCADE")
    shutil.rmtree(bench.folder / ".dlt", ignore_errors=True)
    name = "postgres→postgres dlt (connectorx, parquet)"
    program = [str(python_of("dlt")), str(PEERS / "dlt_load.py")]
    # dlt insists on a password; the server does not.
    url = bench.url.replace("postgres@", "postgres:none@")
    command = [*program, url, "bench.src", "postgres", url]
    if not bench.run(name, command, RUNTIME__DLTHUB_TELEMETRY="false").exit_code:
        check_table(bench, name, "bench_dlt.src", LOOSE)


def sling_pg(bench: Bench) -> None:
    bench.sql("DROP TABLE IF EXISTS bench.slung")
    name = "postgres→postgres sling 1.4.11"
    (binary,) = (ENVIRONMENTS / "sling").glob("lib/*/site-packages/sling_linux_*/bin/sling-*")
    command = [str(binary), "run", "--src-conn", f"{bench.url}?sslmode=disable"]
    command += ["--src-stream", "bench.src", "--tgt-conn", f"{bench.url}?sslmode=disable"]
    command += ["--tgt-object", "bench.slung", "--mode", "full-refresh"]
    if not bench.run(name, command, SLING_DISABLE_TELEMETRY="true").exit_code:
        check_table(bench, name, "bench.slung", LOOSE)


def _ingestr(bench: Bench, version: str, options: list[str]) -> None:
    bench.sql("DROP TABLE IF EXISTS bench.ingested")
    name = f"postgres→postgres ingestr {version}"
    program = str(ENVIRONMENTS / f"ingestr-{version}" / "bin" / "ingestr")
    columns = "id, uid::text AS uid, name, note, country, qty, amount, score, created_at, attrs"
    command = [program, "ingest", "--source-uri", f"{bench.url}?sslmode=disable"]
    command += ["--source-table", f"query:SELECT {columns} FROM bench.src", "--dest-uri"]
    command += [f"{bench.url}?sslmode=disable", "--dest-table", "bench.ingested", "--yes"]
    quiet = {"INGESTR_DISABLE_TELEMETRY": "true", "DISABLE_TELEMETRY": "true"}
    if not bench.run(name, [*command, *options], **quiet).exit_code:
        check_table(bench, name, "bench.ingested", LOOSE)


def ingestr_pg(bench: Bench) -> None:
    options = ["--incremental-strategy", "append", "--page-size", "100000", "--progress", "log"]
    _ingestr(bench, "0.15.9", options)


def old_ingestr_pg(bench: Bench) -> None:
    _ingestr(bench, "0.14.0", ["--sql-backend", "pyarrow", "--page-size", "100000"])


def trimtab_parquet(bench: Bench) -> None:
    target = bench.folder / "parts"
    shutil.rmtree(target, ignore_errors=True)
    name = "postgres→parquet trimtab"
    sink = {"type": "parquet", "config": {"path": str(target)}}
    command = pipeline(bench, postgres(bench, FILE_PAGE), sink, max=FILE_PAGE)
    if not bench.run(name, command).exit_code:
        check_file(bench, name, f"'{target}/*.parquet'")


def adbc_parquet(bench: Bench) -> None:
    target, name = bench.folder / "bare.parquet", "postgres→parquet bare ADBC"
    command = [sys.executable, str(PEERS / "plain.py"), "to_parquet", bench.url, "bench.src"]
    if not bench.run(name, [*command, str(target)]).exit_code:
        check_file(bench, name, f"'{target}'")


def dlt_parquet(bench: Bench) -> None:
    target, name = bench.folder / "dlt", "postgres→parquet dlt (connectorx)"
    shutil.rmtree(target, ignore_errors=True)
    shutil.rmtree(bench.folder / ".dlt", ignore_errors=True)
    program = [str(python_of("dlt")), str(PEERS / "dlt_load.py")]
    command = [*program, bench.url, "bench.src", "parquet", str(target)]
    bench.run(name, command, RUNTIME__DLTHUB_TELEMETRY="false")


def trimtab_jsonl(bench: Bench) -> None:
    target, name = bench.folder / "ours.jsonl", "postgres→jsonl trimtab"
    target.unlink(missing_ok=True)
    sink = {"type": "jsonl", "config": {"path": str(target)}}
    command = pipeline(bench, postgres(bench, FILE_PAGE), sink, max=FILE_PAGE)
    if not bench.run(name, command).exit_code:
        check_file(bench, name, _json(target))


def adbc_jsonl(bench: Bench) -> None:
    target, name = bench.folder / "bare.jsonl", "postgres→jsonl ADBC → DuckDB COPY"
    command = [sys.executable, str(PEERS / "plain.py"), "to_jsonl", bench.url, "bench.src"]
    if not bench.run(name, [*command, str(target)]).exit_code:
        check_file(bench, name, _json(target))


def _csv(bench: Bench) -> Path:
    path = bench.folder / "origin.csv"
    if not path.exists():
        with psycopg.connect(bench.url) as connection, path.open("wb") as file:
            copy = "COPY bench.src TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE (name, note))"
            with connection.cursor().copy(copy.encode()) as rows:
                for chunk in rows:
                    file.write(chunk)
    return path


def trimtab_csv(bench: Bench) -> None:
    target, name = bench.folder / "csv.jsonl", "csv→jsonl trimtab"
    target.unlink(missing_ok=True)
    source = {"type": "csv", "config": {"path": str(_csv(bench)), "batch_size": PAGE}}
    sink = {"type": "jsonl", "config": {"path": str(target)}}
    if not bench.run(name, pipeline(bench, source, sink)).exit_code:
        # In CSV the JSON column is text like any other.
        text = "* REPLACE ((attrs->>'$')::JSON AS attrs)"
        check_file(bench, name, f"(SELECT {text} FROM {_json(target)})")


def duckdb_csv(bench: Bench) -> None:
    target, name = bench.folder / "bare_csv.jsonl", "csv→jsonl DuckDB COPY"
    command = [sys.executable, str(PEERS / "plain.py"), "csv_to_jsonl", str(_csv(bench))]
    bench.run(name, [*command, str(target)])


def _json(path: Path) -> str:
    kinds = "id: 'BIGINT', uid: 'VARCHAR', name: 'VARCHAR', note: 'VARCHAR', country: 'VARCHAR',"
    kinds += " qty: 'INTEGER', amount: 'VARCHAR', score: 'DOUBLE', created_at: 'VARCHAR',"
    kinds += " attrs: 'JSON'"
    return f"read_json('{path}', format = 'newline_delimited', columns = {{{kinds}}})"
