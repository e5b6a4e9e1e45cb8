"""What a BigQuery sink is told: where to write, by which method, and how to log in."""

import json
from typing import Annotated, Literal, Self

import google.auth.credentials
from google.auth.exceptions import GoogleAuthError
from google.oauth2 import service_account
from pydantic import Field, SecretStr, model_validator

from bot.loader.protocol import ConnectorConfig, SinkConfig, SinkError


class ServiceAccountJson(ConnectorConfig):
    """The key of a service account."""

    json_text: SecretStr = Field(alias="json", description="The content of the key file.")


class ServiceAccountKey(ConnectorConfig):
    """Log in as a service account."""

    type: Literal["service_account_key"]
    config: ServiceAccountJson


class ApplicationDefault(ConnectorConfig):
    """Log in as the environment says (workload identity, `gcloud auth application-default`)."""

    type: Literal["application_default"]


class Anonymous(ConnectorConfig):
    """Do not log in: for an emulator behind `api_endpoint` and `storage_endpoint`."""

    type: Literal["anonymous"]


Auth = Annotated[ServiceAccountKey | ApplicationDefault | Anonymous, Field(discriminator="type")]


class BigquerySinkConfig(SinkConfig):
    """What to write, and where."""

    project_id: str = Field(description="The project that owns the dataset.")
    dataset_id: str = Field(description="The dataset; it has to exist.")
    table_id: str = Field(description="The table; made from the source where it is missing.")
    # insert_all stays the default: pipelines that exist keep their behaviour and the rights
    # that they were given, and emulators seldom speak gRPC.
    method: Literal["insert_all", "storage_write"] = Field(
        "insert_all",
        description="`insert_all`: JSON over HTTP, a row is delivered at least once. "
        "`storage_write`: Arrow over gRPC, exactly once; a page is seen when it is complete.",
    )
    auth: Auth = Field(ApplicationDefault(type="application_default"), description="How to log in.")
    api_endpoint: str | None = Field(None, description="Another address of the API (an emulator).")
    storage_endpoint: str | None = Field(
        None,
        description="Another address (`host:port`) of the Storage Write API, for `storage_write`; "
        "with `auth: anonymous` it is spoken to without encryption.",
    )

    @model_validator(mode="after")
    def _anonymous_needs_an_emulator(self) -> Self:
        anonymous = isinstance(self.auth, Anonymous)
        if anonymous and self.method == "storage_write" and self.storage_endpoint is None:
            raise ValueError("auth: anonymous with method: storage_write needs a storage_endpoint")
        return self

    @property
    def table(self) -> str:
        """Name the table as messages and SQL do."""
        return f"{self.project_id}.{self.dataset_id}.{self.table_id}"


def credentials_for(auth: Auth) -> google.auth.credentials.Credentials | None:
    """Return what to log in with, None to leave it to the environment.

    Raises:
        SinkError: the key is none.
    """
    if isinstance(auth, ServiceAccountKey):
        try:
            key = json.loads(auth.config.json_text.get_secret_value())
            credentials: google.auth.credentials.Credentials = (
                service_account.Credentials.from_service_account_info(key)  # type: ignore[no-untyped-call]
            )
        except (ValueError, GoogleAuthError):
            hint = "give the whole content of the key file, as JSON"
            raise SinkError(
                "auth.config.json is no service account key", hint, kind="Auth"
            ) from None
        return credentials
    if isinstance(auth, Anonymous):
        return google.auth.credentials.AnonymousCredentials()  # type: ignore[no-untyped-call]
    return None
