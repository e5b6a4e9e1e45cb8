import random
from dataclasses import replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.advise.frequency import FrequencyAdvisor
from bot.domain.calendar import Days
from bot.domain.connection import ConnectionId, ConnectionStatus, Cron, Manual
from bot.domain.cron import parse
from bot.domain.forecast import Quantiles, Unknown
from bot.domain.lineage import Downstream, Reader
from bot.domain.money import Money
from bot.domain.prices import BillingClass, ComputePrice, PriceBook, VolumePrice
from bot.domain.promises import Deadline, Phase, StepLimit, Terms, Window, WindowKind
from bot.domain.recommendation import (
    Advice,
    Confidence,
    Keep,
    NotKnown,
    Recommendation,
    ScheduleChange,
)
from bot.domain.tenure import Tenure
from tests.advise.fleets import FREE, NOW, Done, Given, every, ratio, situation_of

A = ConnectionId("a")
CREDIT = PriceBook(volume=VolumePrice(Money.of("2.50")))
COMPUTE = PriceBook(compute=ComputePrice(Money.of("0.10")))


def advise(given: Given, terms: Terms = FREE, **more: Any) -> Advice:
    (answer,) = FrequencyAdvisor().advise(situation_of(given, terms=terms, **more))
    return answer


def recommended(given: Given, terms: Terms = FREE, **more: Any) -> Recommendation:
    answer = advise(given, terms, **more)
    assert isinstance(answer, Recommendation), answer
    return answer


def after(recommendation: Recommendation) -> str:
    assert isinstance(recommendation.change, ScheduleChange)
    return recommendation.change.after.expression


def quiet(at: datetime) -> Done:
    """Bring something at 06:00 alone; nothing takes a minute."""
    return Done(at, 300, 1000) if at.hour == 6 else Done(at, 60, 0)


def busy(at: datetime) -> Done:
    return Done(at, 300, 1000)


HOURLY = "0 0 * * * ?"


def hourly(sync: Any = quiet, days: int = 42, **more: Any) -> Given:
    return Given(schedule=Cron(HOURLY), syncs=every(HOURLY, days, sync), **more)


def test_it_runs_less_where_nothing_new_arrives() -> None:
    found = recommended(hourly())
    assert after(found) == "0 0 6 * * ?"
    assert found.figures["runs without new rows"].endswith("syncs brought nothing new")
    assert found.evidence.n > 900
    assert found.confidence is Confidence.HIGH
    assert not any("later" in words for words in found.against)


def test_connections_whose_every_sync_brings_something_are_kept_for_one_reason() -> None:
    longer, shorter = advise(hourly(busy)), advise(hourly(busy, 30))
    assert isinstance(longer, Keep)
    assert isinstance(shorter, Keep)
    assert longer.reason == shorter.reason  # a summary says it once for all of them
    assert longer.figures != shorter.figures


def test_days_on_which_data_would_have_come_later_speak_against() -> None:
    def twice(at: datetime) -> Done:
        return quiet(at) if at.weekday() < 5 else replace(quiet(at), rows=int(at.hour == 9))

    found = recommended(hourly(twice))
    assert after(found) == "0 0 6 * * ?"
    (words,) = [each for each in found.against if "later" in each]
    assert "On 12 days of the last 42" in words
    assert "21 h" in words


def test_where_every_sync_brings_something_it_stays() -> None:
    answer = advise(hourly(busy))
    assert isinstance(answer, Keep)
    assert "each sync brought something new" in answer.reason


def test_the_step_stays_inside_what_policy_allows() -> None:
    found = recommended(hourly(), ratio("frequency", "2"))
    assert after(found) == "0 0 0/2 * * ?"
    answer = advise(hourly(), Terms())
    assert isinstance(answer, Keep)
    assert "policy" in answer.reason


def test_steps_of_the_time_over_which_they_add_up_are_one_step() -> None:
    month = StepLimit("frequency", ratio=Decimal(2), window=timedelta(days=30))
    terms = Terms(Phase.LIVE, steps={"frequency": month})
    then, given = NOW - timedelta(days=20), hourly()
    half_hourly = Tenure(Cron("0 0/30 * * * ?"), then, then)
    seen = (half_hourly, Tenure(given.schedule, then, NOW))
    assert isinstance(advise(given, terms, schedules={A: seen}), Keep)
    long_ago = replace(half_hourly, last_seen=NOW - timedelta(days=31))
    assert after(recommended(given, terms, schedules={A: (long_ago, seen[1])})) == "0 0 0/2 * * ?"


