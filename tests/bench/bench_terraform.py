"""Index a root of 10,000 connections, locate every schedule, and verify 50 edits.

The baseline is `hcl2.load` of the same files in the same run. Run as
`python -m tests.bench.bench_terraform [--connections N] [--files N]`.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import hcl2

from bot.domain.edit import Edit, Site
from bot.terraform.evaluation import evaluate
from bot.terraform.index import index
from bot.terraform.locate import locate
from bot.terraform.root import open_root
from bot.terraform.verify import Change, set_values

T = TypeVar("T")
CRON = ("schedule", "cron_expression")
EDITS = 50

VERSIONS = """terraform {
  required_providers {
    airbyte = {
      source  = "airbytehq/airbyte"
      version = "~> 1.2"
    }
  }
}
"""

LITERAL = """
resource "airbyte_connection" "c{n}" {{
  name           = "connection {n}"
  source_id      = airbyte_source.s{n}.source_id
  destination_id = "{n:08d}-0000-4000-8000-000000000000"
  status         = "active"

  schedule = {{
    schedule_type   = "cron"
    cron_expression = "0 {minute} * * * ? UTC"
  }}
}}

resource "airbyte_source" "s{n}" {{
  name         = "source {n}"
  workspace_id = var.workspace_id
  configuration = jsonencode({{
    num_workers = 3
    password    = var.password
  }})
}}
"""

ENTRY = """    c{n} = {{
      name        = "connection {n}"
      source      = "{n:08d}-0000-4000-8000-000000000001"
      destination = "{n:08d}-0000-4000-8000-000000000000"
      status      = "active"
      cron        = "0 {minute} * * * ? UTC"
      prefix      = "p{n}_"
      namespace   = "team_{minute}"
      tuning = {{
        num_workers = 3
      }}
    }}
"""

FOR_EACH = """
resource "airbyte_connection" "f{file}" {{
  for_each       = local.connections_{file}
  name           = each.value.name
  source_id      = each.value.source
  destination_id = each.value.destination
  status         = each.value.status

  schedule = {{
    schedule_type   = "cron"
    cron_expression = each.value.cron
  }}
}}
"""


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--files", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        addresses = build(root, arguments.connections, arguments.files)
        files = sorted(root.glob("*.tf"))
        lines = sum(path.read_bytes().count(b"\n") for path in files)
        print(f"{len(addresses):,} connections, {len(files)} files, {lines:,} lines")

        _, plain = timed(lambda: [hcl2.loads(path.read_text()) for path in files])
        known, reading = timed(lambda: index(open_root(root)))
        _, evaluation = timed(lambda: known.evaluation)
        resources, listing = timed(lambda: known.resources)
        sites, locating = timed(lambda: [locate(known, one, ".".join(CRON)) for one in addresses])
        assert all(isinstance(site, Site) for site in sites)
        assert len(resources) >= len(addresses)

        again, single = timed(lambda: evaluate(known.configuration))
        assert again.blocks == known.evaluation.blocks
        step = max(1, len(addresses) // EDITS)
        changes = [
            Change(one, ".".join(CRON), "0 7 3 * * ? UTC") for one in addresses[::step][:EDITS]
        ]
        edits, verifying = timed(lambda: set_values(known, changes))
        assert all(isinstance(edit, Edit) for edit in edits), edits

        whole = reading + evaluation + listing + locating
        report("plain hcl2.loads of every file", plain, plain)
        report("index: read", reading, plain)
        report("index: evaluate", evaluation, plain)
        report("index: list resources", listing, plain)
        report(f"locate {len(sites):,} schedules", locating, plain)
        report("whole index, with all located", whole, plain)
        report("one evaluation of the root", single, plain)
        report(f"{len(edits)} verified edits", verifying, plain)
        print(f"whole index / plain load:   {whole / plain:.2f}  (aim ≤ 0.20)")
        print(f"verified edits / evaluation: {verifying / single:.2f}  (aim ≤ 2)")
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        unit = 1 if sys.platform == "darwin" else 1024
        print(f"peak memory: {own * unit / 1e9:.2f} GB, evaluator {child * unit / 1e9:.2f} GB")


def build(root: Path, connections: int, files: int) -> list[str]:
    """Write the root: half of the files with a block per connection, half with `for_each`."""
    (root / "versions.tf").write_text(
        VERSIONS + 'variable "workspace_id" {}\nvariable "password" {\n  sensitive = true\n}\n'
    )
    addresses = []
    each = connections // files
    for file in range(files):
        numbers = range(file * each, (file + 1) * each)
        if file % 2:
            entries = "".join(ENTRY.format(n=n, minute=n % 60) for n in numbers)
            text = f"locals {{\n  connections_{file} = {{\n{entries}  }}\n}}\n"
            text += FOR_EACH.format(file=file)
            addresses += [f'airbyte_connection.f{file}["c{n}"]' for n in numbers]
        else:
            text = "".join(LITERAL.format(n=n, minute=n % 60) for n in numbers)
            addresses += [f"airbyte_connection.c{n}" for n in numbers]
        (root / f"team_{file:03d}.tf").write_text(text)
    return addresses


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """Run once; returns the result and the seconds it took."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def report(name: str, seconds: float, baseline: float) -> None:
    """Print one row."""
    print(f"{name:34} {seconds:8.2f} s  {seconds / baseline:6.2f} of plain")


if __name__ == "__main__":
    main()
