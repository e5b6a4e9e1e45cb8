"""A world whose syncs are runs that were measured: the knob advisor is tried on real data in it.

Four connections, one for each count, read one source. A sync at a measured setting is one of the
runs that were measured there, drawn anew each time; between measured settings it is one of a setting
around, with odds by how near it is in logs. What a run owes to its own count is replaced by what the
connection's count is worth, so that only the knobs make a difference.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import exp, log, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bot.advise.advisor import Situation
from bot.advise.knobs import KnobAdvisor
from bot.domain.connection import (
    Connection,
    ConnectionStatus,
    Cron,
    DestinationId,
    Endpoint,
    KnobValue,
    SourceId,
    Stream,
)
from bot.domain.forecast import Evidence
from bot.domain.promises import Phase, StepLimit, Terms
from bot.domain.recommendation import KnobChange, Recommendation
from bot.domain.subject import Subject
from bot.domain.tenure import Tenure
from bot.forecast.runs import Runs
from tests.real_syncs import KNOBS, SCALE, SPACE, RealRun, connection_of, real_runs

Setting = tuple[int, int]
"""Parallelism and records per slice."""

MOST_PARALLEL: Final = 8
"""trimtab's own bound: a dial that stands beyond it is left to people."""
YEAR: Final = 364
"""Days of a walk."""
TERMS: Final = Terms(
    Phase.LIVE, steps={kind: StepLimit(kind) for kind in ("batch_size", "parallelism")}
)
_DAY: Final = 86_400
_START: Final = 20_000 * _DAY
_REMEMBERED: Final = 90
_WEEK: Final = 7
_ROUNDS: Final = 50


@dataclass(frozen=True)
class Measured:
    """Effects of the knobs: log seconds less the mean of the run's count, by setting."""

    effects: Mapping[Setting, tuple[float, ...]]
    levels: Mapping[int, float]
    rows: Mapping[int, int]

    @classmethod
    def of(cls, runs: Sequence[RealRun]) -> "Measured":
        """Take the counts out of runs.

        Settings fell unevenly on the counts, so that the plain mean of a count holds something of
        its settings: levels and effects are fitted in turns until neither holds any of the other.
        """
        seconds = np.asarray([log(run.seconds) for run in runs])
        counts, of_count = np.unique([run.count for run in runs], return_inverse=True)
        settings, of_setting = np.unique(
            [setting_of(run) for run in runs], axis=0, return_inverse=True
        )
        effects = np.zeros(len(settings))
        levels = np.zeros(len(counts))
        for _ in range(_ROUNDS):
            levels = _means(seconds - effects[of_setting], of_count)
            effects = _means(seconds - levels[of_count], of_setting)
            effects -= effects[of_setting].mean()
        left = seconds - levels[of_count]
        by_setting: dict[Setting, list[float]] = defaultdict(list)
        for run, effect in zip(runs, left, strict=True):
            by_setting[setting_of(run)].append(float(effect))
        return cls(
            {key: tuple(found) for key, found in sorted(by_setting.items())},
            {int(count): float(level) for count, level in zip(counts, levels, strict=True)},
            {run.count: run.rows for run in runs},
        )

    def mean(self, setting: Setting) -> float:
        """Return the mean effect of a measured setting."""
        return float(np.mean(self.effects[setting]))

    def error(self, setting: Setting) -> float:
        """Return the standard error of that mean, with the deviation that all settings share."""
        return self.noise / sqrt(len(self.effects[setting]))

    @property
    def noise(self) -> float:
        """Return the deviation of single runs around the mean of their setting."""
        left = [x - self.mean(key) for key, found in self.effects.items() for x in found]
        free = len(left) - len(self.effects) - len(self.levels) + 1
        return sqrt(float(np.sum(np.square(left))) / free)

    def best(self, fewest: int = 1) -> Setting:
        """Return the setting with the least mean, of those with enough runs."""
        return min(
            (key for key, found in self.effects.items() if len(found) >= fewest), key=self.mean
        )

    def around(self, setting: Setting) -> list[tuple[Setting, float]]:
        """Return the measured settings around one, with weights that sum to one."""
        axes = [sorted({key[axis] for key in self.effects}) for axis in (0, 1)]
        sides = [_between(axis, value) for axis, value in zip(axes, setting, strict=True)]
        found = [((p, r), u * v) for p, u in sides[0] for r, v in sides[1]]
        kept = [(key, weight) for key, weight in found if key in self.effects and weight > 0]
        if not kept:
            return [(min(self.effects, key=lambda key: _distance(key, setting)), 1.0)]
        total = sum(weight for _, weight in kept)
        return [(key, weight / total) for key, weight in kept]

    def expected(self, setting: Setting) -> float:
        """Return the mean effect at any setting, between measured ones too."""
        return sum(weight * self.mean(key) for key, weight in self.around(setting))


def halves(runs: Sequence[RealRun], seed: int) -> tuple[Measured, Measured]:
    """Deal the runs out into two worlds of equal size."""
    order = np.random.default_rng(seed).permutation(len(runs))
    middle = len(runs) // 2
    one, other = order[:middle], order[middle:]
    return Measured.of([runs[n] for n in one]), Measured.of([runs[n] for n in other])


def setting_of(run: RealRun) -> Setting:
    """Return the knobs of a run."""
    return run.knobs["parallelism"], run.knobs["records_per_slice"]


def _means(values: NDArray[np.float64], of: NDArray[np.int64]) -> NDArray[np.float64]:
    return (np.bincount(of, values) / np.bincount(of)).astype(np.float64)


