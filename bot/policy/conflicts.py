"""Conflicts: policies that cannot all be kept, with who conflicts with whom."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from itertools import combinations

from bot.domain.forecast import Forecast, Unknown
from bot.domain.promises import Deadline, Window, WindowKind
from bot.domain.spans import format_span
from bot.domain.verdict import ApprovalLevel, Citation
from bot.policy.approvers import Approvers
from bot.policy.rules import Rules
from bot.policy.standing import Said, Standing

_AHEAD = timedelta(days=35)
_LONGEST_WAIT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Rules that cannot all be kept for one connection; `parties` are where they are written."""

    connection: str
    sentence: str
    parties: tuple[Citation, ...]

    def __str__(self) -> str:
        who = " with ".join(f"{each.policy} ({each.where})" for each in self.parties)
        return f"{self.connection}: {self.sentence}: {who}"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of a connection when conflicts are looked for; None is "not known"."""

    now: datetime
    next_sync: Forecast | None = None
    month: Forecast | None = None


def conflicts(rules: Rules, standing: Standing, outlook: Outlook) -> list[Conflict]:
    """Find what one connection's rules ask for and cannot have.

    What is not known conflicts with nothing: without forecasts only the rules are held against
    each other.
    """
    name = standing.subject.connection.name
    found = (
        *_bounds(standing),
        *_deadlines(standing, outlook),
        *_staleness(standing, outlook),
        *_caps(standing, outlook),
        *_approvers(rules, standing),
    )
    return [Conflict(name, sentence, parties) for sentence, parties in found]


def strangers(rules: Rules, paths: Collection[str]) -> list[str]:
    """Name the knobs that policies bound and that no connector is known to have.

    Args:
        rules: all that a folder says.
        paths: the paths of all knobs that are known.
    """
    found = []
    for rule in rules.all():
        for path in rule.clauses.limits.knobs:
            if path not in paths:
                near = get_close_matches(path, paths, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                where = rule.where("limits", "knobs", path)
                found.append(f"{where}: no connector is known to have a knob {path!r}{hint}")
    return found


Found = Iterator[tuple[str, tuple[Citation, ...]]]


def _bounds(standing: Standing) -> Found:
    """Two policies leave a knob no value."""
    rules = (*standing.binding, *standing.fallbacks)
    for path in sorted({path for rule in rules for path in rule.clauses.limits.knobs}):
        for one, other in combinations(standing.bounds(path), 2):
            joined = one.value.intersect(other.value)
            if joined.low is not None and joined.high is not None and joined.low > joined.high:
                sentence = f"{path} cannot be {one.value} and {other.value}"
                yield sentence, (one.cite(sentence), other.cite(sentence))


def _deadlines(standing: Standing, outlook: Outlook) -> Found:
    """Blackouts leave no room for a sync before a deadline."""
    takes = _takes(outlook)
    blackouts = standing.windows(WindowKind.BLACKOUT)
    for said in standing.deadlines():
        for moment in said.value.instants(outlook.now, outlook.now + _AHEAD):
            opens = _opens(said.value, moment)
            room, guilty = _room(opens, moment, blackouts)
            if room < takes or room == timedelta():
                need = f"; it takes {format_span(takes)}" if takes else ""
                sentence = (
                    f"{format_span(room)} are left to finish by {moment:%Y-%m-%d %H:%M} UTC{need}"
                )
                cited = (said.cite(sentence), *(each.cite(sentence) for each in guilty))
                yield sentence, cited
                break


def _opens(deadline: Deadline, moment: datetime) -> datetime:
    """Return from when on a sync counts for a deadline."""
    if deadline.after is None:
        return moment - _LONGEST_WAIT
    start = Deadline("", deadline.after, deadline.zone)
    earlier = list(start.instants(moment - _LONGEST_WAIT, moment))
    return earlier[-1] if earlier else moment - _LONGEST_WAIT


def _room(
    opens: datetime, closes: datetime, blackouts: list[Said[Window]]
) -> tuple[timedelta, list[Said[Window]]]:
    """Return the longest stretch between two instants that no blackout covers, and who covers."""
    spans = []
    guilty = []
    for said in blackouts:
        found = list(said.value.spans(opens, closes))
        spans += found
        if found:
            guilty.append(said)
    longest, free_from = timedelta(), opens
    for start, end in sorted(spans):
        longest = max(longest, start - free_from)
        free_from = max(free_from, end)
    return max(longest, closes - free_from, timedelta()), guilty


def _staleness(standing: Standing, outlook: Outlook) -> Found:
    """Data has to be younger than a blackout, or a sync, is long."""
    takes = _takes(outlook)
    for said in standing.said(
        lambda each: each.guarantee.max_staleness, "guarantee", "max_staleness"
    ):
        if takes and takes >= said.value:
            sentence = f"data cannot be younger than {format_span(said.value)}, since a sync takes "
            sentence += format_span(takes)
            yield sentence, (said.cite(sentence),)
        for window in standing.windows(WindowKind.BLACKOUT):
            if window.value.length >= said.value:
                sentence = (
                    f"data cannot be younger than {format_span(said.value)} "
                    f"while nothing may run for {format_span(window.value.length)}"
                )
                yield sentence, (said.cite(sentence), window.cite(sentence))


def _caps(standing: Standing, outlook: Outlook) -> Found:
    """A cap is below what the month is going to cost as it is."""
    cost = None if outlook.month is None else outlook.month.cost
    if cost is None or isinstance(cost, Unknown):
        return
    for said in standing.said(lambda each: each.limits.cost_cap, "limits", "cost_cap"):
        expected = getattr(cost, said.value.quantile)
        if said.value.per == "connection" and expected.amount > said.value.month:
            sentence = f"the cap of {said.value.month} is below the month as it is, {expected}"
            yield sentence, (said.cite(sentence),)


def _approvers(rules: Rules, standing: Standing) -> Found:
    """Policies name approvers, but none that all of them accept."""
    asking = Approvers(rules)
    for level, key in (
        (ApprovalLevel.OWNER, "owner"),
        (ApprovalLevel.TEAM, "team"),
        (ApprovalLevel.TWO_PERSON, "two-person"),
    ):
        named = standing.said(lambda each, key=key: each.approvers.get(key), "approvers", key)  # type: ignore[misc]
        if len(named) > 1 and not asking.approvers(level, standing.subject):
            sentence = f"nobody may approve as {key}: no name is in all lists"
            yield sentence, tuple(each.cite(sentence) for each in named)


def _takes(outlook: Outlook) -> timedelta:
    """Return how long a sync takes, at the median; nothing where it is not known."""
    duration = None if outlook.next_sync is None else outlook.next_sync.duration
    return timedelta() if duration is None or isinstance(duration, Unknown) else duration.p50
