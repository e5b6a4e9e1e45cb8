"""The published schemas of the Airbyte provider, and their form on the plugin protocol's wire."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from tf.gen import tfplugin_pb2 as pb

_NESTING = {"single": 1, "list": 2, "set": 3, "map": 4}

Attributes = Mapping[str, Mapping[str, Any]]
"""Attributes of an object by name, in the form of `terraform providers schema -json`, with `x` for
what that form leaves out: `default`, `one_of`, `not_null`, `requires_replace`."""


@dataclass(frozen=True, slots=True)
class Schemas:
    """What one version of the provider offers."""

    version: str
    provider: Mapping[str, Any]
    resources: Mapping[str, Mapping[str, Any]]
    data_sources: Mapping[str, Mapping[str, Any]]

    def resource(self, type_name: str) -> Attributes:
        """Return the attributes of a resource type."""
        return attributes(self.resources[type_name])

    def data_source(self, type_name: str) -> Attributes:
        """Return the attributes of a data source type."""
        return attributes(self.data_sources[type_name])


@cache
def load(version: str) -> Schemas:
    """Read the schemas of one of `bot.lab.provider.VERSIONS`."""
    held = files("bot.lab.provider").joinpath("schemas", f"v{version}.json")
    document = json.loads(held.read_text(encoding="utf-8"))
    return Schemas(version, document["provider"], document["resources"], document["data_sources"])


def attributes(schema: Mapping[str, Any]) -> Attributes:
    """Return the attributes of a whole resource, data source or provider schema."""
    found: Attributes = schema["block"].get("attributes", {})
    return found


def nested(attribute: Mapping[str, Any]) -> tuple[str, Attributes] | None:
    """Return (nesting mode, attributes) of a nested attribute, or None for a plain one."""
    inner = attribute.get("nested_type")
    return None if inner is None else (inner["nesting_mode"], inner["attributes"])


def to_wire(schema: Mapping[str, Any]) -> pb.Schema:
    """Return the protocol message for a whole schema."""
    block = pb.Schema.Block(
        attributes=[_attribute(name, one) for name, one in attributes(schema).items()]
    )
    return pb.Schema(version=schema.get("version") or 0, block=block)


def _attribute(name: str, attribute: Mapping[str, Any]) -> pb.Schema.Attribute:
    message = pb.Schema.Attribute(
        name=name,
        required=attribute.get("required", False),
        optional=attribute.get("optional", False),
        computed=attribute.get("computed", False),
        sensitive=attribute.get("sensitive", False),
        deprecated=attribute.get("deprecated", False),
    )
    inner = nested(attribute)
    if inner is None:
        message.type = json.dumps(attribute["type"]).encode()
    else:
        mode, children = inner
        message.nested_type.CopyFrom(
            pb.Schema.Object(
                nesting=_NESTING[mode],
                attributes=[_attribute(child, one) for child, one in children.items()],
            )
        )
    return message
