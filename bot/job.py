"""The scheduled job, readable top to bottom: mine → look → advise → judge → edit → propose.

`plan` does all of it up to a list of operations, and `carry_out` executes that list and writes the
dashboard. There is no other path, and no flag that says which of the two is meant.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from bot.advise.advisor import Advisor, Situation
from bot.advise.agenda import agenda
from bot.advise.situation import Beside, read_situation
from bot.airbyte.client import Airbyte
from bot.cases import conflicts_of, rule
from bot.domain.connection import Connection, ConnectionId, Cron
from bot.domain.cron import split_zone
from bot.domain.errors import ForgeError
from bot.domain.recommendation import (
    Advice,
    Recommendation,
)
from bot.drafts import (
    Desk,
    Judged,
    Proposed,
    TerraformRoot,
    Withheld,
    edit,
    obsolete,
    open_roots,
    propose,
    why_withheld,
)
from bot.history import fleet
from bot.history.mining import Mined, MiningPlan, mine
from bot.history.reading import Watcher
from bot.history.store import History
from bot.policy.conflicts import Conflict
from bot.policy.judging import Judge
from bot.pulls.change import Target
from bot.pulls.closing import Obsolete
from bot.pulls.dashboard import Findings, Health, dashboard
from bot.pulls.draft import Draft
from bot.pulls.execution import Done, execute
from bot.pulls.execution import carry_out as carry_out_all
from bot.pulls.forge import Forge
from bot.pulls.grouping import group
from bot.pulls.held import Held
from bot.pulls.operations import Operation
from bot.pulls.reconcile import Circumstances, reconcile, remember
from bot.pulls.snapshot import PullState, Snapshot
from bot.report.stages import Stages
from bot.signals import looking
from bot.signals.lookout import Lookout, Scene


@dataclass(frozen=True, slots=True)
class Job:
    """Everything a run works with; the caller opens and closes it.

    `beside` is what advisors look at beside the history; what policy says is asked of `judge`.
    `addresses` maps connection ids to Terraform addresses where the team has written them down.
    `lookouts` watch other systems; paths in their settings start from `folder`.
    `files_url` is where the base branch's files are shown, empty where they are not.
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
    lookouts: Sequence[Lookout] = ()
    folder: Path = Path()
    files_url: str = ""
    stages: Stages = field(default_factory=Stages)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run found out, and the operations that carry it out on the snapshot's base.

    `held` is what is left undone, with reasons; `conflicts` are policies that cannot all be kept.
    After a mine that was not complete there are no operations: missing data changes nothing.
    """

    mined: Mined
    connections: tuple[Connection, ...]
    advice: tuple[Advice, ...]
    withheld: tuple[Withheld, ...]
    proposed: tuple[Proposed, ...]
    snapshot: Snapshot
    obsolete: Mapping[Target, Obsolete]
    not_grouped: tuple[Held, ...]
    operations: tuple[Operation, ...]
    held: tuple[Held, ...]
    conflicts: tuple[Conflict, ...]
    phases: Mapping[str, int]

    @property
    def drafts(self) -> tuple[Draft, ...]:
        """Return the pull requests that there should be."""
        return tuple(each.draft for each in self.proposed)


def plan(job: Job) -> Plan:
    """Find out what should change; nothing outside the history store is written.

    Raises:
        TrimtabError: Airbyte, the history, a Terraform root or the forge cannot be read.
    """
    stage = job.stages.stage
    with stage("mine"):
        mined = mine(job.history, job.airbyte, job.mining, job.watcher)
    with stage("snapshot"):
        snapshot = job.forge.snapshot()
    with stage("look"):
        situation = look(job, snapshot)
    with stage("advise"):
        advice = agenda(each for advisor in job.advisors for each in advisor.advise(situation))
    with stage("judge"):
        judged = judge(job, situation, advice, snapshot)
    with stage("edit"), tempfile.TemporaryDirectory(prefix="trimtab-") as folder:
        job.forge.export(snapshot.base, Path(folder))
        desk = Desk(
            Path(folder),
            open_roots(Path(folder), job.roots),
            situation,
            job.judge.rules,
            job.addresses,
            job.files_url,
        )
        found, withheld = edit(desk, judged)
        recalled = remember(snapshot, job.judge.manners, job.now)
        groups, not_grouped = group(found, job.judge.manners.group_by, recalled.objection)
        proposed = propose(desk, groups)
        gone = obsolete(desk, snapshot, advice, withheld)
    with stage("reconcile"):
        circumstances = Circumstances(job.now, mined.is_complete, gone)
        drafts = [each.draft for each in proposed]
        reconciled = reconcile(snapshot, drafts, job.judge.manners, circumstances)
    return Plan(
        mined=mined,
        connections=situation.connections,
        advice=advice,
        withheld=withheld,
        proposed=proposed,
        snapshot=snapshot,
        obsolete=gone,
        not_grouped=tuple(not_grouped),
        operations=reconciled.operations,
        held=(*reconciled.held, *not_grouped),
        conflicts=tuple(conflicts_of(job.judge, situation, situation.subjects)),
        phases=Counter(terms.phase.label for terms in situation.terms.values()),
    )


def carry_out(job: Job, made: Plan) -> Done:
    """Execute the operations of a plan in order, and bring the dashboard up to date.

    What the forge refuses is in the result, and does not keep other operations from their turn.

    Raises:
        ForgeError: the forge cannot be read again.
    """
    done = carry_out_all(job.forge, made.operations, made.snapshot.base, lambda: job.stages.is_over)
    snapshot = job.forge.snapshot() if made.operations else made.snapshot
    # As the next run would see it: a run that changes nothing then finds nothing to write either.
    circumstances = Circumstances(job.now, made.mined.is_complete, made.obsolete)
    after = reconcile(snapshot, made.drafts, job.judge.manners, circumstances)
    held = (*after.held, *made.not_grouped)
    board = dashboard(snapshot, held, job.judge.manners, _findings(job, made, done))
    if board is None:
        return done
    try:
        execute(job.forge, board, snapshot.base)
    except ForgeError as error:
        # Issues may be turned off: the run has opened its pull requests, and still has a summary.
        return replace(done, failures=(*done.failures, (board, error)))
    return done


def _findings(job: Job, made: Plan, done: Done) -> Findings:
    mines = made.mined.mines
    health = Health(
        at=job.now,
        complete=made.mined.is_complete,
        connections=len(made.connections),
        new_syncs=sum(each.new for each in mines),
        changed_syncs=sum(each.changed for each in mines),
        unread=(*made.mined.unread, *(sentence for each in mines for sentence in each.unread)),
        failed=(
            *(error.message for _operation, error in done.failures),
            *(["its time was over: the next run does the rest"] if done.left else ()),
        ),
    )
    clashes = [
        (each.connection, f"policies contradict each other: {each}") for each in made.conflicts
    ]
    return Findings(
        health,
        made.phases,
        [
            *clashes,
            *left_alone(made),
            *((each.connection.name, why_withheld(each)) for each in made.withheld),
        ],
    )


def left_alone(made: Plan) -> Iterator[tuple[str, str]]:
    """Yield the connections that an advisor recommends nothing for, each with the advisor's reason."""
    names = {connection.id: connection.name for connection in made.connections}
    for each in made.advice:
        if not isinstance(each, Recommendation):
            yield names[each.connection_id], f"{each.advisor}: {each.reason}"


