"""A fleet that is given by name, instead of drawn from a seed: what a Terraform root describes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.domain.connection import Basic, Cron, Manual, Schedule
from bot.domain.cron import parse
from bot.domain.errors import CronError, InputError
from bot.lab.connectors import destination_connector, source_connector
from bot.lab.fleet import Endpoint, Fleet, LabConnection, Tag, Workspace


@dataclass(frozen=True, slots=True)
class GivenEndpoint:
    """A source or destination: its name, its connector (`stripe`), its configuration."""

    name: str
    connector: str
    configuration: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GivenConnection:
    """A connection between a named source and a named destination.

    `streams` maps a stream's name to its sync mode. `deadline` is a second of the UTC day,
    `freshness` the oldest its data may be then (seconds); `rows_per_day` pins its size.
    """

    name: str
    source: str
    destination: str
    schedule: Schedule = field(default_factory=Manual)
    streams: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    status: str = "active"
    deadline: int | None = None
    freshness: int | None = None
    rows_per_day: float | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """A whole fleet of one workspace."""

    sources: tuple[GivenEndpoint, ...]
    destinations: tuple[GivenEndpoint, ...]
    connections: tuple[GivenConnection, ...]
    workspace: str = "lab"
    workspace_id: str | None = None


def fleet_of(description: Description, seed: int, start: int) -> Fleet:
    """Make a fleet that existed before `start` (epoch seconds); ids follow from the names.

    Raises:
        InputError: a connection names an endpoint that the description does not have.
    """
    fleet = Fleet(seed)
    home = Workspace(
        description.workspace_id or fleet.fresh_id("workspace", description.workspace),
        description.workspace,
    )
    fleet.workspaces[home.id] = home
    born = start - 30 * 86_400
    by_name: dict[tuple[str, str], str] = {}
    for given in description.sources:
        made = Endpoint(
            fleet.fresh_id("source", given.name),
            "source",
            given.name,
            source_connector(given.connector),
            home.id,
            dict(given.configuration),
            born,
        )
        fleet.sources[made.id] = made
        by_name["source", given.name] = made.id
    for given in description.destinations:
        made = Endpoint(
            fleet.fresh_id("destination", given.name),
            "destination",
            given.name,
            destination_connector(given.connector),
            home.id,
            dict(given.configuration),
            born,
        )
        fleet.destinations[made.id] = made
        by_name["destination", given.name] = made.id
    tags: dict[str, Tag] = {}
    for given_connection in description.connections:
        for name in given_connection.tags:
            if name not in tags:
                tags[name] = Tag(fleet.fresh_id("tag", name), name, "5E6AD2", home.id)
                fleet.tags[tags[name].id] = tags[name]
        _add(fleet, home, given_connection, by_name, [tags[n].id for n in given_connection.tags])
    for connection in fleet.by_index:
        connection.created_at = born
    return fleet


def _add(
    fleet: Fleet,
    home: Workspace,
    given: GivenConnection,
    by_name: Mapping[tuple[str, str], str],
    tag_ids: list[str],
) -> None:
    if isinstance(given.schedule, Cron):
        try:
            parse(given.schedule.expression, given.schedule.zone)
        except CronError as error:
            raise InputError(f"connection {given.name!r}: {error.message}") from None
    for kind, name in (("source", given.source), ("destination", given.destination)):
        if (kind, name) not in by_name:
            raise InputError(
                f"connection {given.name!r} names the {kind} {name!r}, which the fleet lacks"
            )
    streams = given.streams or {"records": "incremental_append"}
    fleet.add(
        LabConnection(
            id=fleet.fresh_id("connection", given.name),
            index=len(fleet.by_index),
            name=given.name,
            source_id=by_name["source", given.source],
            destination_id=by_name["destination", given.destination],
            workspace_id=home.id,
            status=given.status,
            schedule=given.schedule,
            streams=[stream_of(name, mode) for name, mode in streams.items()],
            created_at=0,
            tag_ids=tag_ids,
            deadline=given.deadline,
            freshness=given.freshness,
            rows_per_day=given.rows_per_day,
        )
    )


def stream_of(name: str, mode: str) -> dict[str, Any]:
    """Return a stream as the public API shows it."""
    incremental = mode.startswith("incremental")
    return {
        "name": name,
        "syncMode": mode,
        "cursorField": ["updated_at"] if incremental else [],
        "primaryKey": [["id"]],
        "mappers": [],
    }


def read_description(path: Path) -> Description:
    """Read a fleet from JSON: `{sources, destinations, connections}`, fields as in this module.

    A connection's schedule is `{"cron": "0 0 6 * * ?"}` (with an optional `zone`),
    `{"every": "24 hours"}` or absent (manual).

    Raises:
        InputError: the file is missing, is not JSON, or has a field too many or too few.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Description(
            sources=tuple(GivenEndpoint(**one) for one in data["sources"]),
            destinations=tuple(GivenEndpoint(**one) for one in data["destinations"]),
            connections=tuple(_connection(one) for one in data["connections"]),
            workspace=data.get("workspace", "lab"),
            workspace_id=data.get("workspace_id"),
        )
    except OSError as error:
        raise InputError(f"cannot read the fleet {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} does not describe a fleet: {error}",
            "It needs the lists sources, destinations and connections.",
        ) from error


def _connection(data: dict[str, Any]) -> GivenConnection:
    fields = dict(data)
    schedule: Schedule = Manual()
    given = fields.pop("schedule", None) or {}
    if "cron" in given:
        schedule = Cron(given["cron"], given.get("zone", "UTC"))
    elif "every" in given:
        units, unit = given["every"].split()
        schedule = Basic(int(units), unit.lower())
    return GivenConnection(
        **{**fields, "schedule": schedule, "tags": tuple(fields.get("tags", ()))}
    )
