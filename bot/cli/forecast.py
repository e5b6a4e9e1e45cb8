"""`trimtab forecast`: what the next syncs will take, and how sure that is."""

import json
from dataclasses import replace
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.connect import (
    config_option,
    history_option,
    history_url,
    price_book,
    settings_in,
)
from bot.domain.errors import HistoryError, InputError

if TYPE_CHECKING:
    from bot.domain.connection import Connection
    from bot.domain.promises import Deadline
    from bot.history.store import History
    from bot.signals.lookout import Sight


@click.command("forecast")
@click.argument("connection", required=False)
@config_option
@history_option
@click.option(
    "--at",
    type=click.DateTime(),
    help="Forecast as of this time (UTC), from what was known then.  [default: now]",
)
@click.option(
    "--deadline",
    metavar="HH:MM",
    help="Tell the chance that its data is complete by this time of each day.",
)
@click.option(
    "--zone", default="UTC", show_default=True, metavar="ZONE", help="The deadline's time zone."
)
@click.option(
    "--ml",
    is_flag=True,
    help="Let a learned model help where it has proved better for three weeks; takes longer.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print the result.",
)
def command(
    connection: str | None,
    config: Path | None,
    history: str | None,
    at: datetime | None,
    deadline: str | None,
    zone: str,
    ml: bool,
    output: str,
) -> None:
    """Say what the next syncs will take, cost and risk.

    With CONNECTION (an id, or a unique name) all that is known of it; without, a line for each.
    Every figure has its interval: p05 to p95, inside which nine of ten syncs ended before.
    """
    from bot.cli.prospects import as_json, line, paragraph, signals_json, unreliable
    from bot.forecast.outlook import HORIZONS, MONTH, NEXT_SYNC
    from bot.forecast.prospect import Forecaster
    from bot.history.location import opened

    asked = () if deadline is None else (_deadline(deadline, zone),)
    now = datetime.now(UTC) if at is None else at.replace(tzinfo=UTC)
    url = history_url(config, history)
    with opened(url, read_only=True) as store:
        chosen = _connections(store, connection)
        sight = _look(config, store, now)
        prices = price_book(config)
        prices = replace(prices, warehouses={**prices.warehouses, **sight.warehouses})
        forecaster = Forecaster.read(store, now, prices, sight.wakes, sight.signals, learn=ml)
    horizons = HORIZONS if connection is not None or output == "json" else (NEXT_SYNC, MONTH)
    deadlines = {each.id: (*asked, *_of_readers(sight, each)) for each in chosen}
    found = forecaster.prospects(chosen, deadlines, horizons)
    if output == "json":
        values = [as_json(each) | {"signals": signals_json(sight.signals)} for each in found]
        click.echo(json.dumps(values if connection is None else values[0], indent=2))
    elif connection is None:
        click.echo("\n".join([*(line(each) for each in found), *unreliable(sight.signals)]))
    else:
        click.echo("\n".join([paragraph(found[0]), *unreliable(sight.signals)]))


def _look(config: Path | None, store: "History", now: datetime) -> "Sight":
    """Look at the signals that trimtab.yaml names."""
    from bot.history import fleet
    from bot.signals.looking import look
    from bot.signals.lookout import Scene, Sight

    read = settings_in(config)
    if read is None or not read.settings.signals:
        return Sight()
    ends = (*fleet.sources(store), *fleet.destinations(store))
    endpoints = {each.id: each for each in ends}
    return look(read.settings.signals, Scene(now, fleet.connections(store), endpoints, read.folder))


def _of_readers(sight: "Sight", connection: "Connection") -> tuple["Deadline", ...]:
    """Return the deadlines of what reads a connection's data."""
    from bot.domain.lineage import Downstream, landing_deadline

    readers = sight.lineage.get(connection.id, Downstream()).readers
    found = (landing_deadline(each) for each in readers)
    return tuple(each for each in found if each is not None)


def _connections(store: "History", wanted: str | None) -> tuple["Connection", ...]:
    from bot.history import fleet

    known = fleet.connections(store)
    if not known:
        raise HistoryError(
            f"The history {store.name} knows no connections", "Run `trimtab mine` first."
        )
    if wanted is None:
        return known
    found = tuple(each for each in known if wanted in {each.id, each.name})
    if not found:
        raise InputError(
            f"The history knows no connection {wanted!r}",
            "`trimtab forecast` without a name lists them all.",
        )
    if len(found) > 1:
        ids = ", ".join(each.id for each in found)
        raise InputError(
            f"{len(found)} connections are named {wanted!r}", f"Give the id instead: {ids}."
        )
    return found


def _deadline(clock: str, zone: str) -> "Deadline":
    from zoneinfo import ZoneInfo

    from bot.domain.promises import Deadline

    try:
        finish_by = time.fromisoformat(clock)
    except ValueError as error:
        raise InputError(f"{clock!r} is no time of day", "Write --deadline 06:00.") from error
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise InputError(f"{zone!r} is no time zone", "Write --zone Europe/Berlin.") from error
    return Deadline(f"by {clock} {zone}", finish_by, zone)
