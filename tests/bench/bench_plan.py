"""A whole plan of a large fleet, by stage: `python -m tests.bench.bench_plan`.

10,000 connections, 90 days, a root of 200 files (SIZE=full; a tenth of it otherwise). The history is
put into the store at once, as `trimtab history import` would; then come a plan, one more day,
and a nightly plan that has to read that day over HTTP. The baseline is a plain `hcl2.loads` of the
root's files and the bare pages of the nightly day, in the same run.
"""

import gc
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bot.cli.main import GARBAGE_AFTER
from bot.cli.opening import open_job
from bot.domain.connection import WorkspaceId
from bot.history import mines, syncs
from bot.history.store import History
from bot.job import plan
from bot.lab import AuthMode, Lab
from bot.lab.declaration import declare
from bot.lab.jobs import KIND_NAMES, STATUS_NAMES, TERMINAL
from bot.pulls.git import Git

FULL: Final = os.environ.get("SIZE") == "full"
CONNECTIONS: Final = 10_000 if FULL else 1_000
FILES: Final = 200 if FULL else 20
DAYS: Final = 90
AIMS: Final = {"plan": 600.0, "nightly plan": 120.0}
MOST_GB: Final = 4.0
SETTINGS: Final = """\
version: 1
airbyte: {url: "%s", auth: none}
terraform:
  roots:
    - path: terraform
policies: policies
"""


def main() -> int:
    """Print the tables; return 1 when an aim is missed."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        begun = time.perf_counter()
        with Lab.start(seed=5, connections=CONNECTIONS, days=DAYS, auth=AuthMode.NONE) as lab:
            print(f"{CONNECTIONS:,} connections × {DAYS} days in {FILES} files", end="")
            set_up(lab, folder)
            print(f" (made in {time.perf_counter() - begun:.0f} s)")
            missed = measured("plan", folder)
            lab.advance(timedelta(days=1))
            missed += measured("nightly plan", folder)
            bare(lab, folder)
    own = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    print(f"peak memory of a plan: {own:.2f} GB (aim ≤ {MOST_GB})")
    return 1 if missed or own > MOST_GB else 0


def set_up(lab: Lab, folder: Path) -> None:
    """Write root, policies, settings and history."""
    (folder / "terraform").mkdir()
    declare(lab.world.fleet, folder / "terraform", FILES)
    shutil.copytree(Path(__file__).parents[2] / "policies", folder / "policies")
    (folder / "trimtab.yaml").write_text(SETTINGS % lab.url)
    (folder / ".gitignore").write_text(".trimtab/\n")
    git = Git(folder)
    git.run("init", "--quiet", "--initial-branch=main")
    git.run("add", "-A")
    git.run("commit", "--quiet", "-m", "everything")
    (folder / ".trimtab").mkdir()
    with History.open(folder / ".trimtab" / "history.duckdb") as history:
        table = table_of(lab)
        spaces = pa.array(
            [link.workspace_id for link in lab.world.fleet.by_index], pa.string()
        ).take(pa.array(lab.truth.table()["connection"]))
        for space in lab.world.fleet.workspaces:
            name = WorkspaceId(space)
            begun = mines.begin(history, name, lab.now, None)
            found = syncs.upsert_table(history, table.filter(pc.equal(spaces, space)), name)
            mines.finish(history, mines.advance(history, begun, lab.now, found), lab.now, ())


def table_of(lab: Lab) -> pa.Table:
    """Return every job of the lab as the store takes them."""
    columns = lab.truth.table()
    ended = columns["status"] >= TERMINAL
    length = np.where(ended, columns["updated"] - columns["created"], 0)
    waited = np.where(columns["started"] > 0, columns["started"] - columns["created"], 0)
    names = pa.array(lab.truth.connection_ids)
    return pa.table(
        {
            "job_id": columns["job_id"],
            "connection_id": pa.DictionaryArray.from_arrays(
                pa.array(columns["connection"], pa.int32()), names
            ),
            "kind": pa.DictionaryArray.from_arrays(
                pa.array(columns["kind"], pa.int32()), pa.array(KIND_NAMES)
            ),
            "status": pa.DictionaryArray.from_arrays(
                pa.array(columns["status"], pa.int32()), pa.array(STATUS_NAMES)
            ),
            "created_at": pa.array(columns["created"], pa.int64()).cast(pa.timestamp("s")),
            "updated_at": pa.array(columns["updated"], pa.int64(), mask=~ended).cast(
                pa.timestamp("s")
            ),
            "duration_seconds": pa.array(length, pa.int32(), mask=~ended),
            "queued_seconds": pa.array(waited, pa.int32(), mask=columns["started"] == 0),
            "rows": pa.array(columns["rows"], pa.int64()),
            "bytes": pa.array(columns["bytes"], pa.int64()),
        },
        schema=syncs.arrow_schema(),
    )


def measured(name: str, folder: Path) -> int:
    """Run one plan in a process of its own and print its stages; return 1 when it took too long."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "tests.bench.bench_plan", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(done.stdout, done.stderr)
        return 1
    whole = time.perf_counter() - begun
    print(f"{name}: {whole:.1f} s (aim ≤ {AIMS[name]:.0f} s at 10,000)")
    print(done.stdout, end="")
    return int(whole > AIMS[name])


def inside(folder: Path) -> None:
    """Plan, and print what each stage took."""
    gc.set_threshold(GARBAGE_AFTER)  # as every verb does
    with open_job(folder / "trimtab.yaml") as job:
        made = plan(job)
        for stage, seconds in job.stages.seconds.items():
            print(f"  {stage:12} {seconds:8.1f} s")
    print(f"  {len(made.advice):,} answers, {len(made.proposed):,} proposed, ", end="")
    print(f"{len(made.operations):,} operations, {len(made.withheld):,} withheld")


def bare(lab: Lab, folder: Path) -> None:
    """Print what the least that any tool has to do takes: parse the files, fetch one day's pages."""
    import hcl2

    begun = time.perf_counter()
    for path in sorted((folder / "terraform").glob("*.tf")):
        hcl2.loads(path.read_text())
    parsed = time.perf_counter() - begun
    since = (lab.now - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    begun, offset = time.perf_counter(), 0
    with httpx.Client() as client:
        while True:
            query = {"createdAtStart": since, "limit": "100", "offset": str(offset)}
            page = client.get(f"{lab.url}/jobs", params=query).json()["data"]
            offset += len(page)
            if len(page) < 100:
                break
    print(f"plain hcl2.loads of the root: {parsed:.1f} s", end="; ")
    print(f"one day's {offset:,} jobs, page by page: {time.perf_counter() - begun:.1f} s")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        inside(Path(sys.argv[1]))
    else:
        sys.exit(main())
