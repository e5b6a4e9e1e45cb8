"""Situations to plan for, built by hand."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.advise.advisor import Situation
from bot.domain.connection import (
    Connection,
    ConnectionId,
    ConnectionStatus,
    Cron,
    DestinationId,
    Endpoint,
    Schedule,
    SourceId,
    WorkspaceId,
)
from bot.domain.forecast import Evidence, Forecast, Quantiles, Unknown
from bot.domain.lineage import Downstream
from bot.domain.money import Money
from bot.domain.prices import PriceBook, WarehousePrice
from bot.domain.promises import (
    Capacity,
    CapacityScope,
    Phase,
    SharedCapacity,
    StepLimit,
    Terms,
)
from bot.domain.recommendation import Advice, Recommendation, ScheduleChange
from bot.domain.subject import Subject

NOW = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
ANYWHERE = {"schedule": StepLimit("schedule")}
MIDNIGHT = Cron("0 0 0 * * ?")


@dataclass(frozen=True)
class Sync:
    """One connection of a fleet, and all that is known of it."""

    key: str
    schedule: Schedule = MIDNIGHT
    minutes: float | None = 20
    source: str = "db"
    destination: str = "wh"
    connector: str = "source-postgres"
    n: int = 60
    last: datetime = NOW - timedelta(hours=12)
    status: ConnectionStatus = ConnectionStatus.ACTIVE
    downstream: Downstream = field(default_factory=Downstream)
    terms: Terms = field(default_factory=lambda: Terms(phase=Phase.LIVE, steps=ANYWHERE))

    def within(self, **terms: Any) -> "Sync":
        return replace(self, terms=replace(self.terms, **terms))

    @property
    def id(self) -> ConnectionId:
        return ConnectionId(self.key)

    def subject(self) -> Subject:
        connection = Connection(
            self.id,
            self.key,
            SourceId(self.source),
            DestinationId(self.destination),
            WorkspaceId("w"),
            self.status,
            self.schedule,
        )
        endpoint = Endpoint(self.source, self.source, self.connector, WorkspaceId("w"))
        return Subject(connection, endpoint, downstream=self.downstream)

    def evidence(self) -> Evidence:
        return Evidence(NOW - timedelta(days=60), self.last, self.n)

    def forecast(self) -> Forecast:
        absent = Unknown("not needed here")
        assert self.minutes is not None
        usual = timedelta(minutes=self.minutes)
        length = Quantiles(usual * 0.7, usual, usual * 1.2, usual * 1.6)
        return Forecast(
            self.id,
            "next_sync",
            NOW,
            self.evidence(),
            "local",
            length,
            absent,
            absent,
            absent,
            Decimal("0.01"),
        )


def situation(syncs: Iterable[Sync], **more: Any) -> Situation:
    """Build the situation of a fleet; `more` sets other fields of it."""
    fleet = list(syncs)
    return Situation(
        NOW,
        tuple(sync.subject() for sync in fleet),
        evidence={sync.id: sync.evidence() for sync in fleet},
        forecasts={sync.id: sync.forecast() for sync in fleet if sync.minutes is not None},
        terms={sync.id: sync.terms for sync in fleet},
        **more,
    )


def at_most(limit: int | str, *syncs: Sync, unit: str = "syncs") -> SharedCapacity:
    capacity = Capacity("the database", CapacityScope.SOURCE, Decimal(limit), unit)
    return SharedCapacity(capacity, frozenset(sync.id for sync in syncs))


def priced(*by_hour: str, tail: int = 10) -> dict[str, Any]:
    """A warehouse behind the destination `wh`, of one price, or of one for each hour of a day."""
    hours = tuple(Money.of(price) for price in (by_hour * 24)[:24])
    price = WarehousePrice("SMALL", hours * 7, auto_suspend=timedelta(minutes=tail))
    return {
        "prices": PriceBook(warehouses={"SMALL": price}),
        "warehouses": {DestinationId("wh"): "SMALL"},
    }


def changes(advice: Iterable[Advice]) -> dict[str, str]:
    """Return the new expressions by connection."""
    return {each.connection_id: expression(each) for each in moves(advice)}


def moves(advice: Iterable[Advice]) -> list[Recommendation]:
    found = [each for each in advice if isinstance(each, Recommendation)]
    return sorted(found, key=lambda each: each.rank)


def expression(recommendation: Recommendation) -> str:
    assert isinstance(recommendation.change, ScheduleChange)
    return recommendation.change.after.expression


def applied(syncs: Iterable[Sync], advice: Iterable[Advice]) -> list[Sync]:
    """Return the fleet after all recommendations were carried out."""
    new: Mapping[str, str] = changes(advice)
    return [
        replace(sync, schedule=Cron(new[sync.key])) if sync.key in new else sync for sync in syncs
    ]
