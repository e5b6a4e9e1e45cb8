"""A fleet drawn from a seed: the mix of connectors, cadences and habits that teams have."""

from dataclasses import dataclass
from random import Random
from typing import Any

from bot.domain.connection import Basic, Cron, Manual, Schedule
from bot.lab import constants as known
from bot.lab.connectors import DESTINATIONS, SOURCES, Connector
from bot.lab.description import stream_of
from bot.lab.fleet import Endpoint, Fleet, LabConnection, Tag, Workspace
from bot.lab.noise import key_of

_TEAMS = ("finance", "growth", "ops", "product", "risk", "sales", "support", "data")
_STREAMS = {
    "database": ("orders", "customers", "items", "payments", "events", "stock", "prices", "audit"),
    "api": ("invoices", "contacts", "tickets", "campaigns", "charges", "deals", "users", "notes"),
    "file": ("daily_export", "partners", "targets", "catalogue"),
}
_ZONES = ("America/New_York", "Europe/Berlin", "America/Toronto", "Asia/Kolkata")
_PALETTE = ("FF5733", "5E6AD2", "2BB673", "F2C94C", "9B51E0", "2D9CDB")
_TAGS = ("financial", "analytical", "critical", "experimental")
_NOW_AND_THEN = 1.1


@dataclass(frozen=True, slots=True)
class _Ends:
    sources: list[Endpoint]
    destinations: list[Endpoint]


