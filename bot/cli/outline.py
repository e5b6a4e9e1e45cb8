"""A plan as the figures and sentences that a summary shows."""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce

from bot.domain.edit import Refusal
from bot.domain.forecast import Quantiles, Unknown
from bot.domain.money import Money
from bot.domain.verdict import Deny, NeedsApproval, Verdict, combine
from bot.drafts import Proposed, Withheld
from bot.job import Plan, left_alone
from bot.pulls.held import Held, HeldReason
from bot.pulls.operations import (
    ClosePull,
    DeleteBranch,
    EditBody,
    FinishUpdate,
    OpenPull,
    SetAutoMerge,
    SetLabels,
    UpdateBranch,
)
from bot.report.summary import Entry, Fate, Summary

_Key = tuple[str, tuple[str, ...]]


def summarise(made: Plan) -> Summary:
    """Outline what a run found and what becomes of each pull request."""
    fates = dict(_fates(made))
    held = {(each.title, each.connections): each for each in reversed(made.held)}
    drafted = {(draft.title, draft.connections) for draft in made.drafts}
    return Summary(
        new_syncs=sum(mine.new for mine in made.mined.mines),
        changed_syncs=sum(mine.changed for mine in made.mined.mines),
        connections=len(made.connections),
        unread=(
            *made.mined.unread,
            *(sentence for mine in made.mined.mines for sentence in mine.unread),
        ),
        entries=(*(_entry(each, held, fates) for each in made.proposed), *_tidying(made)),
        withheld=(
            *(
                (each.connection, f"policies contradict each other: {each}")
                for each in made.conflicts
            ),
            *((each.connection.name, _why(each)) for each in made.withheld),
            *((each.title, _held(each)) for key, each in held.items() if key not in drafted),
        ),
        quiet=tuple(left_alone(made)),
    )


def _fates(made: Plan) -> Iterator[tuple[str, Fate]]:
    """Yield the identities of drafts with what becomes of them, the strongest last."""
    identities = {
        pull.number: pull.metadata.identity for pull in made.snapshot.pulls if pull.metadata
    }
    for operation in made.operations:
        match operation:
            case EditBody(number) | SetLabels(number) | SetAutoMerge(number):
                yield identities[number], Fate.REWORD
    for operation in made.operations:
        match operation:
            case OpenPull(draft):
                yield draft.identity, Fate.OPEN
            case UpdateBranch(draft=draft):
                yield draft.identity, Fate.UPDATE
            case FinishUpdate(number):
                yield identities[number], Fate.UPDATE


def _entry(proposed: Proposed, waiting: Mapping[_Key, Held], fates: Mapping[str, Fate]) -> Entry:
    draft, note = proposed.draft, ""
    fate = fates.get(draft.identity, Fate.KEEP)
    held = waiting.get((draft.title, draft.connections))
    if held is not None:
        people = held.reason is HeldReason.HANDS_OFF
        fate, note = Fate.HANDS_OFF if people else Fate.HELD, _held(held)
    changes = [candidate.carried for candidate in proposed.group.candidates]
    places = [f"{each.file}:{each.edit.site.line}" for each in changes]
    where = places[0] if len(places) == 1 else f"{places[0]} and {len(places) - 1} more"
    verdict = combine(each.change.verdict for each in changes)
    saving = _saving([each.change.recommendation.effect.saving for each in changes])
    return Entry(fate, draft.title, draft.branch, where, _approval(verdict), note, saving)


def _saving(savings: Sequence[Quantiles[Money] | Unknown]) -> Quantiles[Money] | None:
    """Add up what the changes of a pull request save; None when one of them is not known."""
    known = [each for each in savings if isinstance(each, Quantiles)]
    if len(known) < len(savings) or len({each.p50.currency for each in known}) != 1:
        return None
    nothing = Quantiles.exactly(Money.zero(known[0].p50.currency))
    return reduce(_plus, known, nothing)


def _plus(one: Quantiles[Money], other: Quantiles[Money]) -> Quantiles[Money]:
    return Quantiles(
        one.p05 + other.p05, one.p50 + other.p50, one.p80 + other.p80, one.p95 + other.p95
    )


def _tidying(made: Plan) -> Iterator[Entry]:
    """Yield what happens to pull requests and branches that nothing is drafted for."""
    pulls = {pull.number: pull for pull in made.snapshot.pulls}
    drafted = {draft.identity for draft in made.drafts}
    for operation in made.operations:
        match operation:
            case ClosePull(number, branch):
                yield Entry(Fate.CLOSE, pulls[number].title, branch, f"#{number}", operation.reason)
            case FinishUpdate(number, branch):
                noted = pulls[number].metadata
                if noted is None or noted.identity not in drafted:
                    why = "a run died while it updated this"
                    yield Entry(Fate.UPDATE, pulls[number].title, branch, f"#{number}", why)
            case DeleteBranch(branch):
                yield Entry(Fate.CLOSE, branch, branch, "branch", "a run that died left it behind")


def _held(held: Held) -> str:
    until = f", until {held.until:%Y-%m-%d %H:%M} UTC" if held.until else ""
    return f"{held.reason}: {held.detail}{until}"


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
