from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.domain.calendar import Days
from bot.domain.connection import Cron, Manual
from bot.domain.promises import CapacityScope, Phase
from bot.domain.recommendation import Change, Confidence, KnobChange, ScheduleChange
from bot.domain.tenure import Tenure
from bot.domain.verdict import Allow, ApprovalLevel, Deny, NeedsApproval
from bot.policy.judging import Judge
from bot.policy.rules import Rules
from tests.policy.cases import (
    NOW,
    PAUSE,
    SIX,
    case,
    effect,
    judge_of,
    month,
    move,
    rules_of,
    sentences,
    subject,
    turn,
)

FREE = "limits: {schedule_shift: any, frequency_ratio: any, parallelism_ratio: any, pause: true}"
AUTO = f"{{name: auto, approval: auto, {FREE}}}"


def test_the_tightest_limit_of_all_that_match_counts() -> None:
    judge = judge_of(
        "{name: all, limits: {schedule_shift: 30m}}",
        "{name: financial, match: {tag: financial}, limits: {schedule_shift: 5m}}",
    )
    assert judge.terms(subject()).steps["schedule"].shift == timedelta(minutes=30)
    assert judge.terms(subject("a", "financial")).steps["schedule"].shift == timedelta(minutes=5)


def test_without_any_rule_nothing_is_let_in() -> None:
    judge = Judge(Rules((), (), (), rules_of("version: 1\n").manners, ""))
    assert judge.terms(subject()).phase is Phase.MONITOR
    assert judge.terms(subject()).steps == {}
    assert isinstance(judge.judge(case(subject(), move())).verdict, Deny)


@pytest.mark.parametrize(
    ("clauses", "base", "change"),
    [
        ("limits: {pause: true}", "phase: live", PAUSE),
        ("limits: {schedule_shift: any}", "phase: live", move()),
        ("limits: {parallelism_ratio: any}", "phase: live", turn(4, 5)),
        ("phase: live", "limits: {parallelism_ratio: any}", turn(4, 5)),
        ("environment: sandbox", "phase: dry-run, limits: {parallelism_ratio: any}", turn(4, 5)),
    ],
)
def test_a_rule_that_perhaps_matches_grants_nothing_by_itself(
    clauses: str, base: str, change: Change
) -> None:
    judge = judge_of(
        f"{{name: a, match: {{owner: '@ada'}}, {clauses}}}",
        base=f"version: 1\ndefaults: {{{base}}}\n",
    )
    assert isinstance(judge.judge(case(subject(owner=None), change)).verdict, Deny)
    assert not isinstance(judge.judge(case(subject(owner="@ada"), change)).verdict, Deny)


def test_where_no_rule_asks_for_an_approval_the_team_has_to_look() -> None:
    judge = judge_of(f"{{name: a, {FREE}}}")
    verdict = judge.judge(case(subject(), move())).verdict
    assert verdict == NeedsApproval(ApprovalLevel.TEAM, ())


def test_auto_allows_what_is_within_all_limits_and_says_who_says_so() -> None:
    verdict = judge_of(AUTO).judge(case(subject(), move())).verdict
    assert isinstance(verdict, Allow)
    assert [each.policy for each in verdict.citations] == ["auto"]


def test_the_strongest_approval_wins() -> None:
    judge = judge_of(AUTO, "{name: two, approval: two-person}", "{name: one, approval: owner}")
    verdict = judge.judge(case(subject(), move())).verdict
    assert isinstance(verdict, NeedsApproval)
    assert verdict.level is ApprovalLevel.TWO_PERSON


def test_blocked_denies() -> None:
    judge = judge_of(AUTO, "{name: frozen, match: {name: '* frozen'}, approval: blocked}")
    assert isinstance(judge.judge(case(subject("x frozen"), move())).verdict, Deny)
    assert isinstance(judge.judge(case(subject("x"), move())).verdict, Allow)


