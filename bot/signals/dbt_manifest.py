"""A dbt manifest: sources, models and exposures, and what depends on what.

Source: dbt's documentation, "Manifest JSON file" (schema versions 9 to 12 have what is read here).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, ValidationError

from bot.documents.fields import Zone
from bot.documents.validation import Strict
from bot.domain.calendar import EVERY_DAY, WEEKDAYS, Days
from bot.domain.errors import SignalError
from bot.domain.promises import Deadline

META_KEY: Final = "trimtab"
_TABLES: Final = ("model", "snapshot", "seed")
_PASSED_THROUGH: Final = ("metrics", "semantic_models", "saved_queries")
_DAYS: Final = {"every": EVERY_DAY, "weekdays": WEEKDAYS}
_PERIODS: Final = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}


class DeadlineMeta(Strict):
    """A deadline, as `meta.trimtab.deadline` of a model or an exposure says it."""

    by: time
    zone: Zone = "UTC"
    days: Literal["every", "weekdays"] = "every"
    after: time | None = None
    probability: Decimal = Field(Decimal("0.95"), gt=0, lt=1)

    def named(self, name: str) -> Deadline:
        """Return the domain's value."""
        days = Days(_DAYS[self.days])
        return Deadline(name, self.by, self.zone, days, self.after, self.probability)


class TrimtabMeta(Strict):
    """What `meta.trimtab` may say.

    `connection` names what fills a source table: names or ids of connections.
    """

    deadline: DeadlineMeta | None = None
    critical: bool = False
    connection: str | tuple[str, ...] = ()

    @property
    def connections(self) -> tuple[str, ...]:
        """Return the names as a tuple, however they are written."""
        return (self.connection,) if isinstance(self.connection, str) else self.connection


@dataclass(frozen=True, slots=True)
class Node:
    """One thing of a project: a source table, a model, an exposure.

    `kind` is dbt's resource type, for an exposure its own type (`dashboard`, `application`, …).
    `filled_by` are the connections that its meta names.
    """

    id: str
    name: str
    kind: str
    resource: str
    schema: str = ""
    owner: str | None = None
    is_critical: bool = False
    deadline: Deadline | None = None
    max_staleness: timedelta | None = None
    filled_by: tuple[str, ...] = ()

    @property
    def is_source(self) -> bool:
        """Tell whether it is a table that something outside dbt fills."""
        return self.resource == "source"

    @property
    def is_model(self) -> bool:
        """Tell whether dbt builds it."""
        return self.resource in _TABLES

    @property
    def is_exposure(self) -> bool:
        """Tell whether it is something that people look at."""
        return self.resource == "exposure"


