"""Where the stand-in applies to: a simulated Airbyte over loopback HTTP, or a file."""

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from bot.domain.errors import InputError


class Backend(Protocol):
    """The part of Airbyte's public API that the resources need; bodies are the API's JSON."""

    def create(self, collection: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create an object and return it, with its id."""
        ...

    def read(self, collection: str, object_id: str) -> dict[str, Any] | None:
        """Return an object, or None when it is gone."""
        ...

    def update(self, collection: str, object_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Change a connection in part, or replace a source or destination; return it."""
        ...

    def delete(self, collection: str, object_id: str) -> None:
        """Delete an object; one that is gone already is no error."""
        ...


def open_backend(config: Mapping[str, Any]) -> Backend:
    """Return the backend for a provider block.

    `server_url` is the API root of a simulated Airbyte on this machine, or `file:///…/store.json`.

    Raises:
        InputError: `server_url` is missing or points to another machine.
    """
    url = config.get("server_url")
    parts = urlsplit(url) if isinstance(url, str) else None
    if parts is not None and parts.scheme == "file":
        from bot.lab.provider.local import FileBackend

        return FileBackend(Path(parts.path))
    if parts is None or parts.scheme not in {"http", "https"} or not _is_local(parts.hostname):
        raise InputError(
            "the stand-in provider talks to a simulated Airbyte on this machine only",
            "Set server_url to the lab's address (http://127.0.0.1:PORT/…) or to file:///PATH.",
        )
    from bot.lab.provider.remote import HttpBackend

    return HttpBackend(config)


def _is_local(host: str | None) -> bool:
    if host is None:
        return False
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
