"""Connectors: which one a source or destination runs, as far as the root says it."""

from dataclasses import dataclass

from bot.knobs.catalogue import load
from bot.terraform.address import Address, parse_address
from bot.terraform.index import Index
from bot.terraform.locate import Location
from bot.terraform.references import CONFIGURATION_DATA
from bot.terraform.scope import Reached
from bot.terraform.syntax import Literal

_GENERIC = {"airbyte_source", "airbyte_destination"}


@dataclass(frozen=True, slots=True)
class Connector:
    """A connector by name; `is_typed` when its configuration has the shape of provider 0.x."""

    name: str
    is_typed: bool = False


def connector_of(index: Index, location: Location) -> Connector | None:
    """Tell the connector behind a configuration, or None when the root does not say."""
    address = parse_address(location.through[-1][0]) if location.through else location.address
    if address.type == CONFIGURATION_DATA:
        name = _constant(index, address, "connector_name")
        return None if name is None else Connector(name)
    if address.type in _GENERIC:
        return _generic(index, address)
    name = address.type.removeprefix("airbyte_").replace("_", "-")
    return None if name.endswith("-custom") else Connector(name, is_typed=True)


def _generic(index: Index, address: Address) -> Connector | None:
    place = index.place(address)
    value = None if place is None else place.block.value("definition_id")
    if place is None or value is None:
        return None
    identity = _constant(index, address, "definition_id")
    if identity is not None:
        name = load().connector_of(identity)
        return None if name is None else Connector(name)
    # `definition_id = data.airbyte_connector_configuration.x.definition_id`
    kind, _, rest = value.text.removeprefix("data.").partition(".")
    if not value.text.startswith("data.") or kind != CONFIGURATION_DATA:
        return None
    data = Address(address.modules, "data", kind, rest.partition(".")[0])
    name = _constant(index, data, "connector_name")
    return None if name is None else Connector(name)


def _constant(index: Index, address: Address, attribute: str) -> str | None:
    place = index.place(address)
    value = None if place is None else place.block.value(attribute)
    if place is None or value is None:
        return None
    scope = index.configuration.scope(place.block, place.instance, address.key)
    found = index.resolver.reach(value, scope, ())
    if isinstance(found, Reached) and isinstance(found.expression, Literal):
        text = found.expression.value
        return text if isinstance(text, str) else None
    return None
