"""Measure the plan check: `python -m tests.bench.bench_check_plan [--connections 10000]`.

Checks the plan of a branch that changes 50 crons against the plan of its target branch. The
baseline is `json.loads` of one of the two files; each runs in a process of its own, so that peak
memory is its own.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import process_time
from typing import Any

import click

CHANGED = 50
ROUNDS = 3
BEFORE, AFTER = "0 0 0 * * ? UTC", "0 20 0 * * ? UTC"


def values(number: int, cron: str) -> dict[str, Any]:
    stream = {"name": "s", "sync_mode": "incremental_append", "cursor_field": [], "mappers": []}
    return {
        "name": f"c{number}",
        "status": "active",
        "schedule": {"schedule_type": "cron", "cron_expression": cron, "basic_timing": None},
        "configurations": {"streams": [{**stream, "name": f"s{one}"} for one in range(10)]},
    }


def address(number: int) -> str:
    return f'module.connection["c{number}"].airbyte_connection.this'


def plan(connections: int, changed: int) -> dict[str, Any]:
    held = [values(number, BEFORE) for number in range(connections)]
    entries = [
        {
            "address": address(number),
            "mode": "managed",
            "type": "airbyte_connection",
            "name": "this",
            "provider_name": "registry.terraform.io/airbytehq/airbyte",
            "change": {
                "actions": ["update"] if number < changed else ["no-op"],
                "before": before,
                "after": values(number, AFTER) if number < changed else before,
                "after_unknown": {},
                "before_sensitive": {},
                "after_sensitive": {},
            },
        }
        for number, before in enumerate(held)
    ]
    return {
        "format_version": "1.2",
        "planned_values": {"values": held},
        "resource_changes": entries,
        "prior_state": {"values": held},
        "configuration": {},
    }


def write(folder: Path, connections: int) -> None:
    (folder / "branch.json").write_text(json.dumps(plan(connections, CHANGED)))
    (folder / "base.json").write_text(json.dumps(plan(connections, 0)))
    path = "schedule.cron_expression"
    changes = [
        {"address": address(number), "path": path, "before": BEFORE, "after": AFTER}
        for number in range(CHANGED)
    ]
    (folder / "proposal.json").write_text(json.dumps({"version": 1, "changes": changes}))


def load_one(folder: Path) -> None:
    json.loads((folder / "branch.json").read_bytes())


def check_two(folder: Path) -> None:
    from bot.terraform import guard, planfile, promise

    promises = promise.read(folder / "proposal.json")
    base = planfile.read(folder / "base.json")
    assert guard.check(planfile.read(folder / "branch.json"), promises, base).ok


TASKS = {"json.loads of one plan": load_one, "check of both plans": check_two}


@click.command()
@click.option("--connections", default=10_000, show_default=True, type=click.IntRange(CHANGED))
@click.option("--only", hidden=True)
@click.option("--folder", type=click.Path(path_type=Path), hidden=True)
def main(connections: int, only: str | None, folder: Path | None) -> None:
    """Print CPU seconds and peak memory of the check beside the baseline."""
    if only is not None and folder is not None:
        start = process_time()
        TASKS[only](folder)
        print(process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    with tempfile.TemporaryDirectory() as place:
        write(Path(place), connections)
        size = (Path(place) / "branch.json").stat().st_size / 1e6
        print(f"{connections:,} connections, {size:.0f} MB a plan, medians of {ROUNDS}")
        seen: dict[str, list[list[float]]] = {name: [] for name in TASKS}
        for _ in range(ROUNDS):
            for name, rounds in seen.items():
                command = [sys.executable, "-m", "tests.bench.bench_check_plan"]
                done = subprocess.run(
                    [*command, "--only", name, "--folder", place],
                    capture_output=True,
                    text=True,
                    check=True,
                )
                rounds.append([float(one) for one in done.stdout.split()])
        middles = {
            name: [statistics.median(column) for column in zip(*rounds, strict=True)]
            for name, rounds in seen.items()
        }
        baseline = middles["json.loads of one plan"]
        for name, (seconds, megabytes) in middles.items():
            ratio = seconds / baseline[0]
            print(f"{name:24} {seconds:6.2f} s CPU  {megabytes:6.0f} MB peak  x{ratio:.2f}")


if __name__ == "__main__":
    main()
