from datetime import timedelta

import pytest

from bot.report.stages import Stages


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def fail(self, after: float) -> None:
        self.now += after
        raise ValueError("no")


def test_a_stage_that_is_entered_again_adds_up_and_one_that_fails_counts() -> None:
    clock = Clock()
    stages = Stages(clock=clock)
    for seconds in (2.0, 3.0):
        with stages.stage("mine"):
            clock.now += seconds
    with pytest.raises(ValueError, match="no"), stages.stage("edit"):
        clock.fail(after=1.0)
    assert stages.seconds == {"mine": 5.0, "edit": 1.0}


def test_without_a_budget_time_is_never_over() -> None:
    clock = Clock()
    unlimited, short = Stages(clock=clock), Stages(timedelta(minutes=5), clock)
    assert not short.is_over
    clock.now += 300
    assert short.is_over
    assert not unlimited.is_over
