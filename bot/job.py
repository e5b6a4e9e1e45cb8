"""The scheduled job, readable top to bottom: mine → look → limit → advise → judge → edit → propose.

`plan` does all of it up to a list of operations, and `carry_out` executes that list and writes the
dashboard. There is no other path, and no flag that says which of the two is meant.
"""

import posixpath
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import bot
from bot.advise.advisor import Advisor, Situation
from bot.advise.agenda import agenda
from bot.advise.situation import Beside, read_situation
from bot.airbyte.client import Airbyte
from bot.cases import conflicts_of, rule
from bot.domain.connection import Connection, ConnectionId, Cron
from bot.domain.cron import split_zone
from bot.domain.edit import Edit, Refusal, RefusalReason, Site
from bot.domain.proposal import ProposedChange
from bot.domain.recommendation import (
    Advice,
    Recommendation,
)
from bot.domain.subject import Subject
from bot.domain.verdict import Deny, NeedsApproval, Verdict
from bot.history import fleet
from bot.history.mining import Mined, MiningPlan, mine
from bot.history.reading import Watcher
from bot.history.store import History
from bot.policy.approvers import Approvers
from bot.policy.conflicts import Conflict
from bot.policy.judging import Judge
from bot.pulls.body_content import Carried, Frame
from bot.pulls.change import SettingChange, Target
from bot.pulls.closing import Obsolete
from bot.pulls.compose import compose
from bot.pulls.dashboard import Findings, Health, dashboard
from bot.pulls.draft import Draft
from bot.pulls.execution import Done, execute
from bot.pulls.execution import carry_out as carry_out_all
from bot.pulls.forge import Forge
from bot.pulls.grouping import Candidate, Group, group, rewrite
from bot.pulls.held import Held
from bot.pulls.obsolescence import Signs, find_obsolete
from bot.pulls.operations import Operation
from bot.pulls.reconcile import Circumstances, reconcile, remember
from bot.pulls.risk import assess
from bot.pulls.snapshot import PullState, Snapshot
from bot.pulls.tracking import track
from bot.report.stages import Stages
from bot.signals import looking
from bot.signals.lookout import Lookout, Scene
from bot.terraform.index import Index, index
from bot.terraform.locate import locate
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
class Judged:
    """A recommendation, and what policy says of it."""

    subject: Subject
    recommendation: Recommendation
    verdict: Verdict

    @property
    def connection(self) -> Connection:
        """Return the connection that it is for."""
        return self.subject.connection


@dataclass(frozen=True, slots=True)
class Withheld:
    """A recommendation that policy denies, or that has no single literal to change."""

    connection: Connection
    recommendation: Recommendation
    why: Deny | Refusal


