"""From a Terraform root to a lab that it governs, as if the fleet had been there first.

A demo wants both: a fleet with months of history, and a root whose next plan says "no changes".
`describe` lets Terraform evaluate the root, `adopt` ties what a lab made of that to the root's
addresses, by name, with import blocks: the way a team adopts an Airbyte that it already has.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.airbyte.client import Airbyte
from bot.domain.connection import Cron, Manual, Schedule, WorkspaceId
from bot.domain.errors import TerraformError
from bot.lab.description import Description, GivenConnection, GivenEndpoint
from bot.terraform.binary import Terraform

IMPORTS = "imports.tf"
"""The file that `adopt` writes into the root; it may stay, as a record of what is what."""

Name = tuple[str, str]
"""(`connection`, `source` or `destination`; its name)."""


@dataclass(frozen=True, slots=True)
class Described:
    """The fleet that a root describes, and the address of each object in it."""

    description: Description
    addresses: Mapping[Name, str]


def describe(root: Terraform, scratch: Path, url_variable: str = "airbyte_url") -> Described:
    """Let Terraform evaluate a root, initialised, against a store of its own.

    Args:
        root: the root; its environment has the stand-in provider and values for its variables.
        scratch: an empty folder for the store and the state; the root is left as it is.
        url_variable: the variable of the root that holds the API's address.

    Raises:
        TerraformError: the root cannot be applied, or two objects of a kind share a name.
    """
    store, state = scratch / "store.json", scratch / "scratch.tfstate"
    root.apply(None, f"-state={state}", f"-var={url_variable}={store.resolve().as_uri()}")
    held = json.loads(store.read_text(encoding="utf-8"))
    addresses = _addresses(root.show(state)["values"]["root_module"])
    names = {
        one[f"{kind}Id"]: one["name"]
        for kind in ("source", "destination")
        for one in held.get(f"{kind}s", {}).values()
    }
    return Described(
        Description(
            sources=_endpoints(held, "source"),
            destinations=_endpoints(held, "destination"),
            connections=tuple(
                _connection(one, names) for one in held.get("connections", {}).values()
            ),
            workspace_id=next(
                (one["workspaceId"] for one in held.get("sources", {}).values()), None
            ),
        ),
        addresses,
    )


def adopt(root: Terraform, described: Described, airbyte: Airbyte) -> None:
    """Import the objects that an Airbyte has under the root's names, and settle what differs.

    Raises:
        TerraformError: an object is missing there, or the import fails.
    """
    workspace = WorkspaceId(described.description.workspace_id or "")
    ids: dict[Name, str] = {}
    ids |= {("source", one.name): one.id for one in airbyte.sources(workspace).items}
    ids |= {("destination", one.name): one.id for one in airbyte.destinations(workspace).items}
    ids |= {("connection", one.name): str(one.id) for one in airbyte.connections(workspace).items}
    (root.root / IMPORTS).write_text(import_blocks(described.addresses, ids), encoding="utf-8")
    root.apply()


def import_blocks(addresses: Mapping[Name, str], ids: Mapping[Name, str]) -> str:
    """Return one `import` block an address, in the order of the addresses.

    Raises:
        TerraformError: a name has no id.
    """
    missing = sorted(name for _, name in addresses.keys() - ids.keys())
    if missing:
        raise TerraformError(f"Airbyte has nothing called {', '.join(missing)}")
    blocks = [
        f'import {{\n  to = {address}\n  id = "{ids[name]}"\n}}\n'
        for name, address in sorted(addresses.items(), key=lambda item: item[1])
    ]
    return "\n".join(blocks)


def _addresses(module: Mapping[str, Any]) -> dict[Name, str]:
    found: dict[Name, str] = {}
    for resource in module.get("resources", ()):
        kind = resource["type"].removeprefix("airbyte_").partition("_")[0]
        if resource["mode"] != "managed" or kind not in {"connection", "source", "destination"}:
            continue
        name = (kind, resource["values"]["name"])
        if name in found:
            raise TerraformError(f"two {kind}s are called {name[1]}: {found[name]} and another")
        found[name] = resource["address"]
    for child in module.get("child_modules", ()):
        inner = _addresses(child)
        shared = found.keys() & inner.keys()
        if shared:
            raise TerraformError(f"two addresses share the name {min(shared)[1]}")
        found |= inner
    return found


def _endpoints(held: Mapping[str, Any], kind: str) -> tuple[GivenEndpoint, ...]:
    return tuple(
        GivenEndpoint(one["name"], one[f"{kind}Type"], one["configuration"])
        for one in held.get(f"{kind}s", {}).values()
    )


def _connection(one: Mapping[str, Any], names: Mapping[str, str]) -> GivenConnection:
    return GivenConnection(
        name=one["name"],
        source=names[one["sourceId"]],
        destination=names[one["destinationId"]],
        schedule=_schedule(one["schedule"]),
        streams={
            stream["name"]: stream.get("syncMode", "full_refresh_append")
            for stream in one["configurations"]["streams"]
        },
        status=one["status"],
    )


def _schedule(schedule: Mapping[str, Any]) -> Schedule:
    cron = schedule.get("cronExpression")
    return Manual() if cron is None else Cron(cron.removesuffix("UTC").strip())
