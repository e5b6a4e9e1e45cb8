import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from math import exp, log
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.advise.advisor import Situation
from bot.advise.knobs import KnobAdvisor, readings
from bot.domain.connection import (
    ConnectionId,
    ConnectionStatus,
    Cron,
    Endpoint,
    SourceId,
    WorkspaceId,
)
from bot.domain.forecast import Quantiles
from bot.domain.knob import Bounds
from bot.domain.money import Money
from bot.domain.prices import BillingClass, ComputePrice, PriceBook
from bot.domain.promises import Phase, Terms
from bot.domain.recommendation import (
    Advice,
    Confidence,
    Keep,
    KnobChange,
    NotKnown,
    Recommendation,
)
from bot.domain.signal import SourceLoad, Surroundings
from bot.domain.tenure import Tenure
from bot.domain.trouble import Cause, Trouble
from bot.knobs import catalogue
from tests.advise.fleets import FREE, NOW, Done, Given, every, ratio, situation_of

PAGE = "page_size"
FACEBOOK = "source-facebook-marketing"
EVERY_FOUR = "0 0 0/4 * * ?"
CANARY = replace(FREE, phase=Phase.CANARY)
WATCHED = replace(FREE, phase=Phase.MONITOR)


def factor(value: float, optimum: float, bend: float = 0.3) -> float:
    """Per-row time against that at the optimum."""
    return exp(bend * log(value / optimum) ** 2)


@dataclass(frozen=True)
class Lived:
    """A source whose option stood at each of some values for some days, up to now."""

    values: Sequence[tuple[float, int]]
    optimum: float = 100.0
    noise: float = 0.1
    path: str = PAGE
    connector: str = FACEBOOK
    keys: Sequence[str] = ("a",)
    slow: Mapping[int, float] = field(default_factory=dict)
    rows: Callable[[random.Random, float], float] = lambda dice, value: dice.lognormvariate(9, 0.3)

    def situation(self, terms: Terms = CANARY, seed: int = 1, **more: Any) -> Situation:
        dice = random.Random(seed)
        tenures, given = [], []
        days = sum(length for _, length in self.values)
        begin = NOW - timedelta(days=days)
        for value, length in self.values:
            end = begin + timedelta(days=length)
            tenures.append(Tenure({self.path: int(value)}, begin, end - timedelta(minutes=1)))
            begin = end
        for key in self.keys:
            syncs = []
            at = NOW - timedelta(days=days)
            while at < NOW - timedelta(hours=3):
                value = next(t.value[self.path] for t in tenures if t.covers(at))
                rows = self.rows(dice, value)
                usual = self.slow.get(int(value)) or factor(value, self.optimum)
                slow = usual * exp(self.noise * dice.gauss(0, 1))
                syncs.append(Done(at, max(1, round(0.1 * rows * slow)), round(rows)))
                at += timedelta(hours=4)
            set_to = {self.path: tenures[-1].value[self.path]}
            given.append(
                Given(key, Cron(EVERY_FOUR), syncs, connector=self.connector, knobs=dict(set_to))
            )
        knobs = {"s": tuple(tenures)}
        return situation_of(*given, **{"terms": terms, "knobs": knobs, **more})


def advise(situation: Situation) -> dict[str, Advice]:
    return {each.connection_id: each for each in KnobAdvisor().advise(situation)}


def only(situation: Situation) -> Advice:
    (answer,) = KnobAdvisor().advise(situation)
    return answer


def turned(answer: Advice) -> float:
    assert isinstance(answer, Recommendation), answer
    assert isinstance(answer.change, KnobChange)
    value = answer.change.knob.number(answer.change.after)
    assert value is not None
    return value


def trouble(cause: Cause, count: int = 1) -> dict[ConnectionId, tuple[Trouble, ...]]:
    first = NOW.replace(minute=0, hour=8)
    return {
        ConnectionId("a"): tuple(
            Trouble(first - timedelta(hours=4 * n), cause) for n in range(count)
        )
    }


