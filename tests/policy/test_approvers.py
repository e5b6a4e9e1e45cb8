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
from bot.domain.errors import ConfigError
from bot.domain.subject import Subject
from bot.domain.verdict import ApprovalLevel
from bot.policy.approvers import read_approvers

POLICIES = """
version: 1
policies:
  - name: all
    approval: team
    approvers: ["@acme/data"]
  - name: payroll
    match: {name: "payroll*"}
    approval: two-person
    approvers: ["@acme/finance", "@joan"]
"""


def subject(name: str) -> Subject:
    return Subject(
        Connection(
            ConnectionId("c"), name, SourceId("s"), DestinationId("d"), WorkspaceId("w"),
            ConnectionStatus.ACTIVE, Manual(),
        )
    )  # fmt: skip


def test_those_of_the_rule_that_asks_for_the_level_may_approve(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(POLICIES)
    found = read_approvers(tmp_path)
    finance = {"@acme/finance", "@joan"}
    assert found.approvers(ApprovalLevel.TEAM, subject("orders")) == {"@acme/data"}
    assert found.approvers(ApprovalLevel.TWO_PERSON, subject("payroll")) == finance
    assert found.approvers(ApprovalLevel.OWNER, subject("orders")) == {"@acme/data"}
    assert found.named() == finance | {"@acme/data"}


def test_who_is_no_account_and_no_team_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(POLICIES.replace("@joan", "joan from finance"))
    with pytest.raises(ConfigError, match="approvers"):
        read_approvers(tmp_path)
