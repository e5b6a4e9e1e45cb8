"""Between Terraform's values and the JSON of Airbyte's public API."""

import json
import re
from collections.abc import Mapping
from typing import Any

from tf.types import Unknown

from bot.domain.errors import InputError
from bot.lab.provider.schemas import Attributes, nested

_TYPED = re.compile(r"airbyte_(source|destination)_(\w+)")
# Resource requirements keep their snake case in the API, unlike everything around them.
_REQUIREMENT = re.compile(r"(cpu|memory|ephemeral_storage)_(request|limit)")


def to_api(attributes: Attributes, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request body for an object: camel case, without nulls and unknowns."""
    body = {}
    for name, attribute in attributes.items():
        value = values.get(name)
        if value is None or value is Unknown:
            continue
        inner = nested(attribute)
        if inner is None:
            body[_camel(name)] = value
        elif inner[0] == "single":
            body[_camel(name)] = to_api(inner[1], value)
        else:
            body[_camel(name)] = [to_api(inner[1], element) for element in value]
    return body


def from_api(attributes: Attributes, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of an object from an answer; what the API leaves out is null."""
    values: dict[str, Any] = {}
    for name, attribute in attributes.items():
        value = answer.get(_camel(name))
        inner = nested(attribute)
        if inner is None or value is None:
            values[name] = value
        elif inner[0] == "single":
            values[name] = from_api(inner[1], value)
        else:
            values[name] = [from_api(inner[1], element) for element in value]
    return values


def connector_of(type_name: str) -> str | None:
    """Return `source-stripe` for `airbyte_source_stripe`, None for a generic resource type."""
    found = _TYPED.fullmatch(type_name)
    return None if found is None else f"{found[1]}-{found[2].replace('_', '-')}"


def configuration(type_name: str, said: Any) -> dict[str, Any]:
    """Return a connector's configuration as the API takes it.

    Generic resources hold it as one JSON text. Typed ones hold an object in which each variant of
    a choice is a level of its own; tuning options are moved to where the JSON has them.

    Raises:
        InputError: the text is not a JSON object.
    """
    connector = connector_of(type_name)
    if connector is not None:
        return _untyped(connector, _without_nulls(said))
    try:
        decoded = json.loads(said)
    except ValueError as error:
        raise InputError("configuration is not valid JSON") from error
    if not isinstance(decoded, dict):
        raise InputError("configuration is not a JSON object")
    return decoded


def _untyped(connector: str, said: dict[str, Any]) -> dict[str, Any]:
    from bot.knobs.catalogue import load  # pydantic would double the start of each command

    for knob in load().of(connector):
        if knob.typed_path is None or knob.typed_path == knob.path:
            continue
        value = _pop(said, knob.typed_path.split("."))
        if value is None:
            continue
        _put(said, knob.path.split("."), value)
        for path, constant in knob.requires.items():
            _put(said, path.split("."), constant)
    return {**said, "sourceType": connector.partition("-")[2]}


def _pop(tree: dict[str, Any], parts: list[str]) -> Any:
    for part in parts[:-1]:
        inner = tree.get(part)
        if not isinstance(inner, dict):
            return None
        tree = inner
    return tree.pop(parts[-1], None)


def _put(tree: dict[str, Any], parts: list[str], value: Any) -> None:
    for part in parts[:-1]:
        inner = tree.setdefault(part, {})
        if not isinstance(inner, dict):
            return
        tree = inner
    tree[parts[-1]] = value


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _without_nulls(inner)
            for key, inner in value.items()
            if inner is not None and inner is not Unknown
        }
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return value


def _camel(name: str) -> str:
    if _REQUIREMENT.fullmatch(name):
        return name
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
