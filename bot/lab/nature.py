"""What a connection and a source are like underneath: fixed facts that no API shows.

Each is a pure function of the seed and an id, so a connection that Terraform creates later has
its nature at once, and has the same one in every replay.
"""

from dataclasses import dataclass
from math import exp, log

from bot.lab import constants as known
from bot.lab.connectors import KnobModel
from bot.lab.fleet import Endpoint, LabConnection
from bot.lab.noise import between, choose, key_of, normal, unit

_ROWS_DAY = {"database": (200_000, 1.3), "api": (15_000, 1.2), "file": (80_000, 1.2)}
_ROW_BYTES = {"database": (220, 0.5), "api": (900, 0.6), "file": (350, 0.7)}


@dataclass(frozen=True, slots=True)
class Curve:
    """How run time bends around a knob's optimum, relative to where the knob started.

    Per-row time ∝ 1 + r·(x*/x + x/x*), which is 1 + K/x + x/B with x* = √(K·B), r = √(K/B).
    `limit` is the value above which memory runs out half of the time (batch sizes only).
    """

    model: KnobModel
    optimum: float
    bend: float
    start: float
    limit: float | None = None

    def factor(self, value: float) -> float:
        """Return run time at `value` over run time where the knob started."""
        return self._shape(value) / self._shape(self.start)

    def fails(self, value: float) -> float:
        """Return the chance that an attempt at `value` runs out of memory."""
        if self.limit is None:
            return 0.0
        return float(1 / (1 + (self.limit / value) ** known.OOM_SLOPE))

    def _shape(self, value: float) -> float:
        return 1 + self.bend * (self.optimum / value + value / self.optimum)


@dataclass(frozen=True, slots=True)
class SourceNature:
    """A source: how much it serves at once, when it is busy, and its knobs' curves.

    `capacity` is in syncs at reference parallelism. `weekday` and `weekend` hold, per UTC hour,
    how much slower it serves than at its best.
    """

    key: int
    family: str
    capacity: float
    weekday: tuple[float, ...]
    weekend: tuple[float, ...]
    curves: tuple[Curve, ...]
    rate_limited: bool


@dataclass(frozen=True, slots=True)
class ConnectionNature:
    """A connection: what changes at its source, how fast it is read, how often it fails.

    `rows_day` are changed rows per day at the start, `stock_rows` the whole tables' rows,
    `minutes` the typical run time at the start; `row_seconds` follows from them. `week` holds a
    volume factor per weekday (Monday first). Steps are (day number since the start, factor).
    `broken` is (first, end) day between which its credentials do not work.
    """

    key: int
    rows_day: float
    hot_days: float
    stock_rows: float
    row_bytes: float
    overhead: float
    row_seconds: float
    sigma: float
    tail_share: float
    fails: float
    growth: float
    level_sigma: float
    week: tuple[float, ...]
    level_step: tuple[int, float] | None
    pace_step: tuple[int, float] | None
    shape: int
    broken: tuple[int, int] | None


def source_nature(seed: int, source: Endpoint, mean_load: float) -> SourceNature:
    """Draw a source's nature; `mean_load` is the mean number of its syncs that run at once."""
    key = key_of(seed, "source", source.id)
    family = source.connector.family
    limited = family == "api" and unit(key, 1) < known.RATE_LIMITED_SHARE
    room = max(1.0, float(round(known.SOURCE_TIGHTNESS * 1.5 * mean_load + 0.5)))
    capacity = {"database": max(2.0, room), "file": 16.0, "api": room if limited else 8.0}[family]
    weekday, weekend = [1.0] * 24, [1.0] * 24
    if family == "database":
        if unit(key, 2) < known.BACKUP_SHARE:
            first = choose(key, (2, 3, 3, 2, 1), 3)
            for hour in range(first, first + known.BACKUP_HOURS[choose(key, (1, 1, 1), 4)]):
                weekday[hour] = weekend[hour] = known.BACKUP_SLOWDOWN
        if unit(key, 5) < known.OFFICE_SHARE:
            weekday[8:18] = [known.OFFICE_SLOWDOWN] * 10
    return SourceNature(
        key,
        family,
        capacity,
        tuple(weekday),
        tuple(weekend),
        tuple(_curve(key, number, source, knob) for number, knob in enumerate(knobs_of(source))),
        limited,
    )


