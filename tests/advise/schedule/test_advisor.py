"""What the advisor answers: recommendations, reasons to stay, and what it does not know."""

from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal

import pytest

from bot.advise.schedule.advisor import ScheduleAdvisor
from bot.domain.connection import Basic, ConnectionId, ConnectionStatus, Cron, Manual
from bot.domain.forecast import Quantiles, Unknown
from bot.domain.money import Money
from bot.domain.platform import Platform
from bot.domain.promises import (
    BlastLimit,
    Deadline,
    FleetTerms,
    Phase,
    StepLimit,
    Terms,
    Window,
    WindowKind,
)
from bot.domain.recommendation import Advice, Keep, NotKnown, Recommendation
from bot.domain.tenure import Tenure
from tests.advise.schedule.fleets import (
    NOW,
    Sync,
    applied,
    at_most,
    changes,
    expression,
    moves,
    priced,
    situation,
)

ADVISOR = ScheduleAdvisor()
HALF_AN_HOUR = {"schedule": StepLimit("schedule", timedelta(minutes=30))}
DUE = Deadline("the report", time(6), "UTC")


def advise(*fleet: Sync, **more: object) -> dict[str, Advice]:
    return {each.connection_id: each for each in ADVISOR.advise(situation(fleet, **more))}


def only(*fleet: Sync, **more: object) -> Recommendation:
    (found,) = moves(advise(*fleet, **more).values())
    return found


def test_of_those_that_start_together_the_first_stays_and_the_others_move_the_least() -> None:
    answers = advise(*(Sync(key) for key in "abc"))
    kept = [key for key, answer in answers.items() if isinstance(answer, Keep)]
    assert len(kept) == 1
    assert sorted(changes(answers.values()).values()) == ["0 1 0 * * ?", "0 2 0 * * ?"]
    first = moves(answers.values())[0]
    assert first.reason == "It starts 1 min later: today it starts in the same minute as 2 others."


def test_one_that_starts_alone_is_left_alone() -> None:
    answers = advise(Sync("a"), Sync("b", Cron("0 0 7 * * ?")))
    assert {type(each) for each in answers.values()} == {Keep}


def test_without_a_forecast_a_start_moves_inside_its_hour_only() -> None:
    fleet = [Sync(f"{n:02}", minutes=None) for n in range(40)]
    answers = advise(*fleet)
    assert len(changes(answers.values())) == 39
    for cron in changes(answers.values()).values():
        minute, hour = (int(field) for field in cron.split()[1:3])
        assert min(hour * 60 + minute, 1440 - hour * 60 - minute) <= 60


def test_policy_bounds_the_move_before_anything_is_planned() -> None:
    fleet = [Sync(key, minutes=50).within(steps=HALF_AN_HOUR) for key in "abc"]
    found = changes(advise(*fleet, fleet_terms=FleetTerms((at_most(1, *fleet),))).values())
    for cron in found.values():
        minute, hour = (int(field) for field in cron.split()[1:3])
        assert min(hour * 60 + minute, 1440 - hour * 60 - minute) <= 30


@pytest.mark.parametrize(
    ("before", "after"),
    [("0 50 0 * * ?", None), ("0 10 1 * * ?", None), ("0 40 2 * * ?", "0 15 2 * * ?")],
)
def test_what_moved_already_in_the_time_that_steps_add_up_over_is_counted_in(
    before: str, after: str | None
) -> None:
    """Else it asks for what policy refuses, every night, and uses up the changes of the run."""
    step = StepLimit("schedule", timedelta(hours=1), window=timedelta(days=30))
    fixed = Sync("fixed", minutes=100).within(phase=Phase.MONITOR)
    late = Sync("late", Cron("0 40 1 * * ?"), 10).within(steps={"schedule": step})
    limits = FleetTerms((at_most(1, fixed, late),))
    then = NOW - timedelta(days=9)
    seen = (Tenure(Cron(before), then, then), Tenure(late.schedule, then, NOW))
    found = changes(advise(fixed, late, fleet_terms=limits, schedules={late.id: seen}).values())
    assert found.get("late") == after


