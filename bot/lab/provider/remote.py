"""Apply over HTTP: the public API of a simulated Airbyte."""

import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx

from bot.domain.errors import AirbyteError

_TRIES = 6
_BUSY = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}


class HttpBackend:
    """Airbyte's public API over HTTP."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._root = str(config["server_url"]).rstrip("/")
        self._config = config
        self._token: str | None = None
        self._lock = threading.Lock()
        # The proxy settings of the environment are not for a server on this machine.
        self._client = httpx.Client(timeout=30, trust_env=False)

    def create(self, collection: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send `POST /collection`."""
        return self._object(self._send("POST", collection, body))

    def read(self, collection: str, object_id: str) -> dict[str, Any] | None:
        """Send `GET /collection/ID`."""
        answer = self._send("GET", f"{collection}/{object_id}", None)
        return None if answer.status_code == HTTPStatus.NOT_FOUND else self._object(answer)

    def update(self, collection: str, object_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send `PATCH` for connections and `PUT` for the rest, as the provider does."""
        method = "PATCH" if collection == "connections" else "PUT"
        return self._object(self._send(method, f"{collection}/{object_id}", body))

    def delete(self, collection: str, object_id: str) -> None:
        """Send `DELETE /collection/ID`."""
        answer = self._send("DELETE", f"{collection}/{object_id}", None)
        if answer.status_code not in {200, 204, 404}:
            self._object(answer)

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> httpx.Response:
        """Send one request; a refused rate is tried again, an expired token minted anew."""
        answer = self._once(method, path, body)
        for attempt in range(_TRIES):
            if answer.status_code == HTTPStatus.UNAUTHORIZED and attempt == 0:
                self._token = None
            elif answer.status_code in _BUSY:
                time.sleep(0.1 * 2**attempt)
            else:
                break
            answer = self._once(method, path, body)
        return answer

    def _once(self, method: str, path: str, body: Mapping[str, Any] | None) -> httpx.Response:
        url = f"{self._root}/{path}"
        try:
            return self._client.request(method, url, json=body, headers=self._headers())
        except httpx.HTTPError as error:
            raise AirbyteError(f"{method} {url}: {error}") from error

    def _headers(self) -> dict[str, str]:
        bearer = self._config.get("bearer_auth")
        if bearer is None and self._config.get("client_id"):
            with self._lock:
                self._token = self._token or self._mint()
                bearer = self._token
        return {} if bearer is None else {"authorization": f"Bearer {bearer}"}

    def _mint(self) -> str:
        url = self._config.get("token_url") or f"{self._root}/applications/token"
        answer = self._client.post(
            url,
            json={
                "client_id": self._config["client_id"],
                "client_secret": self._config.get("client_secret"),
                "grant-type": "client_credentials",
            },
        )
        return str(self._object(answer)["access_token"])

    def _object(self, answer: httpx.Response) -> dict[str, Any]:
        try:
            found = answer.json()
        except ValueError:
            found = None
        if answer.is_success and isinstance(found, dict):
            return found
        said = found if isinstance(found, dict) else {}
        detail = said.get("detail") or said.get("message") or said.get("title") or "no reason given"
        request = answer.request
        raise AirbyteError(
            f"{request.method} {request.url.path}: HTTP {answer.status_code}: {detail}"
        )
