"""Matching: which open pull request a draft is the wanted state of."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.pulls import trailers
from bot.pulls.draft import Draft
from bot.pulls.ownership import worked_on
from bot.pulls.snapshot import Pull, PullState, Snapshot


@dataclass(frozen=True, slots=True)
class Matches:
    """Drafts with their open pull request, those without, and those that came a second time."""

    pairs: tuple[tuple[Pull, Draft], ...]
    new: tuple[Draft, ...]
    repeated: tuple[Draft, ...]


def match(snapshot: Snapshot, drafts: Iterable[Draft]) -> Matches:
    """Find the open pull request of each draft: the oldest that nobody has worked on.

    A pull request is known by the identity in its metadata; where a person has damaged that, by the
    trailers of its commit, and by its branch.
    """
    by_name: dict[str, list[Pull]] = {}
    for pull in sorted(snapshot.pulls, key=lambda pull: pull.number):
        if pull.state is PullState.OPEN:
            for name in _names(snapshot, pull):
                by_name.setdefault(name, []).append(pull)
    pairs: list[tuple[Pull, Draft]] = []
    new: list[Draft] = []
    repeated: list[Draft] = []
    seen: set[str] = set()
    taken: set[int] = set()
    for draft in drafts:
        if draft.identity in seen:
            repeated.append(draft)
            continue
        seen.add(draft.identity)
        found = by_name.get(draft.identity) or by_name.get(draft.branch) or []
        free = [pull for pull in found if pull.number not in taken]
        if not free:
            new.append(draft)
            continue
        pull = min(free, key=lambda pull: worked_on(snapshot, pull) is not None)
        taken.add(pull.number)
        pairs.append((pull, draft))
    return Matches(tuple(pairs), tuple(new), tuple(repeated))


def _names(snapshot: Snapshot, pull: Pull) -> set[str]:
    if pull.metadata is not None:
        return {pull.metadata.identity}
    tip = snapshot.branches.get(pull.branch)
    signed = trailers.read(tip.message).get(trailers.IDENTITY) if tip else None
    return {pull.branch, signed} if signed else {pull.branch}
