"""Run the stand-in as Terraform runs a provider: `python -m bot.lab.provider VERSION`."""

import sys

from tf import provider, runner

from bot.lab.provider import VERSIONS
from bot.lab.provider.servicer import Servicer


def main(argv: list[str]) -> None:
    """Serve one version until Terraform says stop."""
    version = argv[1] if len(argv) > 1 else VERSIONS[0]
    # The runner builds its servicer from this name; ours takes the version in place of an app.
    provider.ProviderServicer = Servicer
    runner.run_provider(version, argv)


if __name__ == "__main__":
    main(sys.argv)