def test_weekends_that_bring_nothing_are_left_out() -> None:
    daily = "0 10 6 * * ?"
    given = Given(
        schedule=Cron(daily),
        syncs=every(daily, 45, lambda at: Done(at, 100, 10 if at.weekday() < 5 else 0)),
    )
    assert after(recommended(given)) == "0 10 6 ? * MON-FRI"


def test_incremental_rows_cost_the_same_however_often_one_looks() -> None:
    answer = advise(hourly(), prices=CREDIT)
    assert isinstance(answer, Keep)
    assert "$0.00 a month at most" in answer.reason
    saving = recommended(hourly(), prices=COMPUTE).effect.saving
    # 23 of 24 syncs a day do not start, each a minute, for thirty days, on 1.4 CPUs.
    assert isinstance(saving, Quantiles)
    assert float(saving.p50.amount) == pytest.approx(23 * 30 / 60 * 1.4 * 0.10, rel=0.02)
    assert saving.p05 <= saving.p50 <= saving.p95


def test_full_refresh_rows_fall_with_the_starts() -> None:
    same = hourly(lambda at: Done(at, 300, 1_000_000), modes=["full_refresh_overwrite"])
    prices = replace(CREDIT, billing={"source-stripe": BillingClass.API})
    found = recommended(same, ratio("frequency", "2"), prices=prices)
    assert after(found).endswith("/2 * * ?")
    assert isinstance(found.effect.saving, Quantiles)
    # Twelve syncs a day of a million rows, at six credits each.
    assert float(found.effect.saving.p50.amount) == pytest.approx(12 * 30 * 15, rel=0.03)
    assert found.confidence is Confidence.MEDIUM
    assert any("read whole" in words for words in found.against)
    assert found.effect.duration == Quantiles.exactly(timedelta())


def test_a_full_refresh_whose_rows_change_stays() -> None:
    dice = random.Random(3)
    growing = hourly(
        lambda at: Done(at, 300, dice.randrange(1_000_000)), modes=["full_refresh_overwrite"]
    )
    assert isinstance(advise(growing), Keep)


def test_of_a_mixed_connection_the_saving_is_between_both() -> None:
    mixed = hourly(
        lambda at: Done(at, 300, 1_000_000), modes=["full_refresh_overwrite", "incremental_append"]
    )
    saving = recommended(mixed, ratio("frequency", "2"), prices=CREDIT).effect.saving
    assert isinstance(saving, Quantiles)
    assert saving.p05 == Money.zero()
    assert float(saving.p50.amount) == pytest.approx(12 * 30 * 15 / 2, rel=0.03)
    assert float(saving.p95.amount) > 12 * 30 * 15 * 0.95


def test_what_nobody_reads_runs_less_only_where_lineage_is_known() -> None:
    given = hourly(busy)
    assert isinstance(advise(given), Keep)
    found = recommended(given, ratio("frequency", "4"), traced=frozenset({A}))
    assert after(found) == "0 0 0/4 * * ?"
    assert found.reason.startswith("Nothing that lineage knows reads it")
    subject = replace(given.subject, downstream=Downstream(("orders",)))
    answer = advise(given, traced=frozenset({A}), subjects=(subject,))
    assert isinstance(answer, Keep)


def test_a_deadline_keeps_the_start_that_serves_it() -> None:
    def night(at: datetime) -> Done:
        return Done(at, 300, 1000 if at.hour == 2 else 0)

    deadline = Deadline("board", time(5, 0), "UTC", after=time(4, 0))
    assert after(recommended(hourly(night))) == "0 0 2 * * ?"
    promised = replace(FREE, deadlines=(deadline,))
    found = recommended(hourly(night), promised)
    assert after(found) == "0 0 4/12 * * ?"
    path = Reader("board", "dashboard", critical_path=timedelta(hours=1), deadline=deadline)
    subject = replace(hourly(night).subject, downstream=Downstream(("m",), (path,)))
    # Models take the hour in which the one sync that counts would have to run.
    assert after(recommended(hourly(night), subjects=(subject,))) == "0 0 2 * * ?"


def test_it_runs_no_more_often_than_the_age_that_policy_allows() -> None:
    terms = replace(FREE, max_staleness=timedelta(hours=7))
    found = recommended(hourly(busy), terms, prices=COMPUTE)
    assert after(found).endswith("/6 * * ?")
    assert "Policy lets its data get 7 h old" in found.reason
    assert found.figures["age of data at most"].startswith("6 h")
    assert any("would have come" in words for words in found.against)


