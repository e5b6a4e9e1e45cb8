from pathlib import Path
from typing import Any

import pytest

from bot.domain.connection import (
    Connection,
    ConnectionId,
    ConnectionStatus,
    Manual,
    SourceId,
    WorkspaceId,
)
from bot.domain.connection import DestinationId as Destination
from bot.terraform.identity import Evidence, Identified, Unidentified, identify, state_addresses
from bot.terraform.index import Index, index
from bot.terraform.root import open_root

ROOT = """resource "airbyte_connection" "a" {
  name = "${var.team}-orders"
}
variable "team" { default = "eu" }
resource "airbyte_connection" "b" {
  for_each = { x = "shared", "y z" = "shared" }
  name     = each.value
}
resource "airbyte_connection" "unset" {
  name = var.unset
}
variable "unset" {}
module "m" {
  source = "./m"
}
"""
CHILD = 'resource "airbyte_connection" "c" {\n  name = "orders copy"\n}\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "main.tf").write_text(ROOT)
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "main.tf").write_text(CHILD)
    return tmp_path


def opened(root: Path) -> Index:
    return index(open_root(root))


def connection(identity: str, name: str) -> Connection:
    return Connection(
        ConnectionId(identity),
        name,
        SourceId("s"),
        Destination("d"),
        WorkspaceId("w"),
        ConnectionStatus.ACTIVE,
        Manual(),
    )


def test_a_name_that_is_unique_on_both_sides_identifies(root: Path) -> None:
    found = identify(opened(root), [connection("1", "eu-orders"), connection("2", "orders copy")])
    assert found == [
        Identified(ConnectionId("1"), "airbyte_connection.a", Evidence.NAME),
        Identified(ConnectionId("2"), "module.m.airbyte_connection.c", Evidence.NAME),
    ]


def test_a_name_that_is_only_similar_does_not(root: Path) -> None:
    (found,) = identify(opened(root), [connection("1", "EU-orders")])
    assert isinstance(found, Unidentified)
    assert found.candidates == ()


def test_an_ambiguous_name_is_reported_with_the_candidates(root: Path) -> None:
    (found,) = identify(opened(root), [connection("1", "shared")])
    assert isinstance(found, Unidentified)
    assert found.candidates == ('airbyte_connection.b["x"]', 'airbyte_connection.b["y z"]')
    twins = identify(opened(root), [connection("1", "eu-orders"), connection("2", "eu-orders")])
    assert all(isinstance(one, Unidentified) for one in twins)


STATE_FILE = {
    "version": 4,
    "resources": [
        {
            "mode": "managed",
            "type": "airbyte_connection",
            "name": "b",
            "instances": [{"index_key": "y z", "attributes": {"connection_id": "1"}}],
        },
        {
            "module": "module.m",
            "mode": "managed",
            "type": "airbyte_connection",
            "name": "c",
            "instances": [{"attributes": {"connection_id": "2"}}],
        },
    ],
}
SHOWN = {
    "values": {
        "root_module": {
            "resources": [
                {
                    "address": 'airbyte_connection.b["y z"]',
                    "mode": "managed",
                    "type": "airbyte_connection",
                    "values": {"connection_id": "1"},
                }
            ],
            "child_modules": [
                {
                    "resources": [
                        {
                            "address": "module.m.airbyte_connection.c",
                            "mode": "managed",
                            "type": "airbyte_connection",
                            "values": {"connection_id": "2"},
                        }
                    ]
                }
            ],
        }
    }
}


@pytest.mark.parametrize("state", [STATE_FILE, SHOWN], ids=["state file", "terraform show"])
def test_state_beats_the_name(root: Path, state: dict[str, Any]) -> None:
    connections = [connection("1", "eu-orders"), connection("2", "whatever")]
    assert identify(opened(root), connections, state) == [
        Identified(ConnectionId("1"), 'airbyte_connection.b["y z"]', Evidence.STATE),
        Identified(ConnectionId("2"), "module.m.airbyte_connection.c", Evidence.STATE),
    ]
    assert dict(state_addresses({})) == {}


def test_the_mapping_beats_state_and_must_name_what_is_there(root: Path) -> None:
    connections = [connection("1", "x"), connection("2", "y")]
    mapping = {"1": "airbyte_connection.a", "2": "airbyte_connection.gone"}
    first, second = identify(opened(root), connections, STATE_FILE, mapping)
    assert first == Identified(ConnectionId("1"), "airbyte_connection.a", Evidence.MAPPING)
    assert isinstance(second, Unidentified)
    assert "does not have" in second.detail


def test_one_address_for_two_connections_goes_to_neither(root: Path) -> None:
    mapping = {"1": "airbyte_connection.a", "2": "airbyte_connection.a"}
    found = identify(opened(root), [connection("1", "x"), connection("2", "y")], None, mapping)
    assert all(isinstance(one, Unidentified) for one in found)


def test_import_blocks_identify(root: Path) -> None:
    (root / "imports.tf").write_text(
        'import {\n  to = airbyte_connection.a\n  id = "1"\n}\n'
        "import {\n  for_each = local.ids\n  to = airbyte_connection.b[each.key]\n"
        "  id = each.value\n}\n"
        'locals {\n  ids = { x = "2", "y z" = "3" }\n}\n'
    )
    found = identify(opened(root), [connection(i, "n") for i in "123"])
    assert [one.address for one in found if isinstance(one, Identified)] == [
        "airbyte_connection.a",
        'airbyte_connection.b["x"]',
        'airbyte_connection.b["y z"]',
    ]
    assert {one.evidence for one in found if isinstance(one, Identified)} == {Evidence.IMPORT}
