"""The closed loop without its paper: mine, advise, apply to the lab, let time pass, measure.

Terraform, git and pull requests are left out here, since they change nothing of what is decided;
the demo and the end-to-end tests walk through them.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

from bot.advise.advisor import Advisor, Situation
from bot.advise.agenda import agenda
from bot.advise.situation import Beside, read_situation
from bot.airbyte.access import Access, Application
from bot.airbyte.client import Airbyte
from bot.domain.connection import Basic, ConnectionId, Cron, DestinationId, Schedule
from bot.domain.mine import Mine
from bot.domain.money import Money
from bot.domain.prices import ComputePrice, PriceBook
from bot.domain.promises import (
    BlastLimit,
    Capacity,
    CapacityScope,
    Deadline,
    FleetTerms,
    Phase,
    SharedCapacity,
    StepLimit,
    Terms,
)
from bot.domain.recommendation import (
    KnobChange,
    Recommendation,
    ScheduleChange,
    StatusChange,
)
from bot.domain.subject import Subject
from bot.history.mining import MiningPlan, mine
from bot.history.reading import Progress
from bot.history.store import History
from bot.lab import Lab
from bot.lab.actions import Action, ChangeConnection, ChangeEndpoint
from bot.lab.bills import price_book
from bot.lab.fleet import Fleet
from bot.lab.generate import put
from bot.lab.jobs import JobStatus
from bot.lab.truth import Truth

_PATIENT = frozenset({"analytical", "experimental"})
_PATIENCE = timedelta(hours=26)
"""How old the data of such connections may be, as the shipped policies have it."""
CPU_HOUR = Money.of("0.05")
"""A CPU for an hour on a self-managed cluster: on-demand price of the common clouds, rounded."""
HISTORY = timedelta(days=62)
MEASURED = timedelta(days=28)


def cloud_prices(fleet: Fleet) -> PriceBook:
    """Airbyte Cloud's volume plan, and a warehouse that is paid while it is on."""
    return price_book(fleet)


def self_managed_prices(fleet: Fleet) -> PriceBook:
    """CPU-hours for Airbyte, and a warehouse that is paid while it is on."""
    return replace(price_book(fleet), volume=None, compute=ComputePrice(CPU_HOUR))


@dataclass(frozen=True, slots=True)
class Measured:
    """Four weeks: what they cost, and what went wrong."""

    cost: Decimal
    warehouse: Decimal
    missed: int
    promised: int
    failed: int
    syncs: int


