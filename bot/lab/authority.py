"""Who may ask: applications and their tokens, basic authentication, or nobody asks."""

import json
import time
from base64 import b64decode
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from urllib.parse import parse_qs

from bot.lab.http import Answer, Refusal, Request, anonymous_error, bare, ok, problem
from bot.lab.noise import key_of, mix


class AuthMode(StrEnum):
    """How an installation authenticates: Cloud, an application's token, basic, not at all."""

    CLOUD = "cloud"
    TOKEN = "token"  # noqa: S105  a mode, not a secret
    BASIC = "basic"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the lab accepts."""

    client_id: str
    client_secret: str
    username: str = "airbyte"
    password: str = "password"  # noqa: S105  the default of every old installation


class Authority:
    """Mints tokens that expire, and checks what requests bring."""

    def __init__(self, mode: AuthMode, credentials: Credentials, token_life: float) -> None:
        self.mode = mode
        self.credentials = credentials
        self._life = token_life
        self._minted = 0
        self._tokens: dict[str, float] = {}
        self._lock = Lock()

    def token(self, request: Request, *, public: bool) -> Answer:
        """Exchange an application's id and secret for a token."""
        given = _fields(request)
        expected = (self.credentials.client_id, self.credentials.client_secret)
        if (given.get("client_id"), given.get("client_secret")) != expected:
            if self.mode is AuthMode.CLOUD:
                return anonymous_error(401, request.number)
            return bare(400, "Invalid client ID or client secret")
        with self._lock:
            self._minted += 1
            key = key_of(*expected, self._minted)
            token = f"lab.{mix(key, 1):016x}{mix(key, 2):016x}"
            self._tokens[token] = time.monotonic() + self._life
        if not public:
            return ok({"access_token": token})
        return ok({"access_token": token, "token_type": "Bearer", "expires_in": int(self._life)})

    def check(self, request: Request) -> None:
        """Let a request pass.

        Raises:
            Refusal: 401, in the shape that the mode gives it.
        """
        header = request.headers.get("authorization", "")
        if self.mode is AuthMode.NONE:
            return
        if self.mode is AuthMode.BASIC:
            if not self._is_basic(header):
                raise Refusal(Answer(401, b"<html>401 Authorization Required</html>", "text/html"))
            return
        token = header.removeprefix("Bearer ")
        with self._lock:
            expires = self._tokens.get(token, 0.0)
        if not header.startswith("Bearer ") or expires <= time.monotonic():
            raise Refusal(problem(401, "invalid-api-key", "The provided API key is not valid."))

    def _is_basic(self, header: str) -> bool:
        scheme, _, encoded = header.partition(" ")
        try:
            given = b64decode(encoded).decode()
        except ValueError:
            return False
        wanted = f"{self.credentials.username}:{self.credentials.password}"
        return scheme == "Basic" and given == wanted


def _fields(request: Request) -> dict[str, str]:
    if "x-www-form-urlencoded" in request.headers.get("content-type", ""):
        return {name: values[-1] for name, values in parse_qs(request.body.decode()).items()}
    try:
        data = json.loads(request.body or b"{}")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
