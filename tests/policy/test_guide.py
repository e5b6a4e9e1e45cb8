"""The integration guide's sentences on governance, one test each; the quotation is the sentence."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.connection import ConnectionId, Cron
from bot.domain.promises import Phase
from bot.domain.recommendation import KnobChange
from bot.domain.subject import Subject
from bot.domain.verdict import Allow, ApprovalLevel, Deny, NeedsApproval
from bot.policy.judging import Judge
from bot.policy.rules import read_rules
from tests.policy.cases import (
    PAUSE,
    case,
    effect,
    judge_of,
    move,
    rules_of,
    sentences,
    subject,
    turn,
)

SHIPPED = Path(__file__).parents[2] / "policies"
FREE = "limits: {schedule_shift: any, frequency_ratio: any, parallelism_ratio: any, pause: true}"
LET_IN = f"{{name: all, phase: live, approval: auto, {FREE}}}"


@pytest.fixture(scope="module")
def shipped() -> Judge:
    return Judge(read_rules(SHIPPED))


def test_governance_is_managed_through_a_policy_layer(shipped: Judge) -> None:
    """Governance is managed through a policy layer."""
    assert [rule.name for rule in shipped.rules.policies] == ["analytical", "financial"]


def test_syncs_tagged_financial_have_limits_that_guarantee_completion_before_close_of_business(
    shipped: Judge,
) -> None:
    """Syncs tagged as financial may have optimization limits to guarantee completion before the close-of-business."""
    terms = shipped.terms(subject("ledger", "financial"))
    (deadline,) = terms.deadlines
    day = datetime(2026, 3, 10, tzinfo=UTC)
    # 17:00 in New York, in summer time since two days.
    assert list(deadline.instants(day, day + timedelta(days=1))) == [
        datetime(2026, 3, 10, 21, tzinfo=UTC)
    ]
    later = case(
        subject("ledger", "financial"), move(), effect=effect(saving=1000, deadlines="0.1")
    )
    verdict = shipped.judge(later).verdict
    assert isinstance(verdict, Deny)
    assert "it may not miss more deadlines than today" in sentences(verdict)


def test_analytical_syncs_can_be_aggressively_tuned_for_cost(shipped: Judge) -> None:
    """Analytical syncs can be aggressively tuned for cost."""
    analytical, financial = (
        shipped.terms(subject("x", tag)) for tag in ("analytical", "financial")
    )
    shift, tight = analytical.steps["schedule"].shift, financial.steps["schedule"].shift
    assert shift is not None
    assert tight is not None
    assert shift >= 10 * tight
    assert "status" in analytical.steps
    assert "status" not in financial.steps


def test_a_schedule_change_for_critical_pipelines_requires_an_approval(shipped: Judge) -> None:
    """For critical pipelines, it can propose a schedule change and require a one-click approval, creating an audit trail."""
    ledger = subject("ledger", "financial")
    judge = judge_of(LET_IN, "{name: critical, match: {tag: financial}, approval: two-person}")
    verdict = judge.judge(case(ledger, move())).verdict
    assert isinstance(verdict, NeedsApproval)
    assert [each.where for each in verdict.citations] == ["policies/rules.yaml:5"]


def test_reprioritizations_that_delay_others_by_more_than_two_hours_need_the_platform_team() -> (
    None
):
    """Major reprioritizations that delay other syncs by more than a predefined threshold (e.g., 2 hours) trigger an approval workflow for the data platform team."""
    judge = judge_of(LET_IN, "{name: t, triggers: [{delays_others_by: 2h, level: team}]}")
    for delay, expected in ((timedelta(hours=2), Allow), (timedelta(minutes=121), NeedsApproval)):
        found = case(subject(), move(), effect=effect(delays={"other": delay}))
        assert isinstance(judge.judge(found).verdict, expected)


def test_every_preset_but_cost_brings_that_threshold() -> None:
    """The same sentence: the threshold of two hours is there without being asked for."""
    found = case(subject(), move(), effect=effect(delays={"other": timedelta(hours=3)}))
    for preset in ("conservative", "balanced"):
        text = f"version: 1\nextends: {preset}\ndefaults: {{phase: live}}\n"
        verdict = Judge(rules_of(text, base=None)).judge(found).verdict
        assert "it delays another sync by more than 2 h" in sentences(verdict)


def test_a_human_approves_in_production_pipelines() -> None:
    """Recommendations come with a human-in-the-loop approval step for production pipelines."""
    judge = judge_of(f"{{name: production, environment: production, phase: live, {FREE}}}")
    verdict = judge.judge(case(subject(), move())).verdict
    assert verdict == NeedsApproval(ApprovalLevel.TEAM, ())


def test_rollout_starts_with_monitoring_only_where_nothing_is_applied(shipped: Judge) -> None:
    """Rollout starts with a monitoring-only phase, where the AI suggests optimizations but doesn't apply them."""
    assert shipped.terms(subject()).phase is Phase.MONITOR
    for change in (move(), turn(4, 5), PAUSE):
        assert isinstance(shipped.judge(case(subject(), change)).verdict, Deny)


