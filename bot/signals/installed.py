"""The lookouts that are installed: ours and other packages', found the same way."""

from difflib import get_close_matches
from importlib.metadata import entry_points
from typing import Final

from bot.documents.validation import Strict
from bot.domain.errors import ConfigError

GROUP: Final = "trimtab.signals"


def kinds() -> list[str]:
    """List the types that `signals` in trimtab.yaml may name, sorted."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def settings_of(kind: str) -> type[Strict]:
    """Return the settings of the lookout that is registered as `kind`.

    Raises:
        ConfigError: there is none, or it cannot be loaded.
    """
    entry = next(iter(entry_points(group=GROUP, name=kind)), None)
    if entry is None:
        known = kinds()
        near = get_close_matches(kind, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
        raise ConfigError(f"unknown type {kind!r}; {hint}")
    try:
        found = entry.load()
    except Exception as error:  # a plug-in may fail in any way
        package = entry.dist.name if entry.dist else "an unknown package"
        raise ConfigError(
            f"the signal type {kind!r} of {package} cannot be loaded: {error!r}"
        ) from error
    if not (isinstance(found, type) and issubclass(found, Strict) and hasattr(found, "look")):
        raise ConfigError(f"the signal type {kind!r} is no settings model that looks")
    return found
