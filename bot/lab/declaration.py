"""A fleet's declaration: the Terraform root of a team that has had its Airbyte for a while.

Half of the files have a block for each connection, half a map and `for_each`, and import blocks say
which object is which: the way a team takes over what was made by hand.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from bot.domain.connection import Cron, Manual, Schedule
from bot.lab.fleet import Endpoint, Fleet, LabConnection

_NOT_A_LABEL: Final = re.compile(r"[^a-z0-9]+")
_MASK: Final = "**********"
_SECRET: Final = "var.connector_secret"  # noqa: S105  the name of a variable


@dataclass(frozen=True, slots=True)
class _Declared:
    label: str
    name: str
    source: str
    destination: str
    status: str
    cron: str | None
    manual: bool


def declare(fleet: Fleet, root: Path, files: int = 6) -> dict[str, str]:
    """Write a root that declares a fleet as it is, and return the address of each object by id.

    Args:
        fleet: what exists.
        root: an empty folder.
        files: over how many files the connections are spread.
    """
    endpoints = [*fleet.sources.values(), *fleet.destinations.values()]
    labels = _labels((one.id, one.name) for one in endpoints)
    links = list(fleet.connections.values())
    labels |= _labels((one.id, one.name) for one in links)
    addresses = {one.id: f"airbyte_{one.kind}.{labels[one.id]}" for one in endpoints}
    _write(root / "main.tf", "root")
    for kind in ("source", "destination"):
        mine = [_endpoint(each, labels[each.id]) for each in endpoints if each.kind == kind]
        width = max((len(each["label"]) for each in mine), default=0)
        for each in mine:
            each["padded"] = each["label"].ljust(width)
        _write(root / f"{kind}s.tf", "endpoints", endpoints=mine, kind=kind)
    size = -(-len(links) // files)
    for number in range(0, len(links), size):
        chunk, team = links[number : number + size], f"team_{number // size:03d}"
        for part, as_map in _parts(chunk, maps=number // size % 2 == 1):
            declared = [_connection(one, labels) for one in part]
            name = f"{team}_more" if not as_map and number // size % 2 == 1 else team
            _write(
                root / f"{name}.tf", "connections", team=team, as_map=as_map, connections=declared
            )
            for one in part:
                label = labels[one.id]
                addresses[one.id] = (
                    f'airbyte_connection.{team}["{label}"]'
                    if as_map
                    else f"airbyte_connection.{label}"
                )
    imports = sorted((address, identity) for identity, address in addresses.items())
    _write(root / "imports.tf", "imports", imports=imports)
    return addresses


def _parts(
    links: Sequence[LabConnection], *, maps: bool
) -> list[tuple[Sequence[LabConnection], bool]]:
    """Keep in a map what has a cron that Terraform can write; the rest needs blocks."""
    if not maps:
        return [(links, False)]
    plain = [one for one in links if _cron(one.schedule) is not None]
    others = [one for one in links if _cron(one.schedule) is None]
    return [(part, as_map) for part, as_map in ((plain, True), (others, False)) if part]


def _connection(link: LabConnection, labels: Mapping[str, str]) -> _Declared:
    return _Declared(
        label=labels[link.id],
        name=_text(link.name),
        source=labels[link.source_id],
        destination=labels[link.destination_id],
        status=link.status,
        cron=_cron(link.schedule),
        manual=isinstance(link.schedule, Manual),
    )


def _cron(schedule: Schedule) -> str | None:
    """Spell a cron as the public API stores it; None for what Terraform cannot write."""
    if isinstance(schedule, Cron) and schedule.zone == "UTC":
        return _text(f"{schedule.expression} UTC")
    return None


def _endpoint(endpoint: Endpoint, label: str) -> dict[str, Any]:
    configuration = endpoint.configuration
    width = max((len(key) for key in configuration), default=0)
    return {
        "kind": endpoint.kind,
        "label": label,
        "name": _text(endpoint.name),
        "workspace_id": endpoint.workspace_id,
        "definition_id": endpoint.connector.definition_id,
        "settings": [(key.ljust(width), _value(value)) for key, value in configuration.items()],
    }


def _value(value: object) -> str:
    if value == _MASK:
        return _SECRET
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key} = {_value(one)}" for key, one in value.items())
        return f"{{ {inner} }}"
    return json.dumps(value, ensure_ascii=False)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def _labels(named: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Give each id a label of its own, made of its name."""
    labels: dict[str, str] = {}
    taken: set[str] = set()
    for identity, name in named:
        plain = _NOT_A_LABEL.sub("_", name.lower()).strip("_")
        label, number = plain, 2
        while label in taken:
            label, number = f"{plain}_{number}", number + 1
        taken.add(label)
        labels[identity] = label
    return labels


def _write(path: Path, template: str, **values: object) -> None:
    text = _templates().get_template(f"{template}.tf.j2").render(**values)
    path.write_text(text, encoding="utf-8")


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("bot.lab"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  the output is Terraform: `_text` quotes for that
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