def test_a_run_changes_no_more_than_policy_lets_it_and_says_who_waits() -> None:
    fleet = [Sync(key) for key in "abcdef"]
    answers = advise(*fleet, fleet_terms=FleetTerms(blast=BlastLimit(connections=2)))
    assert len(moves(answers.values())) == 2
    waiting = [a for a in answers.values() if isinstance(a, Keep) and "may not change" in a.reason]
    assert len(waiting) == 3


@pytest.mark.parametrize(
    ("sync", "kind", "why"),
    [
        (Sync("b", n=13), NotKnown, "13 syncs are on record, and 14 are needed"),
        (Sync("b", Manual()), Keep, "started by people"),
        (Sync("b", Cron("not quartz")), NotKnown, "cannot be read"),
        (Sync("b", Cron("0 0 1 * * ?", "Europe/Berlin")), NotKnown, "kept in Europe/Berlin"),
        (Sync("b", status=ConnectionStatus.INACTIVE), Keep, "it is inactive"),
        (replace(Sync("b"), terms=Terms(phase=Phase.LIVE)), Keep, "no policy lets its start"),
        (Sync("b").within(phase=Phase.MONITOR), Keep, "monitor phase"),
        (
            Sync("b").within(
                windows=(
                    Window("the close", WindowKind.FREEZE, time(12), timedelta(hours=1), "UTC"),
                )
            ),
            Keep,
            "the close: nothing may be changed now",
        ),
    ],
)
def test_what_may_not_move_stays_and_says_why(sync: Sync, kind: type, why: str) -> None:
    answer = advise(Sync("a"), sync)["b"]
    assert isinstance(answer, kind)
    assert isinstance(answer, Keep | NotKnown)
    assert why in answer.reason


def test_what_may_not_move_still_takes_its_place() -> None:
    monitored = Sync("a").within(phase=Phase.MONITOR)
    free = Sync("b")
    limits = FleetTerms((at_most(1, monitored, free),))
    assert list(changes(advise(monitored, free, fleet_terms=limits).values())) == ["b"]


def test_an_interval_becomes_a_cron_and_the_reviewer_is_told() -> None:
    fixed = Sync("a", Cron("0 30 0 * * ?")).within(phase=Phase.MONITOR)
    drifting = Sync("b", Basic(24, "hours"))
    found = only(fixed, drifting, fleet_terms=FleetTerms((at_most(1, fixed, drifting),)))
    assert found.change.before == Basic(24, "hours")
    assert any("interval becomes a cron" in each for each in found.against)


def test_a_schedule_that_cloud_would_refuse_today_is_not_written_anew() -> None:
    often = Sync("b", Cron("0 0/30 * * * ?"), 5)
    answer = advise(Sync("a"), often, platform=Platform.cloud())["b"]
    assert isinstance(answer, Keep)
    assert "more often than this Airbyte" in answer.reason


def test_jitter_of_the_platform_is_counted_in() -> None:
    """30 min at p95 fit before six; with 25 minutes of jitter they no longer do."""
    tight = Sync("a", Cron("0 20 5 * * ?"), 15).within(deadlines=(DUE,))
    assert isinstance(advise(tight)["a"], Keep)
    found = only(tight, platform=Platform(jitters=True))
    hour, minute = (int(field) for field in reversed(expression(found).split()[1:3]))
    assert timedelta(hours=hour, minutes=minute + 25 + 24) <= timedelta(hours=6)
    assert any("may start it up to 25 min late" in each for each in found.against)


def test_an_earlier_start_is_said_to_read_less_and_not_to_be_a_delay() -> None:
    tight = Sync("a", Cron("0 20 5 * * ?"), 15).within(deadlines=(DUE,))
    found = only(tight, platform=Platform(jitters=True))
    assert any("before today's start waits for the next sync" in each for each in found.against)
    assert not any("arrives" in each for each in found.against)


