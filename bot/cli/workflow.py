"""What verbs take from a GitHub Actions workflow: its repository, its token, its event."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.domain.errors import ConfigError, InputError

if TYPE_CHECKING:
    from bot.pulls.github_api import Api


def event(env: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Read the event that started the workflow; empty outside of one.

    Raises:
        InputError: the file that GITHUB_EVENT_PATH names cannot be read.
    """
    path = env.get("GITHUB_EVENT_PATH")
    if not path:
        return {}
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: the event cannot be read ({type(error).__name__})",
            "GITHUB_EVENT_PATH is set by GitHub Actions; outside of it, name --pull.",
        ) from None
    return found if isinstance(found, dict) else {}


def pull_of(happened: Mapping[str, Any]) -> int | None:
    """Return the number of the pull request that an event is about, None for another event."""
    number = (happened.get("pull_request") or {}).get("number")
    return number if isinstance(number, int) else None


def connect_in_workflow(env: Mapping[str, str] = os.environ) -> "Api":
    """Open the API for the workflow's repository, with its token.

    Raises:
        ConfigError: GITHUB_REPOSITORY or GITHUB_TOKEN is not set.
    """
    from bot.pulls.github_access import PUBLIC_URL, Access, connect

    for name in ("GITHUB_REPOSITORY", "GITHUB_TOKEN"):
        if not env.get(name):
            raise ConfigError(
                f"the environment variable {name} is not set",
                "In a workflow: `env: {GITHUB_TOKEN: ${{ github.token }}}`; "
                "GITHUB_REPOSITORY (owner/name) is set by GitHub.",
            )
    url = env.get("GITHUB_API_URL") or PUBLIC_URL
    return connect(Access(env["GITHUB_REPOSITORY"], url, env["GITHUB_TOKEN"]))
