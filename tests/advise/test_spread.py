import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.advise.advisor import Situation
from bot.advise.spread import SpreadAdvisor
from bot.domain.connection import (
    Connection,
    ConnectionId,
    ConnectionStatus,
    Cron,
    DestinationId,
    Manual,
    Schedule,
    SourceId,
    WorkspaceId,
)
from bot.domain.cron import parse
from bot.domain.forecast import Evidence
from bot.domain.promises import StepLimit, Terms
from bot.domain.recommendation import Advice, Keep, NotKnown, Recommendation, ScheduleChange
from bot.domain.subject import Subject

NOW = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
ENOUGH = Evidence(NOW - timedelta(days=30), NOW, 30)


def connection(
    key: str, schedule: Schedule, status: ConnectionStatus = ConnectionStatus.ACTIVE
) -> Connection:
    return Connection(
        ConnectionId(key),
        key,
        SourceId("s"),
        DestinationId("d"),
        WorkspaceId("w"),
        status,
        schedule,
    )


def situation(fleet: Sequence[Connection], shift: int = 30, n: int = 30) -> Situation:
    evidence = Evidence(ENOUGH.start, ENOUGH.end, n)
    limit = StepLimit("schedule", timedelta(minutes=shift))
    return Situation(
        NOW,
        tuple(Subject(one) for one in fleet),
        {one.id: evidence for one in fleet},
        terms={one.id: Terms(steps={"schedule": limit}) for one in fleet},
    )


def advise(*fleet: Connection, shift: int = 30, n: int = 30) -> dict[str, Advice]:
    return {a.connection_id: a for a in SpreadAdvisor().advise(situation(fleet, shift, n))}


def after(advice: Advice) -> str:
    assert isinstance(advice, Recommendation)
    assert isinstance(advice.change, ScheduleChange)
    return advice.change.after.expression


def test_the_first_stays_and_the_others_move_the_least() -> None:
    fleet = [connection(key, Cron("0 0 6 * * ?")) for key in "abc"]
    answers = advise(*fleet)
    assert isinstance(answers["a"], Keep)
    assert "2 other connections start with it" in answers["a"].reason
    assert after(answers["b"]) == "0 1 6 * * ?"
    assert after(answers["c"]) == "0 2 6 * * ?"


def test_one_that_starts_alone_is_left_alone() -> None:
    answers = advise(connection("a", Cron("0 0 6 * * ?")), connection("b", Cron("0 0 7 * * ?")))
    assert [type(answer) for answer in answers.values()] == [Keep, Keep]


def test_a_clash_on_one_day_of_the_week_is_a_clash() -> None:
    answers = advise(connection("a", Cron("0 0 6 * * ?")), connection("b", Cron("0 0 6 ? * MON")))
    assert after(answers["b"]) == "0 1 6 ? * MON"


def test_the_zone_of_a_schedule_is_kept_and_counted_in() -> None:
    berlin = Cron("0 0 7 * * ?", "Europe/Berlin")
    answers = advise(connection("a", Cron("0 0 6 * * ?")), connection("b", berlin))
    moved = answers["b"]
    assert after(moved) == "0 1 7 * * ?"
    assert isinstance(moved, Recommendation)
    assert isinstance(moved.change, ScheduleChange)
    assert moved.change.after.zone == "Europe/Berlin"


def test_a_start_never_leaves_its_hour() -> None:
    fleet = [connection(key, Cron("0 59 6 * * ?")) for key in "ab"]
    assert after(advise(*fleet)["b"]) == "0 58 6 * * ?"


def test_policy_bounds_the_move() -> None:
    fleet = [connection(key, Cron("0 0 6 * * ?")) for key in "abc"]
    answers = advise(*fleet, shift=1)
    assert after(answers["b"]) == "0 1 6 * * ?"
    kept = answers["c"]
    assert isinstance(kept, Keep)
    assert "policy leaves no free minute" in kept.reason


def test_too_short_a_history_is_said_and_moves_nobody() -> None:
    fleet = [connection(key, Cron("0 0 6 * * ?")) for key in "ab"]
    answer = advise(*fleet, n=13)["b"]
    assert isinstance(answer, NotKnown)
    assert "13 syncs are on record, and 14 are needed" in answer.reason


@pytest.mark.parametrize(
    "other",
    [
        connection("b", Manual()),
        connection("b", Cron("0 0/5 6 * * ?")),
        connection("b", Cron("not quartz")),
        connection("b", Cron("0 0 6 * * ?"), ConnectionStatus.INACTIVE),
    ],
)
def test_what_has_no_single_minute_is_left_alone(other: Connection) -> None:
    assert isinstance(advise(connection("a", Cron("0 0 6 * * ?")), other)["b"], Keep)


crons = st.builds(
    lambda minute, hour, day: f"0 {minute} {hour} ? * {day}",
    st.sampled_from([0, 1, 30, 59]),
    st.sampled_from(["0", "6", "*", "0/6"]),
    st.sampled_from(["*", "MON-FRI", "SUN"]),
)
fleets = st.lists(crons, min_size=1, max_size=12).map(
    lambda found: [connection(f"c{i:02d}", Cron(cron)) for i, cron in enumerate(found)]
)


def clashes(fleet: Sequence[Connection]) -> int:
    starts: Counter[datetime] = Counter()
    for one in fleet:
        assert isinstance(one.schedule, Cron)
        starts.update(parse(one.schedule.expression).fires_between(NOW, NOW + timedelta(days=7)))
    return sum(count - 1 for count in starts.values() if count > 1)


def applied(fleet: Sequence[Connection]) -> list[Connection]:
    answers = SpreadAdvisor().advise(situation(fleet))
    return [
        connection(one.id, Cron(after(answer))) if isinstance(answer, Recommendation) else one
        for one, answer in zip(fleet, answers, strict=True)
    ]


@settings(deadline=None)
@given(fleets)
def test_applied_it_never_clashes_more_and_asks_for_nothing_twice(fleet: list[Connection]) -> None:
    once = applied(fleet)
    assert clashes(once) <= clashes(fleet)
    assert applied(once) == once


@settings(deadline=None)
@given(fleets, st.randoms())
def test_the_order_of_the_fleet_changes_nothing(
    fleet: list[Connection], rng: random.Random
) -> None:
    shuffled = rng.sample(fleet, len(fleet))
    assert SpreadAdvisor().advise(situation(shuffled)) == SpreadAdvisor().advise(situation(fleet))
