"""The closed loop's last step: the real terraform, over the stand-in provider, moves the lab."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.connection import Cron
from bot.lab import Description, Lab
from bot.terraform.binary import Terraform
from tests.roots import GENERIC, make_root, plan_of, rewrite

pytestmark = pytest.mark.slow
WORKSPACE = "33333333-3333-4333-8333-333333333333"


@pytest.fixture
def lab() -> Iterator[Lab]:
    empty = Description((), (), (), workspace_id=WORKSPACE)
    with Lab.start(fleet=empty, days=2) as lab:
        yield lab


@pytest.fixture
def root(lab: Lab, tmp_path: Path, terraform_environment: Mapping[str, str]) -> Terraform:
    address = f'{lab.url}"\n  client_id = "{lab.client_id}"\n  client_secret = "{lab.client_secret}'
    return make_root(tmp_path / "root", terraform_environment, GENERIC, url=address)


def test_what_terraform_applies_is_what_runs(lab: Lab, root: Terraform) -> None:
    root.apply()
    (link,) = lab.world.fleet.connections.values()
    assert link.schedule == Cron("0 0 6 * * ?")
    (source,) = lab.world.fleet.sources.values()
    assert source.connector.name == "stripe"
    assert source.configuration["client_secret"] == "hush"

    lab.advance(timedelta(days=2))
    rewrite(root, "0 0 6 * * ? UTC", "0 20 14 * * ? UTC")
    rewrite(root, "num_workers = 10", "num_workers = 5")
    root.apply()
    lab.advance(timedelta(days=2))
    hours = [sync.created_at.strftime("%H:%M") for sync in lab.truth.syncs()]
    assert hours == ["06:00", "06:00", "14:20", "14:20"]
    assert source.configuration["num_workers"] == 5
    assert plan_is_empty(root)


def plan_is_empty(root: Terraform) -> bool:
    actions = [one["change"]["actions"] for one in plan_of(root)["resource_changes"]]
    return all(action in (["no-op"], ["read"]) for action in actions)
