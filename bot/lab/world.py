"""The simulated world: a fleet in motion, and everything that was ever done to it.

The world is a function of its beginning and of the actions in `log`; truth replays it with other
actions, and gets the very same jobs when there are none.
"""

from collections.abc import Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from bot.domain.connection import Cron
from bot.lab import constants as known
from bot.lab.actions import Action
from bot.lab.engine import Engine
from bot.lab.fleet import Fleet, LabConnection, runs_per_day
from bot.lab.nature import (
    ConnectionNature,
    SourceNature,
    connection_nature,
    source_nature,
    typical_minutes,
)
from bot.lab.noise import key_of
from bot.lab.people import renewals
from bot.lab.physics import Pace, pace_of
from bot.lab.run import Deployment
from bot.lab.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a world starts: epoch seconds, the days of history it is asked for, its people."""

    seed: int
    start: int
    days: int
    deployment: Deployment


class World:
    """A fleet, its engine and its timeline; actions change it at the present second."""

    def __init__(self, fleet: Fleet, beginning: Beginning, people: Sequence[Action] = ()) -> None:
        self.beginning = beginning
        self.log: list[Action] = []
        self._first_fleet = deepcopy(fleet)
        self._people_given = people
        self._people_done = 0
        self.fleet = fleet
        self.timeline = Timeline()
        self._source_place: dict[str, int] = {}
        self.source_natures: dict[str, SourceNature] = {}
        self.natures: list[ConnectionNature] = []
        self.engine = Engine(beginning.start, beginning.deployment, self._disabled)
        self._settle(fleet.by_index)
        if beginning.deployment.headroom is not None:
            self._size_pool(beginning.deployment.headroom)
        broken = [(link, self.natures[link.index].broken) for link in fleet.by_index]
        renewed = renewals(beginning.start, [(link, days) for link, days in broken if days])
        self._people = sorted([*people, *renewed], key=lambda action: action.at)

    @property
    def now(self) -> int:
        """Return the present second."""
        return self.engine.now

    def advance(self, to: int) -> None:
        """Let time pass up to and including second `to`; people do what they do on the way."""
        while self._people_done < len(self._people):
            action = self._people[self._people_done]
            if action.at > to:
                break
            self.engine.run_to(action.at)
            self._people_done += 1
            with suppress(KeyError):  # what they meant to change is gone
                action.apply(self)
        self.engine.advance(to)

    def do(self, action: Action) -> Any:
        """Carry out an action now, and remember it; return what the action returns."""
        action = replace(action, at=self.now)
        self.log.append(action)
        return action.apply(self)

    def again(self, extra: Sequence[Action] = (), *, until: int | None = None) -> "World":
        """Live the same world once more, with `extra` actions at their times, up to `until`.

        At one second, what really happened comes before what is only supposed.
        """
        twin = World(deepcopy(self._first_fleet), self.beginning, self._people_given)
        end = self.now if until is None else until
        actions = sorted([*self.log, *extra], key=lambda action: action.at)
        for action in actions:
            if action.at > end:
                break
            twin.advance(action.at)
            twin.do(action)
        twin.advance(end)
        return twin

    def take_in(self, connection: LabConnection) -> None:
        """Add a new connection to the fleet and to the engine."""
        self.fleet.add(connection)
        self._settle([connection])

    def repace(self, endpoint_id: str) -> None:
        """Take in that the configuration of an endpoint changed."""
        for connection in self.fleet.users_of(endpoint_id):
            self.repace_connection(connection)

    def repace_connection(self, connection: LabConnection) -> None:
        """Take in that the streams of a connection, or the knobs of its source, changed."""
        self.engine.set_pace(connection.index, self._pace(connection))

    def rescheduled(self, connection: LabConnection, was: Cron | None) -> None:
        """Take in that the schedule or status of a connection changed."""
        self.engine.set_schedule(connection.index, was)

    def _settle(self, connections: Sequence[LabConnection]) -> None:
        begun, seed = self.beginning, self.beginning.seed
        for connection in connections:
            source = self.fleet.sources[connection.source_id]
            per_day = self._per_day(connection)
            self.natures.append(connection_nature(seed, connection, source, per_day, begun.days))
        loads: dict[str, float] = {}
        for connection in connections:
            loads.setdefault(connection.source_id, 0.0)
            loads[connection.source_id] += self._mean_running(connection)
        for source_id, load in loads.items():
            if source_id not in self.source_natures:
                nature = source_nature(seed, self.fleet.sources[source_id], load)
                self.source_natures[source_id] = nature
                self._source_place[source_id] = self.engine.add_source(nature)
        self.engine.add((c, self._pace(c), self._source_place[c.source_id]) for c in connections)

    def _mean_running(self, connection: LabConnection) -> float:
        """Return the share of the time that a connection is running, by what is typical of it."""
        if connection.status != "active":
            return 0.0
        key = key_of(self.beginning.seed, "connection", connection.id)
        per_day = self._per_day(connection)
        return per_day * typical_minutes(key, per_day) / 1440

    def _size_pool(self, headroom: float) -> None:
        """Limit the data workers to a multiple of what the fleet holds on average."""
        members = self.engine.members
        load = sum(self._mean_running(c) * members.paces[c.index].workers for c in members.links)
        self.engine.pool.limit = headroom * load

    def _per_day(self, connection: LabConnection) -> float:
        schedule = connection.schedule
        fires = 0
        if isinstance(schedule, Cron):
            fires = self.engine.ticks.in_28_days(schedule, self.beginning.start // known.DAY)
        return runs_per_day(schedule, fires)

    def _pace(self, connection: LabConnection) -> Pace:
        source = self.fleet.sources[connection.source_id]
        natures = (self.natures[connection.index], self.source_natures[connection.source_id])
        return pace_of(connection, source, natures)

    def _disabled(self, index: int, at: int) -> None:
        connection = self.fleet.by_index[index]
        self.timeline.disabled(connection.id, at, "TOO_MANY_FAILED_JOBS_WITH_NO_RECENT_SUCCESS")
