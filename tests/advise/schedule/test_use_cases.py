"""The guide's use cases of scheduling and prioritisation, each end to end through the advisor."""

from datetime import time, timedelta
from decimal import Decimal

from bot.advise.schedule.advisor import ScheduleAdvisor
from bot.domain.connection import Cron, SourceId
from bot.domain.forecast import Quantiles
from bot.domain.lineage import Downstream, Reader
from bot.domain.promises import BlastLimit, Deadline, FleetTerms, StepLimit, Window, WindowKind
from bot.domain.recommendation import Keep, Recommendation
from bot.domain.signal import SourceLoad, Surroundings
from tests.advise.schedule.fleets import (
    Sync,
    applied,
    at_most,
    changes,
    expression,
    moves,
    priced,
    situation,
)
from tests.advise.schedule.simulator import SUMMER, WINTER, play

ADVISOR = ScheduleAdvisor()
FUNNEL = Deadline("marketing funnel by 6 AM GMT", time(6), "UTC")


def start(cron: str) -> timedelta:
    minute, hour = (int(field) for field in cron.split()[1:3])
    return timedelta(hours=hour, minutes=minute)


def saved(move: Recommendation) -> Decimal:
    assert isinstance(move.effect.saving, Quantiles)
    return move.effect.saving.p50.amount


def test_intelligent_batch_scheduling_and_prioritization() -> None:
    """Durations, source limits, a maintenance window and report times decide who starts when."""
    maintenance = Window(
        "database maintenance", WindowKind.BLACKOUT, time(2), timedelta(hours=2), "UTC"
    )
    fleet = [
        Sync("funnel", Cron("0 0 2 * * ?"), 45).within(deadlines=(FUNNEL,)),
        *(Sync(f"other {n}", Cron("0 0 2 * * ?"), 45) for n in range(4)),
    ]
    fleet = [sync.within(windows=(maintenance,)) for sync in fleet]
    limits = FleetTerms((at_most(2, *fleet),))
    before = play(fleet, limits.capacities, WINTER)
    assert before.over[0]
    assert len(before.struck) == 5
    after = applied(fleet, ADVISOR.advise(situation(fleet, fleet_terms=limits)))
    for week in (WINTER, SUMMER):
        seen = play(after, limits.capacities, week)
        assert seen.over == (0,)
        assert not seen.struck
        assert not seen.late


def test_business_sla_windows_for_financial_closes() -> None:
    """A close that counts only data from after midnight gets it, on workdays, before the market."""
    close = Deadline("financial close", time(7), "Europe/London", after=time(1))
    ledger = Sync("ledger", Cron("0 0 22 * * ?"), 60, source="erp").within(deadlines=(close,))
    (move,) = moves(ADVISOR.advise(situation([ledger])))
    assert "financial close is missed" in move.reason
    # 01:00 to 07:00 in London is 00:00 to 06:00 UTC in summer.
    assert timedelta(hours=1) <= start(expression(move)) <= timedelta(hours=4, minutes=24)


def test_source_system_load_moves_a_marketing_sync_from_morning_to_afternoon() -> None:
    """Like the daily sync at nine that meets a busy API, and finds it idle in the afternoon."""
    hours = tuple(1.0 if hour % 24 < 14 else 0.1 for hour in range(168))
    load = {SourceId("hubspot"): SourceLoad(SourceId("hubspot"), hours)}
    sync = Sync("marketing", Cron("0 0 9 * * ?"), 60, source="hubspot")
    (move,) = moves(ADVISOR.advise(situation([sync], surroundings=Surroundings(loads=load))))
    assert start(expression(move)) == timedelta(hours=14)
    assert "its source is busy for" in move.reason


def test_avoiding_peak_compute_pricing_periods() -> None:
    peak = ["2"] * 8 + ["8"] * 12 + ["2"] * 4
    sync = Sync("warehouse load", Cron("0 0 9 * * ?"), 60)
    (move,) = moves(ADVISOR.advise(situation([sync], **priced(*peak))))
    first = start(expression(move))
    assert first < timedelta(hours=8) or first >= timedelta(hours=20)
    saving = move.effect.saving
    assert isinstance(saving, Quantiles)
    # 70 minutes a day at 6 an hour less, thirty times.
    assert abs(saving.p50.amount - Decimal(210)) < 25


def test_cost_aware_cloud_sync_optimization() -> None:
    """Syncs share the hours in which a warehouse is on, as far as their deadlines let them."""
    due = Deadline("board report", time(6), "UTC")
    fleet = [
        Sync("pinned", Cron("0 0 4 * * ?"), 40).within(deadlines=(due,)),
        *(Sync(f"free {hour}", Cron(f"0 0 {hour} * * ?"), 20) for hour in (8, 12, 16, 20)),
    ]
    advice = ADVISOR.advise(situation(fleet, **priced("4")))
    assert len(moves(advice)) == 4
    total = sum((saved(move) for move in moves(advice)), Decimal())
    # Four times half an hour of warehouse a day is saved, nearly all of it.
    assert Decimal(4 * 30) < total <= Decimal(4 * 30 * 2 + 10)
    assert not play(applied(fleet, advice), (), WINTER).late


