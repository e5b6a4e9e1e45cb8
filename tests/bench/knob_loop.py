"""The knob advisor in a closed loop with the lab: advise, apply, let a day pass, look again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from bot.advise.advisor import Situation
from bot.advise.knobs import KnobAdvisor
from bot.domain.connection import (
    Connection,
    ConnectionId,
    ConnectionStatus,
    DestinationId,
    Endpoint,
    KnobValue,
    SourceId,
    Stream,
    WorkspaceId,
)
from bot.domain.forecast import Evidence
from bot.domain.promises import Phase, StepLimit, Terms
from bot.domain.recommendation import KnobChange, Recommendation
from bot.domain.subject import Subject
from bot.domain.sync import Failure
from bot.domain.tenure import Tenure
from bot.domain.trouble import Trouble, cause_of
from bot.forecast.runs import Runs
from bot.lab.actions import ChangeEndpoint
from bot.lab.failures import reason_of
from bot.lab.fleet import LabConnection
from bot.lab.generate import put
from bot.lab.jobs import JobStatus
from bot.lab.physics import OUT_OF_MEMORY
from bot.lab.world import World

TERMS: Final = Terms(
    Phase.LIVE,
    steps={each: StepLimit(each) for each in ("batch_size", "buffer", "parallelism")},
)
_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR
_SPAN: Final = 90 * _DAY
_SYNCS: Final = 3


@dataclass(frozen=True)
class Change:
    """One change that was applied: when, of which source, and why."""

    at: int
    source_id: str
    path: str
    before: float
    after: float
    move: str


@dataclass
class Loop:
    """A world that is advised every day from `start` on; knobs are watched from the start."""

    world: World
    tenures: dict[str, list[Tenure[Mapping[str, KnobValue]]]] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    _known: set[int] = field(default_factory=set)

    asked: int = 0
    answered: int = 0

    def run(self, until: int) -> None:
        """Look every hour; ask every day, and at once when something ran out of memory."""
        self._alarms()  # what went before nobody was there to answer
        ask_at = self.world.now
        while self.world.now < until:
            alarms = self._alarms()
            if alarms or self.world.now >= ask_at:
                self.look()
                for each in KnobAdvisor().advise(self.situation()):
                    if isinstance(each, Recommendation) and isinstance(each.change, KnobChange):
                        self._apply(each, each.change)
                self.look()
                self._judge(alarms)
            if self.world.now >= ask_at:
                ask_at += _DAY
            self.world.advance(min(until, self.world.now + _HOUR))

    def _alarms(self) -> list[tuple[int, str]]:
        """Return the ended syncs that ran out of memory since the last look, with their sources."""
        jobs = self.world.engine.jobs
        jobs.flush()
        found = []
        for row in [row for row in jobs.attempts if row not in self._known]:
            if jobs.column("status")[row] < JobStatus.FAILED:
                continue
            self._known.add(row)
            link = self.world.fleet.by_index[int(jobs.column("connection")[row])]
            if any(each.failure == OUT_OF_MEMORY for each in jobs.attempts[row]):
                found.append((row, link.source_id))
        return found

    def _judge(self, alarms: Sequence[tuple[int, str]]) -> None:
        """Count the alarms, and those that a back-off of their source came after within 3 syncs."""
        jobs = self.world.engine.jobs
        for row, source_id in alarms:
            values = _knobs(self.world, source_id)
            created = int(jobs.column("created")[row])
            who = jobs.column("connection") == jobs.column("connection")[row]
            since = int((who & (jobs.column("created") > created)).sum())
            begun = [each for each in self.tenures[source_id] if each.covers(_moment(created))]
            self.asked += 1
            lower = begun and any(values[k] < v for k, v in begun[-1].value.items() if k in values)  # type: ignore[operator]
            self.answered += bool(lower) and since <= _SYNCS

    def look(self) -> None:
        """Note where every source's dials stand, as a mine does."""
        now = _moment(self.world.now)
        for key in self.world.fleet.sources:
            values = _knobs(self.world, key)
            seen = self.tenures.setdefault(key, [])
            if seen and seen[-1].value == values:
                seen[-1] = Tenure(values, seen[-1].first_seen, now)
            else:
                seen.append(Tenure(values, now, now))

    def situation(self) -> Situation:
        """Return what the advisor is given."""
        world, now = self.world, _moment(self.world.now)
        subjects = tuple(_subject(world, link) for link in world.fleet.by_index)
        active = {each.connection.id: each for each in subjects}
        runs = runs_of(world)
        evidence = {key: Evidence(now - timedelta(days=28), now, 28) for key in active}
        return Situation(
            now=now,
            subjects=subjects,
            evidence=evidence,
            terms=dict.fromkeys(active, TERMS),
            runs=runs,
            troubles=troubles_of(world),
            knobs={key: tuple(each) for key, each in self.tenures.items()},
        )

    def _apply(self, advice: Recommendation, change: KnobChange) -> None:
        source = self.world.fleet.sources.get(change.endpoint_id)
        if source is None:
            return
        configuration = dict(source.configuration)
        before = change.knob.number(
            change.before if change.before is not None else change.knob.default or 0
        )
        put(configuration, change.knob.path, change.after)
        self.world.do(ChangeEndpoint(endpoint_id=source.id, configuration=configuration))
        after = change.knob.number(change.after)
        assert after is not None
        self.changes.append(
            Change(
                self.world.now,
                source.id,
                change.knob.path,
                before or 0.0,
                after,
                advice.figures["step"],
            )
        )