def test_a_verdict_names_policy_file_line_inputs_and_one_sentence() -> None:
    judge = Judge(
        rules_of(
            "version: 1\npolicies:\n  - name: financial\n    limits:\n      schedule_shift: 5m\n"
        )
    )
    verdict = judge.judge(case(subject(), move("0 7 6 * * ?"))).verdict
    (citation,) = verdict.citations
    assert citation.policy == "financial"
    assert citation.where == "policies/rules.yaml:6"
    assert citation.sentence == "starts may move by 5 min at most"
    assert citation.inputs == {"shift": "7 min"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (move("0 0 13 * * ?"), "starts may move by 6 h at most"),
        (move("0 0 6,18 * * ?"), "frequency may change by a factor of 1.5 at most"),
        (PAUSE, "it may not be paused"),
    ],
)
def test_what_goes_too_far_is_denied(change: object, sentence: str) -> None:
    limits = "{schedule_shift: 6h, frequency_ratio: 1.5, pause: false}"
    judge = judge_of(f"{{name: a, approval: auto, limits: {limits}}}")
    verdict = judge.judge(case(subject(), change)).verdict  # type: ignore[arg-type]
    assert isinstance(verdict, Deny)
    assert sentences(verdict) == [sentence]


@pytest.mark.parametrize("change", [move(), move("0 0 6,18 * * ?"), turn(4, 5), PAUSE])
def test_what_no_limit_speaks_of_may_not_change(change: object) -> None:
    verdict = judge_of("{name: a, approval: auto}").judge(case(subject(), change)).verdict  # type: ignore[arg-type]
    assert isinstance(verdict, Deny)
    assert "so it may not change" in sentences(verdict)[0]


def test_a_start_that_crosses_midnight_counts_by_its_nearer_neighbour() -> None:
    judge = judge_of("{name: a, approval: auto, limits: {schedule_shift: 1h}}")
    late = subject(schedule=Cron("0 50 23 * * ?"))
    moved = case(late, move("0 20 0 * * ?", before=Cron("0 50 23 * * ?")))
    assert isinstance(judge.judge(moved).verdict, Allow)


def test_how_far_a_connection_without_a_cron_moves_is_for_the_team_to_see() -> None:
    of = subject(schedule=Manual())
    verdict = judge_of(AUTO).judge(case(of, move(before=Manual()))).verdict
    assert isinstance(verdict, NeedsApproval)
    assert verdict.level is ApprovalLevel.TEAM


def test_steps_add_up_over_their_window() -> None:
    judge = judge_of("{name: a, approval: auto, limits: {schedule_shift: 1h, step_window: 30d}}")
    earlier = Cron("0 0 5 * * ?")
    tenures = (
        Tenure(earlier, NOW - timedelta(days=60), NOW - timedelta(days=10)),
        Tenure(SIX, NOW - timedelta(days=10), NOW),
    )
    alone = case(subject(), move("0 45 6 * * ?"))
    assert isinstance(judge.judge(alone).verdict, Allow)
    together = case(subject(), move("0 45 6 * * ?"), schedules=tenures)
    assert isinstance(judge.judge(together).verdict, Deny)


# Knobs are clamped, and that is said.


def test_steps_of_the_frequency_add_up_over_their_window() -> None:
    judge = judge_of("{name: a, approval: auto, limits: {frequency_ratio: 2, step_window: 30d}}")
    twice, four = Cron("0 0 0/12 * * ?"), Cron("0 0 0/6 * * ?")
    then = NOW - timedelta(days=3)
    known = case(
        subject(schedule=twice),
        ScheduleChange(twice, four),
        schedules=(Tenure(SIX, NOW - timedelta(days=365), then), Tenure(twice, then, NOW)),
    )
    verdict = judge.judge(known).verdict
    assert isinstance(verdict, Deny)
    assert verdict.citations[0].inputs == {"factor": "4.00"}


