from pathlib import Path

import pytest

from bot.domain.edit import Refusal, Site
from bot.terraform.index import index
from bot.terraform.locate import locate
from bot.terraform.root import open_root
from bot.terraform.verify import Change, set_value

LOOP = """resource "airbyte_connection" "c" {
  for_each = local.conns
  schedule = {
    schedule_type   = "cron"
    cron_expression = each.value.cron
  }
}
locals {
  conns = {
    a = { cron = "0 5 * * * ? UTC" }
    b = { cron = "0 0 * * * ? UTC" }
  }
}
"""


def find(folder: Path, address: str, path: str, **files: str) -> Site | Refusal:
    for name, text in files.items():
        (folder / f"{name}.tf").write_text(text)
    return locate(index(open_root(folder)), address, path)


def test_the_trail_says_how_it_was_found(tmp_path: Path) -> None:
    found = find(tmp_path, 'airbyte_connection.c["b"]', "schedule.cron_expression", main=LOOP)
    assert isinstance(found, Site)
    assert found.trail == (
        "airbyte_connection.c.schedule.cron_expression",
        "each.value.cron",
        'local.conns["b"].cron',
    )
    assert (found.file, found.line, found.value) == ("main.tf", 11, "0 0 * * * ? UTC")
    assert LOOP[found.start : found.end] == found.literal == '"0 0 * * * ? UTC"'


def test_a_literal_that_several_share_is_still_located(tmp_path: Path) -> None:
    text = LOOP.replace("each.value.cron", "local.conns.a.cron")
    found = find(tmp_path, 'airbyte_connection.c["b"]', "schedule.cron_expression", main=text)
    assert isinstance(found, Site)
    assert found.line == 10


@pytest.mark.parametrize(
    ("address", "path", "reason"),
    [
        ("not an address", "schedule.cron_expression", "not_found"),
        ("airbyte_connection.nope", "schedule.cron_expression", "not_found"),
        ("module.nope.airbyte_connection.c", "schedule.cron_expression", "not_found"),
        ('airbyte_connection.c["z"]', "schedule.cron_expression", "absent"),
        ('airbyte_connection.c["b"]', "schedule", "computed"),
        ('airbyte_connection.c["b"]', "schedule.cron_expresion", "absent"),
        ('airbyte_connection.c["b"]', "status", "absent"),
        ('airbyte_connection.c["b"]', "..", "not_found"),
        ("airbyte_connection.c", "schedule.cron_expression", "ambiguous"),
        ("airbyte_connection.c[0]", "schedule.cron_expression", "absent"),
    ],
)
def test_what_is_not_there_is_refused_with_a_place(
    tmp_path: Path, address: str, path: str, reason: str
) -> None:
    found = find(tmp_path, address, path, main=LOOP)
    assert isinstance(found, Refusal)
    assert found.reason.value == reason, found
    assert (found.file, found.line is not None) == ("main.tf", True)
    assert found.snippet


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    found = find(
        tmp_path,
        "airbyte_connection.d",
        "status",
        main=LOOP,
        other='resource "x" "y" {\n  a = = 1\n',
    )
    assert isinstance(found, Refusal)
    assert (found.reason.value, found.file) == ("syntax", "other.tf")


def test_endless_references_end(tmp_path: Path) -> None:
    text = (
        LOOP.replace("each.value.cron", "local.x") + "locals {\n  x = local.y\n  y = local.x\n}\n"
    )
    found = find(tmp_path, 'airbyte_connection.c["b"]', "schedule.cron_expression", main=text)
    assert isinstance(found, Refusal)
    assert "itself" in found.detail


def test_a_refused_value_is_not_what_the_snippet_proposes(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(LOOP)
    change = Change('airbyte_connection.c["b"]', "schedule.cron_expression", "0 3 * * *")
    refusal = set_value(index(open_root(tmp_path)), change)
    assert isinstance(refusal, Refusal)
    assert refusal.snippet is not None
    assert "0 3 * * *" not in refusal.snippet
    assert "0 0 * * * ? UTC" in refusal.snippet