def test_high_business_impact_syncs_move_ahead_of_less_critical_ones() -> None:
    """Both want the last slot before six; the one that a critical dashboard reads gets it."""
    board = Reader("board", "dashboard", critical=True, deadline=FUNNEL)
    team = Reader("team", "dashboard", deadline=FUNNEL)
    plain = Sync("a plain", Cron("0 40 5 * * ?"), 100, downstream=Downstream(readers=(team,)))
    critical = Sync("critical", Cron("0 40 5 * * ?"), 100, downstream=Downstream(readers=(board,)))
    near = {"schedule": StepLimit("schedule", timedelta(hours=3))}
    fleet = [plain.within(steps=near), critical.within(steps=near)]
    limits = FleetTerms((at_most(1, *fleet),))
    found = moves(ADVISOR.advise(situation(fleet, fleet_terms=limits)))
    assert found[0].connection_id == "critical"
    assert found[0].figures["priority_score"] == "10"


def test_the_blast_limit_gives_the_best_slots_to_the_most_important_first() -> None:
    fleet = [
        Sync(f"s{n}", Cron("0 50 5 * * ?"), source=f"db{n}").within(deadlines=(FUNNEL,), priority=n)
        for n in range(5)
    ]
    limits = FleetTerms(blast=BlastLimit(connections=2))
    found = moves(ADVISOR.advise(situation(fleet, fleet_terms=limits)))
    assert [move.connection_id for move in found] == ["s4", "s3"]


def test_dependency_aware_orchestration() -> None:
    """Orders and customers feed one model; both land before the dashboard's models must run."""
    reader = Reader(
        "revenue",
        "dashboard",
        critical_path=timedelta(hours=1, minutes=30),
        deadline=Deadline("revenue board", time(8), "UTC", after=time(0)),
    )
    feeds = Downstream(models=("orders_enriched",), readers=(reader,))
    orders = Sync("orders", Cron("0 0 7 * * ?"), 30, source="shop", downstream=feeds)
    people = Sync("people", Cron("0 0 13 * * ?"), 30, source="crm", downstream=feeds)
    fleet = [orders, people]
    found = changes(ADVISOR.advise(situation(fleet)))
    starts = [start(found[key]) for key in ("orders", "people")]
    for each in starts:
        assert timedelta() <= each <= timedelta(hours=6, minutes=30) - timedelta(minutes=48)
    assert abs(starts[0] - starts[1]) <= timedelta(hours=1)


def test_syncs_of_one_model_finish_together_even_where_no_deadline_is_known() -> None:
    feeds = Downstream(models=("orders_enriched",))
    fleet = [
        Sync("orders", Cron("0 0 1 * * ?"), source="shop", downstream=feeds),
        Sync("people", Cron("0 0 9 * * ?"), source="crm", downstream=feeds),
    ]
    (move,) = moves(ADVISOR.advise(situation(fleet)))
    assert "closer to the syncs that feed the same models" in move.reason


def test_a_promise_that_no_start_can_keep_is_left_as_it_is() -> None:
    """Ten hours of sync do not fit between midnight and six, wherever they start."""
    close = Deadline("financial close", time(6), "UTC", after=time(0))
    (answer,) = ADVISOR.advise(situation([Sync("ledger", minutes=600).within(deadlines=(close,))]))
    assert isinstance(answer, Keep)


def test_monthly_jobs_leave_room_for_each_other_at_the_month_s_end() -> None:
    fleet = [Sync(key, Cron("0 0 2 L * ?"), 90) for key in "abc"]
    limits = FleetTerms((at_most(1, *fleet),))
    found = changes(ADVISOR.advise(situation(fleet, fleet_terms=limits)))
    crons = [found.get(sync.key, "0 0 2 L * ?") for sync in fleet]
    assert all(cron.endswith(" L * ?") for cron in crons)
    first, second, third = sorted(map(start, crons))
    assert second - first >= timedelta(minutes=108)
    assert third - second >= timedelta(minutes=108)
    assert third + timedelta(minutes=108) <= timedelta(hours=24)


def test_frequent_syncs_leave_out_a_start_that_meets_a_backup_where_policy_lets_them() -> None:
    backup = Window("backup", WindowKind.BLACKOUT, time(11), timedelta(hours=2), "UTC")
    steps = {
        "schedule": StepLimit("schedule", timedelta(minutes=15)),
        "frequency": StepLimit("frequency", ratio=Decimal(2)),
    }
    sync = Sync("often", Cron("0 0 0/6 * * ?"), 30).within(windows=(backup,), steps=steps)
    (move,) = moves(ADVISOR.advise(situation([sync])))
    assert expression(move) == "0 0 0,6,18 * * ?"
    assert move.against[0] == "It leaves out one sync a day."


def test_data_freshness_requirements_keep_a_start_that_meets_a_backup() -> None:
    """Without its noon sync, data would be twelve hours old; eight are promised."""
    backup = Window("backup", WindowKind.BLACKOUT, time(11), timedelta(hours=2), "UTC")
    steps = {
        "schedule": StepLimit("schedule", timedelta(minutes=15)),
        "frequency": StepLimit("frequency", ratio=Decimal(2)),
    }
    sync = Sync("often", Cron("0 0 0/6 * * ?"), 30).within(
        windows=(backup,), steps=steps, max_staleness=timedelta(hours=8)
    )
    assert not moves(ADVISOR.advise(situation([sync])))
