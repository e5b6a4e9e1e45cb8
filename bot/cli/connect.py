"""Connecting: the options by which verbs learn where Airbyte and the history are."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from bot.domain.errors import ConfigError

if TYPE_CHECKING:
    from bot.airbyte.access import Access, Credentials
    from bot.domain.prices import PriceBook
    from bot.settings.model import AirbyteSettings
    from bot.settings.reading import ReadSettings

SETTINGS_FILE: Final = Path("trimtab.yaml")
DEFAULT_HISTORY: Final = ".trimtab/history.duckdb"

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are: what the options said, else trimtab.yaml, else the environment."""

    config: Path | None
    airbyte_url: str | None
    history: str | None


def config_option(command: Command) -> Command:
    """Add `--config`."""
    return click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Settings file.  [default: trimtab.yaml, where there is one]",
    )(command)


def airbyte_options(command: Command) -> Command:
    """Add `--config` and `--airbyte-url`; credentials come from the file or the environment."""
    url = click.option(
        "--airbyte-url",
        metavar="URL",
        help="API root, or the address of the web interface. Credentials then come from "
        "AIRBYTE_CLIENT_ID and AIRBYTE_CLIENT_SECRET, or AIRBYTE_USERNAME and AIRBYTE_PASSWORD.",
    )
    return config_option(url(command))


def history_option(command: Command) -> Command:
    """Add `--history`."""
    return click.option(
        "--history",
        metavar="PATH|URL",
        help=f"History store.  [default: what trimtab.yaml says, or {DEFAULT_HISTORY}]",
    )(command)


def read_places(places: Places, env: Mapping[str, str] = os.environ) -> tuple["Access", str]:
    """Find Airbyte and the history.

    Raises:
        ConfigError: neither an option nor a file nor the environment says where Airbyte is, or
            what they say cannot be used.
    """
    read = _settings(places.config, env)
    kept = DEFAULT_HISTORY if read is None else history_in(read)
    return _access(places, read, env), places.history or kept


def access_in(airbyte: "AirbyteSettings") -> "Access":
    """Return the access that settings describe."""
    from bot.airbyte.access import Access

    return Access.to(str(airbyte.url), _credentials_in(airbyte))


def history_in(read: "ReadSettings") -> str:
    """Return where the history is; a path in settings starts from their folder."""
    url = read.settings.history.url
    return url if "://" in url else str(read.folder / url)


def history_url(config: Path | None, history: str | None) -> str:
    """Find the history alone: what the option says, else trimtab.yaml, else the default.

    Raises:
        ConfigError: trimtab.yaml cannot be used.
    """
    if history is not None:
        return history
    read = _settings(config, os.environ)
    return DEFAULT_HISTORY if read is None else history_in(read)


def price_book(config: Path | None) -> "PriceBook":
    """Return the prices that trimtab.yaml gives; an empty book where there is no such file.

    Raises:
        ConfigError: the settings file cannot be used.
    """
    from bot.domain.prices import PriceBook

    read = _settings(config, os.environ)
    return PriceBook() if read is None else read.settings.prices.book()


def settings_in(config: Path | None) -> "ReadSettings | None":
    """Return what trimtab.yaml says; None where there is no such file and none is named.

    Raises:
        ConfigError: the settings file cannot be used.
    """
    return _settings(config, os.environ)


def _settings(config: Path | None, env: Mapping[str, str]) -> "ReadSettings | None":
    if config is None and not SETTINGS_FILE.exists():
        return None
    from bot.settings.reading import read_settings

    return read_settings(config or SETTINGS_FILE, env)


def _access(places: Places, read: "ReadSettings | None", env: Mapping[str, str]) -> "Access":
    from bot.airbyte.access import Access

    if places.airbyte_url is not None:
        return Access.to(places.airbyte_url, _credentials_from(env))
    if read is not None:
        return access_in(read.settings.airbyte)
    url = env.get("AIRBYTE_URL")
    if not url:
        raise ConfigError(
            "Nothing says where Airbyte is",
            "Write it into trimtab.yaml, pass --airbyte-url, or set AIRBYTE_URL.",
        )
    return Access.to(url, _credentials_from(env))


def _credentials_in(airbyte: "AirbyteSettings") -> "Credentials | None":
    from bot.airbyte.access import Application, Basic

    if airbyte.auth == "application" and airbyte.client_id and airbyte.client_secret:
        return Application(
            airbyte.client_id.get_secret_value(), airbyte.client_secret.get_secret_value()
        )
    if airbyte.auth == "basic" and airbyte.username and airbyte.password:
        return Basic(airbyte.username.get_secret_value(), airbyte.password.get_secret_value())
    return None


def _credentials_from(env: Mapping[str, str]) -> "Credentials | None":
    """Take a pair of credentials from the environment; half a pair is a mistake.

    Raises:
        ConfigError: one of a pair is set, and the other is not.
    """
    from bot.airbyte.access import Application, Basic

    for kind, names in (
        (Application, ("AIRBYTE_CLIENT_ID", "AIRBYTE_CLIENT_SECRET")),
        (Basic, ("AIRBYTE_USERNAME", "AIRBYTE_PASSWORD")),
    ):
        given = [env[name] for name in names if env.get(name)]
        if len(given) == len(names):
            return kind(*given)
        if given:
            missing = next(name for name in names if not env.get(name))
            present = next(name for name in names if env.get(name))
            raise ConfigError(f"{present} is set, and {missing} is not", "Set both, or neither.")
    return None
