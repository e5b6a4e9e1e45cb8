"""The scheduled job, readable top to bottom: mine → look → limit → advise → judge → edit → propose.

`plan` does all of it up to a list of operations, and `carry_out` executes that list. There is
no other path, and no flag that says which of the two is meant.
"""

import posixpath
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.advise.advisor import Advisor, Situation
from bot.airbyte.client import Airbyte
from bot.domain.connection import Connection, ConnectionId, Cron
from bot.domain.cron import parse, split_zone, to_airbyte
from bot.domain.edit import Edit, Refusal, RefusalReason
from bot.domain.forecast import Evidence
from bot.domain.proposal import ProposedChange
from bot.domain.recommendation import (
    Advice,
    KnobChange,
    Recommendation,
    ScheduleChange,
    StatusChange,
)
from bot.domain.subject import Subject
from bot.domain.verdict import Deny, Verdict
from bot.history import features, fleet
from bot.history.mining import Mined, MiningPlan, mine
from bot.history.reading import Watcher
from bot.history.store import History
from bot.policy.judging import Judge
from bot.pulls.compose import compose, splice
from bot.pulls.forge import Draft, Forge, Operation
from bot.pulls.reconcile import reconcile
from bot.terraform.identity import Identified, Unidentified, identify
from bot.terraform.index import index
from bot.terraform.root import open_root
from bot.terraform.verify import Change, set_values


@dataclass(frozen=True, slots=True)
class TerraformRoot:
    """A root in the forge's repository, and the variable files that it is applied with."""

    path: str
    var_files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """Everything a run works with; the caller opens and closes it.

    `addresses` maps connection ids to Terraform addresses where the team has written them down.
    """

    airbyte: Airbyte
    history: History
    mining: MiningPlan
    watcher: Watcher
    judge: Judge
    advisors: Sequence[Advisor]
    forge: Forge
    roots: Sequence[TerraformRoot]
    addresses: Mapping[str, str]
    now: datetime


@dataclass(frozen=True, slots=True)
class Judged:
    """A recommendation, and what policy says of it."""

    connection: Connection
    recommendation: Recommendation
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Withheld:
    """A recommendation that policy denies, or that has no single literal to change."""

    connection: Connection
    recommendation: Recommendation
    why: Deny | Refusal


