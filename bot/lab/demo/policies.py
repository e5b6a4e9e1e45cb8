"""The demo's own policies: what the simulated team promises, pays and allows, beside the shipped files."""

from collections import defaultdict
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from bot.domain.prices import PriceBook
from bot.lab.fleet import Fleet

FILE: Final = "demo.yaml"
_HOUR: Final = 3600
_DAY: Final = 24


def write_policies(folder: Path, fleet: Fleet, prices: PriceBook) -> None:
    """Write a policy file for a fleet: one policy for each deadline that its people have."""
    deadlines: dict[str, tuple[int, int]] = {}
    freshness: dict[str, list[int]] = defaultdict(list)
    for link in fleet.connections.values():
        if link.deadline is None or link.freshness is None:
            continue
        hour = link.deadline // _HOUR
        freshness[f"sla-{hour:02d}00"].append(link.freshness // _HOUR)
        deadlines[f"sla-{hour:02d}00"] = (hour, 0)
    rows = [
        (tag, hour, (hour - min(freshness[tag])) % _DAY)
        for tag, (hour, _) in sorted(deadlines.items())
    ]
    environment = Environment(
        loader=PackageLoader("bot.lab"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  the output is YAML, of names that the lab has made up
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    text = environment.get_template("policies.yaml.j2").render(
        deadlines=rows,
        credit=prices.volume.credit.amount if prices.volume else None,
        warehouses=[
            (fleet.destinations[name].name, _hours(price.by_hour[:_DAY]))
            for name, price in sorted(prices.warehouses.items())
        ],
    )
    (folder / FILE).write_text(text, encoding="utf-8")


def _hours(by_hour: object) -> list[tuple[int, int, str]]:
    """Join neighbouring hours of one price: (from, to, price)."""
    assert isinstance(by_hour, tuple)
    rows: list[tuple[int, int, str]] = []
    for hour, price in enumerate(by_hour):
        shown = str(price.amount)
        if rows and rows[-1][2] == shown:
            rows[-1] = (rows[-1][0], hour + 1, shown)
        else:
            rows.append((hour, hour + 1, shown))
    return rows
