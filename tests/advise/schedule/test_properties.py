"""What holds of every plan, judged by a simulator that knows nothing of planning."""

import random
from dataclasses import replace
from datetime import time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.advise.schedule.advisor import ScheduleAdvisor
from bot.advise.schedule.search import Effort
from bot.domain.calendar import WEEKDAYS, Days
from bot.domain.connection import Basic, Cron, Schedule
from bot.domain.cron import parse, to_airbyte
from bot.domain.promises import BlastLimit, Deadline, FleetTerms, StepLimit, Window, WindowKind
from tests.advise.schedule.fleets import (
    Sync,
    applied,
    at_most,
    expression,
    moves,
    priced,
    situation,
)
from tests.advise.schedule.simulator import SUMMER, WINTER, fires, play

QUICK = ScheduleAdvisor(effort=Effort(rounds=2), bound_up_to=0)

hours = st.sampled_from(["0", "2", "5", "23"])
crons = st.builds(
    lambda minute, hour, day: Cron(f"0 {minute} {hour} {day}"),
    st.sampled_from([0, 7, 30]),
    hours,
    st.sampled_from(["* * ?", "* * ?", "? * MON-FRI", "? * SUN"]),
)
repeated = st.sampled_from([Cron("0 0 * * * ?"), Cron("0 10 0/6 * * ?"), Basic(8, "hours")])
schedules: st.SearchStrategy[Schedule] = st.one_of(crons, crons, repeated)
deadlines = st.builds(
    lambda hour, zone, days: Deadline("report", time(hour), zone, days),
    st.integers(3, 9),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]),
    st.sampled_from([Days(), Days(WEEKDAYS)]),
)
windows = st.builds(
    lambda hour, length: Window(
        "backup", WindowKind.BLACKOUT, time(hour), timedelta(hours=length), "Europe/Berlin"
    ),
    st.integers(0, 23),
    st.integers(1, 4),
)


@st.composite
def fleets(draw: st.DrawFn) -> list[Sync]:
    found = []
    for number in range(draw(st.integers(1, 7))):
        sync = Sync(
            f"c{number}",
            draw(schedules),
            draw(st.sampled_from([3.0, 20.0, 50.0])),
            source=draw(st.sampled_from(["one", "other"])),
        )
        found.append(
            sync.within(
                deadlines=tuple(draw(st.lists(deadlines, max_size=1))),
                windows=tuple(draw(st.lists(windows, max_size=1))),
                steps={"schedule": StepLimit("schedule", draw(st.sampled_from(REACHES)))},
            )
        )
    return found


REACHES = [None, timedelta(minutes=30), timedelta(hours=4)]


def terms(fleet: list[Sync]) -> FleetTerms:
    sources = sorted({sync.source for sync in fleet})
    return FleetTerms(
        tuple(at_most(1, *(s for s in fleet if s.source == source)) for source in sources)
    )


@settings(max_examples=20, deadline=None)
@given(fleets(), st.booleans())
def test_a_simulator_finds_nothing_that_is_worse_than_today(
    fleet: list[Sync], warehouse: bool
) -> None:
    limits = terms(fleet)
    prices = priced("3") if warehouse else {}
    advice = QUICK.advise(situation(fleet, fleet_terms=limits, **prices))
    after = applied(fleet, advice)
    for monday in (WINTER, SUMMER):
        was = play(fleet, limits.capacities, monday)
        now = play(after, limits.capacities, monday)
        assert all(now.late[key] <= was.late[key] for key in now.late)
        assert all(now.struck[key] <= was.struck[key] for key in now.struck)
        assert all(a <= b for a, b in zip(now.over, was.over, strict=True))


@settings(max_examples=20, deadline=None)
@given(fleets())
def test_every_cron_fires_at_today_s_times_moved_by_one_shift(fleet: list[Sync]) -> None:
    by_key = {sync.key: sync for sync in fleet}
    for move in moves(QUICK.advise(situation(fleet, **priced("3")))):
        sync = by_key[move.connection_id]
        written = expression(move)
        assert parse(to_airbyte(written).removesuffix(" UTC")).text == written
        old = fires(sync, WINTER, WINTER + timedelta(days=7))
        new = fires(replace(sync, schedule=Cron(written)), WINTER, WINTER + timedelta(days=7))
        assert len(new) == len(old)
        week = timedelta(days=7)
        shifts = [{(b - a) % week for b in new} for a in old]
        assert set.intersection(*shifts)
        limit = sync.terms.steps["schedule"].shift
        near = min(min(shift, week - shift) for shift in set.intersection(*shifts))
        assert limit is None or near <= limit


@settings(max_examples=12, deadline=None)
@given(fleets(), st.randoms())
def test_the_order_of_the_fleet_changes_nothing(fleet: list[Sync], rng: random.Random) -> None:
    shuffled = rng.sample(fleet, len(fleet))
    limits = terms(fleet)
    assert QUICK.advise(situation(shuffled, fleet_terms=limits)) == QUICK.advise(
        situation(fleet, fleet_terms=limits)
    )


@settings(max_examples=10, deadline=None)
@given(fleets())
def test_the_same_situation_gets_the_same_bytes(fleet: list[Sync]) -> None:
    asked = situation(fleet, fleet_terms=terms(fleet), **priced("1", "4"))
    assert repr(QUICK.advise(asked)) == repr(QUICK.advise(asked))


@settings(max_examples=12, deadline=None)
@given(fleets(), st.integers(0, 4))
def test_no_run_changes_more_than_the_blast_limit(fleet: list[Sync], most: int) -> None:
    limits = replace(terms(fleet), blast=BlastLimit(connections=most))
    assert len(moves(QUICK.advise(situation(fleet, fleet_terms=limits)))) <= most


@settings(max_examples=10, deadline=None)
@given(fleets())
def test_every_connection_gets_one_answer(fleet: list[Sync]) -> None:
    answers = QUICK.advise(situation(fleet))
    assert [each.connection_id for each in answers] == sorted(sync.id for sync in fleet)


@settings(max_examples=10, deadline=None)
@given(fleets())
def test_a_plan_that_was_carried_out_is_left_alone_or_made_better(fleet: list[Sync]) -> None:
    """A second plan may find what the first one missed, but never turns it back."""
    once = applied(fleet, QUICK.advise(situation(fleet, **priced("3"))))
    again = moves(QUICK.advise(situation(once, **priced("3"))))
    before = {sync.key: sync.schedule for sync in fleet}
    assert all(Cron(expression(move)) != before[move.connection_id] for move in again)