def look(job: Job, snapshot: Snapshot) -> Situation:
    """Gather what advisors are given: the history, what is forecast of it, what policy allows."""
    ends = (*fleet.sources(job.history), *fleet.destinations(job.history))
    scene = Scene(
        job.now, fleet.connections(job.history), {each.id: each for each in ends}, job.folder
    )
    sight = looking.look(job.lookouts, scene)
    prices = job.judge.prices(job.beside.prices)
    woken = job.judge.warehouses(fleet.destinations(job.history))
    beside = replace(
        job.beside,
        prices=replace(prices, warehouses={**prices.warehouses, **sight.warehouses}),
        warehouses={**job.beside.warehouses, **woken, **sight.wakes},
        surroundings=sight.surroundings,
        lineage=sight.lineage,
        proposed=proposed_schedules(snapshot),
        terms=job.judge.terms,
        fleet_terms=job.judge.fleet_terms,
    )
    return read_situation(job.history, job.now, beside)


def proposed_schedules(snapshot: Snapshot) -> dict[ConnectionId, Cron]:
    """Return the schedules that open pull requests ask for; a body says so, and is a hint only."""
    return {
        ConnectionId(change.connection): Cron(split_zone(change.after)[0])
        for pull in snapshot.pulls
        if pull.state is PullState.OPEN and pull.metadata
        for change in pull.metadata.changes
        if change.setting == "schedule"
    }


def judge(
    job: Job, situation: Situation, advice: Sequence[Advice], snapshot: Snapshot
) -> list[Judged]:
    """Ask policy about every recommendation; the forge tells what has been merged before."""
    merged = frozenset(
        ConnectionId(change.connection)
        for pull in snapshot.pulls
        if pull.state is PullState.MERGED and pull.metadata
        for change in pull.metadata.changes
    )
    return [
        Judged(each.case.subject, each.recommendation, each.verdict)
        for each in rule(job.judge, situation, advice, merged)
    ]
