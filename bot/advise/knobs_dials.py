"""Dials: the tuning options of one source or destination, and how they stood over time."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.advise.advisor import Situation
from bot.domain.connection import ConnectionStatus, Endpoint, KnobValue
from bot.domain.knob import Bounds, Knob, KnobKind
from bot.domain.promises import Phase, Terms
from bot.domain.subject import Subject
from bot.knobs import catalogue

TURNED: Final = (KnobKind.BATCH_SIZE, KnobKind.BUFFER, KnobKind.PARALLELISM)
"""What this advisor turns; other kinds trade speed for something else than speed."""


BUSY: Final = 0.7


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time in which every dial of an endpoint stood still: option path → number."""

    values: Mapping[str, float]
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Panel:
    """The dials of one endpoint, and the connections that feel them, by id.

    `stretches` are oldest first; the last one is the present, and stands at the present values.
    """

    endpoint: Endpoint
    knobs: tuple[Knob, ...]
    subjects: tuple[Subject, ...]
    stretches: tuple[Stretch, ...]

    @property
    def now(self) -> Stretch:
        """Return the present stretch."""
        return self.stretches[-1]

    def phase(self, situation: Situation) -> Phase:
        """Return how far all its connections have been let in: the least far counts."""
        return min(_terms(situation, each).phase for each in self.subjects)

    def ratio(self, situation: Situation, knob: Knob, widest: float) -> float | None:
        """Return the factor by which one change may move a dial; None where policy forbids any."""
        factor = widest
        for subject in self.subjects:
            step = _terms(situation, subject).steps.get(knob.kind.value)
            if step is None:
                return None
            if step.ratio is not None:
                factor = min(factor, float(step.ratio))
        return factor

    def bounds(self, situation: Situation, knob: Knob) -> Bounds:
        """Return where a dial may stand: the catalogue's bounds, narrowed by every policy."""
        found = knob.bounds
        for subject in self.subjects:
            found = found.intersect(_terms(situation, subject).bounds.get(knob.path, Bounds()))
        return found


def panels(situation: Situation) -> Iterator[Panel]:
    """Yield the panel of every source and destination that has a dial which active syncs feel."""
    users: dict[str, list[Subject]] = defaultdict(list)
    endpoints: dict[str, Endpoint] = {}
    for subject in sorted(situation.subjects, key=lambda each: each.connection.id):
        for endpoint in (subject.source, subject.destination):
            if endpoint is not None and subject.connection.status is ConnectionStatus.ACTIVE:
                endpoints[endpoint.id] = endpoint
                users[endpoint.id].append(subject)
    known = catalogue.load()
    for key in sorted(endpoints):
        endpoint = endpoints[key]
        knobs = tuple(
            knob
            for knob in known.of(endpoint.connector)
            if knob.kind in TURNED and standing(knob, endpoint.knobs) is not None
        )
        if knobs:
            stretches = _stretches(situation, endpoint, knobs)
            yield Panel(endpoint, knobs, tuple(users[key]), stretches)


def standing(knob: Knob, values: Mapping[str, KnobValue]) -> float | None:
    """Return where a dial stands: what is set, else the default; None where that is not known.

    An option that exists only beside another setting is known only where it is set itself.
    """
    value = values.get(knob.path)
    if value is None and not knob.requires:
        value = knob.default
    return None if value is None else knob.number(value)


def _stretches(
    situation: Situation, endpoint: Endpoint, knobs: tuple[Knob, ...]
) -> tuple[Stretch, ...]:
    found: list[Stretch] = []
    for tenure in situation.knobs.get(endpoint.id, ()):
        values = {knob.path: standing(knob, tenure.value) for knob in knobs}
        numbers = {path: value for path, value in values.items() if value is not None}
        if found and found[-1].values == numbers:
            found[-1] = Stretch(numbers, found[-1].start, tenure.last_seen)
        else:
            found.append(Stretch(numbers, tenure.first_seen, tenure.last_seen))
    present = {knob.path: standing(knob, endpoint.knobs) or 0.0 for knob in knobs}
    if not found or found[-1].values != present:
        found.append(Stretch(present, situation.now, situation.now))
    return tuple(each for each in found if len(each.values) == len(knobs))


def _terms(situation: Situation, subject: Subject) -> Terms:
    return situation.terms.get(subject.connection.id, Terms())


def is_busy(situation: Situation, panel: Panel) -> bool:
    """Tell whether the measured load of a source is at 70 % of what it can bear, on average."""
    loads = {str(key): load for key, load in situation.surroundings.loads.items()}
    load = loads.get(panel.endpoint.id)
    busy = [share for share in load.busy if share is not None] if load else []
    return bool(busy) and sum(busy) / len(busy) >= BUSY
