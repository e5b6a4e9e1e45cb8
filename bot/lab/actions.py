"""What can be done to the simulated world, as values: by the API, by people, by supposition."""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bot.domain.connection import Basic, Cron, Schedule
from bot.lab.fleet import Endpoint, LabConnection

if TYPE_CHECKING:
    from bot.lab.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something done at second `at`; actions done through the API are dated by the world."""

    at: int = 0
    by_person: bool = False

    def apply(self, world: "World") -> Any:
        """Change the world."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeConnection(Action):
    """Change some settings of a connection; what is None stays.

    `fields` holds plain attributes of `LabConnection` that no sync depends on.
    """

    connection_id: str
    schedule: Schedule | None = None
    status: str | None = None
    streams: tuple[dict[str, Any], ...] | None = None
    fields: dict[str, Any] = field(default_factory=dict)

    def apply(self, world: "World") -> LabConnection:
        """Change the connection and write what changed to the timeline."""
        connection = world.fleet.connections[self.connection_id]
        patches: dict[str, Any] = {}
        for name, value in self.fields.items():
            if getattr(connection, name) != value:
                patches[name] = {"from": getattr(connection, name), "to": value}
                setattr(connection, name, deepcopy(value))
        if self.streams is not None:
            connection.streams = [deepcopy(stream) for stream in self.streams]
            world.repace_connection(connection)
        was = connection.schedule
        if self.schedule is not None and self.schedule != was:
            connection.schedule = self.schedule
            patches["scheduleType"] = {"from": kind_of(was), "to": kind_of(self.schedule)}
            patches["scheduleData"] = {"from": data_of(was), "to": data_of(self.schedule)}
        switched = self.status is not None and self.status != connection.status
        if switched:
            assert self.status is not None
            connection.status = self.status
            if self.status == "active":
                world.timeline.enabled(connection.id, world.now, by_person=self.by_person)
            else:
                world.timeline.disabled(connection.id, world.now)
        if switched or connection.schedule != was:
            world.rescheduled(connection, was if isinstance(was, Cron) else None)
        if patches:
            world.timeline.settings(connection.id, world.now, patches, by_person=self.by_person)
        return connection


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSchema(Action):
    """The schema of a connection's source moves away from what it was set up for."""

    connection_id: str
    change: str
    column: str

    def apply(self, world: "World") -> None:
        """Remember it; a breaking change stops the connection, as Airbyte does."""
        connection = world.fleet.connections[self.connection_id]
        connection.schema_change = self.change
        stream = connection.streams[0]["name"] if connection.streams else "records"
        kind = "remove_field" if self.change == "breaking" else "add_field"
        transform = {"transformType": kind, "fieldName": [self.column]}
        world.timeline.schema(
            connection.id,
            world.now,
            {
                "catalogDiff": {
                    "transforms": [
                        {
                            "transformType": "update_stream",
                            "streamDescriptor": {"name": stream},
                            "updateStream": {"fieldTransforms": [transform]},
                        }
                    ]
                }
            },
        )
        if self.change == "breaking" and connection.status == "active":
            connection.status = "inactive"
            world.timeline.disabled(connection.id, world.now, "SCHEMA_CHANGES_ARE_BREAKING")
            world.rescheduled(connection, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEndpoint(Action):
    """Replace the name, configuration or resources of a source or destination."""

    endpoint_id: str
    name: str | None = None
    configuration: dict[str, Any] | None = None
    resource_allocation: dict[str, Any] | None = None

    def apply(self, world: "World") -> Endpoint:
        """Change the endpoint; syncs that start later feel it."""
        fleet = world.fleet
        endpoint = fleet.sources.get(self.endpoint_id) or fleet.destinations[self.endpoint_id]
        if self.name is not None:
            endpoint.name = self.name
        if self.configuration is not None:
            endpoint.configuration = deepcopy(self.configuration)
        if self.resource_allocation is not None:
            endpoint.resource_allocation = deepcopy(self.resource_allocation)
        world.repace(endpoint.id)
        return endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateEndpoint(Action):
    """Add a source or a destination."""

    endpoint: Endpoint

    def apply(self, world: "World") -> Endpoint:
        """Add it."""
        made = deepcopy(self.endpoint)
        world.fleet.endpoints(made.kind)[made.id] = made
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteEndpoint(Action):
    """Delete a source or destination with the connections that use it."""

    endpoint_id: str

    def apply(self, world: "World") -> None:
        """Delete them."""
        for connection in list(world.fleet.users_of(self.endpoint_id)):
            DeleteConnection(connection_id=connection.id).apply(world)
        # The engine still asks for the source of open syncs, so only the listing forgets it.
        world.fleet.hide(self.endpoint_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateConnection(Action):
    """Add a connection; its index is given when it is added."""

    connection: LabConnection

    def apply(self, world: "World") -> LabConnection:
        """Add it; a basic schedule starts at once."""
        made = deepcopy(self.connection)
        made.index = len(world.fleet.by_index)
        made.created_at = world.now
        world.take_in(made)
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteConnection(Action):
    """Delete a connection; its jobs stay."""

    connection_id: str

    def apply(self, world: "World") -> None:
        """Delete it."""
        connection = world.fleet.connections[self.connection_id]
        world.fleet.remove(self.connection_id)
        world.rescheduled(connection, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartJob(Action):
    """Start a job by hand; `kind` is a place in `jobs.KIND_NAMES`."""

    connection_id: str
    kind: int = 0

    def apply(self, world: "World") -> int | None:
        """Return the new job's row, or None when one is open already."""
        connection = world.fleet.connections[self.connection_id]
        return world.engine.start_by_hand(connection.index, self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelJob(Action):
    """Cancel an open job."""

    row: int

    def apply(self, world: "World") -> bool:
        """Tell whether it was open."""
        return world.engine.cancel(self.row)


def kind_of(schedule: Schedule) -> str:
    """Return the API's name for a schedule's form."""
    return {"Cron": "cron", "Basic": "basic"}.get(type(schedule).__name__, "manual")


def data_of(schedule: Schedule) -> dict[str, Any] | None:
    """Return a schedule as the Configuration API writes it."""
    match schedule:
        case Cron(expression, zone):
            return {"cron": {"cronExpression": expression, "cronTimeZone": zone}}
        case Basic(units, unit):
            return {"basicSchedule": {"units": units, "timeUnit": unit.lower()}}
        case _:
            return None
