"""Fixtures that several parts share."""

import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.lab.provider.mirror import environment
from bot.terraform.binary import Terraform, find
from tests.roots import make_root

# A shell that starts the tests in the background has them ignore Ctrl-C, and every child inherits it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def terraform_environment(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    return environment(tmp_path_factory.mktemp("mirror"))


@pytest.fixture(scope="session")
def applied_once(
    tmp_path_factory: pytest.TempPathFactory, terraform_environment: Mapping[str, str]
) -> Terraform:
    made = make_root(tmp_path_factory.mktemp("applied") / "root", terraform_environment)
    made.apply()
    return made


@pytest.fixture
def applied(applied_once: Terraform, tmp_path: Path) -> Terraform:
    """Return a root of the test's own that has been applied already."""
    origin = applied_once.root.parent
    shutil.copytree(origin, tmp_path, symlinks=True, dirs_exist_ok=True)
    main = tmp_path / "root" / "main.tf"
    main.write_text(main.read_text().replace(origin.as_uri(), tmp_path.as_uri()))
    return find(tmp_path / "root", applied_once.environment)
