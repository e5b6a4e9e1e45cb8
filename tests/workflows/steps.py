"""The `run:` steps of our workflows, taken out of the YAML and executed as GitHub would.

Steps with `uses:` are GitHub's own work and are not executed. Every `run:` step is either in a scenario
of `test_*.py` here or in `NOT_RUN` with the reason; `test_sound.py` holds that nothing is missing.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

REPOSITORY: Final = Path(__file__).parents[2]
_INSTALLS: Final = "downloads every locked requirement; the environment of these tests is that"
NOT_RUN: Final = {
    (".github/actions/install/action.yml", "Install trimtab"): _INSTALLS,
    (".github/workflows/release.yml", "Install the locked requirements"): _INSTALLS,
    (".github/workflows/release.yml", "Publish"): "publishes to PyPI, as only GitHub may",
    (".github/workflows/drift.yml", "Keep the issue"): "needs `gh` and issues on github.com",
    (".github/workflows/ci.yml", "Tests, linter, types, import contracts"): "that is this very run",
    (
        ".github/workflows/ci.yml",
        "What the tests start and pip does not have",
    ): "installs a package of the machine",
    (".github/workflows/ci.yml", "The demo"): "tests/e2e/test_demo.py plays it",
    (".github/workflows/ci.yml", "Build the site; a dead link fails it"): "tests/docs builds it",
    (".github/workflows/docs.yml", "Build the site; a dead link fails it"): "tests/docs builds it",
    (".github/workflows/policy.yml", "Check"): "judges a pull request on github.com",
    (".github/workflows/ci.yml", "It is on the path"): "follows the installation",
}
_EXPRESSION: Final = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


@dataclass(frozen=True)
class Step:
    file: str
    job: str
    name: str
    run: str
    env: Mapping[str, str]

    @property
    def key(self) -> tuple[str, str]:
        return self.file, self.name


@cache
def read(file: str) -> Any:
    return YAML(typ="safe").load(REPOSITORY / file)


def files() -> list[str]:
    found = [
        *REPOSITORY.glob(".github/workflows/*.yml"),
        *REPOSITORY.glob(".github/actions/*/action.yml"),
        REPOSITORY / "action.yml",
    ]
    return sorted(path.relative_to(REPOSITORY).as_posix() for path in found)


def steps(file: str) -> Iterator[Step]:
    """Yield the `run:` steps of a workflow or of a composite action, in order."""
    content = read(file)
    jobs = content.get("jobs") or {"": {"steps": content["runs"]["steps"]}}
    for job, described in jobs.items():
        for step in described.get("steps", []):
            if "run" in step:
                env = {**described.get("env", {}), **step.get("env", {})}
                yield Step(file, job, step["name"], step["run"], env)


def step_named(file: str, name: str) -> Step:
    (found,) = [step for step in steps(file) if step.name == name]
    return found


@dataclass
class Runner:
    """A runner: a workspace, files for what steps leave behind, and the contexts they see."""

    workspace: Path
    temp: Path
    contexts: Mapping[str, str]
    env: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.temp.mkdir(parents=True, exist_ok=True)
        tools = self.temp / "tools"
        tools.mkdir(exist_ok=True)
        if shutil.which("terraform") is None:
            shim = tools / "terraform"
            shim.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m bot.terraform.library "$@"\n')
            shim.chmod(0o755)
        for name in ("summary", "output", "path"):
            (self.temp / name).touch()

    def run(self, file: str, name: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """Execute one step as `shell: bash` does: stop at the first failure, in pipes too."""
        step = step_named(file, name)
        given = {key: self.resolve(str(value)) for key, value in step.env.items()}
        path = [str(self.temp / "tools"), str(Path(sys.executable).parent), os.environ["PATH"]]
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("GITHUB_")},
            **self.env,
            "GITHUB_ACTIONS": "true",
            "CI": "true",
            "GITHUB_STEP_SUMMARY": str(self.temp / "summary"),
            "GITHUB_OUTPUT": str(self.temp / "output"),
            "GITHUB_PATH": str(self.temp / "path"),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temp),
            "PATH": os.pathsep.join(path),
            **given,
            **env,
        }
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.run]
        return subprocess.run(
            command,
            cwd=self.workspace,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def succeed(self, file: str, name: str, **env: str) -> str:
        done = self.run(file, name, **env)
        assert done.returncode == 0, f"{file}: {name}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def resolve(self, text: str) -> str:
        """Replace expressions by what the contexts say; of `a || b`, the first that is there."""
        return _EXPRESSION.sub(lambda match: self._value(match[1]), text)

    def _value(self, expression: str) -> str:
        names = [name.strip() for name in expression.split("||")]
        unknown = set(names) - self.contexts.keys()
        assert not unknown, f"the scenario gives no {unknown}"
        return next((self.contexts[name] for name in names if self.contexts[name]), "")

    @property
    def outputs(self) -> dict[str, str]:
        lines = (self.temp / "output").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)
