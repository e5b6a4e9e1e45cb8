"""The advisors that are installed: ours and other packages', found the same way."""

from importlib.metadata import entry_points
from typing import Final

from bot.advise.advisor import Advisor
from bot.domain.errors import ConfigError

GROUP: Final = "trimtab.advisors"


def installed() -> tuple[Advisor, ...]:
    """Load every advisor registered under `trimtab.advisors`, in the order of their names.

    Raises:
        ConfigError: one cannot be loaded; the message names the package that brings it.
    """
    found: list[Advisor] = []
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            found.append(entry.load()())
        except Exception as error:  # a plug-in may fail in any way
            package = entry.dist.name if entry.dist else "an unknown package"
            raise ConfigError(
                f"the advisor {entry.name!r} of {package} cannot be loaded: {error!r}",
                "Upgrade that package, or uninstall it.",
            ) from error
    return tuple(found)
