from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.advise.pause import PauseAdvisor
from bot.domain.connection import ConnectionId, ConnectionStatus
from bot.domain.forecast import Quantiles
from bot.domain.lineage import Downstream
from bot.domain.money import Money
from bot.domain.prices import ComputePrice, PriceBook, VolumePrice
from bot.domain.promises import Terms
from bot.domain.recommendation import Advice, Keep, NotKnown, Recommendation, StatusChange
from bot.domain.trouble import Cause, Trouble
from tests.advise.fleets import FREE, NOW, Given, every, situation_of

A = ConnectionId("a")
HOURLY = "0 0 * * * ?"


def advise(given: Given, terms: Terms = FREE, **more: Any) -> Advice:
    (answer,) = PauseAdvisor().advise(situation_of(given, terms=terms, **more))
    return answer


def failing(count: int, cron: str = HOURLY, days: int = 30) -> Given:
    """Succeed, but for the last `count` syncs."""
    syncs = every(cron, days)
    last = [replace(each, status="failed", rows=0, seconds=120) for each in syncs[-count:]]
    return Given(syncs=[*syncs[:-count], *last] if count else syncs)


def test_what_fails_hopelessly_is_paused_before_airbyte_does() -> None:
    troubles = {A: tuple(Trouble(NOW - timedelta(hours=n), Cause.CONFIGURATION) for n in (9, 5))}
    answer = advise(failing(60), troubles=troubles)
    assert isinstance(answer, Recommendation)
    assert answer.change == StatusChange(ConnectionStatus.ACTIVE, ConnectionStatus.INACTIVE)
    assert "60 syncs in a row failed within 2 d 13 h" in answer.reason
    assert "2 of 2 attempts: configuration or credentials" in answer.reason
    assert answer.evidence.n == 60
    assert len(answer.against) == 1


@pytest.mark.parametrize("count", [1, 9, 30])
def test_failures_that_may_heal_are_left_alone(count: int) -> None:
    answer = advise(failing(count))
    assert isinstance(answer, Keep)
    assert "failed, which may still heal" in answer.reason


def test_ten_failures_of_a_daily_sync_are_enough() -> None:
    assert isinstance(advise(failing(10, "0 0 6 * * ?")), Recommendation)
    assert isinstance(advise(failing(9, "0 0 6 * * ?")), Keep)


def test_without_a_known_cause_it_may_heal_and_that_is_said() -> None:
    answer = advise(failing(60))
    assert isinstance(answer, Recommendation)
    assert any("it may heal" in words for words in answer.against)


def test_cancelled_syncs_neither_break_nor_make_a_streak() -> None:
    given = failing(60)
    cancelled = [replace(each, status="cancelled") for each in given.syncs[-3:]]
    answer = advise(replace(given, syncs=[*given.syncs[:-3], *cancelled]))
    assert isinstance(answer, Recommendation)
    assert answer.evidence.n == 57
    stopped = [replace(each, status="cancelled") for each in failing(0).syncs[-60:]]
    answer = advise(Given(syncs=[*failing(0).syncs[:-60], *stopped]))
    assert isinstance(answer, Keep)
    assert "its last sync succeeded" in answer.reason


def test_what_nobody_reads_is_paused_only_where_lineage_is_known() -> None:
    given = failing(0)
    answer = advise(given)
    assert isinstance(answer, Keep)
    assert "who reads it is not known" in answer.reason
    prices = PriceBook(volume=VolumePrice(Money.of("2.50")), compute=ComputePrice(Money.of("0.10")))
    answer = advise(given, traced=frozenset({A}), prices=prices)
    assert isinstance(answer, Recommendation)
    # 24 syncs a day of a thousand rows and five minutes, for thirty days.
    expected = 720 * 1000 / 1e6 * 15 + 720 / 12 * 1.4 * 0.10
    assert isinstance(answer.effect.saving, Quantiles)
    assert float(answer.effect.saving.p50.amount) == pytest.approx(expected, rel=0.02)
    read = replace(given.subject, downstream=Downstream(("orders",)))
    answer = advise(given, traced=frozenset({A}), subjects=(read,))
    assert isinstance(answer, Keep)
    assert "1 models and readers" in answer.reason


def test_policy_may_forbid_pausing() -> None:
    for answer in (
        advise(failing(60), Terms()),
        advise(failing(0), Terms(), traced=frozenset({A})),
    ):
        assert isinstance(answer, Keep)
        assert "policy lets it not be paused" in answer.reason


def test_too_little_evidence_is_no_answer() -> None:
    assert isinstance(advise(Given()), NotKnown)
    few = Given(syncs=every(HOURLY, 1)[:10])
    assert isinstance(advise(few, traced=frozenset({A})), NotKnown)
    assert isinstance(advise(Given(status=ConnectionStatus.INACTIVE)), Keep)


@settings(deadline=None, max_examples=25)
@given(counts=st.lists(st.integers(0, 80), min_size=1, max_size=4))
def test_order_changes_nothing_and_all_repeat(counts: list[int]) -> None:
    fleet = [replace(failing(count), key=f"k{n}") for n, count in enumerate(counts)]
    answers = PauseAdvisor().advise(situation_of(*fleet))
    assert PauseAdvisor().advise(situation_of(*reversed(fleet))) == answers
    paused = [isinstance(answer, Recommendation) for answer in answers]
    assert paused == [count >= 47 for count in counts]
