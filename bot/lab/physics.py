"""How long a sync runs, what it moves and whether it fails: pure functions, shared by all.

The engine runs the world with them and `truth` asks them what would have been; neither has a
second opinion.
"""

from dataclasses import dataclass
from math import exp
from typing import Final, NamedTuple

from bot.lab import constants as known
from bot.lab.fleet import Endpoint, LabConnection
from bot.lab.nature import ConnectionNature, SourceNature
from bot.lab.noise import mix, unit
from bot.lab.volume import NORMAL, Volumes

NORMAL_TABLE: Final = [float(x) for x in NORMAL]
_U16: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Pace:
    """A connection under its present settings.

    `full_share` is the share of full-refresh streams, `row_seconds` includes the knobs' factor,
    `demand` is its weight on the source, `oom` the chance of running out of memory, `calm` the
    chance of failing when nothing special is going on.
    """

    nature: ConnectionNature
    source: SourceNature
    full_share: float
    row_seconds: float
    demand: float
    oom: float
    calm: float
    workers: float


def pace_of(
    connection: LabConnection,
    source: Endpoint,
    natures: tuple[ConnectionNature, SourceNature],
) -> Pace:
    """Fold the settings into what the engine needs per sync."""
    nature, source_nature = natures
    factor, demand, oom = 1.0, 1.0, 0.0
    for curve in source_nature.curves:
        value = max(source.knob(curve.model.path) or float(curve.model.default), 0.5)
        factor *= curve.factor(value)
        oom = max(oom, curve.fails(value))
        if not curve.model.batch:
            demand *= value / curve.start
    workers = known.CPU_REQUEST[source.connector.family] / known.CPU_PER_DATA_WORKER
    return Pace(
        nature=nature,
        source=source_nature,
        full_share=connection.full_refresh_share,
        row_seconds=nature.row_seconds * factor,
        demand=demand,
        oom=oom,
        calm=nature.fails + oom,
        workers=workers,
    )


class Luck(NamedTuple):
    """A sync's draws: the same sync has the same luck under every setting."""

    seconds: float
    rows: float
    tail: float
    fail: float
    bits: int


def luck_bits(key: int, day: int, ordinal: int) -> int:
    """Return the 64 bits that decide the luck of a connection's `ordinal`-th tick on a day."""
    return mix(key, day, ordinal)


def luck_of(bits: int) -> Luck:
    """Read a sync's draws from its bits."""
    return Luck(
        NORMAL_TABLE[bits >> 48],
        NORMAL_TABLE[(bits >> 32) & 0xFFFF],
        (((bits >> 16) & 0xFFFF) + 0.5) / _U16,
        ((bits & 0xFFFF) + 0.5) / _U16,
        bits,
    )


def prospect_of(
    pace: Pace, index: int, volumes: Volumes, at: int, bits: int
) -> tuple[float, float, float, float, float, float]:
    """Return what a sync that starts at `at` meets; `dayplan` does the same for a whole day.

    Records change more than once: the rows that an incremental sync reads are
    hot · (1 - exp(-changed/hot)), so a longer gap folds repeated changes into one row.
    """
    nature, luck = pace.nature, luck_of(bits)
    day, second = divmod(at, known.DAY)
    growth = volumes.growth(index, day)
    hot = nature.hot_days * nature.rows_day * max(1.0, growth)
    whole = pace.full_share * nature.stock_rows * growth * exp(0.01 * luck.rows)
    noise = exp(0.04 * luck.rows)
    hours = pace.source.weekend if (day + 3) % 7 > 4 else pace.source.weekday  # noqa: PLR2004
    per_row = pace.row_seconds * hours[second // known.HOUR] * exp(nature.sigma * luck.seconds)
    step = nature.pace_step
    if step and day - volumes.first_day >= step[0]:
        per_row *= step[1]
    if luck.tail < nature.tail_share:
        ratio = nature.tail_share / luck.tail
        per_row *= min(known.TAIL_LARGEST, ratio ** (1 / known.TAIL_EXPONENT))
    return volumes.changed(index, at), hot, whole, noise, per_row, luck.fail


NO_FAILURE: Final = 0
SOURCE_HICCUP: Final = 1
OUT_OF_MEMORY: Final = 2
OVERLOADED: Final = 3
SOURCE_DOWN: Final = 4
CREDENTIALS: Final = 5
DESTINATION: Final = 6
BY_PERSON: Final = 7
REPLACED: Final = 8


def failure_of(pace: Pace, chance: float, load: float, *, down: bool, broken: bool) -> int:
    """Return why an attempt fails, or `NO_FAILURE`.

    `chance` is the attempt's draw, `load` the demand on its source over the source's capacity.
    The causes are stacked in a fixed order, so that a sync that fails of itself does so under
    every setting.
    """
    if broken:
        return CREDENTIALS
    edge = pace.nature.fails
    if chance < edge:
        return SOURCE_HICCUP if chance < 0.7 * edge else DESTINATION
    edge += pace.oom
    if chance < edge:
        return OUT_OF_MEMORY
    if load > known.OVERLOAD_KNEE:
        edge += min(known.OVERLOAD_MOST, known.OVERLOAD_SLOPE * (load - known.OVERLOAD_KNEE))
        if chance < edge:
            return OVERLOADED
    if down and chance < edge + known.INCIDENT_FAILS:
        return SOURCE_DOWN
    return NO_FAILURE


def progress_of(failure: int, bits: int, attempt: int) -> float:
    """Return the share of an attempt's work that was done when it failed."""
    drawn = unit(bits, 77, attempt)
    if failure in {SOURCE_DOWN, CREDENTIALS}:
        return 0.0
    return drawn if drawn > 0.25 else 0.0  # noqa: PLR2004  early failures commit nothing


def outage_of(source: SourceNature, day: int) -> tuple[int, int] | None:
    """Return when a source is down on a day (epoch seconds), if it is."""
    if unit(source.key, day, 91) >= known.INCIDENTS_PER_SOURCE_DAY:
        return None
    begin = day * known.DAY + int(unit(source.key, day, 92) * known.DAY)
    low, high = known.INCIDENT_HOURS
    return begin, begin + int((low + (high - low) * unit(source.key, day, 93)) * known.HOUR)


def outages_around(source: SourceNature, day: int) -> tuple[tuple[int, int], ...]:
    """Return the outages that can touch a day: its own, and the day before's."""
    found = (outage_of(source, one) for one in (day - 1, day))
    return tuple(outage for outage in found if outage)


def retry_chance(bits: int, attempt: int) -> float:
    """Draw the chance of a later attempt of a sync."""
    return unit(bits, 78, attempt)


def basic_jitter(key: int, due: int) -> float:
    """Draw the shift of a basic schedule's start, from -1 to 1 of half the bound."""
    return 2 * unit(key, due, 0x12) - 1