@dataclass(frozen=True)
class Manifest:
    """A project: its nodes by id, the children of each, and what could not be read of it."""

    generated_at: datetime
    nodes: Mapping[str, Node]
    children: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...] = ()

    @property
    def exposures(self) -> int:
        """Return how many exposures it has."""
        return sum(each.is_exposure for each in self.nodes.values())

    @cached_property
    def order(self) -> Mapping[str, int]:
        """Return the place of each node in an order in which parents come first.

        Raises:
            SignalError: the graph has a circle, which dbt never writes.
        """
        sorter = TopologicalSorter(dict.fromkeys(self.nodes, ()))
        for parent, children in self.children.items():
            for child in children:
                sorter.add(child, parent)
        try:
            return {node: place for place, node in enumerate(sorter.static_order())}
        except CycleError:
            raise SignalError("the manifest's graph has a circle") from None

    def below(self, start: str, seconds: Mapping[str, float]) -> dict[str, float]:
        """Return everything that depends on a node, with the seconds until it is built.

        Models are taken to run one after another along the longest path; `seconds` is what each
        takes, nothing where it is not known.
        """
        reached, waiting = {start}, [start]
        while waiting:
            for child in self.children.get(waiting.pop(), ()):
                if child not in reached:
                    reached.add(child)
                    waiting.append(child)
        path = dict.fromkeys(reached, 0.0)
        for node in sorted(reached, key=self.order.__getitem__):
            for child in self.children.get(node, ()):
                path[child] = max(path[child], path[node] + seconds.get(child, 0.0))
        del path[start]
        return path


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        SignalError: it is missing, or no manifest.
    """
    data = read_artefact(path)
    try:
        return _Reading(data).manifest()
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise SignalError(f"{path.name} is no dbt manifest: {error!r}") from None


def read_artefact(path: Path) -> dict[str, Any]:
    """Read one of dbt's JSON files.

    Raises:
        SignalError: it is missing, or not JSON.
    """
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise SignalError(f"{path.name}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise SignalError(f"{path.name} cannot be read: {error}") from None
    if not isinstance(data, dict):
        raise SignalError(f"{path.name} is no dbt artefact")
    return data


def utc(text: str) -> datetime:
    """Read a time as dbt writes it."""
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


@dataclass(frozen=True)
class _Reading:
    data: dict[str, Any]
    notes: list[str] = field(default_factory=list)

    def manifest(self) -> Manifest:
        nodes: dict[str, Node] = {}
        parents: dict[str, Iterable[str]] = {}
        for place in ("sources", "nodes", "exposures", *_PASSED_THROUGH):
            for key, value in self.data.get(place, {}).items():
                resource = value.get("resource_type", place)
                if place == "nodes" and resource not in _TABLES:
                    continue  # Tests and analyses build nothing that anybody reads.
                nodes[key] = self._node(key, value, resource)
                parents[key] = value.get("depends_on", {}).get("nodes", ())
        children: dict[str, list[str]] = {}
        for child, above in parents.items():
            for parent in dict.fromkeys(above):
                if parent in nodes:
                    children.setdefault(parent, []).append(child)
        generated = utc(self.data["metadata"]["generated_at"])
        below = {parent: tuple(each) for parent, each in children.items()}
        return Manifest(generated, nodes, below, tuple(self.notes))

    def _node(self, key: str, value: dict[str, Any], resource: str) -> Node:
        config = value.get("config") or {}
        meta = {
            **(value.get("source_meta") or {}),
            **(value.get("meta") or {}),
            **(config.get("meta") or {}),
        }
        ours = self._ours(key, meta.get(META_KEY))
        name = value["name"]
        is_source = resource == "source"
        label = value.get("label") or name
        return Node(
            id=key,
            name=label if resource == "exposure" else value.get("identifier") or name,
            kind=value.get("type") or resource if resource == "exposure" else resource,
            resource=resource,
            schema=str(value.get("schema") or ""),
            owner=self._owner(value, meta, config),
            is_critical=ours.critical,
            deadline=None if ours.deadline is None else ours.deadline.named(f"{label} (dbt)"),
            max_staleness=_staleness(value.get("freshness")) if is_source else None,
            filled_by=ours.connections,
        )

    def _ours(self, key: str, said: Any) -> TrimtabMeta:
        if said is None:
            return TrimtabMeta()
        try:
            return TrimtabMeta.model_validate(said)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in ("meta", META_KEY, *first["loc"]))
            self.notes.append(f"{key}: {where}: {first['msg'][:1].lower()}{first['msg'][1:]}")
            return TrimtabMeta()

    def _owner(
        self, value: dict[str, Any], meta: dict[str, Any], config: dict[str, Any]
    ) -> str | None:
        """Return who answers for it: its own owner, that of its meta, or that of its group."""
        own = value.get("owner") or meta.get("owner")
        group = value.get("group") or config.get("group")
        if not own and group:
            groups = self.data.get("groups", {}).values()
            own = next((each.get("owner") for each in groups if each.get("name") == group), None)
        if isinstance(own, dict):
            email = own.get("email")
            email = ", ".join(email) if isinstance(email, list) else email
            own = own.get("name") or email
        return str(own) if own else None


def _staleness(freshness: dict[str, Any] | None) -> timedelta | None:
    """Return the tighter one of `warn_after` and `error_after`."""
    declared = []
    for name in ("warn_after", "error_after"):
        limit = (freshness or {}).get(name) or {}
        if limit.get("count") and limit.get("period") in _PERIODS:
            declared.append(limit["count"] * _PERIODS[limit["period"]])
    return min(declared, default=None)
