from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.domain.connection import Basic, ConnectionId, ConnectionStatus, Cron, Manual
from bot.domain.edit import Edit, Site
from bot.domain.forecast import Evidence, Quantiles, Unknown
from bot.domain.knob import Knob, KnobKind
from bot.domain.money import Money
from bot.domain.proposal import ProposedChange
from bot.domain.recommendation import (
    Change,
    Confidence,
    Effect,
    KnobChange,
    Recommendation,
    ScheduleChange,
    StatusChange,
)
from bot.domain.verdict import Allow, ApprovalLevel, Citation, NeedsApproval
from bot.pulls.change import Interval
from bot.pulls.tracking import bucket, direction, track

SIZE = Knob("source-x", "size", None, "integer", KnobKind.BATCH_SIZE, "rows", "test")
DAYS = replace(SIZE, path="window", type="string", default="P30D")
TEAM = NeedsApproval(ApprovalLevel.TEAM, (Citation("a", "p.yaml", 1, "team approves"),))


def size(before: int | None, after: int) -> KnobChange:
    return KnobChange("s", SIZE, before, after)


def cron(after: str, before: str = "0 0 * * * ?", zone: str = "UTC") -> ScheduleChange:
    return ScheduleChange(Cron(before), Cron(after, zone))


def proposed(change: Change, effect: Effect | None = None) -> ProposedChange:
    nothing = Effect(Unknown("x"), Unknown("x"), Unknown("x"))
    day = datetime(2026, 1, 1, tzinfo=UTC)
    recommendation = Recommendation(
        ConnectionId("c"),
        "tuning",
        change,
        "why",
        (),
        Evidence(day, day, 1),
        effect or nothing,
        Confidence.HIGH,
        donors=(ConnectionId("d"),),
    )
    site = Site("main.tf", 1, 0, 1, "1", "1", ())
    return ProposedChange(recommendation, TEAM, Edit("a.b", "size", site, "2", "2", "diff"))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (size(4, 8), 1),
        (size(8, 4), -1),
        (size(None, 4), 0),
        (KnobChange("s", DAYS, "P30D", "P7D"), -1),
        (cron("0 0 0/6 * * ?"), -1),
        (cron("0 7 * * * ?"), 0),
        (ScheduleChange(Manual(), Cron("0 0 * * * ?")), 0),
        (ScheduleChange(Basic(1, "hours"), Cron("0 0 * * * ?")), 0),
        (cron("0 0 0 1 1 ? 2020"), 0),
        (StatusChange(ConnectionStatus.ACTIVE, ConnectionStatus.INACTIVE), -1),
        (StatusChange(ConnectionStatus.INACTIVE, ConnectionStatus.ACTIVE), 1),
    ],
)
def test_a_change_asks_for_more_for_less_or_for_neither(change: Change, expected: int) -> None:
    assert direction(change) == expected


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (size(1, 1000), size(1, 1040), True),
        (size(1, 1000), size(1, 2000), False),
        (size(1, 0), size(1, 1), False),
        (cron("0 7 6 * * ?"), cron("0 9 6 * * ?"), True),
        (cron("0 7 6 * * ?"), cron("0 7 8 * * ?"), False),
        (cron("0 0 0/6 * * ?"), cron("0 30 0/6 * * ?"), True),
        (cron("0 0 6 1 * ?"), cron("0 0 6 1 * ?"), True),
        (cron("0 0 6 1 * ?"), cron("0 0 6 2 * ?"), False),
        (cron("0 0 6 * * ?", zone="Europe/Berlin"), cron("0 0 6 * * ?"), False),
        (cron("nonsense"), cron("nonsense"), True),
    ],
)
def test_a_bucket_holds_what_a_person_would_call_the_same(
    one: Change, other: Change, same: bool
) -> None:
    assert (bucket(one) == bucket(other)) is same


def test_what_policy_asks_belongs_to_the_fingerprint_and_evidence_does_not() -> None:
    first = proposed(size(4, 8))
    more = replace(first.recommendation, reason="other", figures={"n": "3"})
    assert (
        track(first, "f").fingerprint == track(replace(first, recommendation=more), "f").fingerprint
    )
    owner = NeedsApproval(ApprovalLevel.OWNER, TEAM.citations)
    for verdict in (owner, Allow(TEAM.citations), NeedsApproval(ApprovalLevel.TEAM, ())):
        assert track(replace(first, verdict=verdict), "f").fingerprint != (
            track(first, "f").fingerprint
        )


def test_predictions_are_kept_exactly_and_with_their_unit() -> None:
    saving = Quantiles(*(Money.of(n, "EUR") for n in ("1.10", "2", "3", "4.25")))
    duration = Quantiles(*(timedelta(seconds=n) for n in (-30, -20, -10, 5)))
    deadlines = Quantiles.exactly(Decimal("-0.5"))
    found = track(proposed(size(4, 8), Effect(saving, duration, deadlines)), "f").prediction
    assert found.saving == Interval("1.10", "2", "4.25", "EUR/month")
    assert found.duration == Interval("-30.0", "-20.0", "5.0", "seconds/sync")
    assert found.deadlines == Interval("-0.5", "-0.5", "-0.5", "missed deadlines/month")


def test_a_change_says_where_what_by_whom_and_beside_whom() -> None:
    found = track(proposed(size(4, 8)), "tf/main.tf")
    assert (found.file, found.address, found.path) == ("tf/main.tf", "a.b", "size")
    assert (found.before, found.after, found.setting) == ("1", "2", "configuration.size")
    assert (found.advisor, found.donors) == ("tuning", ("d",))
    assert found.prediction.saving is None
