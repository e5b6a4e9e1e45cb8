"""The demo: the whole job against a simulated fleet and a real git repository.

The fleet is what the example Terraform root declares: the root is indexed, and every connection
that it evaluates to exists in the lab under its name, with its schedule and its streams.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bot.domain.connection import Cron, Manual, Schedule
from bot.domain.cron import split_zone
from bot.domain.errors import InputError, TrimtabError
from bot.lab.description import Description, GivenConnection, GivenEndpoint
from bot.lab.fleet import uuid_of
from bot.lab.lab import Lab
from bot.pulls.git import Git
from bot.terraform.index import index
from bot.terraform.root import open_root

_SEED: Final = 7
_DAYS: Final = 42
_ROOT: Final = "terraform/examples/basic"
_MARKER: Final = ".trimtab-demo"
_SETTINGS: Final = """\
# Everything that trimtab has to know; the secrets come from the environment.
version: 1
airbyte:
  url: ${env:AIRBYTE_URL}
  client_id: ${env:AIRBYTE_CLIENT_ID}
  client_secret: ${env:AIRBYTE_CLIENT_SECRET}
terraform:
  roots:
    - path: terraform/examples/basic
policies: policies
"""
_POLICY: Final = """\
# The shipped defaults only report. The demo lets its whole fleet in, and shows all at once.
version: 1
pull_requests: {open_limit: 20, new_per_run: 20, per_team: 20}
defaults:
  phase: live
  limits: {schedule_shift: 30m, blast: {share: 100%}}
"""


@dataclass(frozen=True, slots=True)
class Demo:
    """A repository in `folder`, and the lab that its connections live in."""

    folder: Path
    lab: Lab

    def trimtab(self, *arguments: str) -> int:
        """Run a verb as a user would, in the repository, and return its exit code."""
        env = os.environ | {
            "AIRBYTE_URL": self.lab.url,
            "AIRBYTE_CLIENT_ID": self.lab.client_id,
            "AIRBYTE_CLIENT_SECRET": self.lab.client_secret,
        }
        command = [sys.executable, "-m", "bot.cli.main", *arguments]
        return subprocess.run(command, cwd=self.folder, env=env, check=False).returncode  # noqa: S603  our own verbs


@contextmanager
def set_up(folder: Path) -> Iterator[Demo]:
    """Make the repository in `folder` and start the lab; the repository stays, the lab ends.

    Raises:
        InputError: `folder` holds something that no demo has made.
    """
    _clear(folder)
    for name in ("terraform", "policies"):
        shutil.copytree(shipped(name), folder / name, ignore=shutil.ignore_patterns(".terraform*"))
    (folder / "trimtab.yaml").write_text(_SETTINGS, encoding="utf-8")
    (folder / "policies/demo.yaml").write_text(_POLICY, encoding="utf-8")
    (folder / ".gitignore").write_text(f".trimtab/\n{_MARKER}\n", encoding="utf-8")
    workspace = uuid_of(_SEED, "workspace", "demo")
    (folder / _ROOT / "demo.auto.tfvars").write_text(f'workspace_id = "{workspace}"\n')
    git = Git(folder)
    git.run("init", "--quiet", "--initial-branch=main")
    git.run("add", "-A")
    git.run("commit", "--quiet", "-m", "Everything starts at midnight")
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    fleet = describe(folder / _ROOT, workspace)
    with Lab.start(seed=_SEED, fleet=fleet, days=_DAYS, until=now) as lab:
        yield Demo(folder, lab)


def play(folder: Path, say: Callable[[str], None]) -> int:
    """Run the job twice on a fresh demo, and say what to look at; return the exit code."""
    with set_up(folder) as demo:
        history = demo.lab.truth.syncs()
        say(
            f"A simulated Airbyte answers on {demo.lab.url}: {_DAYS} days, {len(history):,} jobs.\n"
            f"A real git repository is in {folder}.\n\n$ trimtab run"
        )
        code = demo.trimtab("run")
        if code == 0:
            say("\nA second run has nothing to do:\n\n$ trimtab plan --detailed-exitcode")
            code = demo.trimtab("plan", "--detailed-exitcode")
    if code == 0:
        say(_what_next(folder))
    return code


def describe(root: Path, workspace_id: str) -> Description:
    """Describe the fleet that a Terraform root evaluates to.

    The root's connections belong to modules with a source each; which destination a connection
    writes to is known to Terraform only once it is applied, so that all of them write to the first.
    """
    indexed = index(open_root(root))
    by_address = {str(resource.address): resource.values for resource in indexed.resources}
    destinations: list[GivenEndpoint] = []
    sources: list[GivenEndpoint] = []
    connections: list[GivenConnection] = []
    for address, values in by_address.items():
        module, _, own = address.rpartition("airbyte_")
        if own.startswith("destination.this"):
            given = by_address[f"data.airbyte_connector_configuration.{own.replace('.this', '')}"]
            destinations.append(_endpoint(values["name"], given))
        elif own == "connection.this":
            given = by_address[f"{module}data.airbyte_connector_configuration.source"]
            name = values["name"]
            sources.append(_endpoint(name, given))
            connections.append(
                GivenConnection(name, name, "", _schedule(values["schedule"]), _modes(values))
            )
    first = destinations[0].name
    return Description(
        tuple(sources),
        tuple(destinations),
        tuple(replace(connection, destination=first) for connection in connections),
        workspace="demo",
        workspace_id=workspace_id,
    )


def _endpoint(name: str, given: dict[str, Any]) -> GivenEndpoint:
    connector = given["connector_name"].removeprefix("source-").removeprefix("destination-")
    return GivenEndpoint(name, connector, given["configuration"] or {})


def _modes(connection: dict[str, Any]) -> dict[str, str]:
    streams = (connection["configurations"] or {}).get("streams") or []
    return {stream["name"]: stream["sync_mode"] for stream in streams}


def _schedule(values: dict[str, str | None]) -> Schedule:
    written = values.get("cron_expression")
    if values.get("schedule_type") != "cron" or not isinstance(written, str):
        return Manual()
    expression, zone = split_zone(written)
    return Cron(expression, zone or "UTC")


def shipped(name: str) -> Path:
    """Return a folder that comes with trimtab: inside the installed package, or the checkout.

    Raises:
        TrimtabError: it is in neither.
    """
    package = Path(__file__).parent
    for folder in (package / "shipped" / name, package.parents[1] / name):
        if folder.is_dir():
            return folder
    raise TrimtabError(f"the folder {name}/ did not come with this installation of trimtab")


def _clear(folder: Path) -> None:
    if folder.exists():
        if any(folder.iterdir()) and not (folder / _MARKER).exists():
            raise InputError(
                f"{folder} is not empty, and no demo has made it",
                "Name another folder with --folder.",
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / _MARKER).touch()


def _what_next(folder: Path) -> str:
    git = f"git -C {_shown(folder)}"
    newest = ["--count=1", "--format=%(refname:short)", "refs/heads/trimtab"]
    branch = Git(folder).text("for-each-ref", *newest)
    return f"""
What to look at, in this order:

  One branch for each proposal:
    {git} log --oneline --branches='trimtab/*' --not main

  A pull request, as a reviewer reads it:
    {git} show refs/trimtab/pulls/1:body.md

  What it changes: one literal, and nothing else:
    {git} diff main {branch}
"""


def _shown(folder: Path) -> str:
    """Shorten a path that lies below where the reader stands."""
    return str(folder.relative_to(Path.cwd())) if folder.is_relative_to(Path.cwd()) else str(folder)
