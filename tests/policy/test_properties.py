"""What holds of verdicts whatever the policies say."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from bot.domain.forecast import Quantiles
from bot.domain.money import Money
from bot.domain.recommendation import Change, Confidence, Effect, KnobChange
from bot.domain.verdict import Allow, Deny
from bot.policy.case import Case
from bot.policy.judging import Judge
from tests.policy.cases import (
    NOT_KNOWN,
    NOW,
    PAUSE,
    case,
    judge_of,
    month,
    move,
    strictness,
    subject,
    turn,
)

Policy = Mapping[str, Any]

LEVELS = st.sampled_from(["auto", "owner", "team", "two-person", "blocked"])
WINDOWS = st.fixed_dictionaries(
    {
        "start": st.sampled_from(["00:00", "06:00", "12:00", "23:30"]),
        "length": st.sampled_from(["30m", "8h"]),
        "zone": st.sampled_from(["UTC", "America/New_York"]),
    }
)
GUARANTEES = st.fixed_dictionaries(
    {},
    optional={
        "finish_by": st.fixed_dictionaries({"time": st.sampled_from(["06:30", "17:00"])}),
        "min_success_rate": st.sampled_from([0.5, 0.98]),
        "blackout": WINDOWS,
        "freeze": WINDOWS,
    },
)
RATIOS = st.sampled_from([1, 1.25, 1.5, 4, "any"])
LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "schedule_shift": st.sampled_from(["5m", "2h", "any"]),
        "frequency_ratio": RATIOS,
        "parallelism_ratio": RATIOS,
        "pause": st.booleans(),
        "knobs": st.fixed_dictionaries(
            {
                "num_workers": st.tuples(st.integers(1, 6), st.integers(6, 20)).map(
                    lambda ends: {"min": ends[0], "max": ends[1]}
                )
            }
        ),
        "cost_cap": st.fixed_dictionaries({"month": st.sampled_from([50, 500])}),
        "max_cost_increase": st.sampled_from([0, 30]),
        "hysteresis": st.sampled_from(["7d", "60d"]),
        "change_budget": st.fixed_dictionaries(
            {"changes": st.integers(0, 2), "per": st.just("90d")}
        ),
    },
)
TRIGGERS = st.lists(
    st.fixed_dictionaries(
        {"level": LEVELS},
        optional={
            "delays_others_by": st.sampled_from(["1h", "2h"]),
            "parallelism_increase": st.just(0.5),
            "cost_increase": st.sampled_from([0, 10]),
            "confidence_below": st.sampled_from(["medium", "high"]),
        },
    ).filter(lambda trigger: len(trigger) > 1),
    max_size=2,
)
MATCHES = st.sampled_from(
    [
        {},
        {"tag": "financial"},
        {"name": "other*"},
        {"not": {"tag": "financial"}},
        {"owner": "@ada"},
        {"any": [{"source": "stripe"}, {"owner": "@ada"}]},
    ]
)
POLICIES = st.lists(
    st.fixed_dictionaries(
        {"match": MATCHES},
        optional={
            "phase": st.sampled_from(["dry-run", "live"]),
            "environment": st.sampled_from(["sandbox", "production"]),
            "guarantee": GUARANTEES,
            "limits": LIMITS,
            "triggers": TRIGGERS,
            "approval": LEVELS,
        },
    ),
    max_size=4,
)
CHANGES: st.SearchStrategy[Change] = st.sampled_from(
    [
        move(),
        move("0 0 12 * * ?"),
        move("0 0 6,18 * * ?"),
        turn(4, 5),
        turn(4, 18),
        turn(8, 2),
        PAUSE,
    ]
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    of = subject("a", *draw(st.sets(st.sampled_from(["financial", "erp"]))), owner=None)
    saving = draw(st.none() | st.integers(-100, 100))
    missed = draw(st.none() | st.sampled_from(["-1", "0", "0.5"]))
    found = Effect(
        NOT_KNOWN if saving is None else Quantiles.exactly(Money.of(saving)),
        NOT_KNOWN,
        NOT_KNOWN if missed is None else Quantiles.exactly(Decimal(missed)),
        draw(st.sampled_from([{}, {"b": timedelta(hours=3)}])),
    )
    return case(
        of,
        draw(CHANGES),
        effect=found,
        confidence=draw(st.sampled_from(list(Confidence))),
        month=month(of, draw(st.sampled_from([None, 10, 100]))),
        success_rate=draw(st.sampled_from([None, Decimal("0.6"), Decimal(1)])),
        now=NOW + timedelta(hours=draw(st.integers(0, 30))),
    )


def judge(policies: list[Policy]) -> Judge:
    named = [{"name": f"p{index}", **each} for index, each in enumerate(policies)]
    return judge_of(*(json.dumps(each) for each in named or [{"name": "p"}]))


def cited(found: Any) -> set[tuple[str, str]]:
    return {(each.policy, each.sentence) for each in found.verdict.citations}


# Shrinking rereads files by the thousand; a case of four policies can be read as it is.
FEW = settings(max_examples=30, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])


@FEW
@given(POLICIES, cases(), st.randoms(use_true_random=False))
def test_the_order_of_policies_decides_nothing(
    policies: list[Policy], found: Case, random: Any
) -> None:
    named = [{"name": f"p{index}", **each} for index, each in enumerate(policies)]
    shuffled = random.sample(named, len(named))
    one, other = (
        judge_of(*(json.dumps(each) for each in order or [{"name": "p"}])).judge(found)
        for order in (named, shuffled)
    )
    assert strictness(one.verdict) == strictness(other.verdict)
    assert one.recommendation.change == other.recommendation.change
    if not isinstance(one.verdict, Deny):
        # Of equally tight limits the first one is cited, so only the rest has to be the same.
        assert {policy for policy, _ in cited(one)} <= {each["name"] for each in named} | {
            "defaults"
        }


@FEW
@given(POLICIES, cases(), MATCHES)
def test_adding_a_deny_never_loosens(
    policies: list[Policy], found: Case, match: Mapping[str, Any]
) -> None:
    before = judge(policies).judge(found)
    after = judge([*policies, {"match": match, "approval": "blocked"}]).judge(found)
    assert strictness(after.verdict) >= strictness(before.verdict)


@FEW
@given(POLICIES, cases())
def test_a_match_that_is_not_known_never_permits(policies: list[Policy], found: Case) -> None:
    """`owner` is not on record in any of these cases."""
    doubtful = {
        "match": {"owner": "@ada"},
        "phase": "live",
        "approval": "auto",
        "limits": {"schedule_shift": "any", "pause": True, "parallelism_ratio": "any"},
    }
    before, after = (judge(each).judge(found) for each in (policies, [*policies, doubtful]))
    assert not isinstance(after.verdict, Allow)
    if isinstance(before.verdict, Deny):
        said = [each.sentence for each in before.verdict.citations]
        assert isinstance(after.verdict, Deny) or all("may not change" in each for each in said)


@FEW
@given(POLICIES, cases())
def test_missing_data_never_allows(policies: list[Policy], found: Case) -> None:
    """What any of the facts decides is not decided by their absence."""
    free = {"schedule_shift": "any", "frequency_ratio": "any", "parallelism_ratio": "any"}
    given_ = [
        *policies,
        {
            "approval": "auto",
            "phase": "live",
            "limits": {**free, "pause": True, "max_cost_increase": 30, "hysteresis": "7d"},
            "guarantee": {"finish_by": {"time": "17:00"}},
        },
    ]
    nothing = replace(
        found,
        month=None,
        success_rate=None,
        schedules=(),
        knobs=(),
        recommendation=replace(
            found.recommendation, effect=Effect(NOT_KNOWN, NOT_KNOWN, NOT_KNOWN)
        ),
    )
    assert not isinstance(judge(given_).judge(nothing).verdict, Allow)


@FEW
@given(POLICIES, st.integers(1, 20), st.integers(1, 20))
def test_clamping_never_leaves_the_bounds_and_never_turns_round(
    policies: list[Policy], before: int, after: int
) -> None:
    found = case(subject("a", "financial"), turn(before, after))
    asked = judge(policies)
    ruling = asked.judge(found)
    change = ruling.recommendation.change
    assert isinstance(change, KnobChange)
    if isinstance(ruling.verdict, Deny):
        return
    value = float(change.after)
    terms = asked.terms(found.subject)
    assert terms.bounds.get("num_workers") is None or terms.bounds["num_workers"].admits(value)
    ratio = terms.steps["parallelism"].ratio
    if ratio is not None:
        assert max(value / before, before / value) <= float(ratio) + 1e-9
    assert (value - before) * (after - before) > 0 or value == after


@FEW
@given(POLICIES, cases())
def test_the_same_question_gets_the_same_answer(policies: list[Policy], found: Case) -> None:
    assert judge(policies).judge(found) == judge(policies).judge(found)