def test_starts_that_cannot_be_paired_are_for_the_team_to_see() -> None:
    judge = judge_of("{name: a, approval: auto, limits: {schedule_shift: 1h}}")
    # One day a month less is nearly as often, and twelve hours later.
    verdict = judge.judge(case(subject(), move("0 0 18 1-14,16-31 * ?"))).verdict
    assert isinstance(verdict, NeedsApproval)
    assert "how far its starts move is not known, since they cannot be paired" in sentences(verdict)


def test_a_knob_past_its_step_is_clamped_and_the_rule_is_cited() -> None:
    judge = judge_of("{name: a, approval: auto, limits: {parallelism_ratio: 1.5}}")
    ruling = judge.judge(case(subject(), turn(4, 10)))
    assert isinstance(ruling.recommendation.change, KnobChange)
    assert ruling.recommendation.change.after == 6
    assert "one step may change it by a factor of 1.5 at most" in sentences(ruling.verdict)
    assert any("10 was advised" in each for each in ruling.recommendation.against)


def test_a_knob_is_clamped_into_what_policy_admits() -> None:
    limits = "{parallelism_ratio: any, knobs: {num_workers: {max: 8}}}"
    judge = judge_of(f"{{name: a, approval: auto, limits: {limits}}}")
    ruling = judge.judge(case(subject(), turn(4, 10)))
    assert isinstance(ruling.recommendation.change, KnobChange)
    assert ruling.recommendation.change.after == 8


@pytest.mark.parametrize(
    ("limits", "after", "sentence"),
    [
        ("parallelism_ratio: 1.5", 40, "by what factor it changes is not known"),
        ("parallelism_ratio: 1.5", "turbo", "by what factor it changes is not known"),
        (
            "parallelism_ratio: any, knobs: {num_workers: {max: 9}}",
            "turbo",
            "whether turbo is within …9 is not known",
        ),
    ],
)
def test_a_knob_that_no_number_is_known_of_is_for_the_team_to_see(
    limits: str, after: int | str, sentence: str
) -> None:
    judge = judge_of(f"{{name: a, approval: auto, limits: {{{limits}}}}}")
    known = turn(None, 9)
    change = replace(known, after=after, knob=replace(known.knob, default=None))
    verdict = judge.judge(case(subject(), change)).verdict
    assert isinstance(verdict, NeedsApproval)
    assert sentence in sentences(verdict)


def test_a_clamp_that_leaves_nothing_of_the_change_denies() -> None:
    limits = "{parallelism_ratio: any, knobs: {num_workers: {max: 4}}}"
    judge = judge_of(f"{{name: a, approval: auto, limits: {limits}}}")
    assert isinstance(judge.judge(case(subject(), turn(4, 10))).verdict, Deny)


def test_a_schedule_is_never_clamped() -> None:
    ruling = judge_of("{name: a, approval: auto, limits: {schedule_shift: 5m}}").judge(
        case(subject(), move("0 30 6 * * ?"))
    )
    assert isinstance(ruling.verdict, Deny)
    assert ruling.recommendation.change == move("0 30 6 * * ?")


# Windows.


def test_nothing_changes_during_a_freeze() -> None:
    freeze = '{start: "08:00", length: 4h, zone: America/New_York}'
    judge = judge_of(AUTO, f"{{name: close, guarantee: {{freeze: {freeze}}}}}")
    # 12:00 UTC is 08:00 in New York, where the clocks have just been put forward.
    assert isinstance(judge.judge(case(subject(), move())).verdict, Deny)
    before = case(subject(), move(), now=NOW - timedelta(minutes=1))
    assert isinstance(judge.judge(before).verdict, Allow)


@pytest.mark.parametrize(("after", "denied"), [("0 59 6 * * ?", False), ("0 0 7 * * ?", True)])
def test_no_sync_moves_into_a_blackout(after: str, *, denied: bool) -> None:
    backup = '{name: the backup, start: "07:00", length: 2h}'
    judge = judge_of(AUTO, f"{{name: dba, guarantee: {{blackout: {backup}}}}}")
    verdict = judge.judge(case(subject(), move(after))).verdict
    assert isinstance(verdict, Deny) is denied


