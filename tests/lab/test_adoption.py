"""The example root over a lab with a history, through the real terraform."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bot.airbyte.access import Access, Application
from bot.airbyte.client import Airbyte
from bot.domain.connection import Cron
from bot.domain.errors import TerraformError
from bot.lab import Lab
from bot.lab.adoption import adopt, describe, import_blocks
from bot.terraform.binary import find

SHIPPED = Path(__file__).parents[2] / "terraform"
WORKSPACE = "33333333-3333-4333-8333-333333333333"


@pytest.mark.slow
def test_a_root_adopts_a_fleet_with_history_and_then_governs_it(
    tmp_path: Path, terraform_environment: Mapping[str, str]
) -> None:
    shutil.copytree(SHIPPED, tmp_path / "terraform")
    given = {"TF_VAR_workspace_id": WORKSPACE}
    root = find(tmp_path / "terraform" / "examples" / "basic", {**terraform_environment, **given})
    root.init()
    (tmp_path / "scratch").mkdir()
    described = describe(root, tmp_path / "scratch")
    assert len(described.description.connections) == 16
    assert not (root.root / "terraform.tfstate").exists()

    with Lab.start(fleet=described.description, days=3) as lab:
        assert lab.world.engine.jobs.count > 50
        governed = replace(
            root,
            environment={
                **(root.environment or {}),
                "TF_VAR_airbyte_url": lab.url,
                "TF_VAR_airbyte_client_id": lab.client_id,
                "TF_VAR_airbyte_client_secret": lab.client_secret,
            },
        )
        access = Access.to(lab.url, Application(lab.client_id, lab.client_secret))
        with Airbyte(access) as airbyte:
            adopt(governed, described, airbyte)
        assert governed.plan(root.root / "plan") is False

        text = (root.root / "connections.tf").read_text()
        edited = text.replace('"0 0 0 * * ? UTC"', '"0 20 0 * * ? UTC"', 1)
        edited = edited.replace("{ num_workers = 10 }", "{ num_workers = 4 }", 1)
        (root.root / "connections.tf").write_text(edited)
        governed.apply()
        fleet = lab.world.fleet
        (billing,) = (one for one in fleet.connections.values() if one.name == "stripe-billing")
        assert billing.schedule == Cron("0 20 0 * * ?")
        assert fleet.sources[billing.source_id].knob("num_workers") == 4
        assert len(fleet.connections) == 16
        assert governed.plan(root.root / "plan") is False


def test_a_name_that_airbyte_does_not_have_is_told() -> None:
    with pytest.raises(TerraformError, match="nothing called b"):
        import_blocks({("source", "b"): "airbyte_source.b"}, {("source", "a"): "1"})
