import pytest

from bot.domain.verdict import ApprovalLevel
from bot.policy.approvers import Approvers
from tests.policy.cases import judge_of, subject

NAMED = "{name: all, approvers: {owner: ['{owner}'], team: ['@ada', '@acme/data']}}"
NARROW = "{name: erp, match: {tag: erp}, approvers: {team: ['@acme/data', '@cleo']}}"


def approvers(level: ApprovalLevel, *policies: str, owner: str | None = "@bob") -> frozenset[str]:
    return Approvers(judge_of(*policies).rules).approvers(level, subject("a", "erp", owner=owner))


@pytest.mark.parametrize(
    ("level", "policies", "expected"),
    [
        (ApprovalLevel.TEAM, (NAMED,), {"@ada", "@acme/data"}),
        (ApprovalLevel.TEAM, (NAMED, NARROW), {"@acme/data"}),
        (ApprovalLevel.OWNER, (NAMED,), {"@bob"}),
        (ApprovalLevel.OWNER, (NARROW,), {"@bob"}),
        (ApprovalLevel.TWO_PERSON, (NAMED,), {"@ada", "@acme/data"}),
        (ApprovalLevel.AUTO, (NAMED,), set()),
        (ApprovalLevel.BLOCKED, (NAMED,), set()),
        (ApprovalLevel.TEAM, ("{name: x}",), set()),
    ],
)
def test_those_approve_whom_every_policy_names(
    level: ApprovalLevel, policies: tuple[str, ...], expected: set[str]
) -> None:
    assert approvers(level, *policies) == expected


@pytest.mark.parametrize("owner", [None, "finance"])
def test_an_owner_who_is_no_account_approves_nothing(owner: str | None) -> None:
    assert approvers(ApprovalLevel.OWNER, NAMED, owner=owner) == frozenset()


def test_a_policy_that_may_not_match_narrows_too() -> None:
    maybe = "{name: m, match: {owner: '@x'}, approvers: {team: ['@ada']}}"
    assert approvers(ApprovalLevel.TEAM, NAMED, maybe, owner=None) == {"@ada"}