def test_a_tick_between_the_last_run_and_now_is_warned_of() -> None:
    """The old cron ran at 00:00; the new one would have had a tick since, before 12:30."""
    sync = Sync("a", Cron("0 0 0 * * ?"), last=NOW.replace(hour=0, minute=0))
    window = Window("backup", WindowKind.BLACKOUT, time(22), timedelta(hours=5), "UTC")
    found = only(sync.within(windows=(window,)))
    assert any("catches up on missed ticks" in each for each in found.against)
    late = replace(sync, last=NOW - timedelta(minutes=1))
    assert not any("catches up" in e for e in only(late.within(windows=(window,))).against)


def test_both_offsets_of_a_zone_that_changes_its_clock_are_planned_for() -> None:
    """06:00 in Berlin is 05:00 UTC in winter and 04:00 UTC in summer."""
    due = Deadline("the report", time(6), "Europe/Berlin")
    found = only(Sync("a", Cron("0 0 4 * * ?")).within(deadlines=(due,)))
    hour, minute = (int(field) for field in reversed(expression(found).split()[1:3]))
    assert timedelta(hours=hour, minutes=minute + 32) <= timedelta(hours=4)


def test_saving_and_deadlines_have_intervals_and_unknown_is_said() -> None:
    early = Sync("a", Cron("0 50 5 * * ?")).within(deadlines=(DUE,))
    found = only(early)
    assert isinstance(found.effect.saving, Unknown)
    assert isinstance(found.effect.duration, Unknown)
    deadlines = found.effect.deadlines
    assert isinstance(deadlines, Quantiles)
    assert deadlines.p50 < Decimal(-20)
    alone = only(Sync("a", Cron("0 0 9 * * ?")), **priced(*"111111111911111111111111"))
    assert isinstance(alone.effect.deadlines, Unknown)


def test_a_saving_is_what_the_warehouse_s_meter_would_show() -> None:
    """Two syncs of 20 min and a tail of 10: apart 60 min a day are paid, a minute apart 31."""
    fleet = [Sync("a", Cron("0 0 1 * * ?")), Sync("b", Cron("0 0 9 * * ?"))]
    found = only(*fleet, **priced("6"))
    assert isinstance(found.effect.saving, Quantiles)
    assert found.effect.saving.p50 == Money.of("87.00")
    assert found.effect.saving.p05 < found.effect.saving.p50 < found.effect.saving.p95


@pytest.mark.parametrize("beside", [0, 1])
def test_an_interval_may_wander_to_where_there_is_nothing_to_save(beside: int) -> None:
    """At nine an hour costs nine times as much; a quarter of a day later it does not."""
    dear = priced(*"111111111911111111111111")
    others = [Sync("z", Cron("0 0 3 * * ?")).within(phase=Phase.MONITOR)] * beside
    nine = NOW.replace(hour=9, minute=0)
    fixed = only(Sync("a", Cron("0 0 9 * * ?"), last=nine), *others, **dear).effect.saving
    wanders = only(Sync("a", Basic(24, "hours"), last=nine), *others, **dear).effect.saving
    assert isinstance(fixed, Quantiles)
    assert isinstance(wanders, Quantiles)
    assert fixed.p05.amount > 0
    assert wanders.p50 == fixed.p50
    assert wanders.p05.amount < 0


def test_what_only_pays_together_is_proposed_together() -> None:
    """Two syncs keep the warehouse on at nine; one of them leaving alone would save nothing."""
    fixed = Sync("a", Cron("0 0 1 * * ?"), 60).within(phase=Phase.MONITOR)
    pair = [Sync(key, Cron("0 0 9 * * ?")) for key in "bc"]
    roomy = at_most(9, fixed, *pair)
    answers = advise(fixed, *pair, fleet_terms=FleetTerms((roomy,)), **priced("6"))
    first, second = moves(answers.values())
    assert first.depends_on == (second.connection_id,)
    assert second.depends_on == (first.connection_id,)
    assert first.effect.saving == second.effect.saving
    assert "its part of what 2 changes save together" in first.reason
    one = FleetTerms((roomy,), BlastLimit(connections=1))
    assert not moves(advise(fixed, *pair, fleet_terms=one, **priced("6")).values())


