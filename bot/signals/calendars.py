"""Business calendars: days off, from a file (CSV, iCalendar, YAML) or a country's own."""

import csv
from datetime import date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from bot.documents.document import read_document
from bot.documents.fields import Zone
from bot.documents.validation import Strict
from bot.domain.calendar import instant
from bot.domain.errors import ConfigError, SignalError
from bot.domain.signal import Freshness, Reading, Signal
from bot.signals.icalendar import all_day_events
from bot.signals.lookout import Scene, Sight

_AHEAD: Final = timedelta(days=30)
"""A calendar that ends sooner than this is soon of no use."""
_YEARS: Final = 3
_MIDNIGHT: Final = datetime.min.time()
DaysOff = dict[date, str]


class Calendar(Strict):
    """Days off: those of a file, or those of a country (needs the extra `calendars`)."""

    type: Literal["calendar"]
    name: str = "calendar"
    path: str | None = None
    country: str | None = Field(None, pattern="^[A-Z]{2}$", description="ISO 3166: DE, US")
    subdivision: str | None = Field(None, description="a state of the country: BE, CA")
    zone: Zone = Field("UTC", description="in which its days begin")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.path is None) == (self.country is None):
            raise ValueError("name either a `path` or a `country`")
        return self

    @property
    def secrets(self) -> frozenset[str]:
        """Return nothing: calendars are public."""
        return frozenset()

    def look(self, scene: Scene) -> Sight:
        """Read the days off from last year to the year after next.

        Raises:
            SignalError: the file is missing or is no calendar, or the country is not known.
        """
        years = range(scene.now.year - 1, scene.now.year + _YEARS - 1)
        found, left_out = self._days(scene.folder, years)
        if not found:
            raise SignalError("it holds no days")
        last = max(found)
        freshness, reason = Freshness.FRESH, ""
        if last < (scene.now - _AHEAD).date():
            freshness, reason = Freshness.STALE, f"its last day is {last}"
        elif last < (scene.now + _AHEAD).date():
            freshness = Freshness.PARTIAL
            reason = f"its last day is {last}: the time after that has none"
        elif left_out:
            freshness, reason = Freshness.PARTIAL, left_out
        readings = tuple(
            Reading(instant(day, _MIDNIGHT, self.zone), what, 1.0, "day")
            for day, what in sorted(found.items())
        )
        signal = Signal(self.name, freshness, readings, reason)
        return Sight((signal,), holidays={self.name: frozenset(found)})

    def _days(self, folder: Path, years: range) -> tuple[DaysOff, str]:
        if self.country is not None:
            return _of_country(self.country, self.subdivision, years), ""
        path = folder / str(self.path)
        try:
            match path.suffix.lower():
                case ".ics":
                    return all_day_events(path.read_text(encoding="utf-8-sig"), years)
                case ".yaml" | ".yml" | ".json":
                    return _of_yaml(path), ""
                case _:
                    return _of_csv(path), ""
        except FileNotFoundError:
            raise SignalError(f"{self.path}: there is no such file") from None
        except (OSError, UnicodeDecodeError) as error:
            raise SignalError(f"{self.path} cannot be read: {error}") from None
        except ConfigError as error:
            raise SignalError(error.message) from None


def _of_country(country: str, subdivision: str | None, years: range) -> DaysOff:
    try:
        package = import_module("holidays")
    except ImportError:
        raise SignalError(
            'days off by country need the package holidays: pip install "trimtab[calendars]"'
        ) from None
    try:
        found = package.country_holidays(country, subdiv=subdivision, years=list(years))
    except NotImplementedError as error:
        raise SignalError(f"the package holidays does not know it: {error}") from None
    return {day: str(what) for day, what in found.items()}


def _of_csv(path: Path) -> DaysOff:
    """Read columns `date` and, where it is there, `name`; or a list of dates without a heading."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file) if any(row)]
    heading = [cell.lower() for cell in rows[0]] if rows else []
    place = heading.index("date") if "date" in heading else 0
    named = heading.index("name") if "name" in heading else None
    found: DaysOff = {}
    for number, row in enumerate(rows[1:] if "date" in heading else rows, start=1):
        if len(row) <= place:
            raise SignalError(f"{path.name}: row {number} has no date")
        what = row[named] if named is not None and named < len(row) else ""
        found[_date(row[place], path)] = what or "day off"
    return found


def _of_yaml(path: Path) -> DaysOff:
    """Read a list of dates, or a mapping of dates to their names."""
    data = read_document(path).data
    if isinstance(data, dict):
        return {_date(day, path): str(what) for day, what in data.items()}
    if isinstance(data, list):
        return {_date(str(day), path): "day off" for day in data}
    raise SignalError(f"{path.name} is neither a list of dates nor a mapping of dates to names")


def _date(text: str, path: Path) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SignalError(f"{path.name}: {text!r} is no date: write 2026-12-25") from None
