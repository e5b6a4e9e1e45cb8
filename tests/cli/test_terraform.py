import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = """resource "airbyte_connection" "c" {
  name = "orders"
  schedule = {
    schedule_type   = "cron"
    cron_expression = var.cron # hourly
  }
}
variable "cron" {}
resource "airbyte_source" "s" {
  name          = "s"
  configuration = jsonencode({ password = "hunter2", num_workers = 3 })
}
"""
NEW = "0 15 3 * * ? UTC"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "main.tf").write_text(ROOT)
    (tmp_path / "envs").mkdir()
    (tmp_path / "envs" / "prod.tfvars").write_text('# schedules\ncron = "0 0 * * * ? UTC"\n')
    return tmp_path


def run(*arguments: object) -> tuple[int, Any, str]:
    done = subprocess.run(
        [sys.executable, "-m", "bot.cli.main", "terraform", *map(str, arguments), "-o", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout or "null"), done.stderr


def test_locate_and_set_answer_in_their_stable_form(root: Path) -> None:
    target = (root, "airbyte_connection.c", "schedule.cron_expression")
    prod = ("--var-file", "envs/prod.tfvars")
    code, found, _ = run("locate", *target, *prod)
    place = {
        "file": "envs/prod.tfvars",
        "line": 2,
        "before": "0 0 * * * ? UTC",
        "trail": ["airbyte_connection.c.schedule.cron_expression", "var.cron"],
    }
    assert (code, found) == (0, place)
    code, edit, _ = run("set", *target, NEW, *prod)
    diff = (
        "--- a/envs/prod.tfvars\n+++ b/envs/prod.tfvars\n@@ -1,2 +1,2 @@\n # schedules\n"
        f'-cron = "0 0 * * * ? UTC"\n+cron = "{NEW}"\n'
    )
    assert (code, edit) == (0, {**place, "after": NEW, "diff": diff})
    file = root / "envs" / "prod.tfvars"
    assert "0 0 * * * ? UTC" in file.read_text()

    code, written, _ = run("set", *target, NEW, *prod, "--write")
    assert (code, written) == (0, edit)
    assert file.read_text() == f'# schedules\ncron = "{NEW}"\n'


def test_a_refusal_exits_with_one_and_says_where_to_edit(root: Path) -> None:
    code, answer, _ = run("set", root, "airbyte_connection.c", "schedule.cron_expression", NEW)
    refused = answer["refused"]
    assert code == 1
    assert set(refused) == {"reason", "detail", "file", "line", "snippet"}
    assert (refused["reason"], refused["file"], refused["line"]) == (
        "variable_without_value",
        "main.tf",
        8,
    )
    assert "envs/prod.tfvars" in refused["detail"]
    assert refused["snippet"] == f'cron = "{NEW}"'


def test_index_lists_values_and_hides_secrets(root: Path) -> None:
    code, answer, _ = run("index", root, "--var-file", "envs/prod.tfvars")
    assert code == 0
    by_address = {row["address"]: row for row in answer["resources"]}
    connection = by_address["airbyte_connection.c"]
    assert (connection["file"], connection["line"]) == ("main.tf", 1)
    assert connection["values"]["schedule"]["cron_expression"] == "0 0 * * * ? UTC"
    source = by_address["airbyte_source.s"]["values"]["configuration"]
    assert source == {"num_workers": 3, "password": "(hidden)"}
    assert "hunter2" not in json.dumps(answer)


def test_a_secret_beside_the_literal_is_not_printed(root: Path) -> None:
    code, edit, _ = run("set", root, "airbyte_source.s", "configuration.num_workers", "7")
    assert code == 0
    assert "hunter2" not in json.dumps(edit)
    assert "num_workers = 7" in edit["diff"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("locate", "{root}/nope", "airbyte_connection.c", "status"), 1, "is not a folder"),
        (
            ("locate", "{root}/envs", "airbyte_connection.c", "status"),
            1,
            "holds no Terraform files",
        ),
        (("index", "{root}", "--var-file", "nope.tfvars"), 1, "there is no variable file"),
        (("locate", "{root}"), 2, "Missing argument"),
    ],
)
def test_bad_input_gets_one_sentence(
    root: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    got, answer, error = run(*(word.format(root=root) for word in arguments))
    assert (got, answer) == (code, None)
    assert said in error
    assert "Traceback" not in error


@pytest.mark.parametrize("bad", [1, 2, 3])
def test_text_that_is_not_utf8_is_refused_in_one_sentence(root: Path, bad: int) -> None:
    words: list[Any] = [root, "airbyte_connection.c", "name", "x"]
    words[bad] = b"\xff"
    before = (root / "main.tf").read_bytes()
    done = subprocess.run(
        [sys.executable, "-m", "bot.cli.main", "terraform", "set", *words, "--write"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert b"is not valid UTF-8" in done.stderr
    assert b"bug" not in done.stderr
    assert (root / "main.tf").read_bytes() == before
