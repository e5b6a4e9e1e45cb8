from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.domain.connection import (
    Connection,
    ConnectionId,
    ConnectionStatus,
    Cron,
    DestinationId,
    SourceId,
    WorkspaceId,
)
from bot.domain.edit import Edit, Site
from bot.domain.forecast import Evidence, Unknown
from bot.domain.proposal import ProposedChange
from bot.domain.recommendation import Confidence, Effect, Recommendation, ScheduleChange
from bot.domain.verdict import ApprovalLevel, Citation, Deny, NeedsApproval
from bot.pulls.compose import branch_name, compose, splice
from bot.pulls.forge import Draft

BEFORE, AFTER = Cron("0 0 6 * * ?"), Cron("0 7 6 * * ?")
CONNECTION = Connection(
    ConnectionId("9bb6b8f9-1dfc-4d53"),
    "Stripe → Snowflake (finance)",
    SourceId("s"),
    DestinationId("d"),
    WorkspaceId("w"),
    ConnectionStatus.ACTIVE,
    BEFORE,
)
SITE = Site("main.tf", 3, 7, 22, '"0 0 6 * * ? UTC"', "0 0 6 * * ? UTC", ("local.a.cron",))
CHANGE = ProposedChange(
    Recommendation(
        connection_id=CONNECTION.id,
        advisor="spread",
        change=ScheduleChange(BEFORE, AFTER),
        reason="It starts in the same minute as 4 other connections; 7 min away it starts alone.",
        against=("Its data arrives up to 7 min later.",),
        evidence=Evidence(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC), 60),
        effect=Effect(Unknown("none claimed"), Unknown("not measured"), Unknown("none declared")),
        confidence=Confidence.HIGH,
    ),
    NeedsApproval(
        ApprovalLevel.TEAM, (Citation("defaults", "policies/00.yaml", 16, "team approves"),)
    ),
    Edit(
        "airbyte_connection.a",
        "schedule.cron_expression",
        SITE,
        '"0 7 6 * * ? UTC"',
        "0 7 6 * * ? UTC",
        "diff",
    ),
)


def draft(connection: Connection = CONNECTION, change: ProposedChange = CHANGE) -> Draft:
    return compose(connection, change, {})


def test_the_body_answers_what_why_who_and_where() -> None:
    body = draft().body
    for expected in (
        "`0 7 6 * * ? UTC` instead of `0 0 6 * * ? UTC`",
        "same minute as 4 other connections",
        "Needs the approval of **the team**.",
        "**Against.** Its data arrives up to 7 min later.",
        "| defaults | team approves | policies/00.yaml:16 |",
        "at main.tf:3, found through local.a.cron",
        "60 syncs from 2026-01-01 to 2026-03-01",
        "Money: none claimed.",
    ):
        assert expected in body


def test_the_commit_carries_what_an_audit_needs() -> None:
    assert "Trimtab-Connection: 9bb6b8f9-1dfc-4d53\nTrimtab-Setting: schedule\n" in draft().message


def test_a_stale_comment_is_pointed_out() -> None:
    change = replace(CHANGE, edit=replace(CHANGE.edit, stale_comment="# daily at six"))
    assert "it may have gone stale: `# daily at six`" in draft(change=change).body


@pytest.mark.parametrize(
    "name",
    [
        "@everyone look",
        "a | b | c",
        "<!-- hidden --> <script>",
        "[click](https://evil.example)",
        "line\nbreak\n\n# heading",
        "\u202egnihsif\u202c",
        "``` fence",
        "-->",
    ],
)
def test_hostile_names_are_harmless_in_title_body_and_branch(name: str) -> None:
    written = draft(replace(CONNECTION, name=name))
    first = written.body.splitlines()[0]
    assert "\n" not in written.title
    assert "\u202e" not in written.title + written.body
    for live in ("@everyone", " | b", "<!--", "<script>", "](", "``` f", "-->"):
        assert live not in first
    assert written.branch.removeprefix("trimtab/").replace("/", "").replace("-", "").isalnum()


def test_a_branch_name_depends_on_connection_and_setting_only() -> None:
    assert (
        branch_name(CONNECTION, "schedule") == "trimtab/stripe-snowflake-finance-9bb6b8f9/schedule"
    )
    assert branch_name(replace(CONNECTION, name="→→"), "configuration.num_workers") == (
        "trimtab/connection-9bb6b8f9/configuration-num-workers"
    )


def test_what_policy_denies_is_never_composed() -> None:
    with pytest.raises(ValueError, match="never composed"):
        draft(change=replace(CHANGE, verdict=Deny(())))


def test_a_splice_replaces_the_span_and_nothing_else() -> None:
    content = 'ä = "0 0 6 * * ? UTC" # é\r\n'.encode()
    start = content.index(b'"')
    site = replace(SITE, start=start, end=start + len(SITE.literal))
    edited = splice(content, replace(CHANGE.edit, site=site))
    assert edited == 'ä = "0 7 6 * * ? UTC" # é\r\n'.encode()