def test_non_critical_pipelines_may_be_tuned_automatically_within_guardrails() -> None:
    """After validating predictions, you can progress to automated tuning for non-critical pipelines, governed by guardrails like maximum cost increase or SLA boundaries."""
    judge = judge_of(
        LET_IN,
        '{name: guard, limits: {max_cost_increase: 5}, guarantee: {finish_by: {time: "17:00"}}}',
    )
    assert isinstance(judge.judge(case(subject(), move())).verdict, Allow)
    for found in (effect(saving=-6), effect(deadlines="1")):
        assert isinstance(judge.judge(case(subject(), move(), effect=found)).verdict, Deny)


def test_every_decision_can_be_logged_with_its_parameters_and_its_reason(shipped: Judge) -> None:
    """All optimization decisions should be logged to an audit trail, capturing the recommended parameters."""
    ruling = shipped.judge(case(subject("x", "financial"), move("0 45 6 * * ?")))
    for citation in ruling.verdict.citations:
        assert citation.policy
        assert citation.line > 0
        assert citation.sentence
    assert {"shift": "45 min"} in [each.inputs for each in ruling.verdict.citations]


def test_sensitive_workloads_have_a_two_step_approval() -> None:
    """For sensitive workloads, consider a two-step approval workflow where the AI suggests a change (e.g., increase batch size from 100k to 500k records) but requires a human operator or automated policy check to approve it."""
    judge = judge_of(
        "{name: s, match: {tag: sensitive}, approval: two-person, limits: {batch_size_ratio: any}}"
    )
    five_times = case(
        subject("a", "sensitive", source="source-mixpanel"), turn(1000, 5000, "page_size")
    )
    verdict = judge.judge(five_times).verdict
    assert isinstance(verdict, NeedsApproval)
    assert verdict.level is ApprovalLevel.TWO_PERSON


@pytest.mark.parametrize(("workers", "flagged"), [(5, False), (6, True), (8, True)])
def test_a_fifty_percent_increase_in_parallel_streams_is_flagged(
    workers: int, *, flagged: bool
) -> None:
    """Major deviations from baseline (e.g., a 50% increase in parallel streams) can be flagged for operator approval before execution."""
    judge = judge_of(LET_IN, "{name: t, triggers: [{parallelism_increase: 50%, level: team}]}")
    verdict = judge.judge(case(subject(), turn(4, workers))).verdict
    assert isinstance(verdict, NeedsApproval) is flagged


# "A phased rollout mitigates risk."


def test_the_monitoring_only_phase_takes_no_action() -> None:
    """Start with a monitoring-only phase, to build a baseline and generate what-if recommendations without taking action."""
    judge = judge_of("{name: m, phase: monitor, approval: auto}", LET_IN)
    verdict = judge.judge(case(subject(), move())).verdict
    assert isinstance(verdict, Deny)
    assert sentences(verdict) == ["its phase is monitor: it is only reported on"]


@pytest.mark.parametrize(
    ("environment", "denied"),
    [("development", False), ("sandbox", False), ("production", True), (None, True)],
)
def test_the_dry_run_phase_changes_non_critical_development_syncs_only(
    environment: str | None, *, denied: bool
) -> None:
    """Next, move to a dry-run phase for non-critical, development-environment syncs, allowing the system to apply changes in a safe sandbox."""
    declared = "" if environment is None else f", environment: {environment}"
    judge = judge_of(f"{{name: d, phase: dry-run, approval: auto, {FREE}{declared}}}")
    assert isinstance(judge.judge(case(subject(), move())).verdict, Deny) is denied


def fleet() -> list[Subject]:
    return [subject("a", "critical"), subject("b"), subject("c"), subject("d")]


CANARY = (
    f"{{name: all, phase: canary, approval: auto, {FREE}}}",
    "{name: critical, match: {tag: critical}, priority: 5}",
)