def test_a_sync_that_would_last_into_a_blackout_is_denied_as_well() -> None:
    from dataclasses import replace

    from bot.domain.forecast import Quantiles

    backup = '{name: the backup, start: "07:00", length: 2h}'
    judge = judge_of(AUTO, f"{{name: dba, guarantee: {{blackout: {backup}}}}}")
    long = replace(month(subject(), 1), duration=Quantiles.exactly(timedelta(minutes=30)))
    assert isinstance(
        judge.judge(case(subject(), move("0 40 6 * * ?"), next_sync=long)).verdict, Deny
    )
    assert isinstance(
        judge.judge(case(subject(), move("0 25 6 * * ?"), next_sync=long)).verdict, Allow
    )


def test_a_sync_in_a_blackout_already_may_be_moved_out_of_it() -> None:
    backup = '{name: the backup, start: "05:00", length: 2h}'
    judge = judge_of(AUTO, f"{{name: dba, guarantee: {{blackout: {backup}}}}}")
    assert isinstance(judge.judge(case(subject(), move("0 0 8 * * ?"))).verdict, Allow)


# Money and promises.


@pytest.mark.parametrize(
    ("saving", "expected"), [(-20, Allow), (-21, Deny), (None, NeedsApproval), (5, Allow)]
)
def test_costs_rise_by_what_is_allowed(saving: int | None, expected: type) -> None:
    judge = judge_of(AUTO, "{name: m, limits: {max_cost_increase: 20}}")
    verdict = judge.judge(case(subject(), move(), effect=effect(saving))).verdict
    assert isinstance(verdict, expected)


@pytest.mark.parametrize(
    ("cost", "saving", "expected"),
    [
        (99, -1, Allow),
        (101, -1, Deny),
        (101, 1, Allow),
        (None, 1, Allow),
        (None, -1, NeedsApproval),
        (None, None, NeedsApproval),
    ],
)
def test_a_cap_stops_what_may_cost_more(
    cost: int | None, saving: int | None, expected: type
) -> None:
    judge = judge_of(AUTO, "{name: cap, limits: {cost_cap: {month: 100}}}")
    found = case(subject(), move(), effect=effect(saving), month=month(subject(), cost))
    assert isinstance(judge.judge(found).verdict, expected)


def test_a_cap_over_several_connections_counts_their_sum() -> None:
    judge = judge_of(AUTO, "{name: cap, limits: {cost_cap: {month: 150, per: policy}}}")
    both = [subject("a"), subject("b")]
    months = {each.connection.id: month(each, 100) for each in both}
    dearer = case(both[0], move(), effect=effect(-1))
    (ruling,) = judge.judge_all([dearer], months, both)
    assert isinstance(ruling.verdict, Deny)
    (alone,) = judge.judge_all([dearer], months, both[:1])
    assert isinstance(alone.verdict, Allow)


@pytest.mark.parametrize(
    ("missed", "expected"), [("0", Allow), ("-1", Allow), ("0.1", Deny), (None, NeedsApproval)]
)
def test_no_deadline_is_traded_for_money(missed: str | None, expected: type) -> None:
    judge = judge_of(AUTO, '{name: sla, guarantee: {finish_by: {time: "17:00"}}}')
    verdict = judge.judge(case(subject(), move(), effect=effect(1000, missed))).verdict
    assert isinstance(verdict, expected)


@pytest.mark.parametrize(
    ("rate", "after", "expected"),
    [
        (Decimal("0.97"), 8, Deny),
        (Decimal("0.98"), 8, Allow),
        (None, 8, NeedsApproval),
        (Decimal("0.5"), 2, Allow),
    ],
)
def test_what_fails_too_often_gets_no_more_load(
    rate: Decimal | None, after: int, expected: type
) -> None:
    judge = judge_of(AUTO, "{name: r, guarantee: {min_success_rate: 98%}}")
    verdict = judge.judge(case(subject(), turn(4, after), success_rate=rate)).verdict
    assert isinstance(verdict, expected)