def draw_fleet(seed: int, connections: int, start: int) -> Fleet:
    """Draw a fleet of so many connections that existed before `start` (epoch seconds)."""
    fleet = Fleet(seed)
    dice = Random(key_of(seed, "fleet"))
    spaces = _workspaces(fleet, connections)
    ends = {space.id: _Ends([], []) for space in spaces}
    for number in range(max(4, round(connections * known.SOURCES_PER_CONNECTION))):
        space = spaces[number % len(spaces)]
        ends[space.id].sources.append(_source(fleet, dice, space, number, start))
    for number in range(max(len(spaces), min(8, connections // 60 + 1))):
        space = spaces[number % len(spaces)]
        ends[space.id].destinations.append(_destination(fleet, dice, space, number, start))
    tags = {space.id: _tags(fleet, space) for space in spaces}
    for _ in range(connections):
        space = spaces[int(len(spaces) * dice.random())]
        _connection(fleet, dice, space, ends[space.id], tags[space.id], start)
    return fleet


def _workspaces(fleet: Fleet, connections: int) -> list[Workspace]:
    count = 1 + (connections >= 150) + connections // 1_500  # noqa: PLR2004  small teams have one
    for number in range(count):
        name = "production" if number == 0 else f"team-{_TEAMS[number % len(_TEAMS)]}-{number}"
        made = Workspace(fleet.fresh_id("workspace", name), name)
        fleet.workspaces[made.id] = made
    return list(fleet.workspaces.values())


def _pick(dice: Random, table: tuple[Connector, ...]) -> Connector:
    return dice.choices(table, [one.weight for one in table])[0]


def _source(fleet: Fleet, dice: Random, space: Workspace, number: int, start: int) -> Endpoint:
    connector = _pick(dice, SOURCES)
    name = f"{connector.label} {_TEAMS[number % len(_TEAMS)]} {number}"
    made = Endpoint(
        fleet.fresh_id("source", name),
        "source",
        name,
        connector,
        space.id,
        configuration_of(connector, number),
        start - int(dice.uniform(60, 600)) * known.DAY,
    )
    for knob in connector.knobs:
        if dice.random() < known.KNOB_SET_SHARE:
            factor = known.KNOB_OFF ** dice.uniform(-1, 1)
            value = min(max(round(knob.default * factor), knob.low), knob.high)
            put(made.configuration, knob.path, value)
    fleet.sources[made.id] = made
    return made


def _destination(fleet: Fleet, dice: Random, space: Workspace, number: int, start: int) -> Endpoint:
    connector = _pick(dice, DESTINATIONS)
    name = f"{connector.label} warehouse {number}"
    made = Endpoint(
        fleet.fresh_id("destination", name),
        "destination",
        name,
        connector,
        space.id,
        configuration_of(connector, number),
        start - int(dice.uniform(60, 600)) * known.DAY,
    )
    fleet.destinations[made.id] = made
    return made


def configuration_of(connector: Connector, number: int) -> dict[str, Any]:
    """Return a configuration as the API would show it: secrets come back masked."""
    masked = "**********"
    if connector.family == "database":
        return {
            "host": f"db-{number}.internal.example",
            "port": 5432,
            "database": f"app_{number}",
            "username": "airbyte",
            "password": masked,
        }
    if connector.family == "file":
        return {"bucket": f"exports-{number}", "aws_secret_access_key": masked}
    return {
        "start_date": "2024-01-01T00:00:00Z",
        "account_id": f"acct_{number:05d}",
        "client_secret": masked,
    }


def put(configuration: dict[str, Any], path: str, value: object) -> None:
    """Set the dotted `path` of a configuration."""
    *parents, leaf = path.split(".")
    for parent in parents:
        configuration = configuration.setdefault(parent, {})
    configuration[leaf] = value


def _tags(fleet: Fleet, space: Workspace) -> dict[str, Tag]:
    names = [*_TAGS, *(f"sla-{hour:02d}00" for hour in known.DEADLINE_HOURS)]
    made = {}
    for number, name in enumerate(names):
        color = _PALETTE[number % len(_PALETTE)]
        made[name] = Tag(fleet.fresh_id("tag", space.id, name), name, color, space.id)
        fleet.tags[made[name].id] = made[name]
    return made


def _connection(
    fleet: Fleet, dice: Random, space: Workspace, ends: _Ends, tags: dict[str, Tag], start: int
) -> None:
    source = _zipf(dice, ends.sources)
    destination = dice.choice(ends.destinations)
    cadences, shares = zip(*known.CADENCES, strict=True)
    per_day = int(dice.choices(cadences, shares)[0])
    index = len(fleet.by_index)
    name = f"{source.name} -> {destination.connector.label} ({_TEAMS[index % len(_TEAMS)]})"
    if dice.random() >= known.SHARED_NAME_SHARE:
        name += f" #{index}"
    labels = {dice.choice(_TAGS)} if dice.random() < 0.6 else set()  # noqa: PLR2004
    deadline = freshness = None
    if per_day == 1 and dice.random() < known.DEADLINE_SHARE:
        hour = dice.choice(known.DEADLINE_HOURS)
        deadline, freshness = hour * known.HOUR, dice.choice(known.FRESHNESS_HOURS) * known.HOUR
        labels.add(f"sla-{hour:02d}00")
    fleet.add(
        LabConnection(
            id=fleet.fresh_id("connection", name),
            index=index,
            name=name,
            source_id=source.id,
            destination_id=destination.id,
            workspace_id=space.id,
            status="inactive" if dice.random() < known.INACTIVE_SHARE else "active",
            schedule=_schedule(dice, per_day),
            streams=_streams(dice, source.connector.family),
            created_at=start - int(dice.uniform(30, 500) * known.DAY),
            tag_ids=[tags[label].id for label in sorted(labels)],
            non_breaking=dice.choice(("ignore", "propagate_columns", "propagate_fully")),
            deadline=deadline,
            freshness=freshness,
            legacy_basic=dice.random() < known.OLD_TEXT_SHARE,
            orchestrated_at=dice.randrange(known.DAY),
        )
    )


def _zipf(dice: Random, sources: list[Endpoint]) -> Endpoint:
    if dice.random() < 0.6:  # noqa: PLR2004  as in the scheduling instances
        return dice.choice(sources)
    heavy = int((dice.paretovariate(_NOW_AND_THEN) - 1) * len(sources) * 0.08)
    return sources[min(heavy, len(sources) - 1)]


def _schedule(dice: Random, per_day: int) -> Schedule:
    kind = dice.random()
    if kind < known.MANUAL_SHARE:
        return Manual()
    if kind < known.MANUAL_SHARE + known.BASIC_SHARE:
        return Basic(24 // per_day, "hours")
    people = dice.random() < known.ROUND_HOUR_SHARE
    hour = dice.choices(range(7), known.HUMAN_HOURS)[0] if people else dice.randrange(24)
    minute = 0 if people else dice.choice((5, 7, 10, 15, 20, 30, 40, 45, 50))
    if per_day == 24:  # noqa: PLR2004  hourly
        return Cron(f"0 {minute} * * * ?")
    if per_day > 1:
        return Cron(f"0 {minute} {hour % (24 // per_day)}/{24 // per_day} * * ?")
    zone = dice.random() < known.LOCAL_ZONE_SHARE / (1 - known.MANUAL_SHARE - known.BASIC_SHARE)
    days = "? * MON-FRI" if dice.random() < known.WEEKDAYS_SHARE else "* * ?"
    return Cron(f"0 {minute} {hour} {days}", dice.choice(_ZONES) if zone else "UTC")


def _streams(dice: Random, family: str) -> list[dict[str, Any]]:
    names = _STREAMS[family]
    chosen = dice.sample(names, dice.randint(1, min(6, len(names))))
    lazy = dice.random()
    streams = []
    for name in sorted(chosen):
        whole = lazy < known.ALL_FULL_SHARE or (
            lazy < known.ALL_FULL_SHARE + known.SOME_FULL_SHARE and dice.random() < 0.4  # noqa: PLR2004
        )
        incremental = dice.choice(("incremental_append", "incremental_deduped_history"))
        streams.append(stream_of(name, "full_refresh_overwrite" if whole else incremental))
    return streams
