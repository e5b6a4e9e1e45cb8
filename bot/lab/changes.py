"""Writes through the public API: request bodies checked as the server does, then done."""

from typing import Any

from bot.domain.connection import Cron, Manual, Schedule
from bot.lab import constants as known
from bot.lab.actions import ChangeConnection, ChangeEndpoint, CreateConnection, CreateEndpoint
from bot.lab.connectors import (
    OTHER,
    Connector,
    connector_of_definition,
    destination_connector,
    source_connector,
)
from bot.lab.description import stream_of
from bot.lab.fleet import Endpoint, EndpointKind, LabConnection, Tag, Workspace
from bot.lab.http import Refusal, problem
from bot.lab.world import World
from bot.lab.writing import cron_of

_PLAIN = {
    "name": "name",
    "nonBreakingSchemaUpdatesBehavior": "non_breaking",
    "namespaceDefinition": "namespace_definition",
    "namespaceFormat": "namespace_format",
    "prefix": "prefix",
}


class Changes:
    """Checks what clients send and carries it out; `floor` is the shortest cron gap, seconds."""

    def __init__(self, world: World, floor: int) -> None:
        self._world = world
        self._floor = floor

    def patch_connection(self, connection: LabConnection, body: dict[str, Any]) -> LabConnection:
        """Change what the body names.

        Raises:
            Refusal: 409 when it is locked, 400 for a schedule that cannot be written.
        """
        if connection.status == "locked":
            raise Refusal(
                problem(
                    409,
                    "connection/locked",
                    "Connection is locked",
                    connectionId=connection.id,
                    statusReason="MANUALLY_LOCKED",
                )
            )
        fields = {ours: body[theirs] for theirs, ours in _PLAIN.items() if body.get(theirs)}
        if "tags" in body:
            fields["tag_ids"] = self._tags(body["tags"])
        made = self._world.do(
            ChangeConnection(
                connection_id=connection.id,
                schedule=self._schedule(body["schedule"]) if body.get("schedule") else None,
                status=body.get("status"),
                streams=self._streams(body),
                fields=fields,
            )
        )
        assert isinstance(made, LabConnection)
        return made

    def create_connection(self, body: dict[str, Any]) -> LabConnection:
        """Create a connection between a source and a destination that exist.

        Raises:
            Refusal: 404 for an endpoint that does not exist, 400 for an impossible schedule.
        """
        fleet = self._world.fleet
        source = fleet.sources.get(str(body.get("sourceId")))
        destination = fleet.destinations.get(str(body.get("destinationId")))
        for kind, found in (("source", source), ("destination", destination)):
            if found is None or found.id in fleet.hidden:
                raise Refusal(
                    problem(
                        404,
                        "resource-not-found",
                        f"The requested {kind} was not found.",
                        resourceType=kind,
                        resourceId=str(body.get(f"{kind}Id")),
                    )
                )
        assert source is not None
        assert destination is not None
        name = body.get("name") or f"{source.name} → {destination.name}"
        made = self._world.do(
            CreateConnection(
                connection=LabConnection(
                    id=fleet.fresh_id("connection", name),
                    index=-1,
                    name=name,
                    source_id=source.id,
                    destination_id=destination.id,
                    workspace_id=source.workspace_id,
                    status=body.get("status") or "active",
                    schedule=self._schedule(body.get("schedule") or {"scheduleType": "manual"}),
                    streams=list(
                        self._streams(body) or [stream_of("records", "full_refresh_overwrite")]
                    ),
                    created_at=0,
                    tag_ids=self._tags(body.get("tags") or []),
                    non_breaking=body.get("nonBreakingSchemaUpdatesBehavior") or "ignore",
                    namespace_definition=body.get("namespaceDefinition") or "destination",
                    namespace_format=body.get("namespaceFormat"),
                    prefix=body.get("prefix") or "",
                )
            )
        )
        assert isinstance(made, LabConnection)
        return made

    def change_endpoint(self, endpoint: Endpoint, body: dict[str, Any], *, whole: bool) -> Endpoint:
        """Patch (or with `whole` replace) an endpoint's configuration, name and resources."""
        given = body.get("configuration")
        configuration = None
        if isinstance(given, dict):
            configuration = given if whole else _merged(endpoint.configuration, given)
            configuration = _unmasked(configuration, endpoint.configuration)
        made = self._world.do(
            ChangeEndpoint(
                endpoint_id=endpoint.id,
                name=body.get("name"),
                configuration=configuration,
                resource_allocation=body.get("resourceAllocation"),
            )
        )
        assert isinstance(made, Endpoint)
        return made

    def create_endpoint(self, kind: EndpointKind, body: dict[str, Any]) -> Endpoint:
        """Create a source or a destination.

        Raises:
            Refusal: 404 when the workspace does not exist, 422 when the name is missing.
        """
        workspace_id = str(body.get("workspaceId"))
        if workspace_id not in self._world.fleet.workspaces:
            raise Refusal(problem(404, "resource-not-found", "The workspace was not found."))
        name, configuration = body.get("name"), body.get("configuration")
        if not isinstance(name, str) or not isinstance(configuration, dict):
            raise Refusal(
                problem(
                    422,
                    "unprocessable-entity",
                    "The body of the request was not understood.",
                    message="name and configuration are required",
                )
            )
        definition = body.get("definitionId")
        made = self._world.do(
            CreateEndpoint(
                endpoint=Endpoint(
                    id=self._world.fleet.fresh_id(kind, name),
                    kind=kind,
                    name=name,
                    connector=_connector(kind, configuration, definition),
                    workspace_id=workspace_id,
                    configuration=configuration,
                    created_at=self._world.now,
                    resource_allocation=body.get("resourceAllocation"),
                    definition_id=definition or "",
                )
            )
        )
        assert isinstance(made, Endpoint)
        return made

    def create_tag(self, body: dict[str, Any]) -> Tag:
        """Create a tag.

        Raises:
            Refusal: 409 for a name that exists, 400 for one that is too long or one too many.
        """
        fleet = self._world.fleet
        name, space = str(body.get("name")), str(body.get("workspaceId"))
        own = [tag for tag in fleet.tags.values() if tag.workspace_id == space]
        if any(tag.name == name for tag in own):
            raise Refusal(problem(409, "tag-already-exists", f"Tag {name} already exists."))
        if len(name) > known.TAG_NAME_LENGTH or len(own) >= known.TAGS_PER_WORKSPACE:
            raise Refusal(problem(400, "bad-request", "The tag is not valid."))
        tag = Tag(fleet.fresh_id("tag", space, name), name, str(body.get("color")), space)
        fleet.tags[tag.id] = tag
        return tag

    def create_workspace(self, body: dict[str, Any]) -> Workspace:
        """Create a workspace."""
        fleet, name = self._world.fleet, str(body.get("name"))
        made = Workspace(fleet.fresh_id("workspace", name), name)
        fleet.workspaces[made.id] = made
        return made

    def _schedule(self, body: dict[str, Any]) -> Schedule:
        match body.get("scheduleType"):
            case "manual":
                return Manual()
            case "cron":
                return Cron(cron_of(body.get("cronExpression"), self._floor, self._world.now))
            case other:
                # `basic` can be read, and never written.
                raise Refusal(
                    problem(400, "bad-request", f"Unexpected value '{other}' for scheduleType.")
                )

    def _streams(self, body: dict[str, Any]) -> tuple[dict[str, Any], ...] | None:
        configurations = body.get("configurations")
        if not isinstance(configurations, dict) or not configurations.get("streams"):
            return None
        return tuple(
            {**stream_of(given["name"], given.get("syncMode") or "full_refresh_overwrite"), **given}
            for given in configurations["streams"]
        )

    def _tags(self, given: list[dict[str, Any]]) -> list[str]:
        known_ids = self._world.fleet.tags
        ids = [str(tag.get("tagId")) for tag in given]
        for tag_id in ids:
            if tag_id not in known_ids:
                raise Refusal(problem(404, "resource-not-found", f"No tag {tag_id}."))
        return ids


def _connector(kind: EndpointKind, configuration: dict[str, Any], definition: Any) -> Connector:
    """Find the connector by definition id, or by the `sourceType` that v0 providers send."""
    if isinstance(definition, str) and (found := connector_of_definition(definition)):
        return found
    name = configuration.get(f"{kind}Type")
    if isinstance(name, str):
        return source_connector(name) if kind == "source" else destination_connector(name)
    return OTHER


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    merged = dict(old)
    for key, value in new.items():
        inner = merged.get(key)
        both = isinstance(inner, dict) and isinstance(value, dict)
        merged[key] = _merged(inner, value) if both and isinstance(inner, dict) else value
    return merged


def _unmasked(new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    """Keep a stored secret where a client sends its mask back."""
    kept: dict[str, Any] = {}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            kept[key] = _unmasked(value, before)
        else:
            kept[key] = before if value == "**********" and before is not None else value
    return kept
