"""Access to GitHub: as an App, or with a token."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from bot.domain.errors import ConfigError
from bot.pulls.github_api import Api

if TYPE_CHECKING:
    from github.Auth import Auth

PUBLIC_URL: Final = "https://api.github.com"
PERMISSIONS: Final = {
    "contents": "write",
    "issues": "write",
    "metadata": "read",
    "pull_requests": "write",
}
"""What a token of the App is narrowed down to, however much the App itself may do."""

APPROVAL_PERMISSIONS: Final = {
    "contents": "read",
    "members": "read",
    "metadata": "read",
    "pull_requests": "read",
    "statuses": "write",
}
"""The same for the approval check."""

_TIMEOUT_SECONDS: Final = 30
_SECONDS_BETWEEN_WRITES: Final = 1.0


@dataclass(frozen=True, slots=True)
class GitHubApp:
    """A GitHub App; `private_key` is PEM. Neither is ever shown."""

    id: str = field(repr=False)
    private_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Access:
    """Which GitHub, which repository (`owner/name`), and as whom: one of `app` and `token`."""

    repository: str
    url: str = PUBLIC_URL
    token: str | None = field(default=None, repr=False)
    app: GitHubApp | None = None
    permissions: dict[str, str] = field(default_factory=lambda: dict(PERMISSIONS))


def files_url(access: Access, base: str) -> str:
    """Return where people look at the files of the base branch: `https://github.com/o/r/blob/main`.

    The API is at `api.` of the web's host, or below `/api/v3` of an Enterprise Server.
    """
    parts = urlsplit(access.url)
    host = parts.netloc.removeprefix("api.")
    return f"{parts.scheme}://{host}/{access.repository}/blob/{quote(base)}"


def connect(
    access: Access,
    seconds_between_writes: float = _SECONDS_BETWEEN_WRITES,
    pause: Callable[[float], None] = time.sleep,
) -> Api:
    """Open the API; nothing is read with a token, with an App its installation is looked up.

    Raises:
        ConfigError: there is neither token nor App, or the App cannot get in.
    """
    from github import Github

    github = Github(
        auth=_auth(access),
        base_url=access.url.rstrip("/"),
        timeout=_TIMEOUT_SECONDS,
        per_page=100,
        retry=None,  # `Api` retries, and reads back before it repeats a write
        seconds_between_requests=0,
        seconds_between_writes=seconds_between_writes,
        lazy=True,
    )
    return Api(github.requester, access.repository, pause)


def _auth(access: Access) -> "Auth":
    from github import Auth

    if access.app is not None:
        return _installed(access, access.app)
    if access.token:
        return Auth.Token(access.token)
    raise ConfigError(
        "forge: there is neither a token nor an App to work with",
        "Set forge.token, or forge.app with its id and private_key: see docs/security.md.",
    )


def _installed(access: Access, app: GitHubApp) -> "Auth":
    from github import Auth, GithubException, GithubIntegration
    from jwt.exceptions import PyJWTError
    from requests.exceptions import RequestException

    owner, _, name = access.repository.partition("/")
    try:
        auth = Auth.AppAuth(app.id, app.private_key)
        integration = GithubIntegration(auth=auth, base_url=access.url.rstrip("/"), retry=None)
        installation = integration.get_repo_installation(owner, name).id
    except GithubException as error:
        raise ConfigError(
            f"forge.app: GitHub refuses the App for {access.repository} ({error.status})",
            "Check its id and key, and that it is installed on the repository.",
        ) from None
    except RequestException as error:
        raise ConfigError(
            f"forge.app: GitHub cannot be reached ({type(error).__name__})", "Try again."
        ) from None
    except (ValueError, TypeError, PyJWTError) as error:
        raise ConfigError(
            f"forge.app.private_key is not a private key in PEM ({type(error).__name__})",
            "Pass the whole file that GitHub gave you, with its first and last line.",
        ) from None
    return auth.get_installation_auth(installation, token_permissions=access.permissions)
