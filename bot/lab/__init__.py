"""A simulated Airbyte and fleet over real loopback HTTP, for the demo, tests and benchmarks."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.lab.authority import AuthMode
    from bot.lab.description import Description, GivenConnection, GivenEndpoint
    from bot.lab.faults import Faults
    from bot.lab.lab import Lab, Setup
    from bot.lab.run import Deployment

# The provider lives below this package and starts with every terraform command: it must not pay
# for the simulation. So names are looked up when somebody asks.
_HOMES = {
    "AuthMode": "authority",
    "Deployment": "run",
    "Description": "description",
    "Faults": "faults",
    "GivenConnection": "description",
    "GivenEndpoint": "description",
    "Lab": "lab",
    "Setup": "lab",
}

__all__ = [
    "AuthMode",
    "Deployment",
    "Description",
    "Faults",
    "GivenConnection",
    "GivenEndpoint",
    "Lab",
    "Setup",
]


def __getattr__(name: str) -> object:
    """Import the module that holds `name`."""
    if name in _HOMES:
        return getattr(import_module(f"bot.lab.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
