"""The sentences of a body: money, approval, verdicts, what is not known, what was not looked at."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bot.domain.connection import KnobValue, SyncMode
from bot.domain.forecast import Evidence, Quantiles, Unknown
from bot.domain.knob import Bounds, Knob
from bot.domain.money import Money
from bot.domain.recommendation import KnobChange, ScheduleChange
from bot.domain.verdict import Allow, ApprovalLevel, Citation, Deny, NeedsApproval, Verdict
from bot.pulls.body_content import Carried, Frame
from bot.pulls.body_text import cell, code, md
from bot.pulls.body_words import count, say_measure, say_money, shift

_ASKS = {
    ApprovalLevel.AUTO: "Policy asks for no approval.",
    ApprovalLevel.OWNER: "Needs **1 approval** by its owner",
    ApprovalLevel.TEAM: "Needs **1 approval** by the team",
    ApprovalLevel.TWO_PERSON: "Needs **2 approvals**",
    ApprovalLevel.BLOCKED: "Blocked by policy",
}


_SPARES = Decimal("0.05")  # what is shown as 0.0 is no reason


def level_of(verdict: Verdict) -> ApprovalLevel:
    """Return who has to agree.

    Raises:
        ValueError: policy denies it, so that no pull request may carry it.
    """
    match verdict:
        case Allow():
            return ApprovalLevel.AUTO
        case NeedsApproval(level):
            return level
        case Deny():
            raise ValueError("a denied recommendation is never composed")


def approval(changes: Sequence[Carried], *, merges_itself: bool = False) -> str:
    """Say who has to agree to all of the changes together: the strongest level counts."""
    level = max(level_of(each.change.verdict) for each in changes)
    asked = [each for each in changes if level_of(each.change.verdict) is level]
    if level is ApprovalLevel.AUTO:
        return (
            f"{_ASKS[level]} It merges once every check passes." if merges_itself else _ASKS[level]
        )
    names = dict.fromkeys(name for each in asked for name in each.approvers)
    whom = f" ({', '.join(code(name) for name in names)})" if names else ""
    return f"{_ASKS[level]}{whom}."


def deadlines(change: Quantiles[Decimal] | Unknown) -> str:
    """Say how many missed deadlines a change spares, nothing where it spares none that count."""
    if isinstance(change, Unknown) or abs(change.p50) < _SPARES:
        return ""
    low, middle, high = change.p05, change.p50, change.p95
    more = " more"
    if middle < 0:
        low, middle, high, more = -high, -middle, -low, " fewer"
    ends = " … ".join(say_measure(end).replace("-", "−", 1) for end in (low, high))
    return f"Misses an estimated {say_measure(middle)}{more} deadlines a month (90 % interval {ends}). "


def money(savings: Sequence[Quantiles[Money] | Unknown]) -> str:
    """Say what the changes save or cost together, each currency for itself, or that nothing is claimed."""
    known = [saving for saving in savings if isinstance(saving, Quantiles)]
    unknown = [saving for saving in savings if isinstance(saving, Unknown)]
    if not known:
        reasons = dict.fromkeys(saving.reason for saving in unknown)
        return f"No saving is claimed: {'; '.join(md(reason).rstrip('.') for reason in reasons)}."
    currencies = dict.fromkeys(saving.p50.currency for saving in known)
    said = " ".join(_claim([s for s in known if s.p50.currency == each]) for each in currencies)
    if unknown:
        said += f" For {len(unknown)} of {len(savings)} nothing is claimed."
    return said


def _claim(savings: Sequence[Quantiles[Money]]) -> str:
    first = Money.zero(savings[0].p50.currency)
    low, middle, high = (
        sum((getattr(saving, name) for saving in savings), first) for name in ("p05", "p50", "p95")
    )
    if middle.amount < 0:
        low, middle, high = -high, -middle, -low
        verb, more = "Costs", " more"
    else:
        verb, more = "Saves", ""
    ends = f"90 % interval {say_money(low)} … {say_money(high)}"
    if len(savings) > 1:
        ends += f", the ends of {len(savings)} predictions added"
    if say_money(middle) == say_money(first):
        return f"Leaves the bill about as it is (saved a month: {ends})."
    return f"{verb} an estimated {say_money(middle)}{more} a month ({ends})."


def evidence_line(evidence: Evidence) -> str:
    """Say what the numbers rest on: how many syncs, of which days."""
    days = max(1, round((evidence.end - evidence.start).total_seconds() / 86_400))
    return (
        f"{count(evidence.n, 'sync')} in {count(days, 'day')}, "
        f"{evidence.start.date()} to {evidence.end.date()}"
    )


def unknowns(carried: Carried) -> list[tuple[str, str]]:
    """List what is not known of the effect, with the reasons; money is said in the headline."""
    effect = carried.recommendation.effect
    given = {"time a sync takes": effect.duration, "missed deadlines": effect.deadlines}
    return [(name, value.reason) for name, value in given.items() if isinstance(value, Unknown)]


def not_checked(changes: Iterable[Carried]) -> str:
    """Say what nobody has looked at, so that the reviewer can."""
    given = list(changes)
    missing = ["what people do with the data outside of what lineage shows"]
    if not all(each.subject.downstream.is_read for each in given):
        missing[0] = "who reads the data (no lineage is on record)"
    if not all(each.next_sync for each in given):
        missing.append("how long the syncs take from now on (no forecast was made)")
    return ", ".join(missing)


def streams(carried: Carried) -> str:
    """Say how the streams are read, which decides what another number of syncs does to the bill."""
    change, own = carried.recommendation.change, carried.connection.streams
    if not own or not isinstance(change, ScheduleChange):
        return ""
    if shift(change.before, change.after, carried.recommendation.evidence.start) is not None:
        return ""
    full = sum(stream.sync_mode is SyncMode.FULL_REFRESH for stream in own)
    if not full:
        return f"None of {count(len(own), 'stream')} is read in full; each sync moves what changed."
    others = "; the others move what changed, however often" if full < len(own) else ""
    return (
        f"{full} of {count(len(own), 'stream')} {'is' if full == 1 else 'are'} read in full at each "
        f"sync, so that fewer syncs move fewer rows{others}."
    )


def limits(carried: Carried) -> str:
    """Say what a knob may be set to, and whether the proposal is at the end of that."""
    change = carried.recommendation.change
    if not isinstance(change, KnobChange):
        return ""
    knob = change.knob
    caution = f" ({md(knob.caution)})" if knob.caution else ""
    said = (
        f"trimtab may set {_bounds(knob.bounds)}{caution}; "
        f"the connector's own specification {_specified(knob.spec)}."
    )
    if _at_end(knob, change.after):
        said += " **The proposed value is the end of that: the best one may lie beyond.**"
    return said


def _bounds(bounds: Bounds) -> str:
    return "any value" if bounds == Bounds() else code(_grouped(bounds))


def _grouped(bounds: Bounds) -> str:
    ends = ("" if end is None else f"{end:,.12g}" for end in (bounds.low, bounds.high))
    return " … ".join(ends).strip()


def _specified(spec: Bounds) -> str:
    return "gives no limit" if spec == Bounds() else f"allows {_bounds(spec)}"


def _at_end(knob: Knob, after: KnobValue) -> bool:
    number = knob.number(after)
    return number is not None and number in {knob.bounds.low, knob.bounds.high}


def figures(carried: Carried) -> list[str]:
    """Say what the evidence amounts to, one figure each."""
    given = carried.recommendation.figures.items()
    return [f"{md(name.replace('_', ' '))}: {md(value)}" for name, value in given]


def neighbours(carried: Carried, frame: Frame) -> list[str]:
    """Say which other connections it concerns: later for it, needed before it."""
    recommendation = carried.recommendation
    said = []
    if recommendation.effect.delays:
        later = ", ".join(
            f"{code(frame.name(key))} by {say_measure(span)}"
            for key, span in recommendation.effect.delays.items()
        )
        said.append(f"**Finish later for it:** {later}.")
    if recommendation.depends_on:
        first = ", ".join(code(frame.name(key)) for key in recommendation.depends_on)
        said.append(f"**Holds only after** the changes of {first} are applied.")
    return said


@dataclass(frozen=True, slots=True)
class PolicyLine:
    """One line of the policy table."""

    mark: str
    policy: str
    sentence: str
    where: str


def policy_lines(changes: Iterable[Carried], frame: Frame) -> list[PolicyLine]:
    """List every rule that spoke, once each, those that ask for something first."""
    lines: dict[PolicyLine, None] = {}
    for each in sorted(changes, key=lambda each: -level_of(each.change.verdict)):
        asks = isinstance(each.change.verdict, NeedsApproval)
        for citation in each.change.verdict.citations:
            lines[_policy_line(citation, frame, "🟡 asks" if asks else "✅ allows")] = None
    return list(lines)


def _policy_line(citation: Citation, frame: Frame, mark: str) -> PolicyLine:
    looked_at = ", ".join(f"{md(name)} {md(value)}" for name, value in citation.inputs.items())
    return PolicyLine(
        mark,
        cell(citation.policy),
        md(citation.sentence) + (f" ({looked_at})" if looked_at else ""),
        frame.link_cell(citation.file, citation.line),
    )
