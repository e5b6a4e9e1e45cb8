"""Apply to a file: enough of Airbyte to test the provider without a server."""

import fcntl
import json
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot.domain.errors import AirbyteError
from bot.lab.connectors import OTHER, connector_of_definition

IDS = {
    "connections": "connectionId",
    "sources": "sourceId",
    "destinations": "destinationId",
    "workspaces": "workspaceId",
}
_MASK = "**********"
_SECRET_WORDS = ("password", "secret", "token", "api_key", "private_key", "credential")
_WORKSPACE = "00000000-0000-4000-8000-000000000001"


class FileBackend:
    """Airbyte as one JSON file, for tests of the provider itself.

    It keeps the habits that plans depend on: a cron reads back with its zone, a configuration with
    its secrets masked.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()

    def create(self, collection: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Store `body` under a new id, with what Airbyte fills in."""
        object_id = str(uuid.uuid4())
        filled = {**_filled(collection, body), IDS[collection]: object_id}
        with self._store() as store:
            store.setdefault(collection, {})[object_id] = filled
        return _shown(collection, filled)

    def read(self, collection: str, object_id: str) -> dict[str, Any] | None:
        """Return what is stored under `object_id`."""
        with self._store() as store:
            held = store.get(collection, {}).get(object_id)
        return None if held is None else _shown(collection, held)

    def update(self, collection: str, object_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Lay `body` over what is stored under `object_id`."""
        with self._store() as store:
            held = store.get(collection, {}).get(object_id)
            if held is None:
                raise AirbyteError(f"{collection} {object_id} does not exist")
            held.update(body)
        return _shown(collection, held)

    def delete(self, collection: str, object_id: str) -> None:
        """Forget `object_id`."""
        with self._store() as store:
            store.get(collection, {}).pop(object_id, None)

    @contextmanager
    def _store(self) -> Iterator[dict[str, Any]]:
        """Hold the file alone, among threads and among processes, and write it back whole."""
        with self._lock, self._file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            text = self._file.read_text(encoding="utf-8") if self._file.exists() else "{}"
            store: dict[str, Any] = json.loads(text)
            yield store
            after = json.dumps(store, indent=1)
            if after != text:
                fresh = self._file.with_suffix(".new")
                fresh.write_text(after, encoding="utf-8")
                fresh.replace(self._file)


def _filled(collection: str, body: Mapping[str, Any]) -> dict[str, Any]:
    filled: dict[str, Any] = {"workspaceId": _WORKSPACE, "createdAt": int(time.time()), **body}
    if collection == "connections":
        filled.setdefault("name", "Connection")
        filled.setdefault("status", "active")
        filled.setdefault("schedule", {"scheduleType": "manual"})
        filled.setdefault("configurations", {"streams": []})
        filled.setdefault("tags", [])
    else:
        kind = collection.removesuffix("s")
        filled[f"{kind}Type"] = _connector(filled)
        filled.setdefault(
            "definitionId", str(uuid.uuid5(uuid.NAMESPACE_DNS, filled[f"{kind}Type"]))
        )
    return filled


def _connector(filled: Mapping[str, Any]) -> str:
    """Return a connector's short name: stated in its configuration, or told by its definition."""
    stated = filled.get("configuration", {}).get("sourceType")
    known = connector_of_definition(filled.get("definitionId", ""))
    return str(stated or (known or OTHER).name)


def _shown(collection: str, held: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(json.dumps(held))
    if collection == "connections":
        schedule = shown["schedule"]
        cron = schedule.get("cronExpression")
        if cron is not None:
            schedule["cronExpression"] = cron.removesuffix("UTC").rstrip() + " UTC"
        return shown
    shown["configuration"] = _masked(shown.get("configuration", {}))
    return shown


def _masked(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _masked(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner, name) for inner in value]
    return _MASK if any(word in name.lower() for word in _SECRET_WORDS) else value
