"""Signals in `trimtab.yaml`: each entry is checked by the lookout that its `type` names."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator

from bot.domain.errors import ConfigError
from bot.signals.installed import kinds, settings_of


def _checked(entry: object) -> object:
    """Build the settings of an entry; its findings keep their places in the file."""
    if not isinstance(entry, Mapping):
        raise ValueError("has to be a mapping with a `type`")  # noqa: TRY004
    kind = entry.get("type")
    if not isinstance(kind, str):
        raise ValueError(f"`type` is missing; known are {', '.join(kinds())}")  # noqa: TRY004
    try:
        return settings_of(kind).model_validate(entry)
    except ConfigError as error:
        raise ValueError(error.message) from None


SignalSettings = Annotated[Any, BeforeValidator(_checked)]
