"""`trimtab.yaml` as typed settings: what the file may say, and nothing else."""

import re
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, HttpUrl, SecretStr, model_validator

from bot.documents.fields import Span
from bot.documents.validation import Strict
from bot.domain.platform import Platform
from bot.settings.prices import PriceSettings
from bot.settings.signals import SignalSettings

CLOUD_HOST: Final = "api.airbyte.com"
_OWNER_AND_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")


def _relative(path: str) -> str:
    if Path(path).is_absolute() or ".." in Path(path).parts:
        raise ValueError("must be a path inside the repository, relative to trimtab.yaml")
    return path


InsidePath = Annotated[str, AfterValidator(_relative)]


class AirbyteSettings(Strict):
    """Where Airbyte is, and how to prove who we are."""

    url: HttpUrl = Field(description="API root, such as https://api.airbyte.com/v1")
    auth: Literal["application", "basic", "none"] = "application"
    client_id: SecretStr | None = None
    client_secret: SecretStr | None = None
    username: SecretStr | None = None
    password: SecretStr | None = None
    workspaces: tuple[str, ...] = Field((), description="workspace ids; empty is all in sight")
    jitters: bool | None = Field(
        None, description="starts are put off at random, as on Airbyte Cloud; else told by the url"
    )
    shortest_interval: Span | None = Field(
        None, description="between two syncs: an hour on Airbyte Cloud, a minute elsewhere"
    )

    @property
    def platform(self) -> Platform:
        """Return how this installation treats schedules."""
        usual = Platform.cloud() if self.url.host == CLOUD_HOST else Platform()
        return Platform(
            usual.floor if self.shortest_interval is None else self.shortest_interval,
            usual.jitters if self.jitters is None else self.jitters,
        )

    @model_validator(mode="after")
    def _credentials_fit(self) -> Self:
        needed = {
            "application": ("client_id", "client_secret"),
            "basic": ("username", "password"),
            "none": (),
        }[self.auth]
        missing = [name for name in needed if getattr(self, name) is None]
        if missing:
            raise ValueError(f"auth {self.auth!r} needs {' and '.join(missing)}")
        return self


class HistorySettings(Strict):
    """Where the history store is kept: a path, or an object-store URL."""

    url: str = ".trimtab/history.duckdb"


class RootSettings(Strict):
    """One Terraform root, and the variable files that its workspace is applied with."""

    path: InsidePath = "."
    var_files: tuple[InsidePath, ...] = ()


class TerraformSettings(Strict):
    """The Terraform that trimtab may change.

    `connections` maps an Airbyte connection id to its Terraform address, for connections that
    neither state, import blocks nor a unique name identify.
    """

    roots: tuple[RootSettings, ...] = (RootSettings(),)
    connections: dict[str, str] = Field(default_factory=dict)


class AppSettings(Strict):
    """A GitHub App: its id (or client id), and the private key in PEM."""

    id: SecretStr
    private_key: SecretStr


class ForgeSettings(Strict):
    """Where proposals go: a local git repository, or GitHub.

    `repository` is a path for the one and `owner/name` for the other; `url` is the API of a GitHub
    Enterprise Server, where the variable GITHUB_API_URL does not say it.
    """

    type: Literal["local", "github"] = "local"
    repository: str = "."
    base: str = "main"
    url: HttpUrl | None = None
    token: SecretStr | None = None
    app: AppSettings | None = None

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        given = [name for name in ("url", "token", "app") if getattr(self, name) is not None]
        if self.type == "local" and given:
            raise ValueError(f"{' and '.join(given)} is for type: github")
        if self.type == "github":
            if not _OWNER_AND_NAME.fullmatch(self.repository):
                raise ValueError("type github needs repository: owner/name")
            if (self.token is None) == (self.app is None):
                raise ValueError("type github needs one of token and app")
        return self


class Settings(Strict):
    """Everything that `trimtab.yaml` says."""

    version: Literal[1]
    airbyte: AirbyteSettings
    history: HistorySettings = HistorySettings()
    terraform: TerraformSettings = TerraformSettings()
    policies: InsidePath = "policies"
    forge: ForgeSettings = ForgeSettings()
    prices: PriceSettings = PriceSettings()
    signals: tuple[SignalSettings, ...] = ()
