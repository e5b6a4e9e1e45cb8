"""The advisors that are installed: ours and other packages', found the same way."""

from importlib.metadata import EntryPoint, entry_points
from typing import Final, cast

from bot.advise.advisor import Advisor
from bot.domain.errors import ConfigError, InputError

GROUP: Final = "trimtab.advisors"


def installed() -> tuple[Advisor, ...]:
    """Load every advisor registered under `trimtab.advisors`, in the order of their names.

    Raises:
        ConfigError: one cannot be loaded; the message names the package that brings it.
    """
    return tuple(_load(entry) for entry in _entries())


def chosen(name: str) -> Advisor:
    """Load one advisor by its name.

    Raises:
        InputError: none of that name is installed; the message lists those that are.
        ConfigError: it cannot be loaded.
    """
    for entry in _entries():
        if entry.name == name:
            return _load(entry)
    known = ", ".join(entry.name for entry in _entries())
    raise InputError(f"no advisor is named {name!r}", f"Installed are {known}.")


def _entries() -> list[EntryPoint]:
    return sorted(entry_points(group=GROUP), key=lambda entry: entry.name)


def _load(entry: EntryPoint) -> Advisor:
    try:
        return cast("Advisor", entry.load()())
    except Exception as error:  # a plug-in may fail in any way
        package = entry.dist.name if entry.dist else "an unknown package"
        raise ConfigError(
            f"the advisor {entry.name!r} of {package} cannot be loaded: {error!r}",
            "Upgrade that package, or uninstall it.",
        ) from error
