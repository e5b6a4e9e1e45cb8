"""A plan as the figures and sentences that a summary shows."""

from bot.domain.edit import Refusal
from bot.domain.recommendation import Recommendation
from bot.domain.verdict import Deny, NeedsApproval, Verdict
from bot.job import Plan, Proposed, Withheld
from bot.pulls.forge import EditBody, HandsOff, OpenPull, Operation, UpdateBranch
from bot.report.summary import Entry, Fate, Summary


def summarise(made: Plan) -> Summary:
    """Outline what a run found and what becomes of each pull request."""
    names = {connection.id: connection.name for connection in made.connections}
    operations = {_branch(operation): operation for operation in made.operations}
    return Summary(
        new_syncs=sum(mine.new for mine in made.mined.mines),
        changed_syncs=sum(mine.changed for mine in made.mined.mines),
        connections=len(made.connections),
        unread=(
            *made.mined.unread,
            *(sentence for mine in made.mined.mines for sentence in mine.unread),
        ),
        entries=tuple(_entry(each, operations.get(each.draft.branch)) for each in made.proposed),
        withheld=tuple((each.connection.name, _why(each)) for each in made.withheld),
        quiet=tuple(
            (names[each.connection_id], each.reason)
            for each in made.advice
            if not isinstance(each, Recommendation)
        ),
    )


def _branch(operation: Operation) -> str:
    return operation.branch if isinstance(operation, HandsOff) else operation.draft.branch


def _entry(proposed: Proposed, operation: Operation | None) -> Entry:
    fate, note = Fate.KEEP, ""
    match operation:
        case OpenPull():
            fate = Fate.OPEN
        case UpdateBranch():
            fate = Fate.UPDATE
        case EditBody():
            fate = Fate.REWORD
        case HandsOff(reason=reason):
            fate, note = Fate.HANDS_OFF, reason
    (file,) = proposed.draft.files
    where = f"{file}:{proposed.change.edit.site.line}"
    approval = _approval(proposed.change.verdict)
    return Entry(fate, proposed.draft.title, proposed.draft.branch, where, approval, note)


def _approval(verdict: Verdict) -> str:
    if isinstance(verdict, NeedsApproval):
        cited = verdict.citations[0].where if verdict.citations else "no policy speaks of it"
        return f"{verdict.level.label} approves ({cited})"
    return "no approval asked for"


def _why(withheld: Withheld) -> str:
    match withheld.why:
        case Deny(citations=citations):
            return "; ".join(f"{c.policy} denies it ({c.where}): {c.sentence}" for c in citations)
        case Refusal(detail=detail, file=file, line=line):
            return f"{detail} ({file}:{line})" if file else detail
