"""The settings as a base branch has them, for whoever only checks: no secret is resolved."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from bot.documents.document import read_document
from bot.documents.validation import validate
from bot.domain.errors import ConfigError
from bot.settings.model import InsidePath, TerraformSettings


class BaseForge(BaseModel):
    """Where pull requests go; of `app` only whether there is one."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    type: str = "local"
    repository: str = "."
    base: str = "main"
    app: object = None


class BaseSettings(BaseModel):
    """The part of `trimtab.yaml` that names no secret and reaches no other system."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    terraform: TerraformSettings = TerraformSettings()
    policies: InsidePath = "policies"
    forge: BaseForge = BaseForge()


def read_base_settings(path: Path) -> BaseSettings:
    """Read the settings file of a base branch; references to secrets are left as they are written.

    Raises:
        ConfigError: it is missing or wrong.
    """
    if not path.exists():
        raise ConfigError(
            f"the base branch has no {path.name}",
            "Name it with --config, as a path from the top of the repository.",
        )
    return validate(BaseSettings, read_document(path))
