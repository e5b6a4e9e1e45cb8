"""trimtab: small, reviewed changes to Terraform that steer an Airbyte fleet."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str


def __getattr__(name: str) -> str:
    """Look the version up in the installed metadata, only when somebody asks."""
    if name == "__version__":
        from importlib.metadata import version

        return version("trimtab")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