@dataclass(frozen=True, slots=True)
class Team:
    """What a team has written into its policies, in the terms that advisors get."""

    fleet: Fleet
    prices: PriceBook
    blast: BlastLimit = field(default_factory=BlastLimit)

    def beside(self) -> Beside:
        """Return what stands beside the history."""
        return Beside(
            prices=self.prices,
            warehouses={DestinationId(name): name for name in self.prices.warehouses},
            terms=self.terms,
            fleet_terms=self.fleet_terms,
        )

    def terms(self, subject: Subject) -> Terms:
        """Promise what the lab's people need, and allow what a bold team allows."""
        link = self.fleet.connections[subject.connection.id]
        steps = {
            "schedule": StepLimit("schedule"),
            "frequency": StepLimit("frequency", ratio=Decimal(6)),
            "batch_size": StepLimit("batch_size", ratio=Decimal("1.5")),
            "parallelism": StepLimit("parallelism", ratio=Decimal("1.5")),
            "status": StepLimit("status"),
        }
        deadlines: tuple[Deadline, ...] = ()
        if link.deadline is not None and link.freshness is not None:
            begin = (link.deadline - link.freshness) % 86_400
            deadlines = (Deadline("lab", _clock(link.deadline), "UTC", after=_clock(begin)),)
        tags = subject.connection.tags
        return Terms(
            Phase.LIVE,
            steps,
            deadlines=deadlines,
            max_staleness=None if tags.isdisjoint(_PATIENT) else _PATIENCE,
        )

    def fleet_terms(self, subjects: Sequence[Subject]) -> FleetTerms:
        """Let two syncs read one source at a time where it serves several connections."""
        by_source: dict[str, set[ConnectionId]] = {}
        for subject in subjects:
            by_source.setdefault(subject.connection.source_id, set()).add(subject.connection.id)
        shared = tuple(
            SharedCapacity(
                Capacity(source, CapacityScope.SOURCE, Decimal(max(2, len(members) // 6))),
                frozenset(members),
            )
            for source, members in sorted(by_source.items())
            if len(members) > 1
        )
        return FleetTerms(shared, self.blast)


def _clock(second: int) -> time:
    return time(second // 3600 % 24, second % 3600 // 60)


class _Silent:
    """Nobody watches."""

    def progress(self, progress: Progress) -> None:
        """Let it go by."""

    def finished(self, mine: Mine) -> None:
        """Let it go by."""


@dataclass
class Loop:
    """A lab with its team, and a history that is mined from it."""

    lab: Lab
    history: History
    team: Team
    applied: list[tuple[datetime, Recommendation]] = field(default_factory=list)

    def look(self) -> Situation:
        """Mine, and read the situation."""
        access = Access.to(self.lab.url, Application(self.lab.client_id, self.lab.client_secret))
        with Airbyte(access) as airbyte:
            assert mine(self.history, airbyte, MiningPlan(), _Silent()).is_complete
        return read_situation(self.history, self.lab.now, self.team.beside())

    def night(self, advisors: Sequence[Advisor], most: int) -> int:
        """Advise, apply the best `most` recommendations, and return how many there were."""
        situation = self.look()
        advice = agenda(each for advisor in advisors for each in advisor.advise(situation))
        # As the shipped policies have it, no setting changes twice in two weeks.
        changed = {(each.connection_id, each.change.setting) for _when, each in self.applied}
        chosen = [
            each
            for each in advice
            if isinstance(each, Recommendation)
            and (each.connection_id, each.change.setting) not in changed
        ][:most]
        for each in chosen:
            self.lab.world.do(action_of(each, self.lab))
            self.applied.append((self.lab.now, each))
        return len(chosen)

    def measure(self) -> Measured:
        """Let four weeks pass and measure them."""
        since = self.lab.now
        self.lab.advance(MEASURED)
        return measure(self.lab.truth, since, self.team.prices)


def measure(truth: Truth, since: datetime, prices: PriceBook) -> Measured:
    """Measure a world from an instant on."""
    bill = truth.bill(since, prices)
    promises = truth.promises(since)
    status = truth.table(since)["status"]
    return Measured(
        bill.total.amount,
        bill.warehouse.amount,
        sum(not each.kept for each in promises),
        len(promises),
        int((status == JobStatus.FAILED).sum()),
        len(status),
    )


def action_of(recommendation: Recommendation, lab: Lab) -> Action:
    """Return what `terraform apply` would do to the lab."""
    match recommendation.change:
        case ScheduleChange(after=cron):
            return ChangeConnection(connection_id=recommendation.connection_id, schedule=cron)
        case StatusChange(after=status):
            return ChangeConnection(connection_id=recommendation.connection_id, status=status.value)
        case KnobChange(endpoint_id=endpoint_id, knob=knob, after=value):
            fleet = lab.world.fleet
            endpoint = fleet.sources.get(endpoint_id) or fleet.destinations[endpoint_id]
            configuration = deepcopy(endpoint.configuration)
            put(configuration, knob.path, value)
            return ChangeEndpoint(endpoint_id=endpoint_id, configuration=configuration)


@contextmanager
def loop(seed: int, connections: int, prices: Callable[[Fleet], PriceBook]) -> Iterator[Loop]:
    """Start a lab with its history, mined into a store of its own."""
    with (
        Lab.start(seed=seed, connections=connections, days=HISTORY.days) as lab,
        tempfile.TemporaryDirectory() as folder,
        History.open(Path(folder) / "history.duckdb") as history,
    ):
        yield Loop(lab, history, Team(lab.world.fleet, prices(lab.world.fleet)))


def by_thumb(lab: Lab) -> list[Action]:
    """Do what a careful person does once: spread, off-peak, and in time for who waits.

    A daily sync with a deadline starts an hour and its longest run before it, others go round
    the cheap hours (20:00 to 06:00 UTC) evenly; daily ones that kept an interval or another
    zone's clock get a cron in UTC by it. More frequent ones keep their hours and get a minute of
    their own, where they have one.
    """
    actions: list[Action] = []
    links = lab.world.fleet.by_index
    longest = longest_runs(lab)
    loose = [each for each in links if _is_daily(each.schedule) and each.deadline is None]
    for number, link in enumerate(links):
        schedule = link.schedule
        if _is_daily(schedule):
            if link.deadline is not None:
                at = max(0, link.deadline - 3600 - longest.get(link.index, 1800)) // 60
            else:
                at = (20 * 60 + loose.index(link) * 600 // max(1, len(loose))) % 1440
            days = (
                schedule.expression.split()[3:] if isinstance(schedule, Cron) else ["*", "*", "?"]
            )
            cron = Cron(" ".join(("0", str(at % 60), str(at // 60), *days)))
        elif isinstance(schedule, Cron):
            second, _minute, *rest = schedule.expression.split()
            cron = Cron(" ".join((second, str(number * 7 % 60), *rest)), schedule.zone)
        else:
            continue
        actions.append(ChangeConnection(connection_id=link.id, schedule=cron))
    return actions


def longest_runs(lab: Lab) -> dict[int, int]:
    """Return the longest run of each connection in the last four weeks, in seconds."""
    table = lab.truth.table(lab.now - MEASURED)
    ended = table["status"] == JobStatus.SUCCEEDED
    found: dict[int, int] = {}
    for index, seconds in zip(
        table["connection"][ended].tolist(),
        (table["updated"] - table["created"])[ended].tolist(),
        strict=True,
    ):
        found[index] = max(found.get(index, 0), seconds)
    return found


def _is_daily(schedule: Schedule) -> bool:
    if isinstance(schedule, Basic):
        return schedule == Basic(24, "hours")
    return isinstance(schedule, Cron) and schedule.expression.split()[2].isdigit()