def _distance(one: Setting, other: Setting) -> float:
    return sum(log(a / b) ** 2 for a, b in zip(one, other, strict=True))


def _between(axis: Sequence[int], value: float) -> list[tuple[int, float]]:
    """Return the one or two measured values around one, with their nearness in logs."""
    if value <= axis[0]:
        return [(axis[0], 1.0)]
    if value >= axis[-1]:
        return [(axis[-1], 1.0)]
    above = next(place for place, each in enumerate(axis) if each > value)
    low, high = axis[above - 1], axis[above]
    share = log(value / low) / log(high / low)
    return [(low, 1 - share), (high, share)]


@dataclass
class Walk:
    """The advisor on one source, from a setting on: asked every week, and done as it says.

    `steps` holds what was done: the day, the kind of step, the setting after it.
    """

    world: Measured
    setting: Setting
    seed: int
    day: int = 0
    steps: list[tuple[int, str, Setting]] = field(default_factory=list)
    _tenures: list[Tenure[Mapping[str, KnobValue]]] = field(default_factory=list)
    _runs: list[tuple[int, int, float]] = field(default_factory=list)

    def live(self, days: int) -> None:
        """Let days pass: four syncs a day, and a question a week."""
        dice = np.random.default_rng((self.seed, *self.setting, self.day))
        for _ in range(days):
            self._look()
            keys, odds = zip(*self.world.around(self.setting), strict=True)
            for count, level in self.world.levels.items():
                found = self.world.effects[keys[dice.choice(len(keys), p=odds)]]
                self._runs.append((self.day, count, level + float(dice.choice(found))))
            self.day += 1
            if self.day % _WEEK == 0:
                self._look()
                self._ask()

    def _values(self) -> dict[str, KnobValue]:
        return dict(zip(KNOBS, self.setting, strict=True))

    def _look(self) -> None:
        values = self._values()
        now = _moment(self.day)
        if self._tenures and self._tenures[-1].value == values:
            self._tenures[-1] = Tenure(values, self._tenures[-1].first_seen, now)
        else:
            self._tenures.append(Tenure(values, now, now))

    def _ask(self) -> None:
        for advice in KnobAdvisor().advise(self.situation()):
            if isinstance(advice, Recommendation) and isinstance(advice.change, KnobChange):
                values = self._values()
                values[advice.change.knob.path] = int(advice.change.after)
                self.setting = int(values["parallelism"]), int(values["records_per_slice"])
                self.steps.append((self.day, advice.figures["step"], self.setting))
                return

    def situation(self) -> Situation:
        """Return what the advisor is given."""
        now = _moment(self.day)
        source = Endpoint("source", "Sample", "source-faker", SPACE, self._values())
        subjects = tuple(Subject(_connection(count), source) for count in self.world.levels)
        keys = [each.connection.id for each in subjects]
        return Situation(
            now=now,
            subjects=subjects,
            evidence={key: Evidence(now - timedelta(days=28), now, 28) for key in keys},
            terms=dict.fromkeys(keys, TERMS),
            runs=self._recent(),
            knobs={"source": tuple(self._tenures)},
        )

    def _recent(self) -> Runs:
        counts = list(self.world.levels)
        recent = [run for run in self._runs if run[0] >= self.day - _REMEMBERED]
        recent.sort(key=lambda run: (run[1], run[0]))
        who = np.asarray([counts.index(count) for _, count, _ in recent])
        created = np.asarray([_START + day * _DAY + 2 * 3600 for day, _, _ in recent])
        seconds = np.asarray([exp(found) * SCALE for _, _, found in recent], np.float32)
        rows = np.asarray([self.world.rows[count] for _, count, _ in recent], np.float32)
        fine = np.ones(len(recent), bool)
        return Runs(
            tuple(connection_of(count) for count in counts),
            ("faker",) * len(counts),
            who,
            created,
            created + seconds.astype(np.int64),
            fine,
            ~fine,
            seconds,
            seconds,
            rows,
            rows * 450,
        )


@dataclass(frozen=True)
class Verdict:
    """Mean effects on runs held back: where walks start and end, and the setting picked by hand."""

    started: float
    ended: float
    picked: float


def starts(world: Measured) -> list[Setting]:
    """Return the measured settings within trimtab's bounds."""
    return [each for each in world.effects if each[0] <= MOST_PARALLEL]


def follow(world: Measured, start: Setting, seed: int) -> Walk:
    """Follow the advisor for a year."""
    walk = Walk(world, start, seed)
    walk.live(YEAR)
    return walk


def judge(seed: int, begun_at: Sequence[Setting]) -> Verdict:
    """Walk on one half of the runs and judge on the other; so too the half's best setting."""
    one, other = halves(real_runs(), seed)
    ends = [follow(one, start, seed).setting for start in begun_at]
    return Verdict(
        float(np.mean([other.expected(each) for each in begun_at])),
        float(np.mean([other.expected(each) for each in ends])),
        other.expected(one.best(fewest=2)),
    )


def _connection(count: int) -> Connection:
    return Connection(
        connection_of(count),
        f"sample {count}",
        SourceId("source"),
        DestinationId("lake"),
        SPACE,
        ConnectionStatus.ACTIVE,
        Cron("0 0 2 * * ?"),
        (Stream("users", "full_refresh_overwrite"),),
    )


def _moment(day: int) -> datetime:
    return datetime.fromtimestamp(_START + day * _DAY, UTC)
