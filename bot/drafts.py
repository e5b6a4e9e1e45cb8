"""Drafts: from recommendations that policy lets through to the pull requests that there should be."""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import bot
from bot.advise.advisor import Situation
from bot.domain.connection import Connection
from bot.domain.edit import Edit, Refusal, RefusalReason, Site
from bot.domain.proposal import ProposedChange
from bot.domain.recommendation import Advice, Recommendation
from bot.domain.subject import Subject
from bot.domain.verdict import Deny, NeedsApproval, Verdict
from bot.policy.approvers import Approvers
from bot.policy.rules import Rules
from bot.pulls.body_content import Carried, Frame
from bot.pulls.change import SettingChange, Target
from bot.pulls.closing import Obsolete
from bot.pulls.compose import compose
from bot.pulls.draft import Draft
from bot.pulls.grouping import Candidate, Group, rewrite
from bot.pulls.obsolescence import Signs, find_obsolete
from bot.pulls.risk import assess
from bot.pulls.snapshot import Snapshot
from bot.pulls.tracking import track
from bot.terraform.index import Index, index
from bot.terraform.locate import locate
from bot.terraform.recommended import Wanted, edits
from bot.terraform.root import open_root
from bot.terraform.soundness import UnsoundError


@dataclass(frozen=True, slots=True)
class TerraformRoot:
    """A root in the forge's repository, and the variable files that it is applied with."""

    path: str
    var_files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Desk:
    """What recommendations are turned into drafts with: the base's files, what was looked at, the rules.

    `roots` pairs each root with what it declares. `addresses` maps connection ids to Terraform
    addresses where the team has written them down; `files_url` is where files are shown.
    """

    repository: Path
    roots: Sequence[tuple[TerraformRoot, Index]]
    situation: Situation
    rules: Rules
    addresses: Mapping[str, str]
    files_url: str = ""

    @property
    def frame(self) -> Frame:
        """Return what the bodies of one run share."""
        return Frame(
            files_url=self.files_url,
            names={each.id: each.name for each in self.situation.connections},
            policies=self.rules.digest,
            version=bot.__version__,
        )


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


def open_roots(
    repository: Path, roots: Sequence[TerraformRoot]
) -> list[tuple[TerraformRoot, Index]]:
    """Read the roots of a repository.

    Raises:
        TerraformError: one cannot be read.
    """
    found = []
    for root in roots:
        with _named_from_the_top(root):
            found.append((root, index(open_root(repository / root.path, root.var_files))))
    return found


@contextmanager
def _named_from_the_top(root: TerraformRoot) -> Iterator[None]:
    """Name the place of what is wrong with a root as people see it: in the repository."""
    try:
        yield
    except UnsoundError as error:
        file = _in_repository(root, error.file)
        raise UnsoundError(error.detail, file, error.line, error.reason) from error


def _in_repository(root: TerraformRoot, file: str) -> str:
    """Return the path in the repository; a file may lie in a module beside the root."""
    return posixpath.normpath(posixpath.join(root.path, file))


def _from_repository(refusal: Refusal, root: TerraformRoot) -> Refusal:
    if refusal.file is None:
        return refusal
    return replace(refusal, file=_in_repository(root, refusal.file))


def edit(
    desk: Desk, judged: Sequence[Judged]
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
    for root, indexed in desk.roots if waiting else ():
        wanted = [Wanted(each.connection, each.recommendation) for each in waiting]
        left: list[Judged] = []
        with _named_from_the_top(root):
            outcomes = edits(indexed, desk.situation.connections, wanted, desk.addresses)
        for each, outcome in zip(waiting, outcomes, strict=True):
            if isinstance(outcome, Edit):
                rank = each.recommendation.rank
                found.append((rank, _candidate(desk, each, outcome, root)))
                continue
            left.append(each)
            if outcome is not None:
                refusals.setdefault(id(each), _from_repository(outcome, root))
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


def _approvers(desk: Desk, judged: Judged) -> tuple[str, ...]:
    if not isinstance(judged.verdict, NeedsApproval):
        return ()
    named = Approvers(desk.rules).approvers(judged.verdict.level, judged.subject)
    return tuple(sorted(named))


def _candidate(desk: Desk, judged: Judged, edited: Edit, root: TerraformRoot) -> Candidate[Carried]:
    file = _in_repository(root, edited.site.file)
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
            next_sync=desk.situation.forecasts.get(connection.id),
            month=desk.situation.months.get(connection.id),
            approvers=_approvers(desk, judged),
        ),
        team=subject.owner,
        policy=citations[0].policy if citations else None,
    )


def propose(desk: Desk, groups: Sequence[Group[Carried]]) -> tuple[Proposed, ...]:
    """Write the pull request of each group."""
    frame = desk.frame
    return tuple(
        Proposed(
            each,
            compose(
                each,
                frame,
                rewrite(each.candidates, lambda file: (desk.repository / file).read_bytes()),
            ),
        )
        for each in groups
    )


def obsolete(
    desk: Desk, snapshot: Snapshot, advice: Sequence[Advice], withheld: Sequence[Withheld]
) -> Mapping[Target, Obsolete]:
    """Gather the positive evidence against what open pull requests propose."""

    def written(change: SettingChange) -> str | None:
        sites = (locate(indexed, change.address, change.path) for _root, indexed in desk.roots)
        return next((site.value for site in sites if isinstance(site, Site)), None)

    denied = {
        Target(each.connection.id, each.recommendation.change.setting): why_withheld(each)
        for each in withheld
        if isinstance(each.why, Deny)
    }
    return find_obsolete(snapshot, Signs(desk.situation.connections, advice, denied, written))


def why_withheld(withheld: Withheld) -> str:
    """Say in a few words why something is not proposed."""
    why = withheld.why
    if isinstance(why, Deny):
        return "; ".join(f"{each.policy} denies it ({each.where})" for each in why.citations)
    return why.detail