def test_without_a_change_ever_nothing_is_known_and_a_canary_would_tell() -> None:
    lived = Lived([(300, 40)])
    answer = only(lived.situation(WATCHED))
    assert isinstance(answer, NotKnown)
    assert "a canary, page_size 300 → 200, would tell" in answer.reason
    assert "policy allows no canary" in answer.reason
    assert "optimal_batch_size" not in answer.figures
    canary = only(lived.situation(CANARY))
    assert turned(canary) == 200
    assert isinstance(canary, Recommendation)
    assert canary.confidence is Confidence.LOW
    assert canary.figures["step"] == "canary"


def test_rows_that_grow_with_the_size_do_not_fool_it() -> None:
    """Large batches were used while tables were large: time tells nothing until rows are held."""
    lived = Lived(
        [(100, 30), (150, 30)],
        optimum=122,
        rows=lambda dice, value: dice.lognormvariate(9 + 3 * log(value / 100), 0.3),
    )
    (reading,) = readings(lived.situation())
    gain = reading.surface.gain({PAGE: 150.0}, PAGE, 100.0)
    assert abs(gain.mean) < 0.05
    assert 0 < gain.deviation < 0.12


def test_the_effect_of_a_change_within_a_connection_is_found() -> None:
    lived = Lived([(300, 28), (200, 28)], optimum=100, keys="abcd")
    (reading,) = readings(lived.situation())
    gain = reading.surface.gain({PAGE: 200.0}, PAGE, 300.0)
    truth = log(factor(200, 100)) - log(factor(300, 100))
    assert gain.mean == pytest.approx(truth, abs=0.06)
    assert gain.deviation < 0.08


def test_a_sure_and_large_gain_is_one_step_towards_the_best() -> None:
    lived = Lived([(900, 25), (600, 25), (400, 25)], optimum=100, keys="abcd")
    answer = only_carrier(lived.situation(WATCHED))
    assert answer.figures["step"] == "improve"
    assert turned(answer) == 267
    assert "this is one step towards it" in answer.reason
    best = float(answer.figures["optimal_batch_size"].split()[0].replace(",", ""))
    assert 100 <= best <= 250
    assert isinstance(answer.effect.duration, Quantiles)
    assert answer.effect.duration.p50 < timedelta()


def only_carrier(situation: Situation) -> Recommendation:
    found = [each for each in advise(situation).values() if isinstance(each, Recommendation)]
    assert len(found) == 1, advise(situation)
    return found[0]


def test_what_turned_out_worse_is_taken_back() -> None:
    answer = only(Lived([(100, 30), (150, 10)], optimum=60).situation())
    assert turned(answer) == 100
    assert isinstance(answer, Recommendation)
    assert answer.figures["step"] == "take back"
    assert "were slower than those at 100 before" in answer.reason


def test_one_connection_that_suffers_is_enough_where_the_others_gain_little() -> None:
    """Its syncs take a third longer since the change; the busy ones hardly feel it."""
    situation = Lived([(100, 30), (150, 16)], optimum=150, keys="abcdefgh").situation()
    assert turned(only_carrier(situation)) > 150
    runs = situation.runs
    assert runs is not None
    changed = situation.knobs["s"][-1].first_seen.timestamp()
    hurt = (runs.connection == 7) & (runs.created >= changed)
    seconds = np.where(hurt, runs.seconds * 1.35, runs.seconds).astype(np.float32)
    others = np.where(runs.connection == 7, 1, 20)
    slower = replace(runs, seconds=(seconds * others).astype(np.float32))
    answer = only_carrier(replace(situation, runs=slower))
    assert turned(answer) == 100
    assert "one of its connections got" in answer.reason.lower()


