"""The public API's shapes of what exists; nulls are left out by whoever prints them."""

from typing import Any

from bot.domain.connection import Basic, Cron, Schedule
from bot.lab.fleet import Endpoint, Fleet, LabConnection, Tag, Workspace

_CHANNELS = (
    "failure",
    "success",
    "connectionUpdate",
    "connectionUpdateActionRequired",
    "syncDisabled",
    "syncDisabledWarning",
)


def workspace(one: Workspace) -> dict[str, Any]:
    """Show a workspace."""
    off = {"email": {"enabled": False}, "webhook": {"enabled": False}}
    return {
        "workspaceId": one.id,
        "name": one.name,
        "dataResidency": "auto",
        "notifications": {name: one.notifications.get(name, off) for name in _CHANNELS},
    }


def endpoint(one: Endpoint) -> dict[str, Any]:
    """Show a source or a destination."""
    return {
        f"{one.kind}Id": one.id,
        "name": one.name,
        f"{one.kind}Type": one.connector.name,
        "definitionId": one.definition_id or one.connector.definition_id,
        "workspaceId": one.workspace_id,
        "configuration": masked(one.configuration),
        "createdAt": one.created_at,
        "resourceAllocation": one.resource_allocation,
    }


def tag(one: Tag) -> dict[str, Any]:
    """Show a tag."""
    return {
        "tagId": one.id,
        "name": one.name,
        "color": one.color,
        "workspaceId": one.workspace_id,
    }


def connection(one: LabConnection, fleet: Fleet) -> dict[str, Any]:
    """Show a connection."""
    return {
        "connectionId": one.id,
        "name": one.name,
        "sourceId": one.source_id,
        "destinationId": one.destination_id,
        "workspaceId": one.workspace_id,
        "status": one.status,
        "schedule": schedule(one.schedule, legacy=one.legacy_basic),
        "nonBreakingSchemaUpdatesBehavior": one.non_breaking,
        "namespaceDefinition": one.namespace_definition,
        "namespaceFormat": one.namespace_format,
        "prefix": one.prefix,
        "configurations": {"streams": one.streams},
        "createdAt": one.created_at,
        "tags": [tag(fleet.tags[tag_id]) for tag_id in one.tag_ids if tag_id in fleet.tags],
    }


def schedule(one: Schedule, *, legacy: bool = False) -> dict[str, Any]:
    """Show a schedule: a cron with its zone behind it, an interval in words."""
    match one:
        case Cron(expression, zone):
            return {"scheduleType": "cron", "cronExpression": f"{expression} {zone}"}
        case Basic(units, unit):
            word = unit.lower() if legacy else unit.upper()
            return {"scheduleType": "basic", "basicTiming": f"Every {units} {word}"}
        case _:
            return {"scheduleType": "manual"}


_SECRET_WORDS = ("password", "secret", "token", "api_key", "private_key", "passphrase")


def masked(configuration: Any, name: str = "") -> Any:
    """Copy a configuration with its secrets masked, as the API shows it."""
    if isinstance(configuration, dict):
        return {key: masked(value, key) for key, value in configuration.items()}
    if isinstance(configuration, list):
        return [masked(value, name) for value in configuration]
    if isinstance(configuration, str) and any(word in name for word in _SECRET_WORDS):
        return "**********"
    return configuration