def admitted(merged: set[str]) -> list[str]:
    judge = judge_of(*CANARY)
    for each in fleet():
        judge.standing(each)
    done = frozenset(map(ConnectionId, merged))
    rulings = judge.judge_all([case(each, move()) for each in fleet()], merged=done)
    return [
        each.case.subject.connection.name for each in rulings if isinstance(each.verdict, Allow)
    ]


def test_the_canary_starts_with_a_single_low_risk_sync() -> None:
    """Finally, implement a canary rollout for production workloads: apply AI optimizations to a single, low-risk production sync."""
    assert admitted(set()) == ["b"]


def test_the_canary_gradually_expands_to_more_critical_pipelines() -> None:
    """Monitor closely, and gradually expand to more critical pipelines."""
    assert admitted({"b"}) == ["b", "c"]
    assert admitted({"b", "c"}) == ["a", "b", "c", "d"]
    assert admitted({"b", "c", "d"}) == ["a", "b", "c", "d"]


def test_live_takes_all() -> None:
    """This approach ensures stability while unlocking efficiency gains where it matters most."""
    rulings = judge_of(LET_IN).judge_all([case(each, move()) for each in fleet()])
    assert all(isinstance(each.verdict, Allow) for each in rulings)


def test_a_source_is_spared_by_limits_on_what_runs_at_once() -> None:
    """Respect source system constraints."""
    judge = judge_of("{name: erp, guarantee: {source_concurrency: 1}}")
    (capacity,) = judge.fleet_terms([subject("a"), subject("b")]).capacities
    assert capacity.capacity.limit == 1
    assert capacity.members == {"a", "b"}


def test_a_policy_never_gives_the_bot_another_way_than_its_recommendation() -> None:
    """Changes are executed through Airbyte's orchestration layer, not by directly modifying source databases."""
    ruling = judge_of(LET_IN).judge(case(subject(), turn(4, 5)))
    assert isinstance(ruling.recommendation.change, KnobChange)
    assert ruling.recommendation.change.after == 5


def test_a_weekend_batch_may_be_larger_than_a_weekday_one_only_by_a_reviewed_change() -> None:
    """Larger batches on weekends, throttled on weekdays: one step a change, within bounds."""
    limits = "{batch_size_ratio: 2, knobs: {page_size: {max: 5000}}}"
    judge = judge_of(f"{{name: erp, approval: auto, limits: {limits}}}")
    found = case(subject(source="source-mixpanel"), turn(1000, 9000, "page_size"))
    change = judge.judge(found).recommendation.change
    assert isinstance(change, KnobChange)
    assert change.after == 2000


def test_a_move_from_nine_to_two_needs_a_wide_limit(shipped: Judge) -> None:
    """Moving a daily marketing sync from 9 AM to 2 PM."""
    nine = Cron("0 0 9 * * ?")
    marketing = subject("marketing", "analytical", schedule=nine)
    moved = case(marketing, move("0 0 14 * * ?", before=nine))
    said = sentences(shipped.judge(moved).verdict)
    assert not any("starts may move" in each for each in said)
    ledger = subject("ledger", "financial", schedule=nine)
    said = sentences(shipped.judge(case(ledger, move("0 0 14 * * ?", before=nine))).verdict)
    assert "starts may move by 30 min at most" in said


def test_a_schedule_that_conflicts_with_a_hard_sla_is_found() -> None:
    """An alert is logged if the recommended schedule conflicts with a hard SLA."""
    from bot.policy.conflicts import Outlook, conflicts
    from tests.policy.cases import NOW

    judge = judge_of(
        '{name: sla, guarantee: {finish_by: {time: "06:00", after: "04:00"}}}',
        '{name: backup, guarantee: {blackout: {start: "03:00", length: 4h}}}',
    )
    (found,) = conflicts(judge.rules, judge.standing(subject()), Outlook(NOW))
    assert [each.policy for each in found.parties] == ["sla", "backup"]


def test_cost_is_bounded_by_a_budget() -> None:
    """Balance data freshness requirements against budget constraints."""
    judge = judge_of(LET_IN, "{name: cap, limits: {cost_cap: {month: 99, quantile: p95}}}")
    verdict = judge.judge(case(subject(), move(), effect=effect(saving=-1))).verdict
    assert isinstance(verdict, Deny)
    assert verdict.citations[0].inputs["month (p95)"] == "$100.00"
