from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.domain.connection import ConnectionId
from bot.domain.manners import GroupBy
from bot.domain.recommendation import Confidence
from bot.domain.verdict import ApprovalLevel, Deny
from bot.pulls.body import BUDGET
from bot.pulls.body_content import Carried
from bot.pulls.compose import compose
from bot.pulls.draft import Draft
from bot.pulls.grouping import Candidate, group, rewrite
from bot.pulls.metadata import describe, join, split
from bot.pulls.risk import assess
from bot.pulls.tracking import track
from bot.pulls.trailers import read, sign
from tests.pulls.situations import (
    AUTO,
    FRAME,
    SITUATIONS,
    grouped,
    hostile_names,
    no_money,
    over_long,
    pause,
    saving,
)

FILES = {"terraform/prod/main.tf": b"x = 1\n"}


def draft(changes: Sequence[Carried], by: GroupBy = GroupBy.CONNECTION) -> Draft:
    candidates = [
        Candidate(
            change=track(each.change, each.file),
            edit=each.edit,
            name=each.connection.name,
            workspace="prod",
            risk=assess(each.recommendation, each.subject.downstream).risk.label,
            carried=each,
            team="data",
        )
        for each in changes
    ]
    groups, _held = group(candidates, by, lambda _change, _title: None)
    return compose(groups[0], FRAME, FILES)


def test_title_labels_and_levels_come_from_the_changes() -> None:
    made = draft(saving())
    assert made.title == "orders_db → bigquery: sync every 6 hours instead of every hour"
    assert made.labels == {
        "trimtab",
        "trimtab:schedule",
        "trimtab:risk-medium",
        "trimtab:approval-team",
    }
    assert (made.risk, made.confidence, made.approval) == ("medium", "high", "team")
    assert made.team == "data"


@pytest.mark.parametrize("name", [name for name in SITUATIONS if name != "grouped"])
def test_text_and_record_together_fit_and_can_be_taken_apart_again(name: str) -> None:
    made = draft(SITUATIONS[name]())
    body = join(made.body, describe(made))
    assert len(body) <= BUDGET
    found = split(body)
    assert found.ours == made.body
    assert found.metadata is not None
    assert found.metadata.changes == made.changes
    assert not found.is_edited


def test_a_full_group_with_long_details_fits_as_well() -> None:
    (one,) = over_long()
    literal = replace(one.edit.site, value="v" * 300)
    many = [
        replace(
            one,
            subject=replace(
                one.subject, connection=replace(one.subject.connection, id=ConnectionId(f"{n}-id"))
            ),
            change=replace(
                one.change,
                recommendation=replace(one.recommendation, connection_id=ConnectionId(f"{n}-id")),
                edit=replace(one.edit, site=replace(literal, start=n * 1000)),
            ),
        )
        for n in range(25)
    ]
    made = draft(many, GroupBy.TEAM)
    assert len(made.changes) == 25
    assert len(join(made.body, describe(made))) <= BUDGET


def test_the_commit_says_what_changes_and_nothing_that_evidence_moves() -> None:
    (one,) = saving()
    message = draft([one]).message
    subject = message.splitlines()[0]
    assert subject == "perf(airbyte): orders_db → bigquery: sync every 6 hours instead of ever…"
    assert len(subject) <= 72
    assert "0 0 * * * ? UTC → 0 0 0/6 * * ? UTC" in message
    fresher = replace(one.recommendation.evidence, n=700)
    later = replace(one, change=replace(
        one.change, recommendation=replace(one.recommendation, evidence=fresher)
    ))  # fmt: skip
    assert draft([later]).message == message
    assert draft([later]).evidence != draft([one]).evidence
    assert draft([later]).body != draft([one]).body


def test_the_trailers_can_be_read_back_whatever_a_connection_is_called() -> None:
    made = draft(hostile_names())
    found = read(sign(made, "t" * 40))
    assert found["Trimtab-Tree"] == "t" * 40
    assert found["Trimtab-Approval"] == "team"
    assert found["Trimtab-Promise"] == made.promise
    assert "\u202e" not in made.title + made.message + made.body


def test_the_same_changes_are_composed_to_the_same_bytes() -> None:
    assert draft(saving()) == draft(saving())


@pytest.mark.parametrize(
    ("verdict", "confidence", "merges"),
    [
        (AUTO, Confidence.HIGH, True),
        (AUTO, Confidence.MEDIUM, False),
        (no_money()[0].change.verdict, Confidence.HIGH, True),
        (pause()[0].change.verdict, Confidence.HIGH, False),
    ],
)
def test_only_what_policy_lets_through_with_low_risk_and_high_confidence_merges_itself(
    verdict: object, confidence: Confidence, merges: bool
) -> None:
    (one,) = no_money()
    recommendation = replace(one.recommendation, confidence=confidence)
    change = replace(one.change, recommendation=recommendation, verdict=verdict)  # type: ignore[arg-type]
    made = draft([replace(one, change=change)])
    assert made.auto_merge is merges
    assert ("It merges once every check passes" in made.body) is merges


def test_the_strongest_level_of_a_group_counts() -> None:
    first, *rest = grouped()
    stronger = replace(first, change=replace(first.change, verdict=pause()[0].change.verdict))
    assert draft([stronger, *rest], GroupBy.TEAM).approval == ApprovalLevel.TWO_PERSON.label


def test_an_owner_with_an_account_is_assigned_and_a_team_is_not() -> None:
    (one,) = saving()
    for owner, assignees in (("@ada", {"ada"}), ("@acme/data", set()), ("finance", set())):
        owned = replace(one, subject=replace(one.subject, owner=owner))
        assert draft([owned]).assignees == assignees


def test_what_policy_denies_is_never_composed() -> None:
    (one,) = saving()
    candidate = Candidate(
        change=track(one.change, one.file), edit=one.edit, name="n", workspace="w", risk="low",
        carried=replace(one, change=replace(one.change, verdict=Deny(()))),
    )  # fmt: skip
    groups, _held = group([candidate], GroupBy.CONNECTION, lambda _change, _title: None)
    with pytest.raises(ValueError, match="never composed"):
        compose(groups[0], FRAME, FILES)


def test_files_are_rewritten_at_the_literal_and_nowhere_else() -> None:
    content = 'ä = "0 0 * * * ? UTC" # é\r\n'.encode()
    (one,) = saving()
    start = content.index(b'"')
    site = replace(one.edit.site, start=start, end=start + len(one.edit.site.literal))
    edit = replace(one.edit, site=site)
    candidate = Candidate(
        change=track(one.change, one.file), edit=edit, name="n", workspace="w", risk="low",
        carried=one,
    )  # fmt: skip
    assert rewrite([candidate], lambda _file: content) == {
        one.file: 'ä = "0 0 0/6 * * ? UTC" # é\r\n'.encode()
    }
