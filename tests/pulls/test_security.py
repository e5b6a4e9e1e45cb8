"""One test for each claim of docs/security.md, under the words in which it is made there."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.verdict import ApprovalLevel
from bot.pulls.approval import State
from bot.pulls.approval_check import Rules
from bot.pulls.body import write
from bot.pulls.metadata import describe, join, split
from bot.pulls.trailers import sign
from bot.terraform.root import open_root
from tests.pulls.proposed import (
    AFTER,
    BRANCH,
    CHANGE,
    FILE,
    ROOT,
    Named,
    conclude,
    conclude_or_not,
    draft,
    propose,
    rewrite_record,
    set_up,
)
from tests.pulls.situations import FRAME, saving
from tests.servers.github import GitHub

DOCUMENT = Path(__file__).parents[2] / "docs" / "security.md"
UNSIGNED = Rules(Named(), "main", must_be_signed=False)


@pytest.fixture
def number(hub: GitHub) -> int:
    set_up(hub)
    return propose(hub)


def test_an_approval_by_a_named_person_on_the_head_lets_it_through(
    hub: GitHub, number: int
) -> None:
    assert conclude(hub, number).state is State.PENDING
    hub.review(number, "ada", "APPROVED")
    assert conclude(hub, number).state is State.SUCCESS


def test_an_approval_does_not_outlive_a_push(hub: GitHub, number: int) -> None:
    hub.review(number, "ada", "APPROVED")
    hub.push(BRANCH, {FILE: ROOT.replace("0 0 6", "0 9 9").encode()})
    found = conclude(hub, number)
    assert found.state is State.FAILURE
    assert "not of trimtab-bot" in found.sentence


def test_people_whom_policy_does_not_name_do_not_count(hub: GitHub, number: int) -> None:
    hub.review(number, "mallory", "APPROVED")
    assert conclude(hub, number).state is State.PENDING


def test_nobody_approves_their_own_pull_request(hub: GitHub) -> None:
    set_up(hub)
    hub.login = "ada"
    number = propose(hub)
    hub.review(number, "ada", "APPROVED")
    assert conclude(hub, number, UNSIGNED).state is State.PENDING
    hub.review(number, "grace", "APPROVED")
    assert conclude(hub, number, UNSIGNED).state is State.SUCCESS


def test_a_lower_level_written_into_the_body_fails(hub: GitHub, number: int) -> None:
    rewrite_record(hub, number, approval="auto")
    found = conclude(hub, number)
    assert (found.state, found.sentence) == (
        State.FAILURE,
        "Its description names another approval than its commit.",
    )


def test_another_change_written_into_the_body_fails(hub: GitHub, number: int) -> None:
    other = replace(CHANGE, address="airbyte_connection.payroll", before="0 0 5 * * ? UTC")
    rewrite_record(hub, number, changes=(other,))
    found = conclude(hub, number)
    assert found.sentence == "Its description names other changes than its commit."


def test_a_record_that_is_gone_fails(hub: GitHub, number: int) -> None:
    hub.pulls[number].body = "Please merge."
    sentence = conclude(hub, number).sentence
    assert "has lost trimtab's record: bring it back" in sentence
    assert len(sentence) <= 140


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ROOT.replace("0 0 6", "0 8 6"), "does not hold what was promised"),
        (ROOT.replace("0 0 6", "0 7 6") + "# and a line more\n", "more than that has changed"),
        (ROOT.replace("0 0 6", "0 7 6").replace("0 0 5", "0 7 5"), "more than that has changed"),
        (ROOT.replace("0 0 6", "0 7 6").replace("\n", "\r\n"), "more than that has changed"),
    ],
    ids=["another-value", "another-line", "another-connection", "line-ends"],
)
def test_whatever_the_record_says_exactly_the_promised_literals_may_differ(
    hub: GitHub, text: str, words: str
) -> None:
    """Even a commit that GitHub signed for trimtab: a stolen token makes such commits."""
    set_up(hub)
    found = conclude(hub, propose(hub, draft(text=text)))
    assert found.state is State.FAILURE
    assert words in found.sentence


def test_a_file_beside_the_promised_one_fails(hub: GitHub) -> None:
    set_up(hub)
    given = draft()
    files = {**given.files, "README.md": b"evil\n"}
    assert conclude(hub, propose(hub, replace(given, files=files))).sentence == (
        "It also changes README.md, which it does not promise."
    )


@pytest.mark.parametrize(
    "path", [".github/workflows/policy.yml", "policies/99-mine.yaml", "terraform/extra.tf"]
)
def test_a_new_file_a_workflow_or_a_policy_among_them_fails(hub: GitHub, path: str) -> None:
    set_up(hub)
    given = draft()
    files = {**given.files, path: b"x: 1\n"}
    assert conclude(hub, propose(hub, replace(given, files=files))).sentence == f"It adds {path}."


def test_a_changed_mode_fails(hub: GitHub) -> None:
    set_up(hub)
    number = propose(hub)
    tip = hub.tip(BRANCH)
    assert tip is not None
    blob = hub.git.text("rev-parse", f"{tip}:{FILE}")
    env = {"GIT_INDEX_FILE": str(hub.git.folder / "mode-index")}
    hub.git.run("read-tree", tip, env=env)
    hub.git.run("update-index", "--cacheinfo", f"100755,{blob},{FILE}", env=env)
    tree = hub.git.run("write-tree", env=env).decode().strip()
    made = hub.git.write_commit(tree, [f"{tip}~1"], sign(draft(), tree), "1790000000 +0000")
    hub.authors[made] = hub.login
    hub.signed.add(made)
    hub.git.run("update-ref", f"refs/heads/{BRANCH}", made)
    assert conclude(hub, number).sentence == f"It changes the mode of {FILE}."


def forge_commit(hub: GitHub, number: int, author: str) -> None:
    """Push what a person with write access can: everything as trimtab does it, less a signature."""
    other = replace(CHANGE, after="0 30 6 * * ? UTC")
    given = draft(other, approval="auto", text=ROOT.replace(CHANGE.before, other.after))
    tree = hub.git.write_tree(hub.tip("main") or "", given.files)
    base = hub.tip("main")
    assert base is not None
    made = hub.git.write_commit(tree, [base], sign(given, tree), "1790000000 +0000")
    hub.authors[made] = author
    hub.git.run("update-ref", f"refs/heads/{BRANCH}", made)
    rewrite_record(hub, number, changes=given.changes, approval="auto", head=made, tree=tree)


def test_with_an_app_a_forged_commit_is_not_taken_for_trimtabs(hub: GitHub, number: int) -> None:
    forge_commit(hub, number, author="trimtab-bot[bot]")
    found = conclude(hub, number)
    assert found.sentence == "Its head is no commit that GitHub has signed for trimtab's App."


def test_without_an_app_a_forged_commit_needs_the_team_whatever_it_says(
    hub: GitHub, number: int
) -> None:
    forge_commit(hub, number, author="trimtab-bot[bot]")
    assert conclude(hub, number, UNSIGNED).state is State.PENDING
    hub.review(number, "ada", "APPROVED")
    assert conclude(hub, number, UNSIGNED).state is State.SUCCESS


def test_a_policy_edit_on_the_branch_is_not_what_the_check_reads(hub: GitHub, number: int) -> None:
    """The authority comes from the base; a branch that brings its own fails for the file alone."""
    head = hub.tip(BRANCH)
    assert head is not None
    hub.push(BRANCH, {"policies/00.yaml": b"version: 1\n"})
    hub.review(number, "mallory", "APPROVED")
    assert conclude(hub, number).state is State.FAILURE


def test_a_pull_request_from_a_fork_is_none_of_trimtabs(hub: GitHub) -> None:
    set_up(hub)
    hub.push(BRANCH, {FILE: b"anything\n"})
    pull = hub.remember(BRANCH, ended=False)
    pull.is_cross = True
    assert "no pull request of trimtab's" in conclude(hub, pull.number).sentence


@pytest.mark.parametrize("is_fork", [True, False])
def test_another_pull_request_with_the_same_head_does_not_bless_it(
    hub: GitHub, number: int, is_fork: bool
) -> None:
    """A status belongs to the commit: what is said of it there would hold here as well."""
    head = hub.tip(BRANCH)
    assert head is not None
    hub.git.move_ref("refs/heads/feature/x", None, head)
    other = hub.remember("feature/x", ended=False)
    other.is_cross = is_fork
    assert conclude_or_not(hub, other.number) is None
    assert conclude(hub, number).state is State.PENDING


def test_a_pull_request_into_another_branch_fails(hub: GitHub, number: int) -> None:
    hub.push("release", {FILE: ROOT.encode()})
    hub.pulls[number].base = "release"
    assert conclude(hub, number).sentence == "It goes into release; trimtab's go into main."


def test_approvers_follow_the_connection_that_the_tree_names(hub: GitHub) -> None:
    set_up(hub)
    other = replace(
        CHANGE,
        address="airbyte_connection.payroll",
        before="0 0 5 * * ? UTC",
        after="0 7 5 * * ? UTC",
    )
    number = propose(hub, draft(other))
    hub.review(number, "ada", "APPROVED")
    assert conclude(hub, number).sentence == "Waits for 1 approval of this commit by @acme/finance."
    hub.review(number, "joan", "APPROVED")
    assert conclude(hub, number).state is State.SUCCESS


def test_a_team_that_cannot_be_read_approves_nothing(hub: GitHub, number: int) -> None:
    hub.may_read_teams = False
    hub.review(number, "ada", "APPROVED")
    found = conclude(hub, number)
    assert found.state is State.PENDING
    assert "cannot be read with this token" in found.sentence


def test_blocked_is_blocked_whoever_approves(hub: GitHub) -> None:
    set_up(hub)
    number = propose(hub, draft(approval="blocked"))
    hub.review(number, "ada", "APPROVED")
    assert conclude(hub, number).state is State.FAILURE


@pytest.mark.parametrize("signed", [True, False])
def test_a_block_that_the_base_has_by_now_counts(hub: GitHub, signed: bool) -> None:
    set_up(hub)
    number = propose(hub, draft(approval="auto"))
    blocked = Named(levels={"orders": ApprovalLevel.BLOCKED})
    found = conclude(hub, number, Rules(blocked, "main", must_be_signed=signed))
    assert found.state is State.FAILURE


def test_without_an_app_the_level_is_what_the_base_asks_for_that_connection(
    hub: GitHub, number: int
) -> None:
    forge_commit(hub, number, author="trimtab-bot[bot]")
    two = Named(levels={"orders": ApprovalLevel.TWO_PERSON})
    hub.review(number, "ada", "APPROVED")
    rules = Rules(two, "main", must_be_signed=False)
    assert conclude(hub, number, rules).state is State.PENDING
    hub.review(number, "grace", "APPROVED")
    assert conclude(hub, number, rules).state is State.SUCCESS


def test_auto_needs_nobody_where_trimtabs_commit_says_so(hub: GitHub) -> None:
    set_up(hub)
    assert conclude(hub, propose(hub, draft(approval="auto"))).state is State.SUCCESS


def test_a_token_of_an_app_that_somebody_else_made_vouches_as_well(hub: GitHub) -> None:
    set_up(hub)
    assert conclude(hub, propose(hub, draft(approval="auto")), UNSIGNED).state is State.SUCCESS


def test_the_account_that_all_workflows_share_vouches_for_nobody(hub: GitHub) -> None:
    set_up(hub)
    hub.login = "github-actions[bot]"
    number = propose(hub, draft(approval="auto"))
    assert conclude(hub, number, UNSIGNED).state is State.PENDING
    assert conclude(hub, number).state is State.FAILURE


def test_a_promise_about_what_is_no_tuning_fails(hub: GitHub) -> None:
    set_up(hub)
    other = replace(CHANGE, path="name", before="orders", after="payroll-copy")
    given = draft(other, text=ROOT.replace('"orders"\n', '"payroll-copy"\n'))
    found = conclude(hub, propose(hub, given))
    assert found.state is State.FAILURE


def test_the_base_is_evaluated_and_the_head_never(
    hub: GitHub, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []

    def opened(path: Path, *arguments: tuple[str, ...]) -> object:
        seen.append((path / "main.tf").read_bytes())
        return open_root(path, *arguments)

    monkeypatch.setattr("bot.pulls.approval_diff.open_root", opened)
    monkeypatch.setattr("tests.pulls.proposed._READ", {})
    conclude(hub, number)
    assert seen == [ROOT.encode()]
    assert AFTER.encode() not in seen[0]


def test_the_signed_commit_names_whom_policy_named_by_all_it_knew(hub: GitHub) -> None:
    """A tag that only Airbyte knows may have made it finance's business: the tree cannot tell."""
    set_up(hub)
    number = propose(hub, replace(draft(), approvers=(("@acme/finance",),)))
    hub.review(number, "ada", "APPROVED")
    assert conclude(hub, number).sentence == "Waits for 1 approval of this commit by @acme/finance."
    hub.review(number, "joan", "APPROVED")
    assert conclude(hub, number).state is State.SUCCESS


def test_whom_the_base_no_longer_names_has_no_say(hub: GitHub) -> None:
    set_up(hub)
    number = propose(hub, replace(draft(), approvers=(("@mallory",),)))
    hub.review(number, "mallory", "APPROVED")
    found = conclude(hub, number)
    assert (found.state, "names nobody" in found.sentence) == (State.FAILURE, True)


@pytest.mark.parametrize("name", ['<!-- trimtab:v1 {"approval":"auto"} -->', "@everyone"])
def test_a_name_is_text_wherever_it_comes_from(name: str) -> None:
    (one,) = saving()
    connection = replace(one.connection, name=name)
    body = write([replace(one, subject=replace(one.subject, connection=connection))], FRAME)
    made = join(body, describe(replace(draft(), body=body)))
    found = split(made).metadata
    assert found is not None
    assert found.approval == "team"
    assert not re.search(r"@everyone", re.sub(r"`[^`]*`", "", made))


CLAIMS = DOCUMENT.read_text(encoding="utf-8")


def test_every_claim_names_a_test_that_is_here() -> None:
    named = re.findall(r"`(test_[a-z0-9_]+)`", CLAIMS)
    assert len(named) > 15
    assert [name for name in named if name not in globals()] == []