def changed(*days_ago: int) -> tuple[Tenure[object], ...]:
    starts = [NOW - timedelta(days=365), *(NOW - timedelta(days=days) for days in days_ago)]
    ends = [*starts[1:], NOW]
    return tuple(
        Tenure(Cron(f"0 {minute} 6 * * ?"), start, end)
        for minute, (start, end) in enumerate(zip(starts, ends, strict=True))
    )


@pytest.mark.parametrize(("days", "expected"), [(13, Deny), (15, Allow)])
def test_two_changes_of_a_setting_lie_apart(days: int, expected: type) -> None:
    judge = judge_of(AUTO, "{name: h, limits: {hysteresis: 14d}}")
    verdict = judge.judge(case(subject(), move(), schedules=changed(days))).verdict
    assert isinstance(verdict, expected)


@pytest.mark.parametrize(("before", "expected"), [((20, 10), Deny), ((10,), Allow)])
def test_a_setting_changes_no_more_often_than_its_budget(
    before: tuple[int, ...], expected: type
) -> None:
    judge = judge_of(AUTO, "{name: b, limits: {change_budget: {changes: 2, per: 30d}}}")
    verdict = judge.judge(case(subject(), move(), schedules=changed(*before))).verdict
    assert isinstance(verdict, expected)


# Triggers.


@pytest.mark.parametrize(
    ("trigger", "found"),
    [
        (
            "delays_others_by: 2h",
            case(subject(), move(), effect=effect(delays={"b": timedelta(hours=3)})),
        ),
        ("moves_by: 5m", case(subject(), move())),
        ("parallelism_increase: 50%", case(subject(), turn(4, 6))),
        ("cost_increase: 5", case(subject(), move(), effect=effect(-6))),
        ("cost_increase: 5", case(subject(), turn(4, 6), effect=effect(None))),
        ("confidence_below: high", case(subject(), move(), confidence=Confidence.MEDIUM)),
        ("pauses: true", case(subject(), PAUSE)),
    ],
)
def test_a_trigger_asks_for_more(trigger: str, found: object) -> None:
    quiet = judge_of(AUTO)
    loud = judge_of(AUTO, f"{{name: t, triggers: [{{{trigger}, level: two-person}}]}}")
    assert isinstance(quiet.judge(found).verdict, Allow)  # type: ignore[arg-type]
    verdict = loud.judge(found).verdict  # type: ignore[arg-type]
    assert isinstance(verdict, NeedsApproval)
    assert verdict.level is ApprovalLevel.TWO_PERSON


@pytest.mark.parametrize(
    ("trigger", "found"),
    [
        (
            "delays_others_by: 2h",
            case(subject(), move(), effect=effect(delays={"b": timedelta(hours=2)})),
        ),
        ("moves_by: 10m", case(subject(), move())),
        ("parallelism_increase: 50%", case(subject(), turn(4, 5))),
        ("parallelism_increase: 50%", case(subject(), turn(6, 4))),
        ("cost_increase: 5", case(subject(), move(), effect=effect(-5))),
        ("confidence_below: medium", case(subject(), move(), confidence=Confidence.MEDIUM)),
    ],
)
def test_at_its_threshold_a_trigger_is_silent(trigger: str, found: object) -> None:
    judge = judge_of(AUTO, f"{{name: t, triggers: [{{{trigger}, level: two-person}}]}}")
    assert isinstance(judge.judge(found).verdict, Allow)  # type: ignore[arg-type]