def runs_of(world: World) -> Runs:
    """Return the ended syncs of the last three months, as the history would."""
    jobs = world.engine.jobs
    jobs.flush()
    names = ("connection", "kind", "created", "started", "updated", "status", "rows", "bytes")
    columns = {name: jobs.column(name) for name in names}
    chosen = (columns["status"] >= JobStatus.FAILED) & (columns["kind"] == 0)
    chosen &= columns["created"] >= world.now - _SPAN
    order = sorted(range(len(world.fleet.by_index)), key=lambda n: world.fleet.by_index[n].id)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    columns = {name: values[chosen] for name, values in columns.items()}
    who = place[columns["connection"]]
    rows = np.lexsort((columns["created"], who))
    columns = {name: values[rows] for name, values in columns.items()}
    links = [world.fleet.by_index[n] for n in order]
    elapsed = (columns["updated"] - columns["created"]).astype(np.float32)
    begun = np.where(columns["started"] > 0, columns["started"], columns["updated"])
    return Runs(
        tuple(ConnectionId(link.id) for link in links),
        tuple(world.fleet.sources[link.source_id].connector.name for link in links),
        who[rows],
        columns["created"],
        columns["updated"],
        columns["status"] == JobStatus.SUCCEEDED,
        columns["status"] == JobStatus.CANCELLED,
        (columns["updated"] - begun).astype(np.float32),
        elapsed,
        columns["rows"].astype(np.float32),
        columns["bytes"].astype(np.float32),
    )


def troubles_of(world: World) -> dict[ConnectionId, tuple[Trouble, ...]]:
    """Return the failed attempts of the same syncs."""
    jobs = world.engine.jobs
    created, who = jobs.column("created"), jobs.column("connection")
    found: dict[ConnectionId, list[Trouble]] = {}
    for row, attempts in sorted(jobs.attempts.items()):
        if row >= jobs.count or created[row] < world.now - _SPAN:
            continue
        link = world.fleet.by_index[int(who[row])]
        family = world.fleet.sources[link.source_id].connector.family
        for attempt in attempts:
            reason = reason_of(attempt.failure, family)
            if reason is not None:
                cause = cause_of(Failure(reason.origin, reason.kind, reason.external))
                at = _moment(int(created[row]))
                found.setdefault(ConnectionId(link.id), []).append(Trouble(at, cause))
    return {key: tuple(each) for key, each in found.items()}


def _subject(world: World, link: LabConnection) -> Subject:
    source = world.fleet.sources[link.source_id]
    space = WorkspaceId(link.workspace_id)
    connection = Connection(
        ConnectionId(link.id),
        link.name,
        SourceId(link.source_id),
        DestinationId(link.destination_id),
        space,
        ConnectionStatus(link.status),
        link.schedule,
        tuple(Stream(each["name"], each["syncMode"]) for each in link.streams),
    )
    name = f"source-{source.connector.name}"
    return Subject(
        connection, Endpoint(source.id, source.name, name, space, _knobs(world, source.id))
    )


def _knobs(world: World, source_id: str) -> dict[str, KnobValue]:
    source = world.fleet.sources[source_id]
    found: dict[str, KnobValue] = {}
    for knob in source.connector.knobs:
        value = source.knob(knob.path)
        if value is not None:
            found[knob.path] = round(value)
    return found


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
