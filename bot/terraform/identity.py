"""Identity: which Terraform address manages which Airbyte connection.

Four kinds of evidence, the strongest first: what the team wrote down, Terraform's own state,
import blocks, and a name that is unique on both sides. Nothing is ever matched by similarity.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.domain.connection import Connection, ConnectionId
from bot.domain.errors import InputError
from bot.terraform.address import Address, ModuleStep, parse_address
from bot.terraform.evaluation import UNSET
from bot.terraform.hcl import Block
from bot.terraform.index import Index
from bot.terraform.scope import Instance, Scope
from bot.terraform.syntax import Attribute, Expression, Literal, Name
from bot.terraform.syntax import Index as Subscript

CONNECTION = "airbyte_connection"


class Evidence(StrEnum):
    """What says that a connection and an address belong together."""

    MAPPING = "trimtab.yaml"
    STATE = "state"
    IMPORT = "import block"
    NAME = "unique name"


@dataclass(frozen=True, slots=True)
class Identified:
    """A connection whose address is known."""

    connection: ConnectionId
    address: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Unidentified:
    """A connection whose address cannot be told; `candidates` are the addresses it could be."""

    connection: ConnectionId
    detail: str
    candidates: tuple[str, ...] = ()


def identify(
    index: Index,
    connections: Sequence[Connection],
    state: Mapping[str, Any] | None = None,
    mapping: Mapping[str, str] | None = None,
) -> list[Identified | Unidentified]:
    """Match connections to the addresses of a root, in the order of `connections`.

    `state` is the JSON of `terraform show -json` or of a state file, `mapping` goes from
    connection id to address. An address that evidence gives to two connections goes to neither.
    """
    known = _addresses(index)
    by_id: dict[str, tuple[str, Evidence]] = {}
    for found, evidence in (
        (_by_name(connections, known), Evidence.NAME),
        (dict(imported(index)), Evidence.IMPORT),
        (dict(state_addresses(state or {})), Evidence.STATE),
        (dict(mapping or {}), Evidence.MAPPING),
    ):
        by_id |= {connection: (address, evidence) for connection, address in found.items()}
    wanted = {connection.id for connection in connections}
    owners: dict[str, list[str]] = {}
    for connection_id, (address, _evidence) in by_id.items():
        if connection_id in wanted:
            owners.setdefault(address, []).append(connection_id)
    return [_judge(connection, by_id, owners, known) for connection in connections]


def state_addresses(state: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Read connection ids and addresses from `terraform show -json`, or from a state file."""
    if "values" in state or "planned_values" in state:
        values = state.get("values") or state.get("prior_state", {}).get("values", {})
        yield from _shown(values.get("root_module", {}))
        return
    for resource in state.get("resources", []):
        if resource.get("type") == CONNECTION and resource.get("mode") == "managed":
            module = resource.get("module")
            for instance in resource.get("instances", []):
                identity = (instance.get("attributes") or {}).get("connection_id")
                address = Address((), "resource", CONNECTION, resource["name"], _key(instance))
                if identity:
                    yield identity, f"{module}.{address}" if module else str(address)


def _shown(module: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for resource in module.get("resources", []):
        identity = (resource.get("values") or {}).get("connection_id")
        if resource.get("type") == CONNECTION and resource.get("mode") == "managed" and identity:
            yield identity, resource["address"]
    for child in module.get("child_modules", []):
        yield from _shown(child)


def _key(instance: Mapping[str, Any]) -> str | int | None:
    key = instance.get("index_key")
    return key if isinstance(key, str | int) else None


def _addresses(index: Index) -> dict[str, str | None]:
    """Return every connection of the root that trimtab may edit, with its evaluated name."""
    found: dict[str, str | None] = {}
    for resource in index.resources:
        if resource.address.type == CONNECTION and resource.provider.is_known:
            name = resource.values.get("name")
            is_known = isinstance(name, str) and UNSET not in name and "${" not in name
            found[str(resource.address)] = name if is_known else None
    return found


def _by_name(
    connections: Sequence[Connection], addresses: Mapping[str, str | None]
) -> dict[str, str]:
    ours: dict[str, list[str]] = {}
    for address, name in addresses.items():
        if name is not None:
            ours.setdefault(name, []).append(address)
    theirs: dict[str, list[str]] = {}
    for connection in connections:
        theirs.setdefault(connection.name, []).append(connection.id)
    return {
        ids[0]: ours[name][0]
        for name, ids in theirs.items()
        if len(ids) == 1 and len(ours.get(name, [])) == 1
    }


def imported(index: Index) -> Iterator[tuple[str, str]]:
    """Read `import { to = …, id = … }` as (id, address), `for_each` included."""
    top = index.configuration.top
    for block in top.module.imports:
        for scope in _scopes(index, block, top):
            to, identity = block.value("to"), block.value("id")
            if to is not None and identity is not None:
                address = _target(index, to, scope)
                value = index.resolver.constant(identity, scope)
                if address is not None and isinstance(value, str):
                    yield value, address


def _scopes(index: Index, block: Block, top: Instance) -> list[Scope]:
    collection = block.value("for_each")
    if collection is None:
        return [Scope(top)]
    elements = index.resolver.elements(collection, Scope(top))
    if not isinstance(elements, list):
        return []
    return [Scope(top, key, collection) for key, _element in elements]


def _target(index: Index, to: Expression, scope: Scope) -> str | None:
    """Write the address that `to` refers to; None when a key cannot be told."""
    if isinstance(to, Literal):
        return str(to.value)
    if isinstance(to, Name):
        return to.name
    if isinstance(to, Attribute):
        base = _target(index, to.base, scope)
        return None if base is None else f"{base}.{to.name}"
    if isinstance(to, Subscript):
        base, key = _target(index, to.base, scope), index.resolver.constant(to.key, scope)
        if base is not None and isinstance(key, str | int):
            return base + str(ModuleStep("", key)).removeprefix("module.")
    return None


def _judge(
    connection: Connection,
    by_id: Mapping[str, tuple[str, Evidence]],
    owners: Mapping[str, list[str]],
    known: Mapping[str, str | None],
) -> Identified | Unidentified:
    found = by_id.get(connection.id)
    if found is None:
        same = tuple(address for address, name in known.items() if name == connection.name)
        if len(same) > 1:
            detail = f"{len(same)} addresses have the name {connection.name!r}"
        elif same:
            detail = f"several connections have the name {connection.name!r}"
        else:
            detail = (
                f"no address has the name {connection.name!r}, and no state or mapping was given"
            )
        return Unidentified(connection.id, detail, same)
    address, evidence = found
    if len(owners[address]) > 1:
        others = ", ".join(sorted(set(owners[address]) - {connection.id}))
        return Unidentified(connection.id, f"{address} is also given to {others}", (address,))
    if normal_address(address) not in known:
        detail = f"the {evidence} says {address}, which this root does not have"
        return Unidentified(connection.id, detail, (address,))
    return Identified(connection.id, normal_address(address), evidence)


def normal_address(text: str) -> str:
    """Write an address in the one way that Terraform prints it; as given when it is none."""
    try:
        return str(parse_address(text))
    except InputError:
        return text
