"""Find connectors by the name that a configuration gives them."""

import difflib
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Any, Final, Literal

from bot.domain.errors import ConfigError
from bot.loader.protocol import Sink, Source

Kind = Literal["sources", "sinks"]
_EXTRAS: Final = {"bigquery": "bigquery"}
"""What has its packages in another extra than the loader's."""


def names(kind: Kind) -> list[str]:
    """List the connectors of a kind, sorted."""
    return sorted({point.name for point in _points(kind)})


def find_source(name: str) -> type[Source]:
    """Import the source registered as `name`.

    Raises:
        ConfigError: there is no such source, or its module cannot be imported.
    """
    connector: type[Source] = _load("sources", name)
    return connector


def find_sink(name: str) -> type[Sink]:
    """Import the sink registered as `name`.

    Raises:
        ConfigError: there is no such sink, or its module cannot be imported.
    """
    connector: type[Sink] = _load("sinks", name)
    return connector


def _load(kind: Kind, name: str) -> type[Any]:
    singular = kind.removesuffix("s")
    point = _point(kind, name)
    if point is None:
        known = names(kind)
        near = difflib.get_close_matches(name, known, n=1)
        meant = f"did you mean {near[0]}? " if near else ""
        raise ConfigError(
            f"there is no {singular} of type {name!r}", f"{meant}known: {', '.join(known)}"
        )
    try:
        loaded: type[Any] = point.load()
    except ImportError as error:
        raise ConfigError(
            f"the {singular} {name!r} needs a package that is not installed: {error.name}",
            f'pip install "trimtab[{_EXTRAS.get(name, "loader")}]"',
        ) from error
    return loaded


def _point(kind: Kind, name: str) -> EntryPoint | None:
    return next(iter(_points(kind).select(name=name)), None)


@cache
def _points(kind: Kind) -> EntryPoints:
    """Look through what is installed once: it reads a file of every package."""
    return entry_points(group=f"trimtab.{kind}")
