"""Checks: what each kind of rule says of one case, always with the line that says it."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from bot.domain.connection import Cron, Schedule
from bot.domain.forecast import Quantiles, Unknown
from bot.domain.knob import KnobKind
from bot.domain.promises import Window, WindowKind
from bot.domain.recommendation import Confidence, KnobChange, ScheduleChange, StatusChange
from bot.domain.spans import format_span
from bot.domain.verdict import Allow, ApprovalLevel, Citation, Deny, NeedsApproval, Verdict
from bot.policy.case import UNBOUNDED, Case, increase, shift_between, starts_between, starts_ratio
from bot.policy.model import Trigger
from bot.policy.standing import RATIOS, Said, Standing

Reason = tuple[str, dict[str, str]]
"""A sentence, and what it was judged on."""
Check = Callable[[Standing, Case], Iterator[Verdict]]
_TEAM: Final = ApprovalLevel.TEAM
_AHEAD: Final = timedelta(days=35)
_CONFIDENCE: Final = {Confidence.LOW: 0, Confidence.MEDIUM: 1, Confidence.HIGH: 2}
_OTHER_FREQUENCY: Final = Decimal("1.05")
"""From this factor on, a schedule has another number of starts, and is no shift of the old one."""
_ENVIRONMENTS: Final = ("development", "sandbox")


def level_of(name: str) -> ApprovalLevel:
    """Read an approval level as policies spell it."""
    return ApprovalLevel[name.upper().replace("-", "_")]


def approval(standing: Standing, case: Case) -> Iterator[Verdict]:
    """Ask who approves what is within every limit; without a word of it, the team."""
    del case
    for said in standing.said(lambda each: each.approval, "approval"):
        level = level_of(said.value)
        if level is ApprovalLevel.BLOCKED:
            yield Deny((said.cite("it may not be changed"),))
        elif level is ApprovalLevel.AUTO:
            yield Allow((said.cite("no approval is asked for"),))
        else:
            yield NeedsApproval(level, (said.cite(f"{level.label} approves"),))


def doubt(standing: Standing, case: Case) -> Iterator[Verdict]:
    """Let the team look where it is not known whether a policy speaks of it."""
    del case
    for rule in standing.perhaps:
        said: Said[bool] = Said(True, rule, ("match",))
        sentence = "whether it matches is not known, and what is not known allows nothing"
        yield NeedsApproval(_TEAM, (said.cite(sentence),))


def phase(standing: Standing, case: Case) -> Iterator[Verdict]:
    """Hold back what has not been let in so far; the canary's steps are the fleet's business."""
    del case
    said = standing.phase()
    if said is None:
        yield _silent(standing, "no rule gives its phase, so it is only reported on", "phase")
        return
    if said.value == "monitor":
        yield Deny((said.cite("its phase is monitor: it is only reported on"),))
    if said.value == "dry-run":
        found = standing.granted(lambda each: each.environment, "environment")
        if not found or any(each.value not in _ENVIRONMENTS for each in found):
            named = found[0].value if found else "not declared"
            sentence = "its phase is dry-run, which changes development and sandbox only"
            yield Deny((said.cite(sentence, environment=named),))


def schedule(standing: Standing, case: Case) -> Iterator[Verdict]:
    """Bound how far starts move, and how many there are."""
    change = case.recommendation.change
    if not isinstance(change, ScheduleChange):
        return
    ratio = starts_ratio(change.before, change.after, case.now)
    if ratio is not None and ratio >= _OTHER_FREQUENCY:
        yield from _within_ratio(standing, "frequency", _total_ratio(ratio, case, standing))
        return
    limit = standing.shift()
    if limit is None:
        yield from _unmentioned(standing, "schedule_shift")
    elif ratio is None:
        sentence = "how far its starts move is not known, since it has no readable cron today"
        yield NeedsApproval(_TEAM, (limit.cite(sentence),))
    if limit is not None and isinstance(limit.value, timedelta):
        yield from _within_shift(limit, limit.value, case, standing)


def knob(standing: Standing, case: Case) -> Iterator[Verdict]:
    """Refuse a knob that no limit speaks of; bounds and steps have clamped the others before.

    What clamping could not judge, for want of a number, is for the team to see.
    """
    change = case.recommendation.change
    if not isinstance(change, KnobChange):
        return
    limit = standing.ratio(change.knob.kind.value)
    if limit is None:
        yield from _unmentioned(standing, RATIOS[change.knob.kind.value])
    elif isinstance(limit.value, Decimal) and increase(case, change.knob.kind) == UNBOUNDED:
        yield NeedsApproval(_TEAM, (limit.cite("by what factor it changes is not known"),))
    if change.knob.number(change.after) is None:
        for said in standing.bounds(change.knob.path)[:1]:
            sentence = f"whether {change.after} is within {said.value} is not known"
            yield NeedsApproval(_TEAM, (said.cite(sentence),))


def pause(standing: Standing, case: Case) -> Iterator[Verdict]:
    """Allow pausing only where it is written."""
    if isinstance(case.recommendation.change, StatusChange):
        said = standing.pauses()
        denials = [each for each in said if not each.value]
        for each in denials:
            yield Deny((each.cite("it may not be paused"),))
        if not said:
            yield from _unmentioned(standing, "pause")


def windows(standing: Standing, case: Case) -> Iterator[Verdict]:
    """Keep changes out of freezes, and syncs out of blackouts."""
    for said in standing.windows(WindowKind.FREEZE):
        if _is_open(said.value, case.now):
            yield Deny((said.cite(f"nothing may be changed during {said.value.name}"),))
    change = case.recommendation.change
    if not isinstance(change, ScheduleChange):
        return
    for said in standing.windows(WindowKind.BLACKOUT):
        worse = _inside(change.after, said.value, case)
        if worse and worse > _inside(change.before, said.value, case):
            sentence = f"no sync may run during {said.value.name}"
            yield Deny((said.cite(sentence, syncs=f"{worse} in {_AHEAD.days} days"),))


def promises(standing: Standing, case: Case) -> Iterator[Verdict]:
    """Refuse what misses more deadlines, and what burdens a connection that fails too often."""
    effect = case.recommendation.effect
    deadlines = standing.deadlines()
    if deadlines and isinstance(effect.deadlines, Quantiles) and effect.deadlines.p50 > 0:
        missed = f"{effect.deadlines.p50:.2f} a month"
        cited = deadlines[0].cite("it may not miss more deadlines than today", missed=missed)
        yield Deny((cited,))
    elif deadlines and isinstance(effect.deadlines, Unknown):
        sentence = "whether it misses more deadlines than today is not known"
        yield NeedsApproval(_TEAM, (deadlines[0].cite(sentence),))
    for rate in standing.said(
        lambda each: each.guarantee.min_success_rate, "guarantee", "min_success_rate"
    ):
        if not _burdens(case):
            continue
        if case.success_rate is None:
            yield NeedsApproval(_TEAM, (rate.cite("how often it succeeds is not known"),))
        elif case.success_rate < rate.value:
            sentence = f"below a success rate of {rate.value:.0%} nothing is added to its load"
            yield Deny((rate.cite(sentence, success_rate=f"{case.success_rate:.1%}"),))


def money(standing: Standing, case: Case) -> Iterator[Verdict]:
    """Keep costs under their caps, and increases small."""
    saving = case.recommendation.effect.saving
    worst = None if isinstance(saving, Unknown) else -saving.p05
    for said in standing.said(
        lambda each: each.limits.max_cost_increase, "limits", "max_cost_increase"
    ):
        if worst is None:
            yield NeedsApproval(_TEAM, (said.cite("what it costs is not known"),))
        elif worst.amount > said.value:
            sentence = f"costs may rise by {said.value} {worst.currency} a month at most"
            yield Deny((said.cite(sentence, increase=str(worst)),))
    for cap in standing.said(lambda each: each.limits.cost_cap, "limits", "cost_cap"):
        if cap.value.per != "connection":
            continue
        month = None if case.month is None else case.month.cost
        if month is None or isinstance(month, Unknown):
            if worst is None or worst.amount > 0:
                yield NeedsApproval(_TEAM, (cap.cite("the month's cost is not known"),))
            continue
        expected = getattr(month, cap.value.quantile)
        if expected.amount > cap.value.month and (worst is None or worst.amount > 0):
            sentence = f"the month may cost {cap.value.month} {expected.currency} at most"
            yield Deny((cap.cite(sentence, **{f"month ({cap.value.quantile})": str(expected)}),))


def pace(standing: Standing, case: Case) -> Iterator[Verdict]:
    """Keep changes of one setting apart, and few; pausing is no tuning, and not counted."""
    if isinstance(case.recommendation.change, StatusChange):
        return
    for said in standing.said(lambda each: each.limits.hysteresis, "limits", "hysteresis"):
        found = case.changed_since(case.now - said.value)
        sentence = f"no second change within {format_span(said.value)}"
        if found:
            yield Deny((said.cite(sentence, changed=f"{found[-1]:%Y-%m-%d}"),))
        else:
            yield from _not_watched(said, case, said.value)
    for budget in standing.said(lambda each: each.limits.change_budget, "limits", "change_budget"):
        made, per = case.changed_since(case.now - budget.value.per), budget.value.per
        if len(made) >= budget.value.changes:
            sentence = f"at most {budget.value.changes} changes in {format_span(per)}"
            yield Deny((budget.cite(sentence, changes=str(len(made))),))
        else:
            yield from _not_watched(budget, case, per)


def _not_watched(said: Said[Any], case: Case, span: timedelta) -> Iterator[Verdict]:
    if not case.watched_since(case.now - span):
        sentence = f"whether it was changed within {format_span(span)} is not known"
        yield NeedsApproval(_TEAM, (said.cite(sentence),))


def triggers(standing: Standing, case: Case) -> Iterator[Verdict]:
    """Ask for stronger approvals where something stands out; those of all rules add up."""
    defaults = [rule for rule in standing.fallbacks if rule.clauses.triggers][:1]
    rules = [*(rule for rule in standing.binding if rule.clauses.triggers), *defaults]
    for rule in rules:
        for number, trigger in enumerate(rule.clauses.triggers):
            for sentence, inputs in _pulled(trigger, case):
                said: Said[bool] = Said(True, rule, ("triggers", number))
                level = level_of(trigger.level)
                cited = (said.cite(sentence, **inputs),)
                if level is ApprovalLevel.BLOCKED:
                    yield Deny(cited)
                elif level is not ApprovalLevel.AUTO:
                    yield NeedsApproval(level, cited)


def _pulled(trigger: Trigger, case: Case) -> Iterator[Reason]:
    """Yield why a trigger is pulled, for each of its conditions that is met."""
    yield from _delaying(trigger, case)
    yield from _growing(trigger, case)
    yield from _costing(trigger, case)
    if trigger.confidence_below is not None:
        wanted, found = Confidence(trigger.confidence_below), case.recommendation.confidence
        if _CONFIDENCE[found] < _CONFIDENCE[wanted]:
            yield f"its confidence is below {wanted.value}", {"confidence": found.value}
    if trigger.pauses and isinstance(case.recommendation.change, StatusChange):
        yield "it pauses the connection", {}


def _delaying(trigger: Trigger, case: Case) -> Iterator[Reason]:
    change = case.recommendation.change
    longest = max(case.recommendation.effect.delays.values(), default=timedelta())
    if trigger.delays_others_by is not None and longest > trigger.delays_others_by:
        shown = format_span(trigger.delays_others_by)
        yield f"it delays another sync by more than {shown}", {"delay": format_span(longest)}
    if trigger.moves_by is not None and isinstance(change, ScheduleChange):
        moved = shift_between(change.before, change.after, case.now)
        if moved is None or moved > trigger.moves_by:
            shift = "not known" if moved is None else format_span(moved)
            yield f"it moves by more than {format_span(trigger.moves_by)}", {"shift": shift}


def _growing(trigger: Trigger, case: Case) -> Iterator[Reason]:
    for kind, share in (
        (KnobKind.PARALLELISM, trigger.parallelism_increase),
        (KnobKind.BATCH_SIZE, trigger.batch_size_increase),
    ):
        grown = increase(case, kind)
        if share is not None and grown is not None and grown >= share:
            yield f"{kind.value} grows by {share:.0%} or more", {"increase": f"{grown:.0%}"}


def _costing(trigger: Trigger, case: Case) -> Iterator[Reason]:
    saving = case.recommendation.effect.saving
    if trigger.cost_increase is None:
        return
    if isinstance(saving, Unknown):
        if _burdens(case):
            yield "what it costs is not known", {}
    elif -saving.p05.amount > trigger.cost_increase:
        yield f"it may cost {trigger.cost_increase} more a month", {"worst": str(-saving.p05)}


def _burdens(case: Case) -> bool:
    """Tell whether a change makes a connection, or its source, work harder."""
    change = case.recommendation.change
    if isinstance(change, KnobChange):
        grown = increase(case, change.knob.kind)
        return grown is None or grown > 0
    if isinstance(change, ScheduleChange):
        ratio = starts_ratio(change.before, change.after, case.now)
        return ratio is None or (ratio > 1 and _more_starts(change, case.now))
    return False


def _more_starts(change: ScheduleChange, now: datetime) -> bool:
    before, after = (
        len(starts_between(each, now, now + _AHEAD)) for each in (change.before, change.after)
    )
    return after > before


def _before(schedule: object, case: Case, standing: Standing) -> Iterator[Cron]:
    """Yield the schedule of today, and the one at the beginning of the time that steps add up over."""
    if isinstance(schedule, Cron):
        yield schedule
    span = standing.step_window()
    if span is not None:
        start = case.now - span
        for tenure in case.schedules:
            if tenure.last_seen >= start and isinstance(tenure.value, Cron):
                yield tenure.value
                return


def _within_shift(
    limit: Said[Any], most: timedelta, case: Case, standing: Standing
) -> Iterator[Verdict]:
    change = case.recommendation.change
    assert isinstance(change, ScheduleChange)
    shifts = [
        shift_between(before, change.after, case.now)
        for before in _before(change.before, case, standing)
    ]
    longest = max((each for each in shifts if each is not None), default=timedelta())
    if longest > most:
        sentence = f"starts may move by {format_span(most)} at most"
        yield Deny((limit.cite(sentence, shift=format_span(longest)),))
    elif None in shifts:
        sentence = "how far its starts move is not known, since they cannot be paired"
        yield NeedsApproval(_TEAM, (limit.cite(sentence),))


def _total_ratio(today: Decimal, case: Case, standing: Standing) -> Decimal:
    """Return the larger of the factors from today's frequency and from the one that steps began at."""
    change = case.recommendation.change
    assert isinstance(change, ScheduleChange)
    earlier = (
        starts_ratio(before, change.after, case.now)
        for before in _before(change.before, case, standing)
    )
    return max([today, *(each for each in earlier if each is not None)])