def test_what_has_returned_to_an_earlier_value_does_not_swing() -> None:
    worse = Lived([(150, 20), (100, 8), (150, 10)], optimum=60)
    answer = only(worse.situation())
    assert isinstance(answer, Keep)
    assert "stand still for 14 days" in answer.reason
    other = Lived([(200, 20), (100, 8), (150, 10)], optimum=60)
    assert turned(only(other.situation())) == 100


def test_what_was_taken_back_is_not_proposed_again_where_the_belief_fits_badly() -> None:
    """Run time has two valleys, and the belief one: it sees a gain where a loss was measured."""
    measured = {600: 1.0, 400: 0.6, 300: 0.4, 200: 0.5}

    def answer(*values: int) -> Advice:
        lived = Lived([(value, 25) for value in values], keys="abcd", slow=measured)
        found = advise(lived.situation())
        return next(
            (each for each in found.values() if isinstance(each, Recommendation)), found["a"]
        )

    assert turned(answer(600, 400, 300)) == 200
    assert turned(answer(600, 400, 300, 200)) == 300
    assert isinstance(answer(600, 400, 300, 200, 300), Keep)


def test_what_stands_above_a_share_of_what_failed_backs_off_further() -> None:
    oom = {ConnectionId("a"): (Trouble(NOW - timedelta(days=30), Cause.OUT_OF_MEMORY),)}
    answer = only(Lived([(100, 20), (80, 20)]).situation(troubles=oom))
    assert turned(answer) == 56
    assert "above 70% of a size that ran out of memory before" in answer.reason


def test_a_value_that_was_seen_before_is_not_tried_again() -> None:
    lived = Lived([(200, 30), (300, 30)], optimum=300)
    (reading,) = readings(lived.situation())
    assert reading.rails[PAGE].down() == 200
    answer = only(lived.situation())
    assert not isinstance(answer, Recommendation) or turned(answer) != 200


def test_after_a_change_it_stands_still_for_a_while() -> None:
    answer = only(Lived([(150, 30), (100, 8)], optimum=70).situation())
    assert isinstance(answer, Keep)
    assert "8 d ago, and stand still for 14 days" in answer.reason


def test_a_handful_of_syncs_is_needed_first() -> None:
    since = NOW - timedelta(hours=18)
    seen = {"s": (Tenure({PAGE: 300}, since, NOW),)}
    answer = only(Lived([(300, 40)]).situation(knobs=seen))
    assert isinstance(answer, NotKnown)
    assert answer.reason == "4 syncs were seen at its present values, and 5 are needed"


@pytest.mark.parametrize(
    ("cause", "count"),
    [(Cause.OUT_OF_MEMORY, 1), (Cause.RATE_LIMITED, 12), (Cause.TIMED_OUT, 12)],
)
def test_trouble_of_load_backs_off_at_once(cause: Cause, count: int) -> None:
    answer = only(Lived([(100, 12)]).situation(WATCHED, troubles=trouble(cause, count)))
    assert turned(answer) == 70
    assert isinstance(answer, Recommendation)
    assert answer.figures["step"] == "back off"
    assert f"{count} {cause.value}" in answer.reason


def test_one_time_out_among_many_is_no_trouble() -> None:
    for cause in (Cause.TIMED_OUT, Cause.RATE_LIMITED, Cause.OTHER):
        answer = only(Lived([(100, 30)]).situation(WATCHED, troubles=trouble(cause)))
        assert not isinstance(answer, Recommendation)


def test_nothing_goes_above_seven_tenths_of_what_ran_out_of_memory() -> None:
    oom = {ConnectionId("a"): (Trouble(NOW - timedelta(days=50), Cause.OUT_OF_MEMORY),)}
    lived = Lived([(150, 40), (100, 30)], optimum=400)
    (reading,) = readings(lived.situation(troubles=oom))
    assert reading.rails[PAGE].ceiling == pytest.approx(105)
    assert reading.rails[PAGE].up() == 105
    free = readings(lived.situation())[0].rails[PAGE]
    assert free.up() == 150