def test_a_change_that_pays_after_another_says_so() -> None:
    """Alone, the second would not come: it is the first that keeps the warehouse on there."""
    fixed = Sync("a", Cron("0 0 1 * * ?"), 60).within(phase=Phase.MONITOR)
    pair = [Sync(key, Cron("0 0 9 * * ?")) for key in "bc"]
    first, second = moves(advise(fixed, *pair, **priced("6")).values())
    assert first.depends_on == ()
    assert second.depends_on == (first.connection_id,)


def test_a_small_fleet_is_told_how_good_its_plan_is() -> None:
    fleet = [Sync(key) for key in "abc"]
    found = moves(advise(*fleet, fleet_terms=FleetTerms((at_most(1, *fleet),))).values())
    assert found[0].figures["above the best possible plan"] == "at most 0.0%, with all changes"


def test_donors_stay_and_are_like_it() -> None:
    found = moves(advise(*(Sync(key) for key in "abc")).values())
    kept = {"a", "b", "c"} - {move.connection_id for move in found}
    assert {donor for move in found for donor in move.donors} == kept


def test_after_all_moves_are_made_nothing_is_left_to_do() -> None:
    fleet = [Sync(key) for key in "abcdef"]
    limits = FleetTerms((at_most(2, *fleet),))
    after = applied(fleet, ADVISOR.advise(situation(fleet, fleet_terms=limits)))
    assert not moves(ADVISOR.advise(situation(after, fleet_terms=limits)))


def test_an_empty_fleet_and_one_that_starts_nothing_get_their_answers() -> None:
    assert ADVISOR.advise(situation([])) == []
    (answer,) = ADVISOR.advise(situation([Sync("a", status=ConnectionStatus.INACTIVE)]))
    assert isinstance(answer, Keep)


def test_where_a_run_may_change_little_the_proof_is_still_of_the_whole_plan() -> None:
    fleet = [Sync(key) for key in "abcd"]
    limits = FleetTerms((at_most(1, *fleet),), BlastLimit(connections=1))
    found = only(*fleet, fleet_terms=limits)
    assert found.figures["above the best possible plan"] == "at most 0.0%, with all changes"


def test_of_plans_that_are_as_good_the_one_that_is_proposed_already_is_kept() -> None:
    proposed = {ConnectionId("a"): Cron("0 7 0 * * ?")}
    found = changes(advise(*(Sync(key) for key in "abc"), proposed=proposed).values())
    assert found["a"] == "0 7 0 * * ?"
    assert len(found) == 2
    # What is no move of today's starts says nothing.
    other = {ConnectionId("a"): Cron("0 7 0 ? * MON")}
    plain = changes(advise(*(Sync(key) for key in "abc")).values())
    assert changes(advise(*(Sync(key) for key in "abc"), proposed=other).values()) == plain


def test_an_earlier_start_that_is_proposed_is_kept_where_there_are_several_a_day() -> None:
    every_six = Cron("0 10 0/6 * * ?")
    fleet = [Sync(key, every_six) for key in "ab"]
    limits = FleetTerms((at_most(1, *fleet),))
    proposed = {ConnectionId("a"): Cron("0 20 5/6 * * ?")}
    found = changes(advise(*fleet, proposed=proposed, fleet_terms=limits).values())
    assert found == {"a": "0 20 5/6 * * ?"}


def test_what_is_proposed_already_is_advised_again_in_the_same_words() -> None:
    fleet = [Sync(key, Cron("0 0 9 * * ?")) for key in "abcd"]
    first = advise(*fleet, **priced("6"))
    proposed = {ConnectionId(key): Cron(cron) for key, cron in changes(first.values()).items()}
    assert len(proposed) > 1
    assert advise(*fleet, proposed=proposed, **priced("6")) == first
    some = dict(list(proposed.items())[1:])  # the others were turned down, or were too many
    assert advise(*fleet, proposed=some, **priced("6")) == first


