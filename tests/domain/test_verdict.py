import random

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.verdict import (
    Allow,
    ApprovalLevel,
    Citation,
    Deny,
    NeedsApproval,
    Verdict,
    combine,
)

CITED = (Citation("p", "policies/p.yaml", 3, "because"),)
verdicts = st.one_of(
    st.just(Allow(CITED)),
    st.just(Deny(CITED)),
    st.sampled_from(ApprovalLevel).map(lambda level: NeedsApproval(level, CITED)),
)


def strength(verdict: Verdict) -> tuple[int, int]:
    match verdict:
        case Allow():
            return 0, 0
        case NeedsApproval(level):
            return 1, level
        case Deny():
            return 2, 0


@given(st.lists(verdicts), st.randoms())
def test_the_order_of_rules_does_not_matter(given: list[Verdict], rng: random.Random) -> None:
    shuffled = rng.sample(given, len(given))
    assert strength(combine(given)) == strength(combine(shuffled))


@given(st.lists(verdicts, min_size=1), verdicts)
def test_one_more_rule_never_loosens(given: list[Verdict], more: Verdict) -> None:
    assert strength(combine([*given, more])) >= strength(combine(given))


def test_silence_is_not_consent() -> None:
    assert combine([]) == NeedsApproval(ApprovalLevel.TEAM, ())


def test_a_level_is_spelled_as_policies_spell_it() -> None:
    assert ApprovalLevel.TWO_PERSON.label == "two-person"
    assert CITED[0].where == "policies/p.yaml:3"
