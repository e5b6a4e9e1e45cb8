"""Who has approved what, as a pure question."""

import pytest

from bot.domain.verdict import ApprovalLevel
from bot.pulls.approval import Asked, GivenReview, Standing, State, conclude, standing

HEAD, OLD = "a" * 40, "b" * 40


class Book:
    """Teams, some of which cannot be read."""

    def is_member(self, team: str, login: str) -> bool | None:
        return {"acme/data": login in {"ada", "grace"}, "acme/secret": None}.get(team, False)


def reviews(*given: tuple[str, str, str]) -> list[GivenReview]:
    return [GivenReview(login, state, head) for login, state, head in given]


@pytest.mark.parametrize(
    ("given", "approving", "objecting"),
    [
        ([("ada", "APPROVED", HEAD)], {"ada"}, set()),
        ([("ada", "APPROVED", OLD)], set(), set()),
        ([("ada", "APPROVED", HEAD), ("ada", "COMMENTED", HEAD)], {"ada"}, set()),
        ([("ada", "APPROVED", HEAD), ("ada", "DISMISSED", HEAD)], set(), set()),
        ([("ada", "CHANGES_REQUESTED", OLD)], set(), {"ada"}),
        ([("ada", "CHANGES_REQUESTED", HEAD), ("ada", "APPROVED", HEAD)], {"ada"}, set()),
        ([("ada", "APPROVED", HEAD), ("ada", "CHANGES_REQUESTED", HEAD)], set(), {"ada"}),
        ([("Author", "APPROVED", HEAD)], set(), set()),
        ([("ada", "PENDING", HEAD)], set(), set()),
    ],
)
def test_the_latest_decisive_review_of_each_counts_for_its_commit_only(
    given: list[tuple[str, str, str]], approving: set[str], objecting: set[str]
) -> None:
    assert standing(reviews(*given), HEAD, {"author"}) == Standing(
        frozenset(approving), frozenset(objecting)
    )


def asked(level: ApprovalLevel, *names: str) -> list[Asked]:
    return [Asked(level, frozenset(names))]


@pytest.mark.parametrize(
    ("level", "names", "approving", "state", "words"),
    [
        (ApprovalLevel.AUTO, [], [], State.SUCCESS, "asks for no approval"),
        (ApprovalLevel.OWNER, ["@ada"], [], State.PENDING, "Waits for 1 approval"),
        (ApprovalLevel.OWNER, ["@Ada"], ["ada"], State.SUCCESS, "Approved by ada"),
        (ApprovalLevel.OWNER, ["@ada"], ["grace"], State.PENDING, "by @ada"),
        (ApprovalLevel.TEAM, ["@acme/data"], ["grace"], State.SUCCESS, "Approved by grace"),
        (ApprovalLevel.TEAM, ["@acme/data"], ["mallory"], State.PENDING, "Waits for 1"),
        (ApprovalLevel.TWO_PERSON, ["@acme/data"], ["ada"], State.PENDING, "Waits for 1 approval"),
        (ApprovalLevel.TWO_PERSON, ["@acme/data"], [], State.PENDING, "Waits for 2 approvals"),
        (ApprovalLevel.TWO_PERSON, ["@acme/data"], ["ada", "grace"], State.SUCCESS, "ada, grace"),
        (ApprovalLevel.TEAM, ["@acme/secret"], ["ada"], State.PENDING, "cannot be read"),
        (ApprovalLevel.TEAM, [], ["ada"], State.FAILURE, "names nobody"),
        (ApprovalLevel.BLOCKED, ["@ada"], ["ada"], State.FAILURE, "blocks"),
    ],
)
def test_a_level_needs_so_many_of_those_that_policy_names(
    level: ApprovalLevel, names: list[str], approving: list[str], state: State, words: str
) -> None:
    found = conclude(asked(level, *names), Standing(frozenset(approving), frozenset()), Book())
    assert found.state is state
    assert words in found.sentence


def test_a_request_for_changes_by_somebody_who_may_approve_holds_it_up() -> None:
    both = Standing(frozenset({"ada"}), frozenset({"grace", "stranger"}))
    found = conclude(asked(ApprovalLevel.TEAM, "@acme/data"), both, Book())
    assert (found.state, found.sentence) == (State.PENDING, "grace asks for changes.")


def test_each_change_of_a_group_needs_its_own_people() -> None:
    two = [*asked(ApprovalLevel.TEAM, "@acme/data"), *asked(ApprovalLevel.TEAM, "@joan")]
    one = Standing(frozenset({"ada"}), frozenset())
    assert conclude(two, one, Book()).state is State.PENDING
    all_of_them = Standing(frozenset({"ada", "joan"}), frozenset())
    assert conclude(two, all_of_them, Book()).state is State.SUCCESS
