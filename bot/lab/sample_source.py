"""The sample source: Airbyte's `source-faker`, as a command on this machine."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bot.domain.errors import InputError

COMMAND: Final = "source-faker"
PACKAGE: Final = "airbyte-source-faker==7.2.1"
STREAMS: Final = ("users", "purchases", "products")
_INSTALL_TIMEOUT_S: Final = 600


def find_command(given: str | None, say: Callable[[str], object]) -> str:
    """Return the path of a source connector's command, installing the sample source if need be.

    Without a `given` one it is `source-faker` on PATH, else that of an earlier installation under
    the user's cache folder, else one that pip installs there now, which `say` is told.

    Raises:
        InputError: the given command is not on PATH, or pip cannot install the sample source.
    """
    found = shutil.which(given or COMMAND)
    if found:
        return found
    if given:
        raise InputError(
            f"{given}: there is no such command",
            f"Without --command, {PACKAGE} is installed with pip into a folder of its own.",
        )
    return str(_installed(_cache() / PACKAGE.replace("==", "-"), say))


def _installed(folder: Path, say: Callable[[str], object]) -> Path:
    bins = folder / ("Scripts" if os.name == "nt" else "bin")
    # pip writes a package's commands last, so an installation that broke off has none.
    found = shutil.which(COMMAND, path=str(bins))
    if found:
        return Path(found)
    say(f"{COMMAND} is not on PATH: pip installs {PACKAGE} into {folder} (once)")
    _run(sys.executable, "-m", "venv", "--clear", str(folder))
    _run(str(bins / "python"), "-m", "pip", "install", "--quiet", PACKAGE)
    found = shutil.which(COMMAND, path=str(bins))
    if not found:
        raise InputError(f"{PACKAGE} is installed in {folder}, and brought no {COMMAND}")
    return Path(found)


def _run(*command: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603  Python's own tools
            command, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        said = f"not done after {_INSTALL_TIMEOUT_S // 60} minutes"
    else:
        if done.returncode == 0:
            return
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
        lines = errors or done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        said = lines[-1].removeprefix("ERROR: ")
    raise InputError(
        f"{PACKAGE} cannot be installed: {said}",
        "Install it where there is a network, on Python 3.10 to 3.12, and name its command with "
        "--command.",
    )


def _cache() -> Path:
    given = os.environ.get("XDG_CACHE_HOME")
    return (Path(given) if given else Path.home() / ".cache") / "trimtab"
