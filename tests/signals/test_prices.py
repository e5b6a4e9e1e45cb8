from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from bot.domain.money import Money
from bot.domain.signal import Freshness
from bot.signals.looking import look
from bot.signals.lookout import Sight
from bot.signals.prices import Prices
from tests.signals.scenes import NOW, connection, scene

HOUR = timedelta(hours=1)


def seen(folder: Path, path: str = "p.csv", **more: Any) -> Sight:
    there = scene(connection("a"), connection("b", into="d2"), folder=folder)
    return look([Prices.model_validate({"type": "prices", "path": path, **more})], there)


def test_a_week_of_prices_is_exact_and_local(tmp_path: Path) -> None:
    days = ("Mon", "Tuesday", "wed", "Thu", "Fri", "Sat", "Sun")
    rows = [f"{day},{hour},{'0.10' if hour < 6 else '2.40'}" for day in days for hour in range(24)]
    (tmp_path / "p.csv").write_text("weekday,hour,price\n" + "\n".join(rows) + "\n")
    sight = seen(tmp_path, warehouse="W", zone="Europe/Berlin", auto_suspend="5m")
    price = sight.warehouses["W"]
    assert price.at(datetime(2026, 3, 27, 4, 30, tzinfo=UTC)) == Money(Decimal("0.10"))
    assert price.at(datetime(2026, 3, 27, 5, 0, tzinfo=UTC)) == Money(Decimal("2.40"))
    assert price.auto_suspend == timedelta(minutes=5)
    (signal,) = sight.signals
    assert signal.freshness is Freshness.FRESH
    assert len(signal.readings) == 168
    assert signal.readings[0].unit == "USD/h"


def test_dated_prices_of_several_warehouses_come_from_parquet(tmp_path: Path) -> None:
    hours = [NOW.replace(minute=0) - number * HOUR for number in range(1, 29 * 24)]
    rows = [
        {"warehouse": name, "when": when, "price": Decimal(base) + (when.hour == 3)}
        for name, base in (("A", "1.5"), ("B", "3"))
        for when in hours
    ]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "p.parquet")
    wakes = {"destination d2": "B", "nobody": "A"}
    sight = seen(tmp_path, "p.parquet", currency="EUR", destinations=wakes)
    assert sight.wakes == {"d2": "B"}
    assert set(sight.warehouses) == {"A", "B"}
    assert sight.warehouses["A"].at(NOW) == Money(Decimal("1.5"), "EUR")
    assert sight.warehouses["B"].at(NOW.replace(hour=3)) == Money(Decimal(4), "EUR")
    assert [each.freshness for each in sight.signals] == [Freshness.FRESH] * 2
    assert sight.signals[0].age == HOUR + timedelta(minutes=4)


def test_old_prices_are_stale_and_gaps_are_filled_and_said(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(
        "when,price\n2026-03-02T01:00:00Z,1\n2026-03-02T02:00:00+00:00,3\n"
    )
    sight = seen(tmp_path, warehouse="W")
    assert sight.signals[0].freshness is Freshness.STALE
    sight = seen(tmp_path, warehouse="W", stale_after="60d")
    (signal,) = sight.signals
    assert signal.freshness is Freshness.PARTIAL
    assert signal.reason.startswith("166 of 168 hours of the week have no price")
    price = sight.warehouses["W"]
    assert price.at(datetime(2026, 3, 5, 2, tzinfo=UTC)) == Money(Decimal(3))
    assert price.at(datetime(2026, 3, 5, 9, tzinfo=UTC)) == Money(Decimal(2))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "there is no such file"),
        ("", "cannot be read"),
        ("when,price\n", "holds no prices"),
        ("when,price\nsoon,1\n", "'soon' is no time"),
        ("when,price\n2026-03-02,much\n", "'much' is no price"),
        ("when,price\n2026-03-02,-1\n", "-1 is no price"),
        ("when,price\n2026-03-02,NaN\n", "NaN is no price"),
        ("weekday,hour,price\nMon,24,1\n", "is no hour of the week"),
        ("day,price\nMon,1\n", "is no hour of the week"),
    ],
)
def test_what_is_no_table_of_prices_is_a_missing_signal(
    tmp_path: Path, text: str | None, words: str
) -> None:
    if text is not None:
        (tmp_path / "p.csv").write_text(text)
    (signal,) = seen(tmp_path, warehouse="W").signals
    assert signal.freshness is Freshness.MISSING
    assert words in signal.reason


def test_prices_of_nobody_are_refused(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("when,price\n2026-03-02,1\n")
    assert "no column `warehouse`" in seen(tmp_path).signals[0].reason
