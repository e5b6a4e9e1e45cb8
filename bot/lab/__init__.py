"""A simulated Airbyte and fleet over real loopback HTTP, for the demo, tests and benchmarks."""

from bot.lab.authority import AuthMode
from bot.lab.description import Description, GivenConnection, GivenEndpoint
from bot.lab.faults import Faults
from bot.lab.lab import Lab, Setup
from bot.lab.run import Deployment

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
