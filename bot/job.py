"""The scheduled job, readable top to bottom: mine → look → limit → advise → judge → edit → propose.

`plan` does all of it up to a list of operations, and `carry_out` executes that list. There is
no other path, and no flag that says which of the two is meant.
"""

import posixpath
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from bot.advise.advisor import Advisor, Situation
from bot.advise.agenda import agenda
from bot.advise.situation import Beside, read_situation
from bot.airbyte.client import Airbyte
from bot.domain.connection import Connection
from bot.domain.edit import Edit, Refusal, RefusalReason
from bot.domain.proposal import ProposedChange
from bot.domain.recommendation import (
    Advice,
    Recommendation,
)
from bot.domain.subject import Subject
from bot.domain.verdict import Deny, Verdict
from bot.history.mining import Mined, MiningPlan, mine
from bot.history.reading import Watcher
from bot.history.store import History
from bot.policy.judging import Judge
from bot.pulls.compose import compose, splice
from bot.pulls.forge import Draft, Forge, Operation
from bot.pulls.reconcile import reconcile
from bot.report.stages import Stages
from bot.terraform.index import index
from bot.terraform.recommended import Wanted, edits
from bot.terraform.root import open_root


@dataclass(frozen=True, slots=True)
class TerraformRoot:
    """A root in the forge's repository, and the variable files that it is applied with."""

    path: str
    var_files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """Everything a run works with; the caller opens and closes it.

    `beside` is what advisors look at beside the history; what policy says is asked of `judge`.
    `addresses` maps connection ids to Terraform addresses where the team has written them down.
    """

    airbyte: Airbyte
    history: History
    beside: Beside
    mining: MiningPlan
    watcher: Watcher
    judge: Judge
    advisors: Sequence[Advisor]
    forge: Forge
    roots: Sequence[TerraformRoot]
    addresses: Mapping[str, str]
    now: datetime
    stages: Stages = field(default_factory=Stages)


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
    stage = job.stages.stage
    with stage("mine"):
        mined = mine(job.history, job.airbyte, job.mining, job.watcher)
    with stage("look"):
        situation = look(job)
    with stage("advise"):
        advice = agenda(each for advisor in job.advisors for each in advisor.advise(situation))
    with stage("judge"):
        judged = judge(job, situation.subjects, advice)
    with stage("edit"), tempfile.TemporaryDirectory(prefix="trimtab-") as folder:
        snapshot = job.forge.snapshot()
        job.forge.export(snapshot.base, Path(folder))
        proposed, withheld = edit(job, Path(folder), situation.connections, judged)
    with stage("reconcile"):
        operations = reconcile(snapshot, [each.draft for each in proposed])
    return Plan(
        mined=mined,
        connections=situation.connections,
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


def look(job: Job) -> Situation:
    """Gather what advisors are given: the history, what is forecast of it, what policy allows."""
    beside = replace(job.beside, terms=job.judge.terms)
    return read_situation(job.history, job.now, beside)


def judge(job: Job, subjects: Sequence[Subject], advice: Sequence[Advice]) -> list[Judged]:
    """Ask policy about every recommendation."""
    by_id = {subject.connection.id: subject for subject in subjects}
    judged = []
    for each in advice:
        if isinstance(each, Recommendation):
            subject = by_id[each.connection_id]
            judged.append(Judged(subject.connection, each, job.judge.judge(subject, each)))
    return judged


def edit(
    job: Job, repository: Path, connections: Sequence[Connection], judged: Sequence[Judged]
) -> tuple[tuple[Proposed, ...], tuple[Withheld, ...]]:
    """Find and prove the one literal behind each recommendation that policy lets through."""
    proposed: list[Proposed] = []
    withheld = [
        Withheld(each.connection, each.recommendation, each.verdict)
        for each in judged
        if isinstance(each.verdict, Deny)
    ]
    waiting = [each for each in judged if not isinstance(each.verdict, Deny)]
    refusals: dict[int, Refusal] = {}
    for root in job.roots if waiting else ():
        indexed = index(open_root(repository / root.path, root.var_files))
        wanted = [Wanted(each.connection, each.recommendation) for each in waiting]
        left: list[Judged] = []
        for each, outcome in zip(
            waiting, edits(indexed, connections, wanted, job.addresses), strict=True
        ):
            if isinstance(outcome, Edit):
                proposed.append(_propose(each, outcome, root, repository))
                continue
            left.append(each)
            if outcome is not None:
                refusals.setdefault(id(each), outcome)
        waiting = left
    withheld += [
        Withheld(each.connection, each.recommendation, refusals.get(id(each), _NOWHERE))
        for each in waiting
    ]
    return tuple(proposed), tuple(withheld)


_NOWHERE = Refusal(
    RefusalReason.NOT_FOUND,
    "no Terraform root declares it under its name; write its address under "
    "terraform.connections in trimtab.yaml",
)


def _propose(judged: Judged, edited: Edit, root: TerraformRoot, repository: Path) -> Proposed:
    # A literal may sit in a module beside the root; pull requests want paths of the repository.
    file = posixpath.normpath(posixpath.join(root.path, edited.site.file))
    content = splice((repository / file).read_bytes(), edited)
    change = ProposedChange(judged.recommendation, judged.verdict, edited)
    return Proposed(judged.connection, change, compose(judged.connection, change, {file: content}))
