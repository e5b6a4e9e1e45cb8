"""The shipped module and example root, under the real terraform."""

import re
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hcl2
import pytest

from bot.domain.cron import parse
from bot.knobs.catalogue import load
from bot.terraform.binary import Terraform, find
from tests.roots import plan_of

SHIPPED = Path(__file__).parents[2] / "terraform"
FOLDERS = [
    pytest.param(SHIPPED / "modules" / "airbyte-connection", id="module"),
    pytest.param(SHIPPED / "examples" / "basic", id="example"),
]


@pytest.fixture(scope="module")
def example(
    tmp_path_factory: pytest.TempPathFactory, terraform_environment: Mapping[str, str]
) -> Terraform:
    folder = tmp_path_factory.mktemp("example")
    shutil.copytree(SHIPPED, folder / "terraform")
    given = {
        "TF_VAR_airbyte_url": (folder / "store.json").as_uri(),
        "TF_VAR_workspace_id": "33333333-3333-4333-8333-333333333333",
    }
    made = find(folder / "terraform" / "examples" / "basic", {**terraform_environment, **given})
    made.init()
    return made


@pytest.fixture(scope="module")
def planned(example: Terraform) -> dict[str, Any]:
    return plan_of(example)


def connections(planned: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        one["address"]: one["change"]["after"]
        for one in planned["resource_changes"]
        if one["type"] == "airbyte_connection"
    }


def test_everything_shipped_is_formatted(terraform_environment: Mapping[str, str]) -> None:
    assert find(SHIPPED, terraform_environment).fmt_check() == ()


def test_every_connection_has_one_name_and_its_address_carries_it(planned: dict[str, Any]) -> None:
    found = connections(planned)
    assert len(found) >= 12
    names = [values["name"] for values in found.values()]
    assert len(set(names)) == len(names)
    keyed = {address: values["name"] for address, values in found.items() if "[" in address}
    assert len(keyed) >= 12
    for address, name in keyed.items():
        assert address == f'module.connection["{name}"].airbyte_connection.this'


def test_there_is_something_to_improve_several_start_at_the_same_minute(
    planned: dict[str, Any],
) -> None:
    crons = Counter(
        values["schedule"].get("cron_expression") for values in connections(planned).values()
    )
    assert crons["0 0 0 * * ? UTC"] >= 5
    for cron in crons:
        if cron is not None:
            assert cron.endswith(" UTC")
            parse(cron.removesuffix(" UTC"))


def test_every_tuning_option_of_the_example_is_a_knob_that_may_hold_its_value() -> None:
    text = (SHIPPED / "examples" / "basic" / "connections.tf").read_text()
    entries = hcl2.loads(text)["locals"][0]["connections"]
    turned = 0
    for entry in entries.values():
        if not isinstance(entry, dict):
            continue
        for path, value in entry["tuning"].items():
            if path.startswith("__"):
                continue
            plain = value.strip('"') if isinstance(value, str) else value
            knob = load().find(entry["connector"].strip('"'), path)
            assert knob is not None, path
            assert knob.objection(plain) is None, path
            turned += 1
    assert turned >= 8


def test_what_is_applied_plans_no_further_change_and_names_every_connection(
    example: Terraform, planned: dict[str, Any]
) -> None:
    example.apply(example.root / "plan")
    assert example.plan(example.root / "again") is False
    ids = example.state()["values"]["outputs"]["connection_ids"]["value"]
    assert set(ids) == {values["name"] for values in connections(planned).values()}
    assert len(set(ids.values())) == len(ids)


@pytest.mark.slow
def test_the_modules_own_tests_pass(
    tmp_path: Path, terraform_environment: Mapping[str, str]
) -> None:
    folder = tmp_path / "module"
    shutil.copytree(SHIPPED / "modules" / "airbyte-connection", folder)
    made = find(folder, terraform_environment)
    made.init()
    made.validate()
    done = made.run("test", "-no-color")
    assert done.ok, done.stdout + done.stderr
    assert re.search(r"Success! (\d+) passed, 0 failed", done.stdout)


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_readme_lists_every_variable_and_output_with_its_default(folder: Path) -> None:
    readme = (folder / "README.md").read_text()
    blocks: dict[str, dict[str, Any]] = {"variable": {}, "output": {}}
    for file in folder.glob("*.tf"):
        parsed = hcl2.loads(file.read_text())
        for kind, found in blocks.items():
            for block in parsed.get(kind, []):
                found.update({name.strip('"'): body for name, body in block.items()})
    rows = dict(re.findall(r'^\| <a name="(\w+)"></a> .* \| (yes|no) \|$', readme, re.MULTILINE))
    required = {
        f"input_{name}": "no" if "default" in body else "yes"
        for name, body in blocks["variable"].items()
    }
    assert rows == required
    outputs = set(re.findall(r'<a name="output_(\w+)"></a>', readme))
    assert outputs == set(blocks["output"])
