"""The scene: a team's repository, the Airbyte that it governs, and the tools that people use there."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bot.domain.errors import InputError, TrimtabError
from bot.lab.bills import price_book
from bot.lab.declaration import declare
from bot.lab.demo.policies import write_policies
from bot.lab.lab import Lab, Setup
from bot.lab.provider.mirror import environment
from bot.pulls.git import Git
from bot.pulls.local import LocalForge
from bot.pulls.people import Person
from bot.terraform.binary import Terraform, find

SEED: Final = 7
CONNECTIONS: Final = 60
DAYS: Final = 90
ROOT: Final = "terraform"
MARKER: Final = ".trimtab-demo"
"""A folder of the demo's own: by it an earlier demo is told from somebody's work."""
_SETTINGS: Final = """\
# Everything that trimtab has to know; the secrets come from the environment.
version: 1
airbyte:
  url: ${env:AIRBYTE_URL}
  client_id: ${env:AIRBYTE_CLIENT_ID}
  client_secret: ${env:AIRBYTE_CLIENT_SECRET}
terraform:
  roots:
    - path: terraform
policies: policies
"""
_IGNORED: Final = (".trimtab/", f"{MARKER}/", ".terraform/", "*.tfstate", "*.tfstate.backup")


@dataclass(frozen=True, slots=True)
class Scene:
    """A repository in `folder`, the lab that its Terraform governs, and its setup."""

    folder: Path
    lab: Lab
    setup: Setup
    terraform: Terraform

    def trimtab(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a verb as a user would, in the repository, and return what it printed."""
        command = [sys.executable, "-m", "bot.cli.main", *arguments]
        return subprocess.run(  # noqa: S603  our own verbs
            command,
            cwd=self.folder,
            env=os.environ | self.credentials,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )

    @property
    def credentials(self) -> dict[str, str]:
        """Return what trimtab finds in its environment."""
        return {
            "AIRBYTE_URL": self.lab.url,
            "AIRBYTE_CLIENT_ID": self.lab.client_id,
            "AIRBYTE_CLIENT_SECRET": self.lab.client_secret,
        }

    def person(self, name: str) -> Person:
        """Return somebody who reviews, at the lab's present."""
        return Person(LocalForge(Git(self.folder), "main", self.lab.now), name)


@contextmanager
def set_up(folder: Path, connections: int = CONNECTIONS, days: int = DAYS) -> Iterator[Scene]:
    """Make the repository in `folder`, start the lab, and let Terraform take it over.

    The repository stays, the lab ends.

    Raises:
        InputError: `folder` holds something that no demo has made.
        TerraformError: there is no Terraform, or it fails.
    """
    _clear(folder)
    # The loop lives through some weeks, which end about today.
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=28)
    setup = Setup(seed=SEED, fleet=connections, days=days, until=until)
    with Lab(setup) as lab:
        fleet = lab.world.fleet
        root = folder / ROOT
        root.mkdir()
        declare(fleet, root)
        shutil.copytree(shipped("policies"), folder / "policies")
        write_policies(folder / "policies", fleet, price_book(fleet))
        (folder / "trimtab.yaml").write_text(_SETTINGS, encoding="utf-8")
        (folder / ".gitignore").write_text("\n".join(_IGNORED) + "\n", encoding="utf-8")
        given = {
            "TF_VAR_airbyte_url": lab.url,
            "TF_VAR_airbyte_client_id": lab.client_id,
            "TF_VAR_airbyte_client_secret": lab.client_secret,
        }
        terraform = find(root, environment(folder / MARKER / "mirror", os.environ | given))
        terraform.init()
        terraform.apply()
        git = Git(folder)
        git.run("init", "--quiet", "--initial-branch=main")
        git.run("add", "-A")
        git.run("commit", "--quiet", "-m", "Everything starts at midnight")
        yield Scene(folder, lab, setup, terraform)


def shipped(name: str) -> Path:
    """Return a folder that comes with trimtab: inside the installed package, or the checkout.

    Raises:
        TrimtabError: it is in neither.
    """
    lab = Path(__file__).parents[1]
    for folder in (lab / "shipped" / name, lab.parents[1] / name):
        if folder.is_dir():
            return folder
    raise TrimtabError(f"the folder {name}/ did not come with this installation of trimtab")


def _clear(folder: Path) -> None:
    if folder.exists():
        if any(folder.iterdir()) and not (folder / MARKER).exists():
            raise InputError(
                f"{folder} is not empty, and no demo has made it",
                "Name another folder with --folder.",
            )
        shutil.rmtree(folder)
    (folder / MARKER).mkdir(parents=True)