def test_data_gets_no_older_than_promised() -> None:
    found = recommended(hourly(), replace(FREE, max_staleness=timedelta(hours=5)))
    assert after(found) == "0 0 2/4 * * ?"
    assert found.figures["age of data at most"].startswith("4 h ")


def test_it_runs_more_where_staleness_breaks_a_promise() -> None:
    daily = "0 10 6 * * ?"
    given = Given(schedule=Cron(daily), syncs=every(daily, 42, busy))
    promised = replace(FREE, max_staleness=timedelta(hours=7))
    found = recommended(given, promised, prices=COMPUTE)
    assert after(found) == "0 10 0/6 * * ?"
    assert "1 d 5 min old where 7 h is promised" in found.reason.replace("  ", " ") or (
        "1 d" in found.reason and "7 h is promised" in found.reason
    )
    assert isinstance(found.effect.saving, Quantiles)
    assert found.effect.saving.p95 <= Money.zero()
    fresh = replace(given.subject, downstream=Downstream(("m",), (), timedelta(hours=13)))
    assert after(recommended(given, subjects=(fresh,))) == "0 10 6/12 * * ?"


def test_a_promise_out_of_reach_gets_the_step_that_policy_allows() -> None:
    daily = "0 10 6 * * ?"
    given = Given(schedule=Cron(daily), syncs=every(daily, 42, busy))
    terms = replace(ratio("frequency", "2"), max_staleness=timedelta(hours=2))
    assert after(recommended(given, terms)) == "0 10 6/12 * * ?"
    slow = Given(schedule=Cron(daily), syncs=every(daily, 42, lambda at: Done(at, 80_000)))
    answer = advise(slow, replace(FREE, max_staleness=timedelta(hours=2)))
    assert isinstance(answer, Keep)
    assert "a sync takes up to 22 h 13 min" in answer.reason


def test_more_starts_avoid_blackouts() -> None:
    daily = "0 10 6 * * ?"
    given = Given(schedule=Cron(daily), syncs=every(daily, 42, busy))
    backup = Window("backup", WindowKind.BLACKOUT, time(18, 0), timedelta(hours=1), "UTC", Days())
    terms = replace(FREE, max_staleness=timedelta(hours=13), windows=(backup,))
    assert after(recommended(given, terms)) == "0 10 6/8 * * ?"


def test_too_little_evidence_is_no_answer() -> None:
    answer = advise(hourly(days=10))
    assert isinstance(answer, NotKnown)
    assert "in 10 days are on record" in answer.reason
    changed = (
        Tenure(Cron("0 0 5 * * ?"), NOW - timedelta(days=40), NOW - timedelta(days=4)),
        Tenure(Cron(HOURLY), NOW - timedelta(days=3), NOW),
    )
    assert isinstance(advise(hourly(), schedules={A: changed}), NotKnown)


def test_what_starts_no_syncs_stays() -> None:
    assert isinstance(advise(hourly(status=ConnectionStatus.INACTIVE)), Keep)
    assert isinstance(advise(replace(hourly(), schedule=Manual())), Keep)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    share=st.floats(0, 1),
    allowed=st.sampled_from(["1.2", "2", "3", "24"]),
    hours=st.sampled_from([2, 5, 7, 13, 26, 80]),
    cron=st.sampled_from([HOURLY, "0 20 0/4 * * ?", "0 5 6 * * ?", "0 0/30 * * * ?"]),
)
def test_no_answer_leaves_the_limits_and_all_repeat(
    seed: int, share: float, allowed: str, hours: int, cron: str
) -> None:
    dice = random.Random(seed)
    given = Given(
        schedule=Cron(cron),
        syncs=every(cron, 30, lambda at: Done(at, 200, 10 * (dice.random() < share))),
    )
    other = replace(given, key="b", source="other", syncs=given.syncs[::2])
    terms = replace(ratio("frequency", allowed), max_staleness=timedelta(hours=hours))
    situation = situation_of(given, other, terms=terms)
    answers = FrequencyAdvisor().advise(situation)
    turned = replace(situation, subjects=situation.subjects[::-1])
    assert FrequencyAdvisor().advise(turned) == answers
    for answer in answers:
        if not isinstance(answer, Recommendation):
            continue
        monday = NOW.replace(hour=0, minute=0)
        before = parse(cron).week_positions(monday)
        now = parse(after(answer)).week_positions(monday)
        factor = Decimal(len(now)) / Decimal(len(before))
        assert max(factor, 1 / factor) <= Decimal(allowed) + Decimal("1e-9")
        assert factor != 1
        assert isinstance(answer.effect.saving, Unknown)
