"""The fleet: a situation turned into members, capacities and warehouses on one cycle."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

import numpy as np

from bot.advise.advisor import Situation
from bot.advise.schedule.cycle import DAY_MINUTES, Cycle, Season, seasons
from bot.advise.schedule.duties import Duties, read_duties, same_every_day
from bot.advise.schedule.lengths import Lengths
from bot.advise.schedule.member import Member, Move, Reach
from bot.advise.schedule.problem import Floats
from bot.advise.schedule.timetable import Timetable, read_timetable
from bot.domain.connection import Basic, ConnectionId, ConnectionStatus, Cron, Manual
from bot.domain.cron import cron_of, interval_of
from bot.domain.forecast import Forecast, Unknown
from bot.domain.prices import WarehousePrice
from bot.domain.promises import Phase, SharedCapacity, Terms, WindowKind
from bot.domain.signal import SourceLoad
from bot.domain.subject import Subject
from bot.forecast.cost import CPUS

FEWEST_SYNCS: Final = 14
"""Two weeks of a daily sync: with fewer, a connection's history says little of its usual days."""

_BLIND: Final = Lengths.of_minutes(1.0, 5.0, 10.0, 15.0)
"""What a sync is taken to last of which nothing is known: it fills one slot."""
_BUSY: Final = 0.7
"""A source is busy from here on; syncs should not run in parallel then."""
_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = 60


@dataclass(frozen=True, slots=True)
class Fleet:
    """All members in the order of their ids, and what they share.

    `stays` says of each connection that may not be moved why; `blind` are those of whose length
    nothing is known. `power` has a row a warehouse: what a minute costs while it is on. `models` are
    those that read a connection's tables.
    """

    cycle: Cycle
    members: tuple[Member, ...]
    capacities: tuple[SharedCapacity, ...]
    warehouses: tuple[WarehousePrice, ...]
    power: Floats
    stays: Mapping[ConnectionId, Unknown | str]
    blind: frozenset[ConnectionId]
    models: Mapping[ConnectionId, tuple[str, ...]]


def read_fleet(situation: Situation) -> Fleet:
    """Turn a situation into what the planner works on."""
    subjects = sorted(situation.subjects, key=lambda subject: subject.connection.id)
    reading = _Reading(situation, _cycle(situation, subjects))
    found = [reading.member(subject) for subject in subjects]
    return Fleet(
        reading.cycle,
        tuple(member for member in found if member is not None),
        situation.fleet_terms.capacities,
        reading.warehouses,
        reading.power,
        reading.stays,
        frozenset(reading.blind),
        {subject.connection.id: subject.downstream.models for subject in subjects},
    )