def _within_ratio(standing: Standing, setting: str, ratio: Decimal) -> Iterator[Verdict]:
    limit = standing.ratio(setting)
    if limit is None:
        yield from _unmentioned(standing, f"{setting}_ratio")
    elif isinstance(limit.value, Decimal) and ratio > limit.value:
        sentence = f"{setting} may change by a factor of {limit.value} at most"
        yield Deny((limit.cite(sentence, factor=f"{ratio:.2f}"),))


def _unmentioned(standing: Standing, name: str) -> Iterator[Verdict]:
    """Refuse what no limit speaks of, citing what speaks of the connection at all."""
    yield _silent(standing, f"no rule gives limits.{name}, so it may not change", "limits")


def _silent(standing: Standing, sentence: str, *path: str) -> Deny:
    """Deny for want of a rule, citing what speaks of the connection at all."""
    rules = (*standing.sure, *standing.fallbacks, *standing.perhaps)
    if not rules:
        return Deny((Citation("", "policies", 1, sentence),))
    said: Said[bool] = Said(True, rules[0], path)
    return Deny((said.cite(sentence),))


def _inside(schedule: Schedule, window: Window, case: Case) -> int:
    """Count the syncs that would run inside a window."""
    takes, end = case.takes, case.now + _AHEAD
    seconds = takes.total_seconds()
    spans = [
        (opens.timestamp(), closes.timestamp())
        for opens, closes in window.spans(case.now, end + takes)
    ]
    return sum(
        any(fire < closes and (fire >= opens or fire + seconds > opens) for opens, closes in spans)
        for fire in starts_between(schedule, case.now, end)
    )


@lru_cache(maxsize=1024)
def _is_open(window: Window, moment: datetime) -> bool:
    """Tell whether a moment lies in a window; a run asks it of every connection."""
    return window.covers(moment)


CHECKS: Final[tuple[Check, ...]] = (
    approval,
    doubt,
    phase,
    schedule,
    knob,
    pause,
    windows,
    promises,
    money,
    pace,
    triggers,
)