def connection_nature(
    seed: int, connection: LabConnection, source: Endpoint, per_day: float, days: int
) -> ConnectionNature:
    """Draw a connection's nature; `per_day` is how often it ran when it was created."""
    key = key_of(seed, "connection", connection.id)
    family = source.connector.family
    median, sigma = _ROWS_DAY[family]
    rows_day = connection.rows_per_day or median * exp(sigma * normal(key, 1))
    few, many = known.HOT_SET_DAYS
    hot_days = exp(between(key, log(few), log(many), 2))
    stock = rows_day * between(key, 2, 25, 3)
    overhead = between(key, *known.OVERHEAD_SECONDS, 5)
    minutes = typical_minutes(key, per_day)
    rows = typical_rows(rows_day, hot_days, stock, connection.full_refresh_share, per_day)
    bytes_median, bytes_sigma = _ROW_BYTES[family]
    weekend = 1 - between(key, *known.WEEKLY_AMPLITUDE, 8)
    monday = 1 + 0.4 * (1 - weekend) * unit(key, 9)
    return ConnectionNature(
        key=key,
        rows_day=rows_day,
        hot_days=hot_days,
        stock_rows=stock,
        row_bytes=bytes_median * exp(bytes_sigma * normal(key, 4)),
        overhead=min(overhead, 0.6 * minutes * 60),
        row_seconds=(minutes * 60 - min(overhead, 0.6 * minutes * 60)) / rows,
        sigma=between(key, *known.ROW_NOISE_SIGMA, 6),
        tail_share=between(key, *known.TAIL_SHARE, 7),
        fails=between(key, *known.FAILS_BASE, 10),
        growth=between(key, *known.GROWTH_PER_DAY, 11),
        level_sigma=between(key, *known.LEVEL_SIGMA, 12),
        week=(monday, 1.0, 1.0, 1.0, 1.0, weekend, weekend),
        level_step=_step(key, 13, known.LEVEL_STEP_SHARE, (0.5, 2.0), days),
        pace_step=_step(key, 16, known.THROUGHPUT_STEP_SHARE, (0.6, 1.7), days),
        shape=choose(key, (0.5, 0.3, 0.2), 19),
        broken=_broken(key, days),
    )


def typical_minutes(key: int, per_day: float) -> float:
    """Draw the typical run time of a connection that starts `per_day` times a day."""
    minutes = known.MINUTES_MEDIAN * exp(known.MINUTES_SIGMA * normal(key, 20))
    if per_day >= 8:  # noqa: PLR2004  the scheduling instances' own border
        minutes *= known.FREQUENT_FACTOR
    return min(max(minutes, 1.0), known.LONGEST_SHARE * 1440 / max(per_day, 1))


def typical_rows(
    rows_day: float, hot_days: float, stock: float, full_share: float, per_day: float
) -> float:
    """Return the rows of a typical sync: what changed in distinct records, and whole tables."""
    hot = hot_days * rows_day
    changed = hot * (1 - exp(-rows_day / per_day / hot))
    return max(1.0, (1 - full_share) * changed + full_share * stock)


def knobs_of(source: Endpoint) -> tuple[KnobModel, ...]:
    """Return the knobs of a source that the simulation obeys."""
    return source.connector.knobs


def optimum_of(key: int, number: int, knob: KnobModel) -> float:
    """Draw where a knob is best: within a factor of its default, inside its bounds."""
    spread = log(known.KNOB_OFF)
    drawn = knob.default * exp(between(key, -spread, spread, 40 + number))
    return min(max(drawn, 1.2 * knob.low), max(1.2 * knob.low, 0.8 * knob.high))


def _curve(key: int, number: int, source: Endpoint, knob: KnobModel) -> Curve:
    optimum = optimum_of(key, number, knob)
    low, high = known.BATCH_CURVATURE if knob.batch else known.PARALLEL_CURVATURE
    bend = exp(between(key, log(low), log(high), 50 + number))
    limit = optimum * between(key, *known.OOM_OVER_OPTIMUM, 60 + number) if knob.batch else None
    return Curve(knob, optimum, bend, source.knob(knob.path) or float(knob.default), limit)


def _step(
    key: int, draw: int, share: float, size: tuple[float, float], days: int
) -> tuple[int, float] | None:
    first, last = known.STEP_WINDOW
    if unit(key, draw) >= share * (last - first):
        return None
    low, high = (log(x) for x in size)
    return int(between(key, first, last, draw + 1) * days), exp(between(key, low, high, draw + 2))


def _broken(key: int, days: int) -> tuple[int, int] | None:
    if unit(key, 21) >= known.BROKEN_SHARE:
        return None
    first = int(between(key, 0.1, 0.9, 22) * days)
    return first, first + int(between(key, 2, 24, 23))
