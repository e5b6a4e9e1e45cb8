"""A plan as the figures and sentences that a summary shows."""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce

from bot.domain.edit import Refusal
from bot.domain.forecast import Quantiles, Unknown
from bot.domain.money import Money
from bot.domain.verdict import Deny, NeedsApproval, Verdict, combine
from bot.drafts import Proposed, Withheld
from bot.job import Plan, left_alone
from bot.pulls.execution import Done
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


def summarise(made: Plan, done: Done | None = None) -> Summary:
    """Outline what a run found and what becomes of each pull request.

    `done` is what has become of the plan's operations, None where they are not carried out.
    """
    undone = {} if done is None else _undone(made, done)
    fates = dict(_fates(made, undone))
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
        entries=(*(_entry(each, held, fates) for each in made.proposed), *_tidying(made, undone)),
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


def _undone(made: Plan, done: Done) -> dict[int, str]:
    """Return why operations have not been carried out, by their place in the plan."""
    reasons = {id(operation): f"refused: {error.message}" for operation, error in done.failures}
    reasons |= {id(operation): "no time was left; the next run does it" for operation in done.left}
    places = enumerate(made.operations)
    return {at: reasons[id(each)] for at, each in places if id(each) in reasons}


def _fates(made: Plan, undone: Mapping[int, str]) -> Iterator[tuple[str, tuple[Fate, str]]]:
    """Yield the identities of drafts with what becomes of them and why, the strongest last."""
    identities = {
        pull.number: pull.metadata.identity for pull in made.snapshot.pulls if pull.metadata
    }
    for place, operation in enumerate(made.operations):
        match operation:
            case EditBody(number) | SetLabels(number) | SetAutoMerge(number):
                yield identities[number], _fate(Fate.REWORD, undone.get(place))
    for place, operation in enumerate(made.operations):
        match operation:
            case OpenPull(draft):
                yield draft.identity, _fate(Fate.OPEN, undone.get(place))
            case UpdateBranch(draft=draft):
                yield draft.identity, _fate(Fate.UPDATE, undone.get(place))
            case FinishUpdate(number):
                yield identities[number], _fate(Fate.UPDATE, undone.get(place))


def _fate(planned: Fate, why_not: str | None) -> tuple[Fate, str]:
    return (planned, "") if why_not is None else (Fate.HELD, why_not)


def _entry(
    proposed: Proposed, waiting: Mapping[_Key, Held], fates: Mapping[str, tuple[Fate, str]]
) -> Entry:
    draft = proposed.draft
    fate, note = fates.get(draft.identity, (Fate.KEEP, ""))
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


def _tidying(made: Plan, undone: Mapping[int, str]) -> Iterator[Entry]:
    """Yield what happens to pull requests and branches that nothing is drafted for."""
    pulls = {pull.number: pull for pull in made.snapshot.pulls}
    drafted = {draft.identity for draft in made.drafts}
    for place, operation in enumerate(made.operations):
        why_not = undone.get(place)
        match operation:
            case ClosePull(number, branch):
                fate, note = _fate(Fate.CLOSE, why_not)
                title = pulls[number].title
                yield Entry(fate, title, branch, f"#{number}", operation.reason, note)
            case FinishUpdate(number, branch):
                noted = pulls[number].metadata
                if noted is None or noted.identity not in drafted:
                    fate, note = _fate(Fate.UPDATE, why_not)
                    why = "a run died while it updated this"
                    yield Entry(fate, pulls[number].title, branch, f"#{number}", why, note)
            case DeleteBranch(branch):
                fate, note = _fate(Fate.CLOSE, why_not)
                why = "a run that died left it behind"
                yield Entry(fate, branch, branch, "branch", why, note)


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
