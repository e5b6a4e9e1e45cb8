"""A filesystem mirror that hands the stand-in to the real `terraform`, with no registry in reach."""

import os
import platform
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from bot.lab.provider import VERSIONS

_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def install(directory: Path, python: str = sys.executable) -> dict[str, str]:
    """Write a mirror with every version into `directory`, and the CLI configuration that names it.

    Args:
        directory: where to; made when missing, written over when there.
        python: an interpreter that has trimtab and `tf` installed.

    Returns:
        The environment variables to run `terraform` with.
    """
    directory = directory.resolve()
    target = f"{platform.system().lower()}_{_MACHINES.get(platform.machine().lower(), 'amd64')}"
    home = directory / "home"
    home.mkdir(parents=True, exist_ok=True)
    for version in VERSIONS:
        folder = directory / "registry.terraform.io" / "airbytehq" / "airbyte" / version / target
        folder.mkdir(parents=True, exist_ok=True)
        launcher = folder / f"terraform-provider-airbyte_v{version}"
        launcher.write_text(_launcher(python, version, home), encoding="utf-8")
        launcher.chmod(0o755)
    config = directory / "terraform.rc"
    config.write_text(_cli_config(directory), encoding="utf-8")
    return {
        "TF_CLI_CONFIG_FILE": str(config),
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
        "CHECKPOINT_DISABLE": "1",
    }


def environment(directory: Path, inherited: Mapping[str, str] | None = None) -> dict[str, str]:
    """Install the mirror and return a whole environment for a `terraform` process."""
    kept = dict(os.environ if inherited is None else inherited)
    return {**kept, **install(directory)}


def _launcher(python: str, version: str, home: Path) -> str:
    """Return the program.

    `tf` keeps its certificate in HOME, so it gets one of its own; `-P` keeps a folder called `bot`
    in somebody's Terraform root from being taken for ours.
    """
    return (
        "#!/bin/sh\n"
        f"HOME={shlex.quote(str(home))}\n"
        "export HOME\n"
        f"exec {shlex.quote(python)} -P -m bot.lab.provider {version}\n"
    )


def _cli_config(directory: Path) -> str:
    path = str(directory).replace("\\", "\\\\").replace('"', '\\"')
    return (
        "disable_checkpoint = true\n"
        "provider_installation {\n"
        "  filesystem_mirror {\n"
        f'    path    = "{path}"\n'
        '    include = ["registry.terraform.io/airbytehq/*"]\n'
        "  }\n"
        "  direct {\n"
        '    exclude = ["registry.terraform.io/airbytehq/*"]\n'
        "  }\n"
        "}\n"
    )
