from dataclasses import replace

import numpy as np
import pytest

from bot.domain.connection import ConnectionId
from bot.forecast.failure import Asked, FailureModel, Outcomes
from bot.forecast.risk_backtest import backtest_risk
from bot.forecast.runs import Runs
from tests.forecast.fleets import DAY, MONDAY, Kind, runs

DAYS = 60


@pytest.fixture(scope="module")
def fleet() -> tuple[Runs, dict[ConnectionId, str]]:
    """Build six connections on each of eight sources that go down as a whole now and then."""
    kinds = {f"s{n % 8}-{n:02d}": Kind(per_day=12, seconds=60, fails=0.01) for n in range(48)}
    found = runs(kinds, DAYS)
    sources = {each: each.split("-")[0] for each in found.connections}
    dice = np.random.default_rng(4)
    source = np.asarray([int(each[1]) for each in found.connections])[found.connection]
    succeeded = found.succeeded.copy()
    for number in range(8):
        for day in dice.choice(DAYS, 8, replace=False):
            start = MONDAY + int(day) * DAY + int(dice.integers(0, DAY // 2))
            down = (found.created >= start) & (found.created < start + DAY // 3)
            succeeded[down & (source == number)] = False
    return replace(found, succeeded=succeeded), sources


def test_a_source_that_is_down_is_noticed(fleet: tuple[Runs, dict[ConnectionId, str]]) -> None:
    score = backtest_risk(Outcomes.of(*fleet), 28)
    assert score.auc > 0.85
    assert score.auc > score.own_rate_auc + 0.1
    assert score.skill > 0.2
    assert score.error < 0.01


def test_risk_knows_only_what_had_ended(fleet: tuple[Runs, dict[ConnectionId, str]]) -> None:
    found, sources = fleet
    until = MONDAY + 40 * DAY
    later = found.ended > until
    other = replace(found, succeeded=np.where(later, ~found.succeeded, found.succeeded))
    asked = Asked(np.arange(48), np.full(48, until))
    risks = []
    for each in (found, other):
        outcomes = Outcomes.of(each, sources)
        risks.append(FailureModel.fit(outcomes, until).risk(outcomes, asked))
    assert np.array_equal(risks[0], risks[1])


def test_a_sync_that_fails_at_once_does_not_tell_of_itself() -> None:
    found = runs({f"a{n}": Kind(fails=0.1, per_day=6) for n in range(20)}, DAYS)
    ended = np.where(found.succeeded, found.ended, found.created)
    score = backtest_risk(Outcomes.of(replace(found, ended=ended), {}), 28)
    assert 0.4 < score.auc < 0.6


def test_without_failures_the_rate_is_low_and_not_zero() -> None:
    outcomes = Outcomes.of(runs({"a": Kind(), "b": Kind()}, 30), {})
    model = FailureModel.fit(outcomes, MONDAY + 30 * DAY)
    risk = model.risk(outcomes, Asked(np.arange(2), np.full(2, MONDAY + 30 * DAY)))
    assert (risk > 0).all()
    assert (risk < 0.02).all()