def test_policy_bounds_the_step_and_the_value() -> None:
    lived = Lived([(300, 40)])
    narrow = replace(ratio("batch_size", "1.2"), phase=Phase.CANARY)
    assert turned(only(lived.situation(narrow))) == 250
    oom = trouble(Cause.OUT_OF_MEMORY)
    assert turned(only(lived.situation(narrow, troubles=oom))) == 250
    bounded = replace(CANARY, bounds={PAGE: Bounds(low=260)})
    assert turned(only(lived.situation(bounded))) == 260
    answer = only(lived.situation(Terms(Phase.LIVE)))
    assert isinstance(answer, Keep)
    assert answer.reason == "policy lets none of its options change"


def test_of_connections_that_share_a_source_one_carries_the_change() -> None:
    answers = advise(Lived([(300, 40)], keys="abc").situation())
    carriers = [key for key, each in answers.items() if isinstance(each, Recommendation)]
    assert len(carriers) == 1
    others = [each for key, each in answers.items() if key not in carriers]
    assert all(f"is tuned through {carriers[0]}" in each.reason for each in others)
    shared = answers[carriers[0]]
    assert isinstance(shared, Recommendation)
    assert any("2 other connections feel it too" in words for words in shared.against)


def test_the_strictest_policy_of_a_shared_source_counts() -> None:
    situation = Lived([(300, 40)], keys="ab").situation()
    strict = {**situation.terms, ConnectionId("b"): Terms(Phase.LIVE)}
    answers = advise(replace(situation, terms=strict))
    assert all(isinstance(each, Keep) for each in answers.values())


def test_what_others_with_the_same_option_have_shown_moves_the_belief() -> None:
    alone = Lived([(100, 40)]).situation()
    (before,) = readings(alone)
    others = Lived([(150, 30), (100, 30)], optimum=50, keys=["b", "c", "d"]).situation()
    moved = tuple(
        replace(
            subject,
            connection=replace(subject.connection, source_id=SourceId("other")),
            source=replace(subject.source, id="other"),
        )
        for subject in others.subjects
        if subject.source
    )
    both = replace(
        others,
        subjects=(*alone.subjects, *moved),
        knobs={"s": alone.knobs["s"], "other": others.knobs["s"]},
        terms={**alone.terms, **others.terms},
    )
    after = next(each for each in readings(both) if each.panel.endpoint.id == "s")
    assert not after.told.is_anything
    down = {PAGE: 100.0}
    gained = after.surface.gain(down, PAGE, 67).mean - before.surface.gain(down, PAGE, 67).mean
    assert gained > 0.01


def test_parallelism_is_called_streams_and_a_busy_source_gets_no_more() -> None:
    lived = Lived([(10, 30)], optimum=10, path="num_workers", connector="source-stripe")
    answer = only(lived.situation(WATCHED))
    assert answer.figures["can_parallelize"] == "yes: num_workers is at 10, below its limit"
    busy = SourceLoad("s", (0.8,) * 168)  # type: ignore[arg-type]
    crowded = lived.situation(CANARY, surroundings=Surroundings(loads={busy.source_id: busy}))
    answer = only(crowded)
    assert answer.figures["can_parallelize"].startswith("no: its source is at 70%")
    assert not isinstance(answer, Recommendation) or turned(answer) < 10
    plain = only(situation_of(Given(connector="source-postgres")))
    assert isinstance(plain, Keep)
    assert plain.figures["can_parallelize"].startswith("no: no option")


def test_time_saved_is_priced_by_the_hour_and_rows_are_not() -> None:
    lived = Lived([(900, 25), (600, 25), (400, 25)], optimum=100, keys="abcd")
    compute = PriceBook(compute=ComputePrice(Money.of("1.00")))
    effect = only_carrier(lived.situation(prices=compute)).effect
    saving, longer = effect.saving, effect.duration
    assert isinstance(saving, Quantiles)
    assert isinstance(longer, Quantiles)
    assert saving.p50 > Money.zero()
    assert saving.p05 <= saving.p50 <= saving.p80 <= saving.p95
    # What is expected of the time is expected of the money.
    share = float(saving.p50.amount / saving.p95.amount)
    assert share == pytest.approx(longer.p50 / longer.p05, abs=0.02)


