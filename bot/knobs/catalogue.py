"""The knob catalogue: every tuning option that trimtab knows, by connector and path.

Names repeat with other meanings (`batch_size` counts days in source-dixa), so a knob is only ever
found by connector *and* path. Options that decide which data arrives are kept apart, with the
reason, and are never found.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from bot.domain.errors import ConfigError
from bot.domain.knob import Knob
from bot.knobs import never, rows

TEAM_FILE = Path("trimtab.knobs.jsonl")
"""Where a team keeps rows of its own: beside `trimtab.yaml`."""

_ROLES = ("source", "destination")


@dataclass(frozen=True, slots=True)
class Untouched:
    """An option that trimtab leaves alone, and why."""

    connector: str
    path: str
    reason: str


@dataclass(frozen=True)
class Catalogue:
    """Knobs by (connector, path); the untouched by the same key, with the reason.

    Connectors may be named `source-stripe`, `stripe`, `airbyte/source-stripe` or with underscores;
    a short name that is both a source and a destination means both.
    """

    knobs: dict[tuple[str, str], Knob]
    untouched: dict[tuple[str, str], Untouched]
    definitions: dict[str, str]

    def find(self, connector: str, path: str) -> Knob | None:
        """Return the knob at `path` of the v1 configuration, or None when there is none.

        None also when a short connector name fits a source and a destination that both have it.
        """
        return _only(self.knobs.get((name, path)) for name in _names(connector))

    def find_typed(self, connector: str, typed_path: str) -> Knob | None:
        """Return the knob at `typed_path` of a typed resource of provider 0.x, or None."""
        return _only(knob for knob in self.of(connector) if knob.typed_path == typed_path)

    def of(self, connector: str) -> tuple[Knob, ...]:
        """Return the knobs of a connector, in the order of their paths; often none."""
        names = _names(connector)
        return tuple(knob for knob in self if knob.connector in names)

    def why_untouched(self, connector: str, path: str) -> str | None:
        """Say why trimtab never touches the option at `path`, or None when nothing forbids it."""
        kept = (self.untouched.get((name, path)) for name in _names(connector))
        return next((one.reason for one in kept if one is not None), never.reason(path))

    def untouched_of(self, connector: str | None = None) -> list[Untouched]:
        """Return the listed options that are never touched, of one connector or of all."""
        names = None if connector is None else _names(connector)
        return [one for one in self.untouched.values() if names is None or one.connector in names]

    def connector_of(self, definition_id: str) -> str | None:
        """Return the connector with this definition id, as far as the catalogue knows it."""
        return self.definitions.get(definition_id)

    def connectors(self) -> tuple[str, ...]:
        """Name every connector that has a knob, sorted."""
        return tuple(sorted({knob.connector for knob in self}))

    def __iter__(self) -> Iterator[Knob]:
        return iter(self.knobs.values())

    def __len__(self) -> int:
        return len(self.knobs)


@cache
def load(team: Path | None = None) -> Catalogue:
    """Return the built-in catalogue, with a team's own rows laid over it.

    Args:
        team: a JSON Lines file like the built-in one; its rows add to the built-in ones, or
            replace the one of the same connector and path.

    Raises:
        ConfigError: `team` cannot be read, or has a line that is not a row.
    """
    built_in = files("bot.knobs").joinpath("catalogue.jsonl").read_text(encoding="utf-8")
    merged = {(row.connector, row.path): row for row in rows.read(built_in, "catalogue.jsonl")}
    if team is not None:
        own = {(row.connector, row.path): row for row in rows.read(_text(team), str(team))}
        merged |= own
    return _sorted(merged.values())


def _sorted(found: Iterable[rows.Row]) -> Catalogue:
    catalogue = Catalogue({}, {}, {})
    for row in sorted(found, key=lambda row: (row.connector, row.path)):
        key = (row.connector, row.path)
        reason = row.never or never.reason(row.path)
        if reason is None:
            catalogue.knobs[key] = row.knob()
        else:
            catalogue.untouched[key] = Untouched(row.connector, row.path, reason)
        if row.definition_id is not None:
            catalogue.definitions[row.definition_id] = row.connector
    return catalogue


def _names(connector: str) -> tuple[str, ...]:
    name = connector.rpartition("/")[2].replace("_", "-").lower()
    if name.split("-", 1)[0] in _ROLES:
        return (name,)
    return tuple(f"{role}-{name}" for role in _ROLES)


def _only(candidates: Iterable[Knob | None]) -> Knob | None:
    found = [knob for knob in candidates if knob is not None]
    return found[0] if len(found) == 1 else None


def _text(team: Path) -> str:
    try:
        return team.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{team}: cannot be read as a knob catalogue ({error})") from error