def test_a_window_that_summer_time_moves_is_kept_in_each_season_by_itself() -> None:
    """Half an hour later would be no worse over the year, and strike the backup in winter too."""
    backup = Window("backup", WindowKind.BLACKOUT, time(2), timedelta(hours=1), "Europe/Berlin")
    others = [Sync(key, Cron("0 0 0 * * ?"), 3) for key in "ab"]
    near = Sync("c", Cron("0 10 0/6 * * ?"), 20).within(windows=(backup,), steps=HALF_AN_HOUR)
    limits = FleetTerms((at_most(1, *others, near),))
    found = changes(advise(*others, near, fleet_terms=limits).values())
    assert found
    assert found.get("c", "0 10 0/6 * * ?") <= "0 28 0/6 * * ?"


def test_a_deadline_that_summer_time_moves_is_kept_in_each_season_by_itself() -> None:
    """Hours that break it in summer and in winter are no worse over the year than today's."""
    due = replace(DUE, finish_by=time(8), zone="Europe/Berlin", after=time(7))
    now = Cron("0 5 6 * * ?")
    others = [Sync(key, now, 3) for key in "ab"]
    reader = Sync("c", now, 20).within(deadlines=(due,))
    limits = FleetTerms((at_most(1, *others, reader),))
    found = changes(advise(*others, reader, fleet_terms=limits).values())
    assert found
    minute, hour = (int(field) for field in found.get("c", now.expression).split()[1:3])
    assert 6 * 60 <= hour * 60 + minute <= 6 * 60 + 26


def test_changes_that_only_pay_together_say_what_they_spare_a_capacity_and_no_more() -> None:
    """The first of them moves into the way of the second, which no plan would keep."""
    half = {"schedule": StepLimit("schedule", timedelta(minutes=30))}
    a, b = Sync("a", Cron("0 0 6 * * ?"), 20), Sync("b", Cron("0 25 6 * * ?"), 20)
    fixed = Sync("fixed", Cron("0 55 5 * * ?"), 20).within(phase=Phase.MONITOR)
    fleet = (a.within(steps=half), b.within(steps=half), fixed)
    found = advise(*fleet, fleet_terms=FleetTerms((at_most(1, *fleet),)))
    gone = "the database bears 1 sync at once, and 2 min a day above that are gone"
    joint = "its part of what 2 changes save together."
    assert [each.depends_on for each in moves(found.values())] == [("b",), ("a",)]
    for each in moves(found.values()):
        assert each.reason.partition(": ")[2] == f"{gone}, {joint}"


BACKUP = Window("backup", WindowKind.BLACKOUT, time(2), timedelta(hours=1), "UTC")
DUMP = Window("dump", WindowKind.BLACKOUT, time(1, 20), timedelta(minutes=30), "UTC")


@pytest.mark.parametrize(
    ("fixed", "near", "windows"),
    [
        # Earlier it would be out of the backup, and inside the dump.
        (
            Sync("fixed", Cron("0 0 2 * * ?"), 60),
            Sync("near", Cron("0 0 2 * * ?"), 20),
            (BACKUP, DUMP),
        ),
        # Only one long sync in twenty meets the backup today; later, every other would.
        (
            Sync("fixed", Cron("0 40 0 * * ?"), 40),
            Sync("near", Cron("0 20 1 * * ?"), 32),
            (BACKUP,),
        ),
    ],
    ids=["another window", "usual syncs"],
)
def test_no_window_is_run_into_for_another_one_or_by_more_of_the_syncs(
    fixed: Sync, near: Sync, windows: tuple[Window, ...]
) -> None:
    """Policy refuses both, so that they would be asked for in vain every night."""
    fleet = (fixed.within(phase=Phase.MONITOR), near.within(windows=windows, steps=HALF_AN_HOUR))
    assert not changes(advise(*fleet, fleet_terms=FleetTerms((at_most(1, *fleet),))).values())
