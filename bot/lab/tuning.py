"""Tuning a real connector: run it, mine, advise, apply, one day of the lab after another.

Three connections read three sources with knobs set off their optimum. Each sync is a run of the
connector's process; the rest is as a user has it: the history is mined over HTTP, the advisor sees
nothing but that history, and what it recommends is done at once. Afterwards the first and the last
knobs are run in turns: a machine that others use too is not equally fast the whole time.
"""

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final

from bot.advise.knobs import KnobAdvisor
from bot.advise.situation import Beside, read_situation
from bot.airbyte.access import Access, Application
from bot.airbyte.client import Airbyte
from bot.domain.connection import Cron
from bot.domain.errors import InputError
from bot.domain.mine import Mine
from bot.domain.promises import Phase, StepLimit, Terms
from bot.domain.recommendation import KnobChange, Recommendation
from bot.domain.sync import Sync, SyncStatus
from bot.history.mining import MiningPlan, mine
from bot.history.reading import Progress
from bot.history.store import History
from bot.lab.actions import ChangeEndpoint
from bot.lab.description import Description, GivenConnection, GivenEndpoint
from bot.lab.lab import Lab
from bot.lab.real import SCALE, Connector, Measurement, attach
from bot.lab.tuning_outcome import Course, Outcome, Step

KNOBS: Final = ("parallelism", "records_per_slice")
SAMPLES: Final = ((1000, 8, 20), (2000, 8, 30), (4000, 7, 20))
"""Users, parallelism and records per slice of each source at the start: twice the default of the
one and a fiftieth of the other, and within the bounds that the advisor keeps."""
EVERY_OTHER_DAY: Final = Cron("0 0 6 1/2 * ?")
"""Seven syncs between two steps, which are 14 days apart: what the advisor needs, and few to run."""
TERMS: Final = Terms(
    Phase.LIVE, steps={kind: StepLimit(kind) for kind in ("batch_size", "parallelism")}
)
_WEEK: Final = 7
_SHARE_OF_LOOP: Final = 2 / 3
"""Of the time; the rest is for the runs in turns."""
_PAIRS: Final = 6
_FEWEST_PAIRS: Final = 3


@dataclass(frozen=True, slots=True)
class Trial:
    """What to run: a connector's streams, days of the lab, and how long it may take in earnest."""

    connector: Connector
    streams: tuple[str, ...]
    days: int
    seed: int
    at_most: timedelta