def test_triggers_of_a_policy_do_not_silence_those_of_the_defaults() -> None:
    base = "version: 1\ndefaults: {phase: live, triggers: [{pauses: true, level: team}]}\n"
    judge = judge_of(
        f"{{name: a, approval: auto, {FREE}, triggers: [{{moves_by: 1h, level: two-person}}]}}",
        base=base,
    )
    assert isinstance(judge.judge(case(subject(), PAUSE)).verdict, NeedsApproval)


# What reaches the optimiser beforehand.


def test_terms_carry_what_advisors_have_to_keep() -> None:
    judge = judge_of(
        "{name: a, priority: 3, phase: canary, guarantee: {max_staleness: 26h, min_success_rate: 98%,"
        ' finish_by: {time: "17:00", zone: Europe/Berlin, after: "22:00"},'
        ' blackout: {start: "01:00", length: 2h}},'
        " limits: {frequency_ratio: 2, knobs: {num_workers: {min: 2, max: 9}}}}",
        "{name: b, phase: live, priority: 1, guarantee: {max_staleness: 24h}}",
    )
    terms = judge.terms(subject())
    assert terms.phase is Phase.CANARY
    assert terms.priority == 3
    assert terms.max_staleness == timedelta(hours=24)
    assert terms.min_success_rate == Decimal("0.98")
    assert terms.steps["frequency"].ratio == 2
    assert "schedule" not in terms.steps
    assert (terms.bounds["num_workers"].low, terms.bounds["num_workers"].high) == (2, 9)
    (deadline,) = terms.deadlines
    assert (deadline.zone, deadline.days) == ("Europe/Berlin", Days(frozenset(range(7))))
    assert [each.name for each in terms.windows] == ["blackout of a"]


def test_capacities_are_shared_by_those_that_a_policy_matches() -> None:
    judge = judge_of(
        "{name: erp, match: {tag: erp}, guarantee: {concurrency: 2, source_concurrency: 1}}"
    )
    fleet = [
        subject("a", "erp", source_id="x"),
        subject("b", "erp", source_id="x"),
        subject("c", "erp", source_id="y"),
        subject("d"),
    ]
    terms = judge.fleet_terms(fleet)
    group, source = terms.capacities
    assert (group.capacity.scope, group.capacity.limit) == (CapacityScope.GROUP, Decimal(2))
    assert group.members == {"a", "b", "c"}
    assert source.capacity.scope is CapacityScope.SOURCE
    assert source.members == {"a", "b"}


def test_a_run_touches_no_more_of_a_fleet_than_the_tightest_share() -> None:
    judge = judge_of(
        "{name: a, limits: {blast: {share: 10%}}}", "{name: b, limits: {blast: {connections: 3}}}"
    )
    assert judge.fleet_terms([subject(str(n)) for n in range(20)]).blast.of(20) == 2
    assert judge.fleet_terms([subject(str(n)) for n in range(200)]).blast.of(200) == 3


def test_the_nearest_default_bounds_a_run_and_not_what_it_extends() -> None:
    base = "version: 1\ndefaults: {limits: {blast: {share: 10%}}}\n"
    judge = Judge(rules_of("version: 1\ndefaults: {limits: {blast: {share: 50%}}}\n", base=base))
    assert judge.fleet_terms([subject(str(n)) for n in range(20)]).blast.of(20) == 10


@pytest.mark.parametrize(("match", "most"), [("", 10), (", match: {tag: a}", 2)])
def test_only_a_policy_about_every_connection_gives_a_run_more_room(match: str, most: int) -> None:
    base = "version: 1\ndefaults: {limits: {blast: {share: 10%}}}\n"
    judge = judge_of(f"{{name: x, limits: {{blast: {{share: 50%}}}}{match}}}", base=base)
    assert judge.fleet_terms([subject(str(n)) for n in range(20)]).blast.of(20) == most


def test_the_same_case_later_gets_the_same_answer() -> None:
    judge = judge_of(AUTO)
    later = case(subject(), move(), now=datetime(2026, 7, 1, tzinfo=UTC))
    assert judge.judge(later).verdict == judge.judge(later).verdict