def test_time_of_each_connector_that_feeds_a_destination_has_its_own_price() -> None:
    """A database sync holds nearly three times the CPUs of one that reads an API."""
    metered = {"postgres": BillingClass.DATABASE}
    prices = PriceBook(compute=ComputePrice(Money.of("1.00")), billing=metered)
    warehouse = Endpoint("d", "d", "destination-weaviate", WorkspaceId("w"))

    def saving(*connectors: str) -> Money:
        given = [
            Given(key, syncs=every("0 0 1 * * ?", 28), source=name, connector=f"source-{name}")
            for key, name in zip("ab", connectors, strict=False)
        ]
        seen: dict[str, Any] = {"d": (Tenure({}, NOW - timedelta(days=28), NOW),)}
        plain = situation_of(*given, terms=CANARY, prices=prices, knobs=seen)
        subjects = tuple(replace(each, destination=warehouse) for each in plain.subjects)
        found = only_carrier(replace(plain, subjects=subjects)).effect.saving
        assert isinstance(found, Quantiles)
        return found.p95.rounded(4)

    total = saving("postgres") + saving("github")
    for pair in (("postgres", "github"), ("github", "postgres")):
        assert abs((saving(*pair) - total).amount) < Decimal("0.001")


def test_an_incident_is_no_time_to_learn() -> None:
    situation = Lived([(300, 40)]).situation()
    assert situation.runs is not None
    runs = situation.runs
    failed = replace(runs, succeeded=runs.succeeded & (np.arange(len(runs)) < len(runs) - 6))
    answer = only(replace(situation, runs=failed))
    assert isinstance(answer, Keep)
    assert "failed for another reason" in answer.reason


def test_inactive_connections_are_left_alone() -> None:
    idle = Given(status=ConnectionStatus.INACTIVE, connector=FACEBOOK)
    assert "inactive" in only(situation_of(idle)).reason


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 1000),
    values=st.lists(st.integers(10, 1000), min_size=1, max_size=4),
    optimum=st.integers(10, 1000),
    allowed=st.sampled_from(["1.1", "1.3", "3"]),
    admitted=st.builds(
        lambda low, width: Bounds(low, low + width), st.integers(1, 400), st.integers(0, 900)
    ),
    failed=st.sampled_from([None, Cause.OUT_OF_MEMORY, Cause.TIMED_OUT]),
)
def test_no_step_leaves_the_bounds_and_all_repeat(
    seed: int,
    values: list[int],
    optimum: int,
    allowed: str,
    admitted: Bounds,
    failed: Cause | None,
) -> None:
    terms = replace(ratio("batch_size", allowed), phase=Phase.CANARY, bounds={PAGE: admitted})
    lived = Lived([(value, 16) for value in values], optimum=float(optimum), keys="ab")
    troubles = {} if failed is None else trouble(failed, 15)
    situation = lived.situation(terms, seed, troubles=troubles)
    answers = KnobAdvisor().advise(situation)
    turned_over = replace(situation, subjects=situation.subjects[::-1])
    assert KnobAdvisor().advise(turned_over) == answers
    knob = catalogue.load().find(FACEBOOK, PAGE)
    assert knob is not None
    found = [each for each in answers if isinstance(each, Recommendation)]
    assert len(found) <= 1
    for answer in found:
        value, present = turned(answer), float(values[-1])
        assert value != present
        assert knob.bounds.admits(value)
        assert admitted.admits(value)
        assert max(value / present, present / value) <= float(allowed) * (1 + 1e-9)
        if failed is Cause.OUT_OF_MEMORY:
            assert value < present
