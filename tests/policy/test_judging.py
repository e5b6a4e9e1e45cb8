from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.connection import (
    Connection,
    ConnectionId,
    ConnectionStatus,
    Cron,
    DestinationId,
    Manual,
    Schedule,
    SourceId,
    WorkspaceId,
)
from bot.domain.forecast import Evidence, Unknown
from bot.domain.recommendation import Confidence, Effect, Recommendation, ScheduleChange
from bot.domain.subject import Subject
from bot.domain.verdict import Allow, ApprovalLevel, Deny, NeedsApproval
from bot.policy.judging import Judge
from bot.policy.rules import read_rules

POLICIES = """\
version: 1
policies:
  - name: defaults
    limits: {schedule_shift: 30m}
    approval: team
  - name: financial
    match: {tag: financial}
    limits:
      schedule_shift: 5m
    approval: two-person
  - name: sandbox
    match: {name: "sandbox *"}
    approval: auto
  - name: frozen
    match: {name: "* frozen"}
    approval: blocked
"""


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    (tmp_path / "p.yaml").write_text(POLICIES)
    return Judge(read_rules(tmp_path))


def connection(name: str = "a", *tags: str) -> Connection:
    return Connection(
        ConnectionId("c"),
        name,
        SourceId("s"),
        DestinationId("d"),
        WorkspaceId("w"),
        ConnectionStatus.ACTIVE,
        Cron("0 0 6 * * ?"),
        tags=frozenset(tags),
    )


def move(after: str, before: Schedule | None = None) -> Recommendation:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    return Recommendation(
        ConnectionId("c"),
        "spread",
        ScheduleChange(before or Cron("0 0 6 * * ?"), Cron(after)),
        "because",
        (),
        Evidence(now, now, 20),
        Effect(Unknown("-"), Unknown("-"), Unknown("-")),
        Confidence.HIGH,
    )


def test_the_tightest_limit_of_all_matching_rules_bounds_the_advisor(judge: Judge) -> None:
    assert judge.terms(Subject(connection())).steps["schedule"].shift == timedelta(minutes=30)
    assert judge.terms(Subject(connection("a", "financial"))).steps["schedule"].shift == timedelta(
        minutes=5
    )


def test_without_any_rule_nothing_may_move() -> None:
    assert Judge(()).terms(Subject(connection())).steps["schedule"].shift == timedelta()
    assert Judge(()).judge(Subject(connection()), move("0 1 6 * * ?")) == NeedsApproval(
        ApprovalLevel.TEAM, ()
    )


def test_the_strongest_approval_wins(judge: Judge) -> None:
    verdict = judge.judge(Subject(connection("a", "financial")), move("0 3 6 * * ?"))
    assert isinstance(verdict, NeedsApproval)
    assert verdict.level is ApprovalLevel.TWO_PERSON


def test_auto_never_loosens_what_another_rule_asks_for(judge: Judge) -> None:
    verdict = judge.judge(Subject(connection("sandbox one")), move("0 3 6 * * ?"))
    assert isinstance(verdict, NeedsApproval)
    assert verdict.level is ApprovalLevel.TEAM


def test_a_move_past_the_limit_is_denied_with_the_line_that_says_so(judge: Judge) -> None:
    verdict = judge.judge(Subject(connection("a", "financial")), move("0 7 6 * * ?"))
    assert isinstance(verdict, Deny)
    (citation,) = verdict.citations
    assert citation.policy == "financial"
    assert citation.line == 9
    assert citation.sentence == "starts may move by 5 min at most"
    assert citation.inputs == {"shift": "7 min"}


@pytest.mark.parametrize(
    "recommendation",
    [move("0 1 7 * * ?"), move("0 0/5 6 * * ?"), move("0 1 6 * * ?", Manual())],
)
def test_a_shift_that_cannot_be_told_is_denied(
    judge: Judge, recommendation: Recommendation
) -> None:
    verdict = judge.judge(Subject(connection()), recommendation)
    assert isinstance(verdict, Deny)
    assert verdict.citations[0].inputs == {"shift": "unknown"}


def test_blocked_is_a_denial(judge: Judge) -> None:
    assert isinstance(judge.judge(Subject(connection("x frozen")), move("0 1 6 * * ?")), Deny)


def test_auto_alone_allows(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("version: 1\npolicies: [{name: x, approval: auto}]\n")
    assert isinstance(
        Judge(read_rules(tmp_path)).judge(Subject(connection()), move("0 1 6 * * ?")), Allow
    )