def tune(trial: Trial, say: Callable[[str], object]) -> Outcome:
    """Run a trial; `say` is told every step, and how far it is every week, in a line each.

    Raises:
        InputError: the connector cannot be run, lacks a stream, or no run of it ended well.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        Lab.start(seed=trial.seed, fleet=_fleet(trial), days=0) as lab,
        History.open(Path(folder) / "history.duckdb") as history,
    ):
        for link in lab.truth.connection_ids:
            attach(lab, link, trial.connector, trial.streams)
        loop = _Loop(trial, lab, history, say)
        loop.run()
        return loop.outcome()


class _Loop:
    def __init__(
        self, trial: Trial, lab: Lab, history: History, say: Callable[[str], object]
    ) -> None:
        self._trial, self._lab, self._history, self._say = trial, lab, history, say
        self._begun = time.monotonic()
        self._first = {key: self._knobs(key) for key in lab.world.fleet.sources}
        self._steps: list[Step] = []
        self._catalogs: dict[str, dict[str, Any]] = {}
        self._day = 0

    def run(self) -> None:
        """Let the days pass, or as many as there is time for."""
        self._mine()
        at_most = self._trial.at_most * _SHARE_OF_LOOP
        while self._day < self._trial.days and self._took < at_most:
            self._lab.advance(timedelta(days=1))
            self._day += 1
            self._mine()
            if self._act():
                # A look at once: what runs from now on runs under the new values.
                self._mine()
            if self._day % _WEEK == 0:
                good = [_seconds(each) for each in self._good()]
                typical = f"; the median took {median(good):.1f} s" if good else ""
                self._say(f"day {self._day}: {len(self._lab.truth.syncs())} runs{typical}")

    def outcome(self) -> Outcome:
        """Return what came of it."""
        ended = [each for each in self._lab.truth.syncs() if each.duration is not None]
        if ended and not self._good():
            raise InputError(
                f"{self._trial.connector.command[0]}: no run of it ended well: {self._complaint()}"
            )
        failed = sum(each.status is SyncStatus.FAILED for each in ended)
        courses = self._courses()
        return Outcome(courses, tuple(self._steps), self._day, len(ended), failed, self._took)

    @property
    def _took(self) -> timedelta:
        return timedelta(seconds=time.monotonic() - self._begun)

    def _mine(self) -> None:
        lab = self._lab
        access = Access.to(lab.url, Application(lab.client_id, lab.client_secret))
        with Airbyte(access) as airbyte:
            mine(self._history, airbyte, MiningPlan(), _Unwatched())

    def _act(self) -> bool:
        """Ask the advisor, and do what it recommends."""
        beside = Beside(terms=lambda _: TERMS)
        situation = read_situation(self._history, self._lab.now, beside)
        steps = len(self._steps)
        for advice in KnobAdvisor().advise(situation):
            if isinstance(advice, Recommendation) and isinstance(advice.change, KnobChange):
                self._apply(advice.change, advice.figures["step"])
        return len(self._steps) > steps

    def _apply(self, change: KnobChange, move: str) -> None:
        world = self._lab.world
        source, path = world.fleet.sources[change.endpoint_id], change.knob.path
        before, after = self._knobs(source.id)[path], int(change.after)
        configuration = {**source.configuration, path: after}
        world.do(ChangeEndpoint(endpoint_id=source.id, configuration=configuration))
        self._steps.append(Step(self._day, source.name, path, before, after, move))
        self._say(f"day {self._day}: {source.name}: {path} {before} → {after} ({move})")

    def _complaint(self) -> str:
        """Run the connector once more: the lab does not keep what it says when it fails."""
        connector, source = (
            self._trial.connector,
            next(iter(self._lab.world.fleet.sources.values())),
        )
        catalog = connector.catalog(source.configuration, self._trial.streams)
        return connector.read(source.configuration, catalog).message or "now it does"

    def _knobs(self, source_id: str) -> dict[str, int]:
        configuration = self._lab.world.fleet.sources[source_id].configuration
        return {path: int(configuration[path]) for path in KNOBS}

    def _good(self) -> list[Sync]:
        return [each for each in self._lab.truth.syncs() if each.status is SyncStatus.SUCCEEDED]

    def _courses(self) -> tuple[Course, ...]:
        """Run the first and the last knobs of each source in turns."""
        ends = {key: (first, self._knobs(key)) for key, first in self._first.items()}
        turned = [key for key, (first, last) in ends.items() if first != last]
        pairs: dict[str, list[tuple[float, float]]] = {key: [] for key in ends}
        if turned:
            self._say(f"day {self._day}: running the first and the last knobs in turns")
        for number in range(_PAIRS):
            if number >= _FEWEST_PAIRS and self._took > self._trial.at_most:
                break
            for key in turned:
                first, last = (self._measure(key, each) for each in ends[key])
                if first.message is None and last.message is None:
                    pairs[key].append((first.seconds, last.seconds))
        sources = self._lab.world.fleet.sources
        return tuple(
            Course(sources[key].name, first, last, tuple(pairs[key]))
            for key, (first, last) in ends.items()
        )

    def _measure(self, source_id: str, knobs: Mapping[str, int]) -> Measurement:
        connector = self._trial.connector
        configuration = {**self._lab.world.fleet.sources[source_id].configuration, **knobs}
        if source_id not in self._catalogs:
            self._catalogs[source_id] = connector.catalog(configuration, self._trial.streams)
        return connector.read(configuration, self._catalogs[source_id])


class _Unwatched:
    def progress(self, progress: Progress) -> None:
        pass

    def finished(self, mine: Mine) -> None:
        pass


def _fleet(trial: Trial) -> Description:
    return Description(
        sources=tuple(
            GivenEndpoint(
                _name(count),
                "faker",
                {"count": count, "seed": trial.seed, **dict(zip(KNOBS, knobs, strict=True))},
            )
            for count, *knobs in SAMPLES
        ),
        destinations=(GivenEndpoint("Lake", "s3"),),
        connections=tuple(
            GivenConnection(
                _name(count),
                _name(count),
                "Lake",
                EVERY_OTHER_DAY,
                dict.fromkeys(trial.streams, "full_refresh_overwrite"),
            )
            for count, *_ in SAMPLES
        ),
    )


def _name(count: int) -> str:
    return f"{count:,} users"


def _seconds(sync: Sync) -> float:
    assert sync.duration is not None
    return sync.duration.total_seconds() / SCALE
