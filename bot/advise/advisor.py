"""What every advisor is given, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from bot.domain.connection import Connection, ConnectionId, Cron, DestinationId, KnobValue, Schedule
from bot.domain.forecast import Evidence, Forecast
from bot.domain.platform import Platform
from bot.domain.prices import PriceBook
from bot.domain.promises import FleetTerms, Terms
from bot.domain.recommendation import Advice
from bot.domain.signal import Surroundings
from bot.domain.subject import Subject
from bot.domain.tenure import Tenure
from bot.domain.trouble import Trouble

if TYPE_CHECKING:
    from bot.forecast.runs import Runs


@dataclass(frozen=True, slots=True)
class Situation:
    """A fleet at one moment, with what is forecast of it and what policy allows.

    `evidence` says for each connection which syncs its history holds; a connection that is
    missing there has none. `forecasts` are of the next sync, `months` of the calendar month so far
    and to its end. `warehouses` names the warehouse of the price book that a destination wakes.
    `runs` are the ended syncs of the last three months, `troubles` their failed attempts as far as
    the reasons are known. `knobs` holds, by endpoint, the tuning options that were set and when,
    `schedules` the same for connections. `traced` are the connections whose lineage is known: of
    any other, that no reader is on record does not mean that nobody reads it. `proposed` are the
    schedules that open pull requests ask for: where two plans are as good, that one is the better.
    """

    now: datetime
    subjects: tuple[Subject, ...]
    evidence: Mapping[ConnectionId, Evidence] = field(default_factory=dict)
    forecasts: Mapping[ConnectionId, Forecast] = field(default_factory=dict)
    months: Mapping[ConnectionId, Forecast] = field(default_factory=dict)
    terms: Mapping[ConnectionId, Terms] = field(default_factory=dict)
    fleet_terms: FleetTerms = field(default_factory=FleetTerms)
    prices: PriceBook = field(default_factory=PriceBook)
    warehouses: Mapping[DestinationId, str] = field(default_factory=dict)
    surroundings: Surroundings = field(default_factory=Surroundings)
    runs: "Runs | None" = None
    troubles: Mapping[ConnectionId, tuple[Trouble, ...]] = field(default_factory=dict)
    knobs: Mapping[str, tuple[Tenure[Mapping[str, KnobValue]], ...]] = field(default_factory=dict)
    schedules: Mapping[ConnectionId, tuple[Tenure[Schedule], ...]] = field(default_factory=dict)
    traced: frozenset[ConnectionId] = frozenset()
    proposed: Mapping[ConnectionId, Cron] = field(default_factory=dict)
    platform: Platform = field(default_factory=Platform)

    @property
    def connections(self) -> tuple[Connection, ...]:
        """Return the connections of the subjects, in their order."""
        return tuple(subject.connection for subject in self.subjects)

    def steps_began_at(self, key: ConnectionId, window: timedelta | None) -> Cron | None:
        """Return the cron that the steps of a time up to now began at, as policy counts them."""
        if window is None:
            return None
        for tenure in self.schedules.get(key, ()):
            if tenure.last_seen >= self.now - window and isinstance(tenure.value, Cron):
                return tenure.value
        return None


class Advisor(Protocol):
    """One kind of advice; installed advisors are found under `trimtab.advisors`.

    An advisor answers for every connection of the situation, and the same situation always
    gets the same answer.
    """

    @property
    def name(self) -> str:
        """Return the name that recommendations carry."""
        ...

    def advise(self, situation: Situation) -> list[Advice]:
        """Recommend, keep, or say what is not known, for each connection."""
        ...
