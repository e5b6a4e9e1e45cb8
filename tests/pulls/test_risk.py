from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain.connection import ConnectionStatus, Cron
from bot.domain.forecast import Quantiles
from bot.domain.lineage import Downstream, Reader
from bot.domain.recommendation import Change, Confidence, KnobChange, ScheduleChange, StatusChange
from bot.pulls.risk import Risk, assess
from tests.pulls.situations import BATCH, HOURLY, SIX_HOURLY, saving

CRITICAL = Downstream(readers=(Reader("board report", "exposure", critical=True),))


@pytest.mark.parametrize(
    ("change", "risk", "reason"),
    [
        (ScheduleChange(HOURLY, Cron("0 7 * * * ?")), Risk.LOW, "as many syncs as today"),
        (ScheduleChange(HOURLY, SIX_HOURLY), Risk.MEDIUM, "fewer syncs"),
        (ScheduleChange(SIX_HOURLY, HOURLY), Risk.MEDIUM, "more syncs"),
        (KnobChange("s", BATCH, 5_000, 7_500), Risk.MEDIUM, "a connector option"),
        (KnobChange("s", BATCH, 5_000, 20_000), Risk.HIGH, "more than a factor of 2"),
        (
            StatusChange(ConnectionStatus.ACTIVE, ConnectionStatus.INACTIVE),
            Risk.HIGH,
            "its data stops",
        ),
        (
            StatusChange(ConnectionStatus.INACTIVE, ConnectionStatus.ACTIVE),
            Risk.MEDIUM,
            "starts to sync again",
        ),
    ],
)
def test_each_kind_of_change_has_its_tier_and_says_why(
    change: Change, risk: Risk, reason: str
) -> None:
    found = assess(replace(saving()[0].recommendation, change=change), Downstream())
    assert found.risk is risk
    assert reason in found.reasons[0]


def test_critical_readers_thin_evidence_and_deadlines_each_raise_it_by_one() -> None:
    recommendation = saving()[0].recommendation
    assert assess(recommendation, CRITICAL).risk is Risk.HIGH
    shifted = replace(recommendation, change=ScheduleChange(HOURLY, Cron("0 7 * * * ?")))
    assert assess(shifted, CRITICAL).risk is Risk.LOW
    thin = replace(shifted, confidence=Confidence.LOW)
    assert assess(thin, Downstream()).risk is Risk.MEDIUM
    late = replace(thin.effect, deadlines=Quantiles.exactly(Decimal("0.5")))
    assert assess(replace(thin, effect=late), Downstream()).risk is Risk.HIGH