@dataclass(frozen=True, slots=True)
class Proposed:
    """A recommendation that a pull request carries."""

    connection: Connection
    change: ProposedChange
    draft: Draft


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run found out, and the operations that carry it out on the forge's `base`.

    After a mine that was not complete there are no operations: missing data changes nothing.
    """

    mined: Mined
    connections: tuple[Connection, ...]
    advice: tuple[Advice, ...]
    withheld: tuple[Withheld, ...]
    proposed: tuple[Proposed, ...]
    base: str
    operations: tuple[Operation, ...]


def plan(job: Job) -> Plan:
    """Find out what should change; nothing outside the history store is written.

    Raises:
        TrimtabError: Airbyte, the history, a Terraform root or the forge cannot be read.
    """
    mined = mine(job.history, job.airbyte, job.mining, job.watcher)
    connections = fleet.connections(job.history)
    situation = look(job, connections)
    advice = tuple(each for advisor in job.advisors for each in advisor.advise(situation))
    judged = judge(job, connections, advice)
    snapshot = job.forge.snapshot()
    with tempfile.TemporaryDirectory(prefix="trimtab-") as folder:
        job.forge.export(snapshot.base, Path(folder))
        proposed, withheld = edit(job, Path(folder), connections, judged)
    operations = reconcile(snapshot, [each.draft for each in proposed])
    return Plan(
        mined=mined,
        connections=connections,
        advice=advice,
        withheld=withheld,
        proposed=proposed,
        base=snapshot.base,
        operations=tuple(operations) if mined.is_complete else (),
    )


def carry_out(job: Job, made: Plan) -> list[int]:
    """Execute the operations of a plan in order, and return the pull requests they touched.

    Raises:
        ForgeError: one of them failed; those before it stand, and the next run does the rest.
    """
    done = [job.forge.execute(operation, made.base) for operation in made.operations]
    return [number for number in done if number is not None]


def look(job: Job, connections: Sequence[Connection]) -> Situation:
    """Gather what advisors are given: evidence from the history, limits from the policies."""
    evidence: dict[ConnectionId, Evidence] = {}
    for row in features.per_connection(job.history, job.now).to_pylist():
        first, last = (row[name].replace(tzinfo=UTC) for name in ("first_at", "last_at"))
        start = max(first, job.now - features.RECENT)
        found = Evidence(start, last, row["recent_succeeded"] or 0)
        evidence[ConnectionId(row["connection_id"])] = found
    subjects = tuple(Subject(connection) for connection in connections)
    terms = {subject.connection.id: job.judge.terms(subject) for subject in subjects}
    return Situation(job.now, subjects, evidence, terms=terms)


def judge(job: Job, connections: Sequence[Connection], advice: Sequence[Advice]) -> list[Judged]:
    """Ask policy about every recommendation."""
    by_id = {connection.id: connection for connection in connections}
    return [
        Judged(
            by_id[each.connection_id],
            each,
            job.judge.judge(Subject(by_id[each.connection_id]), each),
        )
        for each in advice
        if isinstance(each, Recommendation)
    ]


def edit(
    job: Job, repository: Path, connections: Sequence[Connection], judged: Sequence[Judged]
) -> tuple[tuple[Proposed, ...], tuple[Withheld, ...]]:
    """Find and prove the one literal behind each recommendation that policy lets through."""
    proposed: list[Proposed] = []
    withheld: list[Withheld] = []
    waiting: list[Judged] = []
    for each in judged:
        if isinstance(each.verdict, Deny):
            withheld.append(Withheld(each.connection, each.recommendation, each.verdict))
        else:
            waiting.append(each)
    refusals: dict[ConnectionId, Refusal] = {}
    for root in job.roots if waiting else ():
        left: list[Judged] = []
        for each, outcome in _edit_in(job, root, repository, connections, waiting):
            if isinstance(outcome, Edit):
                proposed.append(_propose(each, outcome, root, repository))
            else:
                left.append(each)
                if outcome is not None:
                    refusals.setdefault(each.connection.id, outcome)
        waiting = left
    withheld += [
        Withheld(each.connection, each.recommendation, refusals.get(each.connection.id, _NOWHERE))
        for each in waiting
    ]
    return tuple(proposed), tuple(withheld)


_NOWHERE = Refusal(
    RefusalReason.NOT_FOUND,
    "no Terraform root declares it under its name; write its address under "
    "terraform.connections in trimtab.yaml",
)


def _edit_in(
    job: Job,
    root: TerraformRoot,
    repository: Path,
    connections: Sequence[Connection],
    waiting: Sequence[Judged],
) -> Iterator[tuple[Judged, Edit | Refusal | None]]:
    """Work out the edits in one root; None where the root says nothing of a connection."""
    indexed = index(open_root(repository / root.path, root.var_files))
    identities = identify(indexed, connections, mapping=job.addresses)
    found = {identity.connection: identity for identity in identities}
    placed: list[tuple[Judged, str]] = []
    for each in waiting:
        identity = found[each.connection.id]
        if isinstance(identity, Identified):
            placed.append((each, identity.address))
        else:
            yield each, _unclear(identity)
    outcomes = set_values(indexed, [_change(each.recommendation, at) for each, at in placed])
    for (each, _address), outcome in zip(placed, outcomes, strict=True):
        yield each, _drift(each.recommendation, outcome) or outcome


def _unclear(identity: Unidentified) -> Refusal | None:
    """Explain what the root may declare; None where it says nothing of a connection."""
    if not identity.candidates:
        return None
    return Refusal(
        RefusalReason.AMBIGUOUS,
        f"{identity.detail}; candidates are {', '.join(identity.candidates)}",
        snippet=f"terraform:\n  connections:\n    {identity.connection}: <one of them>",
    )


def _drift(recommendation: Recommendation, outcome: Edit | Refusal) -> Refusal | None:
    """Refuse where Terraform does not say what Airbyte does: a person has to decide first."""
    change = recommendation.change
    if isinstance(outcome, Refusal) or not isinstance(change, ScheduleChange):
        return None
    site = outcome.site
    if site.value == outcome.after:
        detail = f"Terraform says {site.value!r} already, and it has not been applied yet"
    elif not isinstance(change.before, Cron) or not _fires_alike(site.value, change.before):
        detail = f"Terraform says {site.value!r}, and Airbyte does something else"
    else:
        return None
    return Refusal(RefusalReason.DRIFT, detail, site.file, site.line)


def _fires_alike(written: str, running: Cron) -> bool:
    expression, zone = split_zone(written)
    there = parse(expression, zone or "UTC")
    here = parse(running.expression, running.zone)
    return (there.canonical, there.zone) == (here.canonical, here.zone)


def _change(recommendation: Recommendation, address: str) -> Change:
    match recommendation.change:
        case ScheduleChange(after=cron):
            return Change(address, "schedule.cron_expression", to_airbyte(cron.expression))
        case KnobChange(knob=knob, after=value):
            return Change(address, f"configuration.{knob.path}", str(value))
        case StatusChange(after=status):
            return Change(address, "status", status.value)


def _propose(judged: Judged, edited: Edit, root: TerraformRoot, repository: Path) -> Proposed:
    # A literal may sit in a module beside the root; pull requests want paths of the repository.
    file = posixpath.normpath(posixpath.join(root.path, edited.site.file))
    content = splice((repository / file).read_bytes(), edited)
    change = ProposedChange(judged.recommendation, judged.verdict, edited)
    return Proposed(judged.connection, change, compose(judged.connection, change, {file: content}))
