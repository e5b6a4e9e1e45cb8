"""Forges: from settings to the place where pull requests live."""

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.domain.errors import ForgeError

if TYPE_CHECKING:
    from bot.pulls.forge import Forge
    from bot.pulls.git import Git
    from bot.pulls.github import GitHubForge
    from bot.pulls.github_access import Access
    from bot.settings.model import ForgeSettings
    from bot.settings.reading import ReadSettings


def open_forge(read: "ReadSettings", now: datetime, env: Mapping[str, str]) -> tuple["Forge", Path]:
    """Open the forge of the settings; return it, and their folder's place in its repository.

    Raises:
        TrimtabError: the repository is none, or the credentials do not get in.
    """
    from bot.pulls.local import LocalForge

    settings = read.settings.forge
    if settings.type == "github":
        return open_github(read, now, env), _place(read.folder, _checkout(read.folder))
    from bot.pulls.git import Git

    git = Git(read.folder / settings.repository).at_top()
    return LocalForge(git, settings.base, now), _place(read.folder, git)


def open_github(read: "ReadSettings", now: datetime, env: Mapping[str, str]) -> "GitHubForge":
    """Open GitHub, with the checkout that the settings lie in."""
    from bot.pulls.github import GitHubForge
    from bot.pulls.github_access import connect

    settings = read.settings.forge
    api = connect(access_to_github(settings, env))
    return GitHubForge(api, settings.base, now, checkout=_checkout(read.folder))


def say_notices(forge: "Forge") -> None:
    """Say on stderr what the token in use leaves undone; GitHub Actions shows it as a warning."""
    from bot.pulls.github import GitHubForge

    if isinstance(forge, GitHubForge):
        for notice in forge.notices:
            start = "::warning title=trimtab::" if "GITHUB_ACTIONS" in os.environ else "trimtab: "
            click.echo(f"{start}{notice}", err=True)


def links_of(settings: "ForgeSettings", env: Mapping[str, str]) -> str:
    """Return where bodies link files to; empty where there is no web page for them."""
    if settings.type == "local":
        return ""
    from bot.pulls.github_access import files_url

    return files_url(access_to_github(settings, env), settings.base)


def access_to_github(settings: "ForgeSettings", env: Mapping[str, str]) -> "Access":
    """Say which GitHub, which repository, and as whom."""
    from bot.pulls.github_access import PUBLIC_URL, Access, GitHubApp

    app, token = settings.app, settings.token
    return Access(
        repository=settings.repository,
        url=str(settings.url or env.get("GITHUB_API_URL") or PUBLIC_URL),
        token=token.get_secret_value() if token else None,
        app=GitHubApp(app.id.get_secret_value(), app.private_key.get_secret_value())
        if app
        else None,
    )


def _checkout(folder: Path) -> "Git | None":
    from bot.pulls.git import Git

    try:
        return Git(folder).at_top()
    except ForgeError:
        return None


def _place(folder: Path, git: "Git | None") -> Path:
    if git is None or not folder.is_relative_to(git.folder):
        return Path()
    return folder.relative_to(git.folder)
