from pathlib import Path

import pytest

from bot.domain.edit import Edit, Refusal
from bot.terraform.index import index
from bot.terraform.root import open_root
from bot.terraform.verify import Change, set_value

OLD, NEW = "0 0 * * * ? UTC", "0 15 3 * * ? UTC"
CRON = "schedule.cron_expression"


def connection(name: str, value: str) -> str:
    return (
        f'resource "airbyte_connection" "{name}" {{\n  schedule = {{\n'
        f'    schedule_type   = "cron"\n    cron_expression = {value}\n  }}\n}}\n'
    )


def read(name: str) -> str:
    return f'yamldecode(file("{name}")).cron'


def change(root: Path, address: str = "airbyte_connection.c") -> Edit | Refusal:
    return set_value(index(open_root(root)), Change(address, CRON, NEW, by_hand=True))


def assert_fan_out(found: Edit | Refusal, name: str) -> None:
    assert isinstance(found, Refusal), found
    assert found.reason.value == "fan_out"
    assert f"{name} is the same file" in found.detail


@pytest.mark.parametrize(
    ("mine", "theirs"), [("a.yaml", "b.yaml"), ("a.yaml", "x.yaml"), ("x.yaml", "a.yaml")]
)
def test_a_data_file_under_two_names_is_shared(tmp_path: Path, mine: str, theirs: str) -> None:
    (tmp_path / "x.yaml").write_text(f'cron: "{OLD}"\n')
    for link in ("a.yaml", "b.yaml"):
        (tmp_path / link).symlink_to("x.yaml")
    text = connection("c", read(mine)) + connection("d", read(theirs))
    (tmp_path / "main.tf").write_text(text)
    found = change(tmp_path)
    assert isinstance(found, Refusal), found
    assert found.reason.value == "fan_out"


def test_a_link_and_its_target_outside_of_the_root_are_one_file(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (tmp_path / "shared").mkdir()
    root.mkdir()
    (tmp_path / "shared" / "x.yaml").write_text(f'cron: "{OLD}"\n')
    (root / "a.yaml").symlink_to("../shared/x.yaml")
    other = connection("d", read("${path.module}/../shared/x.yaml"))
    (root / "main.tf").write_text(connection("c", read("a.yaml")) + other)
    assert_fan_out(change(root), "../shared/x.yaml")


def test_a_file_linked_into_a_module_is_shared(tmp_path: Path) -> None:
    (tmp_path / "loc.tf").write_text(f'locals {{\n  a = "{OLD}"\n}}\n')
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "loc.tf").symlink_to("../loc.tf")
    (tmp_path / "m" / "main.tf").write_text(connection("c", "local.a"))
    call = 'module "b" {\n  source = "./m"\n}\n'
    (tmp_path / "main.tf").write_text(connection("c", "local.a") + call)
    assert_fan_out(change(tmp_path), "m/loc.tf")


@pytest.mark.parametrize("is_initialised", [False, True])
def test_a_module_folder_under_two_names_is_shared(tmp_path: Path, is_initialised: bool) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "l").symlink_to("m")
    variable = f'variable "cron" {{\n  default = "{OLD}"\n}}\n'
    (tmp_path / "m" / "main.tf").write_text(connection("c", "var.cron") + variable)
    calls = 'module "a" {\n  source = "./m"\n}\nmodule "b" {\n  source = "./l"\n}\n'
    (tmp_path / "main.tf").write_text(calls)
    if is_initialised:
        (tmp_path / ".terraform" / "modules").mkdir(parents=True)
        modules = (
            '{"Modules":[{"Key":"","Source":"","Dir":"."},{"Key":"b","Source":"./l","Dir":"l"}]}'
        )
        (tmp_path / ".terraform" / "modules" / "modules.json").write_text(modules)
    found = change(tmp_path, "module.a.airbyte_connection.c")
    assert_fan_out(found, "l/main.tf")


def test_modules_behind_one_link_are_edited(tmp_path: Path) -> None:
    shared = tmp_path / "modules" / "m"
    shared.mkdir(parents=True)
    variable = f'variable "cron" {{\n  default = "{OLD}"\n}}\n'
    (shared / "main.tf").write_text(connection("c", "var.cron") + variable)
    root = tmp_path / "envs" / "dev"
    root.mkdir(parents=True)
    (root / "modules").symlink_to("../../modules")
    (root / "main.tf").write_text('module "a" {\n  source = "./modules/m"\n}\n')
    found = change(root, "module.a.airbyte_connection.c")
    assert isinstance(found, Edit), found


def test_what_terraform_passes_over_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".#main.tf").symlink_to("me@here.1234")
    (tmp_path / "x.tf").mkdir()
    (tmp_path / "main.tf").write_text(connection("c", f'"{OLD}"'))
    found = change(tmp_path)
    assert isinstance(found, Edit), found
