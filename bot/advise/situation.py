"""Reading a situation: all that advisors are given, from the history and what is beside it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from bot.advise.advisor import Situation
from bot.domain.connection import Connection, ConnectionId, Cron, DestinationId, WorkspaceId
from bot.domain.lineage import Downstream
from bot.domain.platform import Platform
from bot.domain.prices import PriceBook
from bot.domain.promises import FleetTerms, Terms
from bot.domain.signal import Surroundings
from bot.domain.subject import Subject
from bot.history import fleet, tenures

if TYPE_CHECKING:
    from bot.history.store import History

_OWNER: Final = "owner:"


@dataclass(frozen=True, slots=True)
class Beside:
    """What a situation takes from beside the history; what is left out is not known.

    `terms` asks policy about one subject, `fleet_terms` about all of them together. `lineage` has
    an entry for each connection whose readers are known, an empty one where nobody reads.
    `workspaces` names workspaces, `platform` is how the installation treats schedules, `proposed` gives the schedules that open pull requests ask for.
    """

    prices: PriceBook = field(default_factory=PriceBook)
    warehouses: Mapping[DestinationId, str] = field(default_factory=dict)
    terms: Callable[[Subject], Terms] = lambda _: Terms()
    fleet_terms: Callable[[Sequence[Subject]], FleetTerms] = lambda _: FleetTerms()
    surroundings: Surroundings = field(default_factory=Surroundings)
    lineage: Mapping[ConnectionId, Downstream] = field(default_factory=dict)
    workspaces: Mapping[WorkspaceId, str] = field(default_factory=dict)
    proposed: Mapping[ConnectionId, Cron] = field(default_factory=dict)
    platform: Platform = field(default_factory=Platform)


def read_situation(history: "History", now: datetime, beside: Beside) -> Situation:
    """Read the fleet as it was last seen, and its syncs as they were known at `now`.

    Raises:
        HistoryError: the history cannot be read.
        TrimtabError: whatever `terms` and `fleet_terms` raise.
    """
    from bot.forecast.fleet import READ
    from bot.forecast.fleet_forecasts import forecast_fleet
    from bot.forecast.prospect import Forecaster

    subjects = read_subjects(history, beside)
    signals = beside.surroundings.signals
    forecaster = Forecaster.read(history, now, beside.prices, beside.warehouses, signals)
    found = forecast_fleet(forecaster, [each.connection for each in subjects])
    evidence = {each.connection_id: each.evidence for each in found.next_syncs.values()}
    return Situation(
        now=now,
        subjects=subjects,
        evidence={key: each for key, each in evidence.items() if each.n},
        forecasts=found.next_syncs,
        months=found.months,
        terms={each.connection.id: beside.terms(each) for each in subjects},
        fleet_terms=beside.fleet_terms(subjects),
        prices=beside.prices,
        warehouses=beside.warehouses,
        surroundings=beside.surroundings,
        runs=forecaster.outlook.runs,
        troubles=tenures.troubles(history, now - READ, now),
        knobs=tenures.of_knobs(history),
        schedules=tenures.of_schedules(history),
        traced=frozenset(beside.lineage),
        proposed=beside.proposed,
        platform=beside.platform,
    )


def read_subjects(history: "History", beside: Beside) -> tuple[Subject, ...]:
    """Return the connections with their ends and readers, by id.

    Raises:
        HistoryError: the history cannot be read.
    """
    sources = {each.id: each for each in fleet.sources(history)}
    destinations = {each.id: each for each in fleet.destinations(history)}
    found = []
    for connection in fleet.connections(history):
        downstream = beside.lineage.get(connection.id, Downstream())
        found.append(
            Subject(
                connection,
                sources.get(connection.source_id),
                destinations.get(connection.destination_id),
                beside.workspaces.get(connection.workspace_id, connection.workspace_id),
                _owner(connection, downstream),
                downstream,
            )
        )
    return tuple(found)


def _owner(connection: Connection, downstream: Downstream) -> str | None:
    """Return who answers for a connection: what its tag says, else who owns its chief reader."""
    tagged = sorted(tag for tag in connection.tags if tag.startswith(_OWNER))
    if tagged:
        return tagged[0].removeprefix(_OWNER).strip()
    readers = sorted(downstream.readers, key=lambda reader: (not reader.critical, reader.name))
    return next((reader.owner for reader in readers if reader.owner), None)
