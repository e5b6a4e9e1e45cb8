import hashlib
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.pulls.forge import (
    Draft,
    EditBody,
    HandsOff,
    OpenPull,
    Pull,
    PullState,
    Snapshot,
    UpdateBranch,
)
from bot.pulls.reconcile import reconcile

DRAFT = Draft("trimtab/a/schedule", "title", "body", "message", {"main.tf": b"x = 1\n"})
BLOB = hashlib.sha1(b"blob 6\0x = 1\n", usedforsecurity=False).hexdigest()
PULL = Pull(
    1, DRAFT.branch, PullState.OPEN, DRAFT.title, DRAFT.body, "head", "head", {"main.tf": BLOB}
)


def test_a_new_draft_opens_a_pull_request() -> None:
    assert reconcile(Snapshot("b", ()), [DRAFT]) == [OpenPull(DRAFT)]


def test_nothing_is_done_when_all_is_as_it_should_be() -> None:
    assert reconcile(Snapshot("b", (PULL,)), [DRAFT]) == []


def test_other_evidence_edits_the_body_and_leaves_the_branch_alone() -> None:
    draft = replace(DRAFT, body="more evidence")
    assert reconcile(Snapshot("b", (PULL,)), [draft]) == [EditBody(1, draft)]


def test_another_value_updates_the_branch_in_place() -> None:
    draft = replace(DRAFT, files={"main.tf": b"x = 2\n"})
    assert reconcile(Snapshot("b", (PULL,)), [draft]) == [UpdateBranch(1, draft)]


def test_a_branch_that_somebody_pushed_to_is_left_alone() -> None:
    pull = replace(PULL, head="theirs")
    draft = replace(DRAFT, files={"main.tf": b"x = 2\n"})
    assert reconcile(Snapshot("b", (pull,)), [draft]) == [
        HandsOff(1, DRAFT.branch, "somebody has pushed to its branch")
    ]


def test_what_a_person_closed_stays_closed() -> None:
    pull = replace(PULL, state=PullState.CLOSED)
    assert reconcile(Snapshot("b", (pull,)), [DRAFT]) == [
        HandsOff(1, DRAFT.branch, "it was closed by a person")
    ]


def test_after_a_merge_a_new_recommendation_opens_a_new_pull_request() -> None:
    pull = replace(PULL, state=PullState.MERGED)
    assert reconcile(Snapshot("b", (pull,)), [DRAFT]) == [OpenPull(DRAFT)]


def test_the_newest_pull_request_of_a_branch_counts() -> None:
    old = replace(PULL, state=PullState.MERGED)
    assert reconcile(Snapshot("b", (replace(PULL, number=2), old)), [DRAFT]) == []


@given(st.lists(st.sampled_from([PULL, replace(PULL, number=2, branch="trimtab/b/schedule")])))
def test_a_pull_request_without_a_draft_is_never_touched(pulls: list[Pull]) -> None:
    assert reconcile(Snapshot("b", tuple(pulls)), []) == []
