"""From a promised address to the resource that a plan changes.

The literal of a tuning option often sits in `data.airbyte_connector_configuration`, which a plan
only reads. The resource that takes its `configuration` from there is what changes.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.terraform.planfile import Plan, PlannedChange

_DATA = re.compile(
    r"(?P<module>(?:module\.[\w-]+(?:\[[^\]]*\])?\.)*)data\.(?P<type>[\w-]+)\.(?P<name>[\w-]+)"
    r"(?P<index>\[.*\])?"
)
_KEYS = re.compile(r"\[[^\]]*\]")


def resolve(address: str, plan: Plan) -> tuple[str, str | None]:
    """Return the address of the resource that a promise is about, or what is wrong with it.

    Args:
        address: of a resource, or of a data source that feeds exactly one changed resource.
        plan: where the references between the two are looked up.
    """
    found = _DATA.fullmatch(address)
    if found is None:
        return address, None
    module = found["module"].rstrip(".")
    source = f"data.{found['type']}.{found['name']}"
    fed = {
        one.address
        for one in plan.changes
        if one.module == module and one.actions == ("update",)
        for name, references in _references(plan.configuration, module)
        if name == f"{one.type}.{one.name}" and _takes(source, found["index"], references, one)
    }
    if len(fed) == 1:
        return fed.pop(), None
    if not fed:
        return address, "is promised, and nothing that takes its configuration from it changes"
    return address, f"feeds {len(fed)} resources that would change, and one is promised"


def _references(configuration: Mapping[str, Any], module: str) -> Iterator[tuple[str, list[str]]]:
    """Yield (resource without keys, references of its `configuration`) of one module."""
    tree = _object(configuration.get("root_module"))
    for step in _KEYS.sub("", module).split("."):
        if step and step != "module":
            tree = _object(_object(_object(tree.get("module_calls")).get(step)).get("module"))
    resources = tree.get("resources")
    for resource in map(_object, resources if isinstance(resources, list) else ()):
        expression = _object(_object(resource.get("expressions")).get("configuration"))
        references = expression.get("references")
        name = f"{resource.get('type')}.{resource.get('name')}"
        yield name, [str(one) for one in references] if isinstance(references, list) else []


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _takes(source: str, index: str | None, references: list[str], consumer: PlannedChange) -> bool:
    """Tell whether a resource's configuration comes from this instance of the data source."""
    exact = f"{source}{index or ''}"
    if any(one == exact or one.startswith(f"{exact}.") for one in references if index):
        return True
    if not any(one == source or one.startswith(f"{source}.") for one in references):
        return False
    return index is None or _spelled(consumer.index) == index


def _spelled(index: str | int | None) -> str | None:
    if index is None:
        return None
    if isinstance(index, int):
        return f"[{index}]"
    escaped = index.replace("\\", "\\\\").replace('"', '\\"')
    return f'["{escaped}"]'
