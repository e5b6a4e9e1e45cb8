"""Inventory: an index as plain data for scripts, with nothing secret in it."""

from typing import Any

from bot.knobs.catalogue import load
from bot.terraform.address import Steps, render
from bot.terraform.evaluation import UNSET
from bot.terraform.index import Index, Resource

HIDDEN = "(hidden)"
_CONFIGURATION = ("configuration", "configuration_secrets")


def inventory(index: Index) -> dict[str, Any]:
    """List every resource: address, place, provider, `ignore_changes`, values.

    Texts inside a connector's configuration may be secrets and are hidden, except those at the
    path of a knob.
    """
    return {
        "root": str(index.root.path),
        "resources": [_row(resource) for resource in index.resources],
    }


def _row(resource: Resource) -> dict[str, Any]:
    values = {
        name: _shown(value) if name in _CONFIGURATION else _known(value)
        for name, value in resource.values.items()
        if name != "lifecycle"
    }
    return {
        "address": str(resource.address),
        "type": resource.address.type,
        "file": resource.file,
        "line": resource.line,
        "provider": resource.provider.source,
        "supported": resource.provider.is_known,
        "ignore_changes": [render(path).removeprefix(".") for path in resource.ignore_changes],
        "values": values,
    }


def _known(value: Any) -> Any:
    """Take out what only stands in for a value from outside the repository."""
    if isinstance(value, dict):
        return {key: _known(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_known(inner) for inner in value]
    return None if isinstance(value, str) and UNSET in value else value


def _shown(value: Any, path: Steps = ()) -> Any:
    if isinstance(value, dict):
        return {key: _shown(inner, (*path, key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shown(inner, path) for inner in value]
    if isinstance(value, str) and ".".join(map(str, path)) not in _knob_paths():
        return HIDDEN
    return value


def _knob_paths() -> frozenset[str]:
    knobs = list(load())
    typed = {knob.typed_path for knob in knobs if knob.typed_path is not None}
    return frozenset({knob.path for knob in knobs} | typed)