@dataclass(frozen=True, slots=True)
class Proposed:
    """A group of recommendations, and the pull request that carries it or would."""

    group: Group[Carried]
    draft: Draft


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run found out, and the operations that carry it out on the snapshot's base.

    `held` is what is left undone, with reasons; `conflicts` are policies that cannot all be kept. After a mine that was not complete there are no
    operations: missing data changes nothing.
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
        indexes = [_index(root, Path(folder)) for root in job.roots]
        found, withheld = edit(job, indexes, situation, judged)
        recalled = remember(snapshot, job.judge.manners, job.now)
        groups, not_grouped = group(found, job.judge.manners.group_by, recalled.objection)
        frame = _frame(job, situation)
        proposed = [_propose(each, frame, Path(folder)) for each in groups]
        obsolete = _obsolete(snapshot, situation, advice, withheld, indexes)
    with stage("reconcile"):
        circumstances = Circumstances(job.now, mined.is_complete, obsolete)
        drafts = [each.draft for each in proposed]
        reconciled = reconcile(snapshot, drafts, job.judge.manners, circumstances)
    return Plan(
        mined=mined,
        connections=situation.connections,
        advice=advice,
        withheld=withheld,
        proposed=tuple(proposed),
        snapshot=snapshot,
        obsolete=obsolete,
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
        ForgeError: the forge cannot be read again, or refuses the dashboard.
    """
    done = carry_out_all(job.forge, made.operations, made.snapshot.base, lambda: job.stages.is_over)
    snapshot = job.forge.snapshot() if made.operations else made.snapshot
    # As the next run would see it: a run that changes nothing then finds nothing to write either.
    circumstances = Circumstances(job.now, made.mined.is_complete, made.obsolete)
    after = reconcile(snapshot, made.drafts, job.judge.manners, circumstances)
    held = (*after.held, *made.not_grouped)
    board = dashboard(snapshot, held, job.judge.manners, _findings(job, made, done))
    if board is not None:
        execute(job.forge, board, snapshot.base)
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
    names = {connection.id: connection.name for connection in made.connections}
    quiet = [
        (names[each.connection_id], each.reason)
        for each in made.advice
        if not isinstance(each, Recommendation)
    ]
    clashes = [
        (each.connection, f"policies contradict each other: {each}") for each in made.conflicts
    ]
    return Findings(health, made.phases, [*clashes, *quiet, *map(_why_withheld, made.withheld)])


def _why_withheld(withheld: Withheld) -> tuple[str, str]:
    why = withheld.why
    if isinstance(why, Deny):
        said = "; ".join(f"{each.policy} denies it ({each.where})" for each in why.citations)
    else:
        said = why.detail
    return withheld.connection.name, said


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


def edit(
    job: Job,
    indexes: Sequence[tuple[TerraformRoot, Index]],
    situation: Situation,
    judged: Sequence[Judged],
) -> tuple[tuple[Candidate[Carried], ...], tuple[Withheld, ...]]:
    """Find and prove the one literal behind each recommendation that policy lets through."""
    found: list[tuple[int, Candidate[Carried]]] = []
    withheld = [
        Withheld(each.connection, each.recommendation, each.verdict)
        for each in judged
        if isinstance(each.verdict, Deny)
    ]
    waiting = [each for each in judged if not isinstance(each.verdict, Deny)]
    refusals: dict[int, Refusal] = {}
    for root, indexed in indexes if waiting else ():
        wanted = [Wanted(each.connection, each.recommendation) for each in waiting]
        left: list[Judged] = []
        for each, outcome in zip(
            waiting, edits(indexed, situation.connections, wanted, job.addresses), strict=True
        ):
            if isinstance(outcome, Edit):
                rank = each.recommendation.rank
                found.append((rank, _candidate(job, each, outcome, (root, situation))))
                continue
            left.append(each)
            if outcome is not None:
                refusals.setdefault(id(each), outcome)
        waiting = left
    withheld += [
        Withheld(each.connection, each.recommendation, refusals.get(id(each), _NOWHERE))
        for each in waiting
    ]
    ranked = sorted(found, key=lambda pair: pair[0])
    return tuple(candidate for _rank, candidate in ranked), tuple(withheld)


_NOWHERE = Refusal(
    RefusalReason.NOT_FOUND,
    "no Terraform root declares it under its name; write its address under "
    "terraform.connections in trimtab.yaml",
)


def _index(root: TerraformRoot, repository: Path) -> tuple[TerraformRoot, Index]:
    return root, index(open_root(repository / root.path, root.var_files))


def _approvers(job: Job, judged: Judged) -> tuple[str, ...]:
    if not isinstance(judged.verdict, NeedsApproval):
        return ()
    named = Approvers(job.judge.rules).approvers(judged.verdict.level, judged.subject)
    return tuple(sorted(named))


def _candidate(
    job: Job, judged: Judged, edited: Edit, place: tuple[TerraformRoot, Situation]
) -> Candidate[Carried]:
    root, situation = place
    # A literal may sit in a module beside the root; pull requests want paths of the repository.
    file = posixpath.normpath(posixpath.join(root.path, edited.site.file))
    subject, change = judged.subject, ProposedChange(judged.recommendation, judged.verdict, edited)
    connection = subject.connection
    citations = judged.verdict.citations
    return Candidate(
        change=track(change, file),
        edit=edited,
        name=connection.name,
        workspace=subject.workspace,
        risk=assess(judged.recommendation, subject.downstream).risk.label,
        carried=Carried(
            subject,
            change,
            file,
            next_sync=situation.forecasts.get(connection.id),
            month=situation.months.get(connection.id),
            approvers=_approvers(job, judged),
        ),
        team=subject.owner,
        policy=citations[0].policy if citations else None,
    )


def _frame(job: Job, situation: Situation) -> Frame:
    return Frame(
        files_url=job.files_url,
        names={each.id: each.name for each in situation.connections},
        policies=job.judge.rules.digest,
        version=bot.__version__,
    )


def _propose(grouped: Group[Carried], frame: Frame, repository: Path) -> Proposed:
    files = rewrite(grouped.candidates, lambda file: (repository / file).read_bytes())
    return Proposed(grouped, compose(grouped, frame, files))


def _obsolete(
    snapshot: Snapshot,
    situation: Situation,
    advice: Sequence[Advice],
    withheld: Sequence[Withheld],
    indexes: Sequence[tuple[TerraformRoot, Index]],
) -> Mapping[Target, Obsolete]:
    """Gather the positive evidence against what open pull requests propose."""

    def written(change: SettingChange) -> str | None:
        sites = (locate(indexed, change.address, change.path) for _root, indexed in indexes)
        return next((site.value for site in sites if isinstance(site, Site)), None)

    denied = {
        Target(each.connection.id, each.recommendation.change.setting): _why_withheld(each)[1]
        for each in withheld
        if isinstance(each.why, Deny)
    }
    return find_obsolete(snapshot, Signs(situation.connections, advice, denied, written))
