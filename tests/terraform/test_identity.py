import json
from pathlib import Path

import pytest

from bot.domain.connection import (
    Connection,
    ConnectionId,
    ConnectionStatus,
    DestinationId,
    Manual,
    SourceId,
    WorkspaceId,
)
from bot.domain.edit import Refusal, RefusalReason
from bot.domain.errors import TerraformError
from bot.terraform.identity import Known, identify, read_state
from bot.terraform.index import Index, index
from bot.terraform.root import open_root

PROVIDER = 'terraform {\n  required_providers {\n    airbyte = { source = "%s" }\n  }\n}\n'
RESOURCE = """
resource "airbyte_connection" "{label}" {{
  name           = "{name}"
  source_id      = "s"
  destination_id = "d"
}}
"""


def connection(key: str, name: str) -> Connection:
    return Connection(
        ConnectionId(key),
        name,
        SourceId("s"),
        DestinationId("d"),
        WorkspaceId("w"),
        ConnectionStatus.ACTIVE,
        Manual(),
    )


def root(
    folder: Path, *resources: tuple[str, str], more: str = "", source: str = "airbytehq/airbyte"
) -> Index:
    blocks = "".join(RESOURCE.format(label=label, name=name) for label, name in resources)
    (folder / "main.tf").write_text(PROVIDER % source + blocks + more)
    return index(open_root(folder))


def refusal(found: object) -> Refusal:
    assert isinstance(found, Refusal)
    return found


def test_a_name_that_is_unique_on_both_sides_identifies(tmp_path: Path) -> None:
    found = identify(root(tmp_path, ("a", "Orders")), [connection("1", "Orders")], Known())
    assert found == {"1": "airbyte_connection.a"}


def test_names_are_compared_as_they_are(tmp_path: Path) -> None:
    assert identify(root(tmp_path, ("a", "Orders")), [connection("1", "orders")], Known()) == {}


def test_namesakes_in_airbyte_are_told_apart_by_nobody(tmp_path: Path) -> None:
    fleet = [connection("1", "Orders"), connection("2", "Orders")]
    found = identify(root(tmp_path, ("a", "Orders")), fleet, Known())
    told = refusal(found[ConnectionId("1")])
    assert told.reason is RefusalReason.AMBIGUOUS
    assert "2 connections in Airbyte are named 'Orders'" in told.detail
    assert told.snippet == "terraform:\n  connections:\n    1: <one of them>"


def test_namesakes_in_terraform_are_listed_as_candidates(tmp_path: Path) -> None:
    tf = root(tmp_path, ("a", "Orders"), ("b", "Orders"))
    told = refusal(identify(tf, [connection("1", "Orders")], Known())[ConnectionId("1")])
    assert "airbyte_connection.a, airbyte_connection.b" in told.detail


def test_what_the_team_wrote_down_beats_state_imports_and_names(tmp_path: Path) -> None:
    more = 'import {\n  to = airbyte_connection.b\n  id = "1"\n}\n'
    tf = root(tmp_path, ("a", "Orders"), ("b", "B"), ("c", "C"), ("d", "D"), more=more)
    fleet = [connection("1", "Orders")]
    written = Known({"1": "airbyte_connection.d"}, {"1": "airbyte_connection.c"})
    assert identify(tf, fleet, written) == {"1": "airbyte_connection.d"}
    assert identify(tf, fleet, Known(state=written.state)) == {"1": "airbyte_connection.c"}
    assert identify(tf, fleet, Known()) == {"1": "airbyte_connection.b"}


def test_an_address_that_is_claimed_by_id_is_no_candidate_by_name(tmp_path: Path) -> None:
    tf = root(tmp_path, ("a", "Orders"))
    fleet = [connection("1", "Orders (old)"), connection("2", "Orders")]
    found = identify(tf, fleet, Known(state={"1": "airbyte_connection.a"}))
    assert found == {"1": "airbyte_connection.a"}


def test_a_written_address_of_another_root_is_left_to_that_root(tmp_path: Path) -> None:
    known = Known({"1": "module.elsewhere.airbyte_connection.x"})
    assert identify(root(tmp_path, ("a", "Orders")), [connection("1", "Orders")], known) == {}


def test_a_look_alike_provider_is_refused_by_name(tmp_path: Path) -> None:
    tf = root(tmp_path, ("a", "Orders"), source="aballiet/airbyte-oss")
    told = refusal(identify(tf, [connection("1", "Orders")], Known())[ConnectionId("1")])
    assert told.reason is RefusalReason.FOREIGN_PROVIDER
    assert "aballiet/airbyte-oss" in told.detail


def test_names_from_for_each_are_evaluated(tmp_path: Path) -> None:
    more = (
        'resource "airbyte_connection" "each" {\n  for_each = toset(["x", "y"])\n'
        '  name = "team-${each.key}"\n  source_id = "s"\n  destination_id = "d"\n}\n'
    )
    found = identify(root(tmp_path, more=more), [connection("1", "team-y")], Known())
    assert found == {"1": 'airbyte_connection.each["y"]'}


ATTRIBUTES = {"connection_id": "1", "name": "Orders"}


def test_state_is_read_from_what_terraform_shows(tmp_path: Path) -> None:
    resource = {
        "type": "airbyte_connection",
        "address": 'module.m["k"].airbyte_connection.a',
        "values": ATTRIBUTES,
    }
    shown = {
        "format_version": "1.0",
        "values": {"root_module": {"child_modules": [{"resources": [resource]}]}},
    }
    (tmp_path / "state.json").write_text(json.dumps(shown))
    assert read_state(tmp_path / "state.json") == {"1": 'module.m["k"].airbyte_connection.a'}


def test_a_state_before_the_first_apply_names_nobody(tmp_path: Path) -> None:
    (tmp_path / "s").write_text('{"format_version": "1.0"}')
    assert read_state(tmp_path / "s") == {}


def test_state_is_read_from_a_state_file(tmp_path: Path) -> None:
    resource = {
        "mode": "managed",
        "type": "airbyte_connection",
        "name": "a",
        "module": "module.m",
        "instances": [{"index_key": "k", "attributes": ATTRIBUTES}],
    }
    (tmp_path / "s").write_text(json.dumps({"version": 4, "resources": [resource]}))
    assert read_state(tmp_path / "s") == {"1": 'module.m.airbyte_connection.a["k"]'}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"resources": [{"type": "airbyte_connection"}]}', "null"]
)
def test_what_is_no_state_says_how_to_make_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "s").write_text(text)
    with pytest.raises(TerraformError, match="this is no Terraform state") as caught:
        read_state(tmp_path / "s")
    assert "terraform show -json" in caught.value.hint
