"""What a resource does: create, read, change, delete and import, through a backend."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.errors import InputError
from bot.lab.provider import payloads
from bot.lab.provider.backends import Backend
from bot.lab.provider.planning import settle
from bot.lab.provider.schemas import Attributes

_KINDS = ("connection", "source", "destination", "workspace")


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource type of one provider version, over one backend."""

    type_name: str
    attributes: Attributes
    backend: Backend

    @property
    def kind(self) -> str:
        """Return `connection`, `source`, `destination` or `workspace`.

        Raises:
            InputError: the stand-in has the schema of this type and nothing more.
        """
        name = self.type_name.removeprefix("airbyte_")
        if name in _KINDS:
            return name
        typed = payloads.connector_of(self.type_name)
        if typed is None or name.endswith("_definition"):
            raise InputError(f"the stand-in provider does not apply {self.type_name}")
        return typed.partition("-")[0]

    @property
    def collection(self) -> str:
        """Return the path of its objects in the API."""
        return f"{self.kind}s"

    @property
    def id_name(self) -> str:
        """Return the attribute that holds the id."""
        return f"{self.kind}_id"

    def create(self, planned: Mapping[str, Any]) -> dict[str, Any]:
        """Create the object and return its state."""
        answer = self.backend.create(self.collection, self._body(planned))
        return self._settled(planned, answer)

    def update(self, prior: Mapping[str, Any], planned: Mapping[str, Any]) -> dict[str, Any]:
        """Send what is planned and return the state; only changed parts of a connection are sent."""
        body = self._body(planned)
        if self.kind == "connection":
            before = self._body(prior)
            body = {name: value for name, value in body.items() if before.get(name) != value}
        answer = self.backend.update(self.collection, prior[self.id_name], body)
        return self._settled(planned, answer)

    def read(self, current: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the state as the API has it now, None when the object is gone.

        A configuration stays what the user wrote: the API answers with masked secrets, and the
        provider would otherwise plan a change for ever.
        """
        answer = self.backend.read(self.collection, current[self.id_name])
        if answer is None:
            return None
        state = payloads.from_api(self.attributes, _without_configuration(answer, self.kind))
        kept = {"configuration", "secret_id", "data_residency"} & set(self.attributes)
        return {**state, **{name: current.get(name) for name in kept}}

    def delete(self, prior: Mapping[str, Any]) -> None:
        """Delete the object."""
        self.backend.delete(self.collection, prior[self.id_name])

    def adopt(self, object_id: str) -> dict[str, Any] | None:
        """Return the state of an object that exists already, for `terraform import`."""
        answer = self.backend.read(self.collection, object_id)
        if answer is None:
            return None
        held = answer.get("configuration") if self.kind in {"source", "destination"} else None
        state = payloads.from_api(self.attributes, _without_configuration(answer, self.kind))
        if held is not None and payloads.connector_of(self.type_name) is None:
            state["configuration"] = json.dumps(held, sort_keys=True, separators=(",", ":"))
        return state

    def _body(self, values: Mapping[str, Any]) -> dict[str, Any]:
        holds_configuration = self.kind in {"source", "destination"}
        plain = {
            name: attribute
            for name, attribute in self.attributes.items()
            if _is_sent(attribute) and not (holds_configuration and name == "configuration")
        }
        body = payloads.to_api(plain, values)
        if holds_configuration and values.get("configuration") is not None:
            body["configuration"] = payloads.configuration(self.type_name, values["configuration"])
        return body

    def _settled(self, planned: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
        actual = payloads.from_api(self.attributes, _without_configuration(answer, self.kind))
        settled: dict[str, Any] = settle(dict(planned), actual)
        return settled


def _is_sent(attribute: Mapping[str, Any]) -> bool:
    return bool(attribute.get("required") or attribute.get("optional"))


def _without_configuration(answer: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Drop a connector's masked configuration; a connection's `configurations` is another thing."""
    hidden = {"configuration"} if kind in {"source", "destination"} else set()
    return {name: value for name, value in answer.items() if name not in hidden}
