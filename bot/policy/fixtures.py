"""Fixtures: tests that a team writes beside its policies, as data, and how they are run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from pydantic import Field

from bot.documents.document import Document, read_document
from bot.documents.fields import Span
from bot.documents.validation import Strict, validate
from bot.domain.connection import (
    Basic,
    Connection,
    ConnectionId,
    ConnectionStatus,
    Cron,
    DestinationId,
    Endpoint,
    KnobValue,
    Manual,
    Schedule,
    SourceId,
    WorkspaceId,
)
from bot.domain.cron import split_zone
from bot.domain.errors import ConfigError
from bot.domain.forecast import Evidence, Forecast, Quantiles, Unknown
from bot.domain.knob import Knob
from bot.domain.money import Money
from bot.domain.recommendation import (
    Change,
    Confidence,
    Effect,
    KnobChange,
    Recommendation,
    ScheduleChange,
    StatusChange,
)
from bot.domain.subject import Subject
from bot.domain.tenure import Tenure
from bot.domain.verdict import label
from bot.knobs.catalogue import load
from bot.policy.case import Case, Ruling
from bot.policy.fields import Share, Words
from bot.policy.judging import Judge
from bot.policy.model import PhaseName
from bot.policy.rules import TESTS_FOLDER, Rules

V = TypeVar("V")

DEFAULT_NOW: Final = datetime(2026, 3, 10, 12, tzinfo=UTC)
"""When a fixture plays that gives no time of its own: a Tuesday, far from any month's end."""
_AN_OTHER: Final = ConnectionId("another connection")
_UNKNOWN: Final = Unknown("the test does not give it")


class GivenConnection(Strict):
    """The connection that a test is about; an end that is left out is not on record."""

    name: str = "a connection"
    tags: Annotated[Words, Field(min_length=0)] = ()
    workspace: str = "main"
    source: str | None = Field(None, description="the source's connector: postgres, stripe")
    destination: str | None = None
    owner: str | None = None
    schedule: str = Field(
        "0 0 6 * * ?", description="a Quartz cron (with its zone, else UTC), `manual`, `interval`"
    )


class GivenChange(Strict):
    """What is recommended: one of a new schedule, a knob with its values, or a pause."""

    schedule: str | None = None
    knob: str | None = Field(None, description="the path of a tuning option: num_workers")
    before: int | float | str | None = Field(None, alias="from")
    after: int | float | str | None = Field(None, alias="to")
    pause: Literal[True] | None = None


class GivenFacts(Strict):
    """What history and forecast say; what is left out is not known."""

    success_rate: Share | None = None
    month_cost: Decimal | None = None
    saving: Decimal | None = Field(None, description="money a month; below zero it costs more")
    missed_deadlines: Decimal | None = Field(None, description="a month, more than today")
    delays: Span = Field(timedelta(), description="how much later another sync ends")
    confidence: Literal["low", "medium", "high"] = "high"
    changed_ago: Span | None = Field(
        None, description="when this setting was changed before; left out: not for a year"
    )


class Expected(Strict):
    """What policy has to say of it."""

    verdict: Literal["allow", "needs owner", "needs team", "needs two-person", "deny"]
    by: str | None = Field(None, description="a policy that has to be among those that decide")
    says: str | None = Field(None, description="words that one of the sentences has to hold")
    value: int | float | str | None = Field(None, description="what a clamped knob is set to")


class Fixture(Strict):
    """One test."""

    name: str
    connection: GivenConnection = GivenConnection()
    change: GivenChange
    given: GivenFacts = GivenFacts()
    now: datetime | None = Field(None, description="when it plays: 2026-03-31T12:00:00Z")
    phase: PhaseName | None = Field(
        None, description="as if everything had been let in so far, to see what else is said"
    )
    expect: Expected


