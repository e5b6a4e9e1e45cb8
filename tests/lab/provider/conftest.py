from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.terraform.binary import Terraform
from tests.roots import GENERIC, Roots, make_root


@pytest.fixture
def root(tmp_path: Path, terraform_environment: Mapping[str, str]) -> Roots:
    def make(body: str = GENERIC, **header: str) -> Terraform:
        return make_root(tmp_path / "root", terraform_environment, body, **header)

    return make
