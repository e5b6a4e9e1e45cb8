"""Measure the loader beside its peers: `python -m tests.bench.bench_loader [--help]`.

A real PostgreSQL server, a table of ten mixed columns (about 150 bytes a row), every program a
process of its own from start to end, one run of each in every round (so that a busy machine is
busy for all), medians, and every result compared with the source over all its columns. Peers
live in environments of their own, built from the locked requirements in `tests/bench/peers`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench.loader_cases import (
    ENVIRONMENTS,
    FILE_PAGE,
    PEERS,
    SERVER,
    Bench,
    Case,
    adbc_jsonl,
    adbc_parquet,
    dlt_parquet,
    dlt_pg,
    duckdb_csv,
    ingestr_pg,
    into,
    old_ingestr_pg,
    pipeline,
    postgres,
    psql_pipe,
    sling_pg,
    trimtab_csv,
    trimtab_jsonl,
    trimtab_parquet,
    trimtab_pg,
)
from tests.servers.delay import delayed
from tests.servers.postgres import running_postgres

GROUPS: dict[str, list[Case]] = {
    "postgres": [trimtab_pg, psql_pipe, dlt_pg, sling_pg, ingestr_pg],
    "files": [
        trimtab_parquet,
        adbc_parquet,
        dlt_parquet,
        trimtab_jsonl,
        adbc_jsonl,
        trimtab_csv,
        duckdb_csv,
    ],
    "slow": [old_ingestr_pg],
}


@dataclass(frozen=True)
class Aim:
    """How many times as fast as another program one has to be."""

    name: str
    ours: str
    other: str
    at_least: float


PG, PARQUET, JSONL = "postgres→postgres", "postgres→parquet", "postgres→jsonl"
AIMS = [
    Aim("2.3 × dlt's best", f"{PG} trimtab", f"{PG} dlt (connectorx, parquet)", 2.3),
    Aim("2 × ingestr 0.15.9", f"{PG} trimtab", f"{PG} ingestr 0.15.9", 2.0),
    Aim("3.5 × sling", f"{PG} trimtab", f"{PG} sling 1.4.11", 3.5),
    Aim("0.6 of the binary pipe", f"{PG} trimtab", f"{PG} psql binary pipe", 0.6),
    Aim("dlt(connectorx) → Parquet", f"{PARQUET} trimtab", f"{PARQUET} dlt (connectorx)", 1.0),
    Aim("0.85 of bare ADBC → Parquet", f"{PARQUET} trimtab", f"{PARQUET} bare ADBC", 0.85),
    Aim("0.75 of ADBC → DuckDB", f"{JSONL} trimtab", f"{JSONL} ADBC → DuckDB COPY", 0.75),
    Aim("0.5 of DuckDB's COPY", "csv→jsonl trimtab", "csv→jsonl DuckDB COPY", 0.5),
    Aim("0.5 of clean", "0.1 % bad, round trip 0 ms", "clean, round trip 0 ms", 0.5),
    Aim("0.2 of clean, 5 ms", "0.1 % bad, round trip 5 ms", "clean, round trip 5 ms", 0.2),
]
MEMORY_MB = {f"{PG} trimtab": 256, f"{PARQUET} trimtab": 400, f"{JSONL} trimtab": 400}
FAR = "20 ms away, "


def measure_bad_rows(bench: Bench) -> None:
    """One row in a thousand breaks a CHECK: throughput against a clean run, and the exact letters."""
    for round_trip_ms in (0, 5):
        with _port(bench, round_trip_ms) as port:
            for bad in ("false", "i % 1000 = 500"):
                bench.make_source(bench.rows, bad)
                bench.sql(
                    "DROP TABLE IF EXISTS bench.checked",
                    "CREATE TABLE bench.checked (LIKE bench.src, CHECK (qty >= 0))",
                )
                name = (
                    f"{'clean' if bad == 'false' else '0.1 % bad'}, round trip {round_trip_ms} ms"
                )
                command = pipeline(bench, postgres(bench), into(bench, "checked", port))
                bench.run(name, command)
                wanted = bench.sql("SELECT id FROM bench.src WHERE qty < 0 ORDER BY id")
                path = bench.folder / "letters.jsonl"
                lines = path.read_text().splitlines() if path.exists() else []
                letters = sorted(json.loads(line)["payload"]["id"] for line in lines)
                if [(one,) for one in letters] != wanted:
                    bench.failures[name] = f"{len(letters)} letters, {len(wanted)} bad rows"
    bench.make_source(bench.rows)


def measure_memory(bench: Bench) -> None:
    """The same pipeline over the table and over ten times as much of it."""
    for factor in (1, 10):
        bench.make_source(bench.rows * factor)
        bench.sql("DROP TABLE IF EXISTS bench.trimtab")
        name = f"postgres→postgres trimtab, {bench.rows * factor:,} rows"
        bench.run(name, pipeline(bench, postgres(bench), into(bench, "trimtab")))
    bench.make_source(bench.rows)


def measure_distance(bench: Bench) -> None:
    """Behind 20 ms: fixed sizes against `goodput` started at 1,000 rows, over three times the rows."""
    bench.make_source(bench.rows * 3)
    with _port(bench, 20) as port:
        for size in (1_000, 3_000, 10_000, 30_000, 100_000):
            _far(bench, port, f"20 ms away, fixed {size:,}", 1_000, min=size, max=size)
        more: dict[str, object] = {"controller": "goodput", "min": 100, "max": FILE_PAGE}
        _far(bench, port, "20 ms away, goodput from 1,000", 1_000, **more)
    bench.make_source(bench.rows)


def _far(bench: Bench, port: int, name: str, start: int, **sizing: object) -> None:
    bench.sql("DROP TABLE IF EXISTS bench.far")
    target = into(bench, "far", port)
    config = target["config"]
    assert isinstance(config, dict)
    config["batch_size"] = start
    bench.run(name, pipeline(bench, postgres(bench, FILE_PAGE), target, **sizing))


@contextmanager
def _port(bench: Bench, round_trip_ms: float) -> Iterator[int]:
    if round_trip_ms == 0:
        yield bench.server.port
        return
    with delayed(bench.server.host, bench.server.port, round_trip_ms) as port:
        yield port


def build_environments(peers: list[str]) -> None:
    """Install peers from their locked requirements, each into an environment of its own."""
    for peer in peers:
        if (ENVIRONMENTS / peer / "complete").exists():
            continue
        print(f"installing {peer} …", flush=True)
        target = ENVIRONMENTS / peer
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(target)], check=True)
        install = [str(target / "bin" / "pip"), "install", "-q", "--no-deps", "--require-hashes"]
        subprocess.run([*install, "-r", str(PEERS / f"{peer}.txt")], check=True)
        (target / "complete").touch()


def missed_aims(bench: Bench) -> list[str]:
    """Print every aim that was measured, and return those that were missed."""
    missed = [f"{name}: {reason}" for name, reason in bench.failures.items()]
    aims = list(AIMS)
    fixed = [name for name, runs in bench.runs.items() if name.startswith(f"{FAR}fixed") and runs]
    if fixed:
        best = min(fixed, key=lambda name: _seconds(bench, name))
        aims.append(Aim("0.8 of the best fixed size", f"{FAR}goodput from 1,000", best, 0.8))
    print()
    for aim in aims:
        if bench.runs.get(aim.ours) and bench.runs.get(aim.other):
            ratio = _seconds(bench, aim.other) / _seconds(bench, aim.ours)
            line = f"{aim.ours}: {ratio:.2f} × {aim.other} (aim {aim.at_least})"
            print(f"{'reached' if ratio >= aim.at_least else 'MISSED ':8} {line}")
            missed += [line] if ratio < aim.at_least else []
    for name, limit in MEMORY_MB.items():
        for run in bench.runs.get(name, []):
            missed += [f"{name}: {run.peak_mb:.0f} MB"] if run.peak_mb > limit else []
    return missed


def _seconds(bench: Bench, name: str) -> float:
    return median(run.seconds for run in bench.runs[name])


def print_table(bench: Bench, rows: int) -> None:
    """Print a line a program."""
    print(f"\n{'':52} {'seconds':>8} {'rows/s':>10} {'peak MB':>8} runs")
    for name, runs in bench.runs.items():
        if not runs:
            continue
        factor = 10 if f"{rows * 10:,}" in name else 3 if name.startswith(FAR) else 1
        seconds, peak = _seconds(bench, name), max(run.peak_mb for run in runs)
        print(f"{name:52} {seconds:8.2f} {rows * factor / seconds:10,.0f} {peak:8.0f} {len(runs)}")
    for name, reason in bench.failures.items():
        print(f"{name:52} FAILED: {reason}")


def main() -> None:
    """Run what the command line asks for; leave with 1 when a promised size misses an aim."""
    full = os.environ.get("SIZE") == "full"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000 if full else 100_000)
    parser.add_argument("--rounds", type=int, default=3 if full else 1)
    extra = {"bad": measure_bad_rows, "memory": measure_memory, "distance": measure_distance}
    usual = ["postgres", "files", "bad", *(["memory", "distance"] if full else [])]
    parser.add_argument("groups", nargs="*", default=usual, metavar="GROUP")
    options = parser.parse_args()
    unknown = set(options.groups) - {*GROUPS, *extra}
    if unknown:
        parser.error(f"no such group: {min(unknown)}; there are {', '.join([*GROUPS, *extra])}")
    peers = ["dlt", "sling", "ingestr-0.15.9"] if {"postgres", "files"} & {*options.groups} else []
    build_environments([*peers, *(["ingestr-0.14.0"] if "slow" in options.groups else [])])
    with running_postgres(SERVER) as server, tempfile.TemporaryDirectory() as folder:
        bench = Bench(server, Path(folder), options.rows)
        bench.make_source(options.rows)
        for _ in range(options.rounds):
            for group in options.groups:
                for case in GROUPS.get(group, []):
                    case(bench)
        for group in options.groups:
            if group in extra:
                extra[group](bench)
    print_table(bench, options.rows)
    if missed_aims(bench) and full:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
