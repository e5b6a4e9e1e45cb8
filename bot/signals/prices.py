"""Prices by hour, from CSV or Parquet: what a warehouse costs in each hour of the week.

A file holds either dated prices (`when`, `price`) or a week of them (`weekday`, `hour`, `price`),
and a column `warehouse` where it speaks of several.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from statistics import median
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from bot.documents.fields import Span, Zone
from bot.documents.validation import Strict
from bot.domain.errors import SignalError
from bot.domain.money import Money
from bot.domain.prices import HOURS_A_WEEK, WarehousePrice
from bot.domain.signal import Freshness, Reading, Signal
from bot.domain.spans import format_span
from bot.signals.lookout import Scene, Sight

_RECENT: Final = timedelta(weeks=4)
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS: Final = 24
_ONE_DAY: Final = timedelta(days=1)


class Prices(Strict):
    """A file of prices, and how the warehouse that they are of bills."""

    type: Literal["prices"]
    name: str = "prices"
    path: str
    warehouse: str | None = Field(None, description="its name, where no column tells it")
    destinations: dict[str, str] = Field(
        default_factory=dict,
        description="which warehouse the syncs into a destination (id or name) keep on",
    )
    zone: Zone = Field("UTC", description="in which hours are counted")
    currency: str = Field("USD", pattern="^[A-Z]{3}$")
    auto_suspend: Span = timedelta(minutes=10)
    minimum: Span = timedelta(seconds=60)
    stale_after: Span = Field(timedelta(days=7), description="for dated prices")

    @property
    def secrets(self) -> frozenset[str]:
        """Return nothing: a file of prices needs no secret."""
        return frozenset()

    def look(self, scene: Scene) -> Sight:
        """Read the prices of each warehouse that the file names.

        Raises:
            SignalError: the file is missing, or is no table of prices.
        """
        table = _table(scene.folder / self.path)
        by_name: dict[str, list[Mapping[str, Any]]] = {}
        for row in table:
            name = row.get("warehouse") or self.warehouse
            if not name:
                raise SignalError(f"{self.path} has no column `warehouse`, and no setting names it")
            by_name.setdefault(str(name), []).append(row)
        if not by_name:
            raise SignalError(f"{self.path} holds no prices")
        signals, warehouses = [], {}
        for name, rows in by_name.items():
            signal, price = self._one(name, rows, scene.now)
            signals.append(signal)
            warehouses[name] = price
        wakes = {
            destination: name
            for text, name in self.destinations.items()
            for destination in scene.destinations_named(text)
        }
        return Sight(tuple(signals), warehouses=warehouses, wakes=wakes)

    def _one(
        self, name: str, rows: list[Mapping[str, Any]], now: datetime
    ) -> tuple[Signal, WarehousePrice]:
        dated = "when" in rows[0]
        if dated:
            prices = sorted((self._when(row), self._price(row)) for row in rows)
            week, age = _week_of(prices, self.zone, now), now - prices[-1][0]
        else:
            prices = []
            week, age = self._week(rows), None
        hours, unsaid = _filled(week)
        unit = f"{self.currency}/h"
        readings = [Reading(when, name, float(price), unit) for when, price in prices]
        if not dated:
            readings = [
                Reading(when, name, float(hours[when.weekday() * _HOURS + when.hour]), unit)
                for when in _this_week(now, self.zone)
            ]
        freshness, reason = Freshness.FRESH, ""
        if age is not None and age > self.stale_after:
            freshness, reason = Freshness.STALE, f"its last price is {format_span(age)} old"
        elif unsaid:
            freshness = Freshness.PARTIAL
            reason = f"{unsaid} of 168 hours of the week have no price; the usual one stands in"
        label, about = f"{self.name}: {name}", frozenset({name})
        signal = Signal(label, freshness, tuple(readings), reason, age, about)
        money = tuple(Money(price, self.currency) for price in hours)
        return signal, WarehousePrice(name, money, self.zone, self.auto_suspend, self.minimum)

    def _price(self, row: Mapping[str, Any]) -> Decimal:
        try:
            price = Decimal(str(row["price"]))
        except (KeyError, InvalidOperation):
            raise SignalError(
                f"{self.path}: {row.get('price')!r} is no price (column `price`)"
            ) from None
        if not price.is_finite() or price < 0:
            raise SignalError(f"{self.path}: {price} is no price")
        return price

    def _when(self, row: Mapping[str, Any]) -> datetime:
        value = row["when"]
        try:
            when = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        except ValueError:
            raise SignalError(f"{self.path}: {value!r} is no time (column `when`)") from None
        return (when if when.tzinfo else when.replace(tzinfo=ZoneInfo(self.zone))).astimezone(UTC)

    def _week(self, rows: Iterable[Mapping[str, Any]]) -> list[Decimal | None]:
        week: list[Decimal | None] = [None] * HOURS_A_WEEK
        for row in rows:
            day = str(row.get("weekday", "")).strip().lower()[:3]
            hour = str(row.get("hour", "")).strip()
            known = day in _WEEKDAYS and hour.isdecimal() and int(hour) < _HOURS
            if not known:
                raise SignalError(
                    f"{self.path}: weekday {row.get('weekday')!r}, hour {row.get('hour')!r} is no "
                    "hour of the week: write `when`, or `weekday` (Mon to Sun) and `hour` (0 to 23)"
                )
            week[_WEEKDAYS.index(day) * _HOURS + int(hour)] = self._price(row)
        return week


def _table(path: Path) -> list[dict[str, Any]]:
    """Read a file as rows; every value of a CSV file stays text, so that prices are exact.

    Raises:
        SignalError: it is missing or cannot be read.
    """
    import pyarrow as pa
    from pyarrow import csv, parquet

    try:
        if path.suffix.lower() in {".parquet", ".pq"}:
            rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
        else:
            with path.open(encoding="utf-8-sig") as file:
                names = [name.strip() for name in file.readline().strip().split(",")]
            options = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
            rows = csv.read_csv(path, convert_options=options).to_pylist()
    except FileNotFoundError:
        raise SignalError(f"{path.name}: there is no such file") from None
    except (OSError, pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise SignalError(f"{path.name} cannot be read: {error}") from None
    return rows


def _week_of(
    prices: list[tuple[datetime, Decimal]], zone: str, now: datetime
) -> list[Decimal | None]:
    """Return the median of each hour of the week over the last four weeks that were told."""
    last = min(prices[-1][0], now + _RECENT / 4)
    recent = [each for each in prices if each[0] > last - _RECENT]
    local = ZoneInfo(zone)
    seen: list[list[Decimal]] = [[] for _ in range(HOURS_A_WEEK)]
    for when, price in recent:
        there = when.astimezone(local)
        seen[there.weekday() * _HOURS + there.hour].append(price)
    return [median(values) if values else None for values in seen]


def _filled(week: list[Decimal | None]) -> tuple[list[Decimal], int]:
    """Put the median of the same hour, or of all, where nothing is told; count these hours."""
    told = [price for price in week if price is not None]
    usual = median(told)
    filled = []
    for place, price in enumerate(week):
        alike = [other for other in week[place % _HOURS :: _HOURS] if other is not None]
        filled.append(price if price is not None else median(alike) if alike else usual)
    return filled, len(week) - len(told)


def _this_week(now: datetime, zone: str) -> list[datetime]:
    local = now.astimezone(ZoneInfo(zone)).replace(minute=0, second=0, microsecond=0)
    monday = local.replace(hour=0) - local.weekday() * _ONE_DAY
    return [monday + timedelta(hours=hour) for hour in range(HOURS_A_WEEK)]
