"""Data sources: a connector's configuration put together, and look-ups by id."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from bot.domain.errors import InputError
from bot.lab.connectors import OTHER, destination_connector, source_connector
from bot.lab.provider import payloads
from bot.lab.provider.backends import Backend
from bot.lab.provider.schemas import Attributes

_TYPED_VALUE = 2
_LOOKED_UP = ("connection", "source", "destination", "workspace")


def read(
    type_name: str, attributes: Attributes, config: Mapping[str, Any], backend: Backend | None
) -> dict[str, Any]:
    """Return the state of a data source.

    Raises:
        InputError: the stand-in does not serve this type, or the object does not exist.
    """
    if type_name == "airbyte_connector_configuration":
        return _configuration(config)
    kind = type_name.removeprefix("airbyte_")
    if kind not in _LOOKED_UP or backend is None:
        raise InputError(f"the stand-in provider does not serve data.{type_name}")
    object_id = config[f"{kind}_id"]
    answer = backend.read(f"{kind}s", object_id)
    if answer is None:
        raise InputError(f"there is no {kind} with the id {object_id}")
    held = answer.get("configuration")
    if isinstance(held, dict) and kind in {"source", "destination"}:
        answer = {**answer, "configuration": json.dumps(held, sort_keys=True)}
    asked = {name: value for name, value in config.items() if value is not None}
    return {**payloads.from_api(attributes, answer), **asked}


def _configuration(config: Mapping[str, Any]) -> dict[str, Any]:
    """Merge the visible and the secret part, as the provider does before it validates them."""
    merged = {**_object(config["configuration"]), **_object(config.get("configuration_secrets"))}
    connector = config["connector_name"]
    return {
        **config,
        "configuration_json": json.dumps(merged, sort_keys=True, separators=(",", ":")),
        "connector_spec_json": "{}",
        "definition_id": _definition_id(connector),
        "docker_image_tag": config.get("connector_version") or "latest",
    }


def _object(dynamic: Any) -> dict[str, Any]:
    """Unwrap a value of dynamic type, which travels as [type, value]."""
    is_typed = isinstance(dynamic, list) and len(dynamic) == _TYPED_VALUE
    value = dynamic[1] if is_typed else dynamic
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InputError("configuration must be an object")
    return value


def _definition_id(connector: str) -> str:
    """Return a connector's id in the public registry; an unknown one gets one of its own."""
    role, _, name = connector.partition("-")
    find = source_connector if role == "source" else destination_connector
    found = find(name).definition_id
    return found if found != OTHER.definition_id else str(uuid.uuid5(uuid.NAMESPACE_DNS, connector))