class FixtureFile(Strict):
    """One file of tests, in the folder `tests` beside the policies."""

    version: Literal[1]
    tests: tuple[Fixture, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one test: `failures` say what is not as expected; empty when all is."""

    name: str
    where: str
    ruling: Ruling
    failures: tuple[str, ...]


def run_fixtures(rules: Rules, folder: Path) -> list[Result]:
    """Run every test in the folder `tests` below a folder of policies, in the files' order.

    Raises:
        ConfigError: a file is wrong, or changes what nothing can be changed of.
    """
    judges: dict[PhaseName | None, Judge] = {}
    found = []
    for path in sorted((folder / TESTS_FOLDER).glob("*.y*ml")):
        document = read_document(path)
        name = f"{folder.name}/{TESTS_FOLDER}/{path.name}"
        document = Document(name, document.data, document.positions, document.keys)
        for index, fixture in enumerate(validate(FixtureFile, document).tests):
            where = document.where(("tests", index))
            if fixture.phase not in judges:
                judges[fixture.phase] = Judge(_let_in(rules, fixture.phase))
            ruling = judges[fixture.phase].judge(_case(fixture, document, index))
            failures = tuple(_failures(fixture.expect, ruling))
            found.append(Result(fixture.name, where, ruling, failures))
    return found


def _let_in(rules: Rules, phase: PhaseName | None) -> Rules:
    """Return rules that all give one phase; as they are without one."""
    if phase is None:
        return rules
    given = {"phase": phase}
    policies, fallbacks = (
        tuple(replace(each, clauses=each.clauses.model_copy(update=given)) for each in found)
        for found in (rules.policies, rules.fallbacks)
    )
    return replace(rules, policies=policies, fallbacks=fallbacks)


def _failures(expected: Expected, ruling: Ruling) -> Iterator[str]:
    verdict = ruling.verdict
    found = label(verdict)
    if found != expected.verdict:
        yield f"expected {expected.verdict}, found {found}"
    if expected.by is not None and all(each.policy != expected.by for each in verdict.citations):
        names = ", ".join(dict.fromkeys(each.policy for each in verdict.citations)) or "nobody"
        yield f"expected {expected.by} to decide, it was {names}"
    if expected.says is not None and not any(
        expected.says in each.sentence for each in verdict.citations
    ):
        yield f"nothing says {expected.says!r}"
    if expected.value is not None:
        change = ruling.recommendation.change
        value = change.after if isinstance(change, KnobChange) else None
        if value != expected.value:
            yield f"expected the value {expected.value}, found {value}"


def _case(fixture: Fixture, document: Document, index: int) -> Case:
    now = fixture.now or DEFAULT_NOW
    if now.tzinfo is None:
        now = now.replace(tzinfo=UTC)
    subject = _subject(fixture.connection)
    change = _change(fixture, subject, document, index)
    given = fixture.given
    evidence = Evidence(now - timedelta(days=28), now, 28)
    saving = _UNKNOWN if given.saving is None else Quantiles.exactly(Money(given.saving))
    missed = given.missed_deadlines
    recommendation = Recommendation(
        subject.connection.id,
        "test",
        change,
        fixture.name,
        (),
        evidence,
        Effect(
            saving,
            _UNKNOWN,
            _UNKNOWN if missed is None else Quantiles.exactly(missed),
            {_AN_OTHER: given.delays} if given.delays else {},
        ),
        Confidence(given.confidence),
    )
    return Case(
        subject,
        recommendation,
        now,
        month=_month(given, subject, evidence),
        success_rate=given.success_rate,
        schedules=_schedules(change, given, now),
        knobs=_knobs(change, given, now),
    )


def _subject(given: GivenConnection) -> Subject:
    workspace = WorkspaceId(given.workspace)
    connection = Connection(
        ConnectionId(given.name),
        given.name,
        SourceId("source"),
        DestinationId("destination"),
        workspace,
        ConnectionStatus.ACTIVE,
        _schedule(given.schedule),
        tags=frozenset(given.tags),
    )
    return Subject(
        connection,
        _endpoint("source", given.source, workspace),
        _endpoint("destination", given.destination, workspace),
        given.workspace,
        given.owner,
    )


def _endpoint(role: str, connector: str | None, workspace: WorkspaceId) -> Endpoint | None:
    if connector is None:
        return None
    return Endpoint(role, connector, f"{role}-{connector.removeprefix(f'{role}-')}", workspace)


def _schedule(text: str) -> Schedule:
    if text == "manual":
        return Manual()
    if text == "interval":
        return Basic(24, "hours")
    return _cron(text)


def _cron(text: str) -> Cron:
    expression, zone = split_zone(text)
    return Cron(expression, zone or "UTC")


def _change(fixture: Fixture, subject: Subject, document: Document, index: int) -> Change:
    given = fixture.change
    kinds = [each is not None for each in (given.schedule, given.knob, given.pause)]
    if sum(kinds) != 1:
        where = document.where(("tests", index, "change"))
        raise ConfigError(f"{where}: change: give one of schedule, knob and pause")
    if given.schedule is not None:
        return ScheduleChange(subject.connection.schedule, _cron(given.schedule))
    if given.pause is not None:
        return StatusChange(ConnectionStatus.ACTIVE, ConnectionStatus.INACTIVE)
    endpoint, knob = _knob(given, subject, document, index)
    assert given.after is not None
    return KnobChange(endpoint.id, knob, given.before, given.after)


def _knob(
    given: GivenChange, subject: Subject, document: Document, index: int
) -> tuple[Endpoint, Knob]:
    assert given.knob is not None
    if given.after is None:
        where = document.where(("tests", index, "change"))
        raise ConfigError(f"{where}: change.to is missing: what the knob is set to")
    ends = [end for end in (subject.source, subject.destination) if end is not None]
    for end in ends:
        found = load().find(end.connector, given.knob)
        if found is not None:
            return end, found
    where = document.where(("tests", index, "change", "knob"))
    known = sorted({knob.path for end in ends for knob in load().of(end.connector)})
    raise ConfigError(
        f"{where}: no end of this connection has a knob {given.knob!r}",
        f"Known are {', '.join(known)}." if known else "Give a `source` or `destination` with one.",
    )


def _month(given: GivenFacts, subject: Subject, evidence: Evidence) -> Forecast | None:
    if given.month_cost is None:
        return None
    cost = Quantiles.exactly(Money(given.month_cost))
    key = subject.connection.id
    return Forecast(
        key, "month", evidence.end, evidence, "test", _UNKNOWN, _UNKNOWN, _UNKNOWN, cost, _UNKNOWN
    )


def _schedules(change: Change, given: GivenFacts, now: datetime) -> tuple[Tenure[Schedule], ...]:
    if not isinstance(change, ScheduleChange):
        return ()
    return tuple(_tenures(change.before, Manual(), given.changed_ago, now))


def _knobs(
    change: Change, given: GivenFacts, now: datetime
) -> tuple[Tenure[Mapping[str, KnobValue]], ...]:
    if not isinstance(change, KnobChange):
        return ()
    today: dict[str, KnobValue] = {}
    if change.before is not None:
        today[change.knob.path] = change.before
    return tuple(_tenures(today, {}, given.changed_ago, now))


def _tenures(today: V, earlier: V, changed_ago: timedelta | None, now: datetime) -> list[Tenure[V]]:
    """Return a year in which a setting was changed once, or never."""
    start = now - timedelta(days=365)
    if changed_ago is None:
        return [Tenure(today, start, now)]
    then = now - changed_ago
    return [Tenure(earlier, min(start, then), then), Tenure(today, then, now)]