class _Reading:
    """One pass over the subjects, which notes on the way who stays and why."""

    def __init__(self, situation: Situation, cycle: Cycle) -> None:
        self.situation, self.cycle = situation, cycle
        self.both = seasons(situation.now)
        names = sorted(set(situation.warehouses.values()) & situation.prices.warehouses.keys())
        self.warehouses = tuple(situation.prices.warehouses[name] for name in names)
        self.power = np.array(
            [_power(price, cycle, self.both) for price in self.warehouses]
        ).reshape(len(names), cycle.minutes)
        self._row = {name: row for row, name in enumerate(names)}
        self._uses = _uses(situation)
        self._busy = {
            source: _busy(load, cycle) for source, load in situation.surroundings.loads.items()
        }
        self.stays: dict[ConnectionId, Unknown | str] = {}
        self.blind: set[ConnectionId] = set()

    def member(self, subject: Subject) -> Member | None:
        """Read one connection; None where it starts no syncs that anybody could know of."""
        situation, connection = self.situation, subject.connection
        if connection.status is not ConnectionStatus.ACTIVE:
            self.stays[connection.id] = f"it is {connection.status.value}, and starts nothing"
            return None
        evidence = situation.evidence.get(connection.id)
        last = evidence.end if evidence and evidence.n else None
        read = read_timetable(connection.schedule, last, situation.now)
        starts = self._starts(subject, read)
        table = None if isinstance(read, Unknown) else read
        if isinstance(connection.schedule, Manual):
            self.stays[connection.id] = "it is started by people, not by a schedule"
        elif isinstance(read, Unknown):
            self.stays[connection.id] = read
        if not starts:
            return None
        terms = situation.terms.get(connection.id, Terms())
        why = self._why_it_stays(subject, terms)
        if why is not None:
            self.stays.setdefault(connection.id, why)
        lengths = self._lengths(situation.forecasts.get(connection.id))
        if lengths is None:
            self.blind.add(connection.id)
        monthly = table is not None and table.share < 1
        row = self._row.get(situation.warehouses.get(connection.destination_id, ""), -1)
        return Member(
            connection=connection,
            starts=starts,
            timetable=table,
            lengths=lengths or _BLIND,
            duties=read_duties(subject, terms, self.cycle, situation.now)
            if connection.id not in self.stays
            else Duties(self.cycle),
            reach=self._reach(connection.id, terms, table, blind=lengths is None),
            late=self._late(table, starts),
            tail=self.warehouses[row].auto_suspend / _MINUTE if row >= 0 else 0.0,
            uses=self._uses.get(connection.id, {}),
            warehouse=-1 if monthly else row,
            busy=self._busy.get(connection.source_id),
            power=self.power[row] if monthly and row >= 0 else None,
            proposed=self._proposed(connection.id, table),
        )

    def _proposed(self, key: ConnectionId, table: Timetable | None) -> Move | None:
        """Return the move that an open pull request asks for, where it is one."""
        cron = self.situation.proposed.get(key)
        wanted = None if cron is None else read_timetable(cron, None, self.situation.now)
        if table is None or not isinstance(wanted, Timetable):
            return None
        shift = table.shift_to(wanted)
        return None if shift is None else Move(shift)

    def _starts(self, subject: Subject, table: Timetable | Unknown) -> tuple[int, ...]:
        """Return today's starts; of a local cron those of both seasons, which it takes in turn."""
        if isinstance(table, Timetable):
            return table.starts(self.cycle)
        cron = cron_of(subject.connection.schedule)
        if cron is None:
            return ()
        both = (
            self.cycle.positions(cron.fires_between(each.monday, each.end), each)
            for each in self.both
        )
        return tuple(sorted({start for starts in both for start in starts}))

    def _why_it_stays(self, subject: Subject, terms: Terms) -> Unknown | str | None:
        situation, connection = self.situation, subject.connection
        step = terms.steps.get("schedule")
        found = situation.evidence.get(connection.id)
        n = found.n if found else 0
        frozen = next(
            (
                window.name
                for window in terms.windows
                if window.kind is WindowKind.FREEZE and window.covers(situation.now)
            ),
            None,
        )
        if n < FEWEST_SYNCS:
            return Unknown(f"{n} syncs are on record, and {FEWEST_SYNCS} are needed")
        if step is None or step.shift == timedelta():
            return "no policy lets its start be moved"
        if terms.phase is Phase.MONITOR:
            return "it is in the monitor phase, in which no start is planned"
        if frozen is not None:
            return f"{frozen}: nothing may be changed now"
        return self._under_the_floor(connection.schedule)

    def _under_the_floor(self, schedule: object) -> str | None:
        floor = self.situation.platform.floor
        if isinstance(schedule, Basic):
            shortest = interval_of(schedule)
        elif isinstance(schedule, Cron):
            cron = cron_of(schedule)
            shortest = (cron and cron.closest) or floor
        else:
            return None
        if shortest >= floor:
            return None
        return "it runs more often than this Airbyte would let anybody write today"

    def _lengths(self, forecast: Forecast | None) -> Lengths | None:
        if forecast is None or isinstance(forecast.duration, Unknown):
            return None
        return Lengths.of(forecast.duration)

    def _reach(
        self, key: ConnectionId, terms: Terms, table: Timetable | None, *, blind: bool
    ) -> Reach:
        if key in self.stays:
            return Reach()
        step = terms.steps["schedule"]
        shift = DAY_MINUTES if step.shift is None else step.shift // _MINUTE
        gone = 0 if step.shift is None else self._moved_already(key, step.window, table)
        most = min(shift, _HOUR) if blind else shift
        earliest, latest = max(-most, -shift - gone), min(most, shift - gone)
        often = terms.steps.get("frequency")
        if often is None or blind:
            return Reach(earliest, latest)
        dropped = 1.0 if often.ratio is None else float(1 - 1 / max(often.ratio, Decimal(1)))
        return Reach(earliest, latest, dropped)

    def _moved_already(
        self, key: ConnectionId, window: timedelta | None, table: Timetable | None
    ) -> int:
        """Return by how many minutes it has moved in the time that steps add up over."""
        cron = self.situation.steps_began_at(key, window)
        if table is None or cron is None:
            return 0
        before = read_timetable(cron, None, self.situation.now)
        return (isinstance(before, Timetable) and before.shift_to(table)) or 0

    def _late(self, table: Timetable | None, starts: tuple[int, ...]) -> int:
        wait = table.period if table else self.cycle.minutes // max(1, len(starts))
        return self.situation.platform.latest_start(wait * _MINUTE) // _MINUTE


