from pathlib import Path

import pytest

from bot.domain.connection import (
    Connection,
    ConnectionId,
    ConnectionStatus,
    DestinationId,
    Manual,
    SourceId,
    WorkspaceId,
)
from bot.domain.subject import Subject
from bot.domain.verdict import ApprovalLevel
from bot.policy.approvers import OWNER, Approvers, read_approvers
from tests.policy.cases import judge_of
from tests.policy.cases import subject as matched

NAMED = "{name: all, approvers: {owner: ['{owner}'], team: ['@ada', '@acme/data']}}"
NARROW = "{name: erp, match: {tag: erp}, approvers: {team: ['@acme/data', '@cleo']}}"
POLICIES = """
version: 1
policies:
  - name: all
    approvers: {team: ["@acme/data"]}
  - name: payroll
    match: {name: "payroll*"}
    approvers: {two-person: ["@acme/finance", "@joan"]}
"""


def subject(name: str, owner: str | None = None) -> Subject:
    return Subject(
        Connection(
            ConnectionId("c"), name, SourceId("s"), DestinationId("d"), WorkspaceId("w"),
            ConnectionStatus.ACTIVE, Manual(),
        ),
        owner=owner,
    )  # fmt: skip


def test_those_whom_policies_name_for_a_level_may_approve(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(POLICIES)
    found = read_approvers(tmp_path)
    assert found.approvers(ApprovalLevel.TEAM, subject("orders")) == {"@acme/data"}
    finance = {"@acme/finance", "@joan"}
    assert found.approvers(ApprovalLevel.TWO_PERSON, subject("payroll")) == finance
    assert found.approvers(ApprovalLevel.TWO_PERSON, subject("orders")) == {"@acme/data"}
    assert found.approvers(ApprovalLevel.OWNER, subject("orders", "@ada")) == {"@ada"}
    assert found.approvers(ApprovalLevel.AUTO, subject("orders")) == frozenset()


def test_all_who_are_named_anywhere_are_known_by_level(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(POLICIES)
    found = read_approvers(tmp_path)
    assert found.named(ApprovalLevel.TEAM) == {"@acme/data"}
    assert found.named(ApprovalLevel.TWO_PERSON) == {"@acme/data", "@acme/finance", "@joan"}
    assert found.named(ApprovalLevel.OWNER) == {OWNER}
    assert found.named(ApprovalLevel.BLOCKED) == frozenset()


def test_the_level_is_what_policies_ask_whatever_is_proposed(tmp_path: Path) -> None:
    more = POLICIES.replace(
        "approvers: {two-person", "approval: blocked\n    approvers: {two-person"
    )
    (tmp_path / "p.yaml").write_text(more)
    found = read_approvers(tmp_path)
    assert found.level(subject("payroll eu")) is ApprovalLevel.BLOCKED
    assert found.level(subject("orders")) is ApprovalLevel.TEAM


def approvers(level: ApprovalLevel, *policies: str, owner: str | None = "@bob") -> frozenset[str]:
    return Approvers(judge_of(*policies).rules).approvers(level, matched("a", "erp", owner=owner))


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
