from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.forecast import Quantiles
from bot.policy.conflicts import Conflict, Outlook, conflicts, strangers
from tests.policy.cases import NOW, judge_of, month, subject

OWNED = "{name: a, approvers: {team: ['@ada', '@bob']}}"


def found(*policies: str, outlook: Outlook | None = None) -> list[Conflict]:
    judge = judge_of(*policies)
    return conflicts(judge.rules, judge.standing(subject()), outlook or Outlook(NOW))


def takes(hours: int) -> Outlook:
    sync = replace(month(subject(), 1), duration=Quantiles.exactly(timedelta(hours=hours)))
    return Outlook(NOW, next_sync=sync)


SLA = '{name: sla, guarantee: {finish_by: {time: "06:00", after: "02:00"}}}'
BACKUP = '{name: backup, guarantee: {blackout: {start: "03:00", length: 2h}}}'


@pytest.mark.parametrize(
    ("policies", "who"),
    [
        (
            (
                "{name: low, limits: {knobs: {num_workers: {max: 4}}}}",
                "{name: high, limits: {knobs: {num_workers: {min: 5}}}}",
            ),
            ["low", "high"],
        ),
        ((OWNED, "{name: b, approvers: {team: ['@cleo']}}"), ["a", "b"]),
        (
            ("{name: fresh, guarantee: {max_staleness: 2h}}", BACKUP),
            ["fresh", "backup"],
        ),
        (
            (SLA, '{name: night, guarantee: {blackout: {start: "01:00", length: 6h}}}'),
            ["sla", "night"],
        ),
    ],
)
def test_rules_that_cannot_all_be_kept_are_named(policies: tuple[str, ...], who: list[str]) -> None:
    (conflict,) = found(*policies)
    assert [each.policy for each in conflict.parties] == who
    for each in conflict.parties:
        assert f"{each.policy} (policies/rules.yaml:{each.line})" in str(conflict)


@pytest.mark.parametrize(
    "policies",
    [
        (SLA, BACKUP),
        (OWNED, "{name: b, approvers: {team: ['@bob', '@cleo']}}"),
        ("{name: fresh, guarantee: {max_staleness: 3h}}", BACKUP),
    ],
)
def test_rules_that_can_be_kept_are_left_alone(policies: tuple[str, ...]) -> None:
    assert found(*policies) == []


def test_a_deadline_that_a_sync_is_too_long_for_is_found_when_it_is_known_how_long_it_takes() -> (
    None
):
    assert found(SLA, BACKUP, outlook=takes(1)) == []
    (conflict,) = found(SLA, BACKUP, outlook=takes(2))
    assert "1 h are left to finish by 2026-03-11 06:00 UTC; it takes 2 h" in conflict.sentence


def test_a_cap_below_what_the_month_costs_as_it_is() -> None:
    cap = "{name: cap, limits: {cost_cap: {month: 50}}}"
    assert found(cap) == []
    assert found(cap, outlook=Outlook(NOW, month=month(subject(), 50))) == []
    (conflict,) = found(cap, outlook=Outlook(NOW, month=month(subject(), 51)))
    assert conflict.sentence == "the cap of 50 is below the month as it is, $51.00"


def test_a_bound_of_a_knob_that_nobody_has_is_named_with_the_nearest_one() -> None:
    judge = judge_of("{name: a, limits: {knobs: {num_worker: {max: 4}, page_size: {max: 9}}}}")
    assert strangers(judge.rules, ["num_workers", "page_size"]) == [
        (
            "policies/rules.yaml:4: no connector is known to have a knob 'num_worker'; "
            "did you mean 'num_workers'?"
        )
    ]
