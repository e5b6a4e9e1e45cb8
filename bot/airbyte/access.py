"""Access: where an Airbyte is, and how to prove who we are."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

import httpx

from bot.domain.errors import ConfigError

CLOUD_ROOT: Final = "https://api.airbyte.com/v1"
CLOUD_CONFIGURATION_ROOT: Final = "https://cloud.airbyte.com/api/v1"

_CLOUD_HOSTS: Final = frozenset({"api.airbyte.com", "cloud.airbyte.com", "airbyte.com"})
_EXAMPLES: Final = f"Use {CLOUD_ROOT} for Cloud, https://<your host>/api/public/v1 for your own."


@dataclass(frozen=True, slots=True)
class Application:
    """An application's id and secret, exchanged for short-lived tokens."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Basic:
    """Name and password, as old self-managed installations want them."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Anonymous:
    """No credentials at all: an installation with authentication switched off."""


Credentials = Application | Basic | Anonymous


@dataclass(frozen=True, slots=True)
class Access:
    """One Airbyte: its public API root, credentials, and how long one answer may take.

    Listing syncs is slow on big installations (most of a minute has been seen), hence the
    patient default. Build it with `Access.to`, which understands the addresses that people have.
    """

    root: str
    credentials: Credentials = Anonymous()
    timeout: timedelta = timedelta(seconds=120)

    @classmethod
    def to(cls, url: str, credentials: Credentials | None = None) -> "Access":
        """Build from whatever address of an Airbyte is at hand.

        Args:
            url: an API root (`…/api/public/v1`, `https://api.airbyte.com/v1`), or just the
                address that opens the web interface.
            credentials: None is anonymous.

        Raises:
            ConfigError: `url` is not an http(s) address, or has credentials inside.
        """
        return cls(_public_root(url), credentials or Anonymous())

    @property
    def secrets(self) -> frozenset[str]:
        """Return what must never be shown."""
        match self.credentials:
            case Application(client_secret=secret):
                return frozenset({secret})
            case Basic(password=secret):
                return frozenset({secret})
            case Anonymous():
                return frozenset()

    @property
    def token_urls(self) -> tuple[str, ...]:
        """Return where tokens are minted: the public endpoint, then the older internal one."""
        found = [f"{self.root}/applications/token"]
        if self.configuration_root and self.root != CLOUD_ROOT:
            found.append(f"{self.configuration_root}/applications/token")
        return tuple(found)

    @property
    def configuration_root(self) -> str | None:
        """Return the root of the Configuration API, or None when it cannot be derived."""
        if self.root == CLOUD_ROOT:
            return CLOUD_CONFIGURATION_ROOT
        head, public, tail = self.root.rpartition("/api/public/v1")
        return f"{head}/api/v1" if public and not tail else None


def _public_root(url: str) -> str:
    parts = _split(url)
    if parts.hostname in _CLOUD_HOSTS:
        return CLOUD_ROOT
    path = parts.path.rstrip("/")
    if path.endswith("/api/v1"):
        path = path.removesuffix("/api/v1") + "/api/public/v1"
    elif path.endswith("/api/public"):
        path += "/v1"
    elif not path.endswith("/v1"):
        path += "/api/public/v1"
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        httpx.URL(url.strip())
    except (ValueError, httpx.InvalidURL) as error:
        raise ConfigError(f"The Airbyte address cannot be read: {error}", _EXAMPLES) from None
    if parts.username is not None or parts.password is not None:
        raise ConfigError(
            f"The Airbyte address for {parts.hostname} has credentials inside it",
            "Pass them as AIRBYTE_CLIENT_ID and AIRBYTE_CLIENT_SECRET (or AIRBYTE_USERNAME and "
            "AIRBYTE_PASSWORD), so that they stay out of logs.",
        )
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError(f"{url!r} is not an address of an Airbyte", _EXAMPLES)
    return parts
