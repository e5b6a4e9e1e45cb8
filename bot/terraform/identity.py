"""Identity: which Terraform address declares which Airbyte connection.

An id decides wherever there is one: what the team has written down, then the state, then import
blocks. Without an id a name decides, and only when it is the name of exactly one connection in
Airbyte and of exactly one address in the root. Names are never compared by likeness.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bot.domain.connection import Connection, ConnectionId
from bot.domain.edit import Refusal, RefusalReason
from bot.domain.errors import InputError, TerraformError
from bot.terraform.address import parse_address
from bot.terraform.index import Index, Resource
from bot.terraform.syntax import Literal

TYPE: Final = "airbyte_connection"


@dataclass(frozen=True, slots=True)
class Known:
    """Addresses by connection id, as far as somebody has said or Terraform has recorded them."""

    written: Mapping[str, str] = field(default_factory=dict)
    state: Mapping[str, str] = field(default_factory=dict)


def identify(
    index: Index, fleet: Sequence[Connection], known: Known
) -> dict[ConnectionId, str | Refusal]:
    """Find the address of every connection that a root declares.

    A connection that the root says nothing of is missing from the answer: another root may
    declare it. One that it may declare, but not for certain, is answered with a refusal that
    names the candidates.
    """
    declared = {str(each.address): each for each in index.resources if each.address.type == TYPE}
    imported = dict(_imported(index))
    by_name: dict[str, list[str]] = {}
    for address, resource in declared.items():
        name = resource.values.get("name")
        if isinstance(name, str):
            by_name.setdefault(name, []).append(address)
    names = Counter(connection.name for connection in fleet)
    taken = {known.written.get(c.id) or known.state.get(c.id) for c in fleet}
    found: dict[ConnectionId, str | Refusal] = {}
    for connection in fleet:
        recorded = known.state.get(connection.id) or imported.get(connection.id)
        if connection.id in known.written:
            address = known.written[connection.id]
            if address in declared:
                found[connection.id] = _checked(declared[address])
        elif recorded in declared:
            found[connection.id] = _checked(declared[recorded])
        elif candidates := [a for a in by_name.get(connection.name, []) if a not in taken]:
            if len(candidates) == 1 and names[connection.name] == 1:
                found[connection.id] = _checked(declared[candidates[0]])
            else:
                found[connection.id] = _ambiguous(connection, candidates, names[connection.name])
    return found


def read_state(path: Path) -> dict[str, str]:
    """Read addresses by connection id from `terraform show -json` or from a state file.

    Raises:
        TerraformError: the file cannot be read, or is neither of the two.
    """
    try:
        data = json.loads(path.read_bytes())
        rows = _stored(data["resources"]) if "resources" in data else _shown(data)
        return {values["connection_id"]: address for address, values in rows if values}
    except OSError as error:
        raise TerraformError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise TerraformError(
            f"{path}: this is no Terraform state",
            "Write one with `terraform show -json > state.json`.",
        ) from None


def _shown(data: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    # Before the first apply there are no values, and nothing else that would tell it from a state.
    if "format_version" not in data:
        raise ValueError(data)
    waiting = [data.get("values", {}).get("root_module", {})]
    while waiting:
        module = waiting.pop()
        waiting += module.get("child_modules", [])
        for resource in module.get("resources", []):
            if resource["type"] == TYPE:
                yield resource["address"], resource["values"]


def _stored(resources: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for resource in resources:
        if resource["type"] == TYPE and resource["mode"] == "managed":
            module = f"{resource['module']}." if resource.get("module") else ""
            for instance in resource["instances"]:
                key = instance.get("index_key")
                step = "" if key is None else f"[{json.dumps(key)}]"
                yield f"{module}{TYPE}.{resource['name']}{step}", instance["attributes"]


def _imported(index: Index) -> Iterator[tuple[str, str]]:
    """Yield ids and addresses of import blocks that name both plainly."""
    for block in index.configuration.top.module.imports:
        target, identity = block.value("to"), block.value("id")
        if target is None or not isinstance(identity, Literal) or "for_each" in block.arguments:
            continue
        try:
            yield str(identity.value), str(parse_address(target.text))
        except InputError:
            continue


def _checked(resource: Resource) -> str | Refusal:
    if resource.provider.is_known:
        return str(resource.address)
    return Refusal(
        RefusalReason.FOREIGN_PROVIDER,
        f"{resource.address} belongs to the provider {resource.provider.source}, "
        "which trimtab does not know",
        resource.file,
        resource.line,
    )


def _ambiguous(connection: Connection, candidates: Iterable[str], namesakes: int) -> Refusal:
    listed = ", ".join(candidates)
    why = (
        f"{namesakes} connections in Airbyte are named {connection.name!r}"
        if namesakes > 1
        else f"several addresses have the name {connection.name!r}"
    )
    return Refusal(
        RefusalReason.AMBIGUOUS,
        f"{why}; candidates are {listed}",
        snippet=f"terraform:\n  connections:\n    {connection.id}: <one of them>",
    )