def _cycle(situation: Situation, subjects: Iterable[Subject]) -> Cycle:
    """Take one day where every day is the same, or else a week."""
    used = {
        situation.prices.warehouses[name]
        for name in situation.warehouses.values()
        if name in situation.prices.warehouses
    }
    weeks = [price.by_hour for price in used]
    weeks_of_load = [load.busy for load in situation.surroundings.loads.values()]
    same = all(week == week[:24] * 7 for week in (*weeks, *weeks_of_load))
    for subject in subjects if same else ():
        schedule = subject.connection.schedule
        if isinstance(schedule, Cron):
            same = same and _is_daily(schedule)
        elif isinstance(schedule, Basic):
            same = same and schedule.unit != "weeks" and interval_of(schedule).days <= 1
        same = same and same_every_day(subject, situation.terms.get(subject.connection.id, Terms()))
    return Cycle(1 if same else 7)


def _is_daily(schedule: Cron) -> bool:
    cron = cron_of(schedule)
    if cron is None:
        return True
    days = cron.dates.days
    return (not cron.repeats_weekly and schedule.zone == "UTC") or (
        len(getattr(days, "weekdays", ())) == 7  # noqa: PLR2004  all of them
    )


def _uses(situation: Situation) -> dict[ConnectionId, dict[int, float]]:
    """Return for each connection which capacities it uses, and how much of each."""
    by_id = {subject.connection.id: subject for subject in situation.subjects}
    found: dict[ConnectionId, dict[int, float]] = {}
    for row, shared in enumerate(situation.fleet_terms.capacities):
        in_workers = "worker" in shared.capacity.unit
        for key in shared.members & by_id.keys():
            source = by_id[key].source
            connector = source.connector if source else ""
            cpus = CPUS[situation.prices.billing_class(connector)]
            # Source: airbyte-platform, DataWorkerUsageService: an eighth of the CPUs requested.
            weight = float(cpus / 8) if in_workers else 1.0
            found.setdefault(key, {})[row] = weight
    return found


def _power(price: WarehousePrice, cycle: Cycle, both: tuple[Season, Season]) -> Floats:
    """Return what a minute costs at each minute of the cycle, between winter and summer."""
    hours = cycle.minutes // _HOUR
    a_minute = [
        sum(float(price.at(each.monday + timedelta(hours=hour)).amount) for each in both) / 2 / 60
        for hour in range(hours)
    ]
    return np.repeat(a_minute, _HOUR)


def _busy(load: SourceLoad, cycle: Cycle) -> Floats:
    """Return hours of a fully busy source that a minute of running meets."""
    shares = [
        min(1.0, max(0.0, ((share or 0.0) - _BUSY) / (1 - _BUSY)))
        for share in load.busy[: cycle.minutes // _HOUR]
    ]
    return np.repeat(shares, _HOUR) / _HOUR
