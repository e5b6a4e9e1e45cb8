"""Reading `trimtab.yaml`: references resolved, secrets wrapped, mistakes placed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.documents.document import read_document
from bot.documents.interpolation import interpolate
from bot.documents.redaction import Redactor
from bot.documents.validation import validate
from bot.domain.errors import ConfigError
from bot.settings.model import Settings


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """Settings with the folder that their paths start from, and what hides their secrets."""

    settings: Settings
    folder: Path
    redact: Redactor


def read_settings(path: Path, env: Mapping[str, str]) -> ReadSettings:
    """Read and check a settings file.

    Raises:
        ConfigError: the file is missing or wrong, or refers to a variable that is not set; the
            message names each place, and never a value that was resolved.
    """
    if not path.exists():
        raise ConfigError(
            f"{path}: there is no such file",
            "Run trimtab from the repository that holds trimtab.yaml, or name it with --config.",
        )
    resolved = interpolate(read_document(path), env, path.parent)
    if resolved.unset:
        first, *others = [f"{unset.where}: {unset.message}" for unset in resolved.unset]
        raise ConfigError(
            "\n".join([first, *(f"trimtab: {other}" for other in others)]),
            "In CI, pass secrets as environment variables of the step that runs trimtab.",
        )
    redact = Redactor(resolved.secrets)
    try:
        settings = validate(Settings, resolved.document)
    except ConfigError as error:
        raise ConfigError(redact(error.message), error.hint) from None
    return ReadSettings(settings, path.parent.resolve(), redact)
