"""What Airbyte's connection timeline remembers beside jobs: settings, switches, schemas."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """One entry; `at` in epoch seconds."""

    connection_id: str
    at: int
    kind: str
    summary: dict[str, Any]
    by_person: bool = False


class Timeline:
    """Entries in order of time, by connection."""

    def __init__(self) -> None:
        self._events: dict[str, list[Event]] = {}

    def of(self, connection_id: str) -> list[Event]:
        """Return a connection's entries."""
        return self._events.get(connection_id, [])

    def _add(self, event: Event) -> None:
        self._events.setdefault(event.connection_id, []).append(event)

    def settings(
        self, connection_id: str, at: int, patches: dict[str, Any], *, by_person: bool
    ) -> None:
        """Record changed settings: field → {from, to}."""
        self._add(
            Event(connection_id, at, "CONNECTION_SETTINGS_UPDATE", {"patches": patches}, by_person)
        )

    def enabled(self, connection_id: str, at: int, *, by_person: bool) -> None:
        """Record that a connection was switched on."""
        self._add(Event(connection_id, at, "CONNECTION_ENABLED", {}, by_person))

    def disabled(self, connection_id: str, at: int, reason: str | None = None) -> None:
        """Record that a connection was switched off, by a person unless there is a reason."""
        summary = {"disabledReason": reason} if reason else {}
        self._add(
            Event(connection_id, at, "CONNECTION_DISABLED", summary, by_person=reason is None)
        )

    def schema(self, connection_id: str, at: int, summary: dict[str, Any]) -> None:
        """Record that the source's schema changed."""
        self._add(Event(connection_id, at, "SCHEMA_UPDATE", summary))
