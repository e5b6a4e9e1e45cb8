from pathlib import Path

import pytest

from bot.domain.edit import Refusal, RefusalReason
from bot.terraform.endpoints import Role, endpoint_address
from bot.terraform.index import Index, index
from bot.terraform.root import open_root

ROOT = """
locals {
  connections = { a = { source = "shop" }, "b c" = { source = "crm" } }
}
resource "airbyte_source" "shop" {
  name = "Shop"
}
resource "airbyte_source" "each" {
  for_each = local.connections
  name     = each.key
}
resource "airbyte_destination_snowflake" "w" {
  name = "Warehouse"
}
resource "airbyte_connection" "plain" {
  source_id      = airbyte_source.shop.source_id
  destination_id = airbyte_destination_snowflake.w.destination_id
}
resource "airbyte_connection" "keyed" {
  for_each       = local.connections
  source_id      = airbyte_source.each[each.key].source_id
  destination_id = "7d0c2b3e-0000-4000-8000-000000000001"
}
resource "airbyte_connection" "told" {
  source_id      = "7d0c2b3e-0000-4000-8000-000000000002"
  destination_id = var.warehouse
}
resource "airbyte_connection" "computed" {
  source_id = upper(airbyte_source.shop.source_id)
}
variable "warehouse" {}
import {
  to = airbyte_source.shop
  id = "7d0c2b3e-0000-4000-8000-000000000002"
}
module "m" {
  source    = "./m"
  warehouse = airbyte_destination_snowflake.w.destination_id
}
"""
CHILD = """
variable "warehouse" {}
resource "airbyte_source" "this" {
  name = "inner"
}
resource "airbyte_connection" "this" {
  source_id      = airbyte_source.this.source_id
  destination_id = var.warehouse
}
"""


@pytest.fixture
def root(tmp_path: Path) -> Index:
    (tmp_path / "main.tf").write_text(ROOT)
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "main.tf").write_text(CHILD)
    return index(open_root(tmp_path))


def test_a_reference_to_a_block_names_it(root: Index) -> None:
    plain = "airbyte_connection.plain"
    assert endpoint_address(root, plain, "source") == "airbyte_source.shop"
    assert endpoint_address(root, plain, "destination") == "airbyte_destination_snowflake.w"


def test_instances_of_for_each_are_told_apart(root: Index) -> None:
    found = endpoint_address(root, 'airbyte_connection.keyed["b c"]', "source")
    assert found == 'airbyte_source.each["b c"]'


def test_what_is_inside_a_module_and_what_is_passed_into_it_are_followed(root: Index) -> None:
    inner = "module.m.airbyte_connection.this"
    assert endpoint_address(root, inner, "source") == "module.m.airbyte_source.this"
    assert endpoint_address(root, inner, "destination") == "airbyte_destination_snowflake.w"


def test_an_id_is_found_through_its_import_block(root: Index) -> None:
    assert endpoint_address(root, "airbyte_connection.told", "source") == "airbyte_source.shop"


@pytest.mark.parametrize(
    ("address", "role", "reason"),
    [
        ('airbyte_connection.keyed["a"]', "destination", RefusalReason.NOT_FOUND),
        ("airbyte_connection.told", "destination", RefusalReason.VARIABLE_FILE),
        ("airbyte_connection.computed", "source", RefusalReason.FUNCTION),
        ("airbyte_connection.computed", "destination", RefusalReason.NOT_FOUND),
        ("airbyte_connection.missing", "source", RefusalReason.NOT_FOUND),
    ],
)
def test_what_cannot_be_told_is_refused(
    root: Index, address: str, role: Role, reason: RefusalReason
) -> None:
    found = endpoint_address(root, address, role)
    assert isinstance(found, Refusal)
    assert found.reason is reason
