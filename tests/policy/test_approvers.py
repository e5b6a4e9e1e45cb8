from pathlib import Path

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
from bot.policy.approvers import OWNER, read_approvers

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
