"""The GitHub forge against a GitHub with real git behind it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.errors import ConfigError, ForgeError
from bot.pulls.draft import Draft
from bot.pulls.execution import execute
from bot.pulls.forge import BranchMovedError
from bot.pulls.github import GitHubForge
from bot.pulls.github_access import Access, GitHubApp, connect, files_url
from bot.pulls.labels import LABEL
from bot.pulls.metadata import describe, split
from bot.pulls.operations import EditBody, OpenPull, UpdateBranch
from bot.pulls.snapshot import PullState
from tests.servers.github import WHEN, Fault, GitHub

BRANCH = "trimtab/orders-9bb6b8f9/schedule"
DRAFT = Draft(
    identity="connection/9bb6b8f9/schedule",
    branch=BRANCH,
    title="orders: start 7 min later",
    body="The text for people.",
    message="perf(airbyte): orders: start 7 min later",
    files={"terraform/main.tf": b"x = 2\n"},
    changes=(),
    risk="low",
    confidence="high",
    approval="team",
    evidence="sha256:1",
    policies="sha256:2",
    labels=frozenset({LABEL, "trimtab:risk-low"}),
    assignees=frozenset({"ada"}),
)


@pytest.fixture
def forge(hub: GitHub) -> GitHubForge:
    return open_forge(hub)


def open_forge(hub: GitHub, waits: list[float] | None = None) -> GitHubForge:
    pause = (lambda _seconds: None) if waits is None else waits.append
    access = Access(hub.repository, hub.url, hub.token)
    return GitHubForge(connect(access, seconds_between_writes=0, pause=pause), "main", WHEN)


def propose(forge: GitHubForge, draft: Draft = DRAFT) -> int:
    number = execute(forge, OpenPull(draft), forge.snapshot().base)
    assert number is not None
    return number


def test_a_new_pull_request_is_one_commit_that_changes_just_that_file(
    hub: GitHub, forge: GitHubForge
) -> None:
    number = propose(forge)
    pull = hub.pulls[number]
    assert hub.git.text("diff", "--name-only", "main", BRANCH) == "terraform/main.tf"
    assert hub.git.run("show", f"{BRANCH}:terraform/main.tf") == b"x = 2\n"
    assert hub.git.text("rev-list", "--count", f"main..{BRANCH}") == "1"
    assert (pull.title, pull.labels, pull.assignees) == (
        DRAFT.title,
        ["trimtab", "trimtab:risk-low"],
        ["ada"],
    )
    metadata = split(pull.body).metadata
    assert metadata is not None
    assert metadata.head == hub.tip(BRANCH)
    hub.git.run("fsck", "--strict")


def test_a_new_pull_request_costs_six_calls_beside_the_shared_snapshot(
    hub: GitHub, forge: GitHubForge
) -> None:
    base = forge.snapshot().base
    assert len(hub.requests) == 1
    execute(forge, OpenPull(DRAFT), base)
    assert len(hub.requests) - 1 <= 6
    assert len(hub.writes) == 5


def test_a_branch_update_costs_three_writes_and_the_body_one(
    hub: GitHub, forge: GitHubForge
) -> None:
    number = propose(forge)
    snapshot = forge.snapshot()
    (pull,) = snapshot.pulls
    assert pull.metadata is not None
    before = len(hub.writes)
    other = replace(DRAFT, files={"terraform/main.tf": b"x = 3\n"})
    head = snapshot.branches[BRANCH].sha
    operation = UpdateBranch(number, BRANCH, head, other, describe(other), DRAFT.title)
    execute(forge, operation, snapshot.base)
    paths = [request.path.rsplit("/", 1)[1] for request in hub.writes[before:]]
    assert paths == ["trees", "commits", str(number), "graphql"]
    before = len(hub.writes)
    execute(forge, EditBody(number, None, "other evidence", "evidence"), snapshot.base)
    assert len(hub.writes) - before == 1


def test_commits_carry_no_author_so_that_the_token_of_an_app_signs_them(
    hub: GitHub, forge: GitHubForge
) -> None:
    propose(forge)
    (commit,) = [request for request in hub.requests if request.path.endswith("git/commits")]
    assert set(commit.body) == {"message", "tree", "parents"}
    assert forge.is_signed is True


def test_a_personal_token_is_seen_not_to_sign(hub: GitHub) -> None:
    hub.login = "ada"
    forge = open_forge(hub)
    propose(forge)
    assert forge.is_signed is False


def test_a_push_between_reading_and_writing_is_never_overwritten(
    hub: GitHub, forge: GitHubForge
) -> None:
    propose(forge)
    ours = hub.tip(BRANCH)
    theirs = hub.push(BRANCH, {"terraform/main.tf": b"x = 9\n"})
    with pytest.raises(BranchMovedError, match="is not where it was"):
        forge.move_branch(BRANCH, ours, hub.tip("main"))
    assert hub.tip(BRANCH) == theirs
    with pytest.raises(BranchMovedError):
        forge.move_branch(BRANCH, None, ours)
    with pytest.raises(BranchMovedError):
        forge.move_branch(BRANCH, ours, None)
    assert hub.tip(BRANCH) == theirs


@pytest.mark.parametrize("after", [True, False], ids=["done", "not-done"])
@pytest.mark.parametrize("status", [502, 0], ids=["502", "broken"])
@pytest.mark.parametrize(
    "match",
    ["git/trees", "git/commits", "MoveBranch", "POST .*pulls$", "PATCH .*issues", "Snapshot"],
)
def test_whatever_ends_in_doubt_is_read_back_and_done_exactly_once(
    hub: GitHub, match: str, status: int, after: bool
) -> None:
    hub.faults.append(Fault(match, status, after=after))
    forge = open_forge(hub)
    propose(forge)
    assert not hub.faults
    assert [pull.branch for pull in hub.pulls.values()] == [BRANCH]
    assert hub.git.text("rev-list", "--count", f"main..{BRANCH}") == "1"
    assert hub.pulls[1].labels == ["trimtab", "trimtab:risk-low"]


@pytest.mark.parametrize("after", [True, False])
def test_a_comment_in_doubt_is_not_made_twice(hub: GitHub, forge: GitHubForge, after: bool) -> None:
    number = propose(forge)
    hub.faults.append(Fault("comments", 502, after=after))
    forge.comment(number, "Closed: the policy denies it now.")
    assert [each["body"] for each in hub.pulls[number].comments] == [
        "Closed: the policy denies it now."
    ]


@pytest.mark.parametrize("after", [True, False])
def test_a_dashboard_in_doubt_is_not_made_twice(
    hub: GitHub, forge: GitHubForge, after: bool
) -> None:
    body = "<!-- trimtab:dashboard -->\nAll is well."
    hub.faults.append(Fault("POST .*issues$", 502, after=after))
    number = forge.write_dashboard(None, "trimtab", body)
    assert forge.write_dashboard(number, "trimtab", body + "\nStill.") == number
    assert [issue.body for issue in hub.issues.values()] == [body + "\nStill."]
    found = forge.snapshot().dashboard
    assert found is not None
    assert (found.number, found.is_open) == (number, True)


def test_what_goes_on_failing_ends_with_a_sentence_and_no_secret(hub: GitHub) -> None:
    hub.faults += [Fault("git/trees", 502) for _ in range(4)]
    with pytest.raises(ForgeError, match=r"did not POST git/trees in 4 attempts") as caught:
        propose(open_forge(hub))
    assert hub.token not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"


def test_a_secondary_limit_is_waited_for_as_long_as_github_asks(hub: GitHub) -> None:
    waits: list[float] = []
    limit = {"retry-after": "17"}
    words = "You have exceeded a secondary rate limit."
    hub.faults.append(Fault("PATCH", 403, headers=limit, message=words))
    hub.faults.append(Fault("git/trees", 429, headers=limit))
    propose(open_forge(hub, waits))
    assert waits == [17, 17]


def test_a_used_up_limit_is_said_instead_of_waited_for(hub: GitHub) -> None:
    reset = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "99999999999"}
    hub.faults.append(
        Fault("Snapshot", 403, headers=reset, message="API rate limit exceeded for installation 7.")
    )
    with pytest.raises(ForgeError, match="rate limit is used up for another"):
        open_forge(hub).snapshot()


def test_a_wrong_token_or_repository_says_what_to_do(hub: GitHub) -> None:
    stranger = GitHubForge(connect(Access(hub.repository, hub.url, "wrong")), "main", WHEN)
    with pytest.raises(ForgeError, match="401") as caught:
        stranger.snapshot()
    assert "expired" in caught.value.hint
    lost = GitHubForge(connect(Access("acme/other", hub.url, hub.token)), "main", WHEN)
    with pytest.raises(ForgeError, match="Could not resolve to a Repository"):
        lost.snapshot()


def test_a_missing_base_branch_says_what_to_set(hub: GitHub, forge: GitHubForge) -> None:
    forge.base = "trunk"
    with pytest.raises(ForgeError, match="there is no branch 'trunk'") as caught:
        forge.snapshot()
    assert "forge.base" in caught.value.hint


def test_an_open_pull_request_of_the_branch_is_adopted_and_left_as_it_is(
    hub: GitHub, forge: GitHubForge
) -> None:
    number = propose(forge)
    hub.pulls[number].body = "A person's words."
    hub.pulls[number].assignees = ["grace"]
    assert forge.open_pull(BRANCH, "title", "body") == number
    forge.mark_pull(number, DRAFT.labels, DRAFT.assignees)
    assert hub.pulls[number].body == "A person's words."
    assert hub.pulls[number].assignees == ["grace", "ada"]


def test_somebody_who_cannot_be_assigned_costs_no_labels(hub: GitHub, forge: GitHubForge) -> None:
    hub.strangers = {"ada"}
    number = propose(forge)
    assert hub.pulls[number].assignees == []
    assert hub.pulls[number].labels == ["trimtab", "trimtab:risk-low"]


def test_no_other_refusal_is_taken_for_one_that_can_be_adopted(
    hub: GitHub, forge: GitHubForge
) -> None:
    with pytest.raises(ForgeError, match="422"):
        forge.open_pull("trimtab/no-such-branch/schedule", "title", "body")


def test_the_snapshot_knows_what_ended_by_whom_and_forgets_forks(
    hub: GitHub, forge: GitHubForge
) -> None:
    first = propose(forge)
    hub.end(first, "ada")
    hub.delete_branch(BRANCH)
    second = propose(forge)
    forge.edit_pull(second, close=True)
    third = propose(open_forge(hub), replace(DRAFT, branch=BRANCH + "-2"))
    hub.pulls[third].is_cross = True
    pulls = {pull.number: pull for pull in forge.snapshot().pulls}
    assert set(pulls) == {first, second}
    assert (pulls[first].state, pulls[first].ended_by_us) == (PullState.CLOSED, False)
    assert (pulls[second].state, pulls[second].ended_by_us) == (PullState.CLOSED, True)
    assert pulls[first].ended_at is not None
    assert pulls[first].labels == DRAFT.labels


def test_with_the_token_of_a_workflow_nobody_can_tell_who_closed_it(hub: GitHub) -> None:
    hub.login = "github-actions[bot]"
    forge = open_forge(hub)
    number = propose(forge)
    forge.edit_pull(number, close=True)
    (pull,) = forge.snapshot().pulls
    assert pull.ended_by_us is None


def test_more_than_a_page_of_branches_and_of_ended_pull_requests_is_read(
    hub: GitHub, forge: GitHubForge
) -> None:
    tip = hub.push("trimtab/a/schedule", {"terraform/main.tf": b"x = 5\n"})
    moves = "".join(f"create refs/heads/trimtab/many-{n:03}/schedule {tip}\n" for n in range(120))
    hub.git.run("update-ref", "--stdin", stdin=moves.encode())
    for index in range(70):
        hub.remember(f"trimtab/gone-{index}/schedule", ended=True)
    before = len(hub.requests)
    snapshot = forge.snapshot()
    assert len(snapshot.branches) == 121
    assert len(snapshot.pulls) == 70
    assert len(hub.requests) - before == 3


def test_old_endings_are_not_paged_through(hub: GitHub, forge: GitHubForge) -> None:
    for index in range(120):
        pull = hub.remember(f"trimtab/gone-{index}/schedule", ended=True)
        pull.updated = WHEN - timedelta(days=400)
    before = len(hub.requests)
    forge.snapshot()
    assert len(hub.requests) - before == 1


def test_a_conflict_with_the_base_is_seen(hub: GitHub, forge: GitHubForge) -> None:
    propose(forge)
    hub.push("main", {"terraform/main.tf": b"x = 7\n"})
    (pull,) = forge.snapshot().pulls
    assert pull.conflicts


def test_files_that_are_no_utf8_and_modes_are_kept(hub: GitHub, forge: GitHubForge) -> None:
    script = hub.commit("main", {"run.sh": b"true\n"})
    hub.git.run("update-ref", "refs/heads/main", script)
    draft = replace(DRAFT, files={"terraform/ä.bin": b"\xfe\r\n"})
    propose(forge, draft)
    assert hub.git.run("show", f"{BRANCH}:terraform/ä.bin") == b"\xfe\r\n"


@pytest.mark.parametrize("with_checkout", [True, False])
def test_the_base_is_exported_as_it_is_committed(
    hub: GitHub, forge: GitHubForge, tmp_path: Path, with_checkout: bool
) -> None:
    target = tmp_path / "export"
    target.mkdir()
    forge.checkout = hub.git if with_checkout else None
    forge.export(forge.snapshot().base, target)
    assert (target / "terraform" / "main.tf").read_bytes() == b"x = 1\n"
    assert (target / "README.md").exists()
    assert any("tarball" in request.path for request in hub.requests) is not with_checkout


@pytest.mark.parametrize("with_checkout", [True, False])
def test_links_that_lead_out_of_the_repository_are_no_reason_to_stop(
    hub: GitHub, forge: GitHubForge, tmp_path: Path, with_checkout: bool
) -> None:
    link = f"120000 blob {hub.git.store(b'/usr/share')}\tlink\n"
    listed = hub.git.run("ls-tree", "main") + link.encode()
    tree = hub.git.run("mktree", stdin=listed).decode().strip()
    commit = hub.git.write_commit(tree, ["main"], "link", "1700000000 +0000")
    hub.git.run("update-ref", "refs/heads/main", commit)
    forge.checkout = hub.git if with_checkout else None
    forge.export(forge.snapshot().base, tmp_path)
    assert (tmp_path / "terraform" / "main.tf").read_bytes() == b"x = 1\n"
    assert not (tmp_path / "link").is_symlink()


def test_auto_merge_is_turned_on_with_the_method_that_the_repository_offers(
    hub: GitHub, forge: GitHubForge
) -> None:
    draft = replace(DRAFT, auto_merge=True)
    number = propose(forge, draft)
    assert hub.pulls[number].auto_merge
    assert hub.writes[-1].body["variables"]["method"] == "SQUASH"
    forge.auto_merge(number, on=False)
    assert not hub.pulls[number].auto_merge


def test_a_repository_without_auto_merge_says_which_setting_is_missing(
    hub: GitHub, forge: GitHubForge
) -> None:
    hub.auto_merge_allowed = False
    with pytest.raises(ForgeError, match="Auto merge is not allowed") as caught:
        propose(forge, replace(DRAFT, auto_merge=True))
    assert "Allow auto-merge" in caught.value.hint


def test_an_app_gets_a_token_that_may_do_what_is_needed_and_no_more(hub: GitHub) -> None:
    app = GitHubApp("123", private_key())
    api = connect(Access(hub.repository, hub.url, app=app), seconds_between_writes=0)
    propose(GitHubForge(api, "main", WHEN))
    assert hub.permissions == {
        "contents": "write",
        "issues": "write",
        "metadata": "read",
        "pull_requests": "write",
    }


def private_key() -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


def test_a_key_that_is_none_and_no_credentials_at_all_are_explained(hub: GitHub) -> None:
    with pytest.raises(ConfigError, match="is not a private key") as caught:
        connect(Access(hub.repository, hub.url, app=GitHubApp("1", "not-a-pem-but-secret")))
    assert "not-a-pem-but-secret" not in str(caught.value)
    with pytest.raises(ConfigError, match="neither a token nor an App"):
        connect(Access(hub.repository, hub.url))


@pytest.mark.parametrize(
    ("api", "web"),
    [
        ("https://api.github.com", "https://github.com/acme/data/blob/main"),
        ("https://ghe.example/api/v3/", "https://ghe.example/acme/data/blob/main"),
        ("https://api.acme.ghe.com", "https://acme.ghe.com/acme/data/blob/main"),
    ],
)
def test_files_are_linked_to_where_people_look_at_them(api: str, web: str) -> None:
    assert files_url(Access("acme/data", api), "main") == web


def test_access_does_not_show_its_secrets() -> None:
    shown = repr(Access("a/b", token="ghp_secret", app=GitHubApp("1", "PRIVATE")))
    assert "ghp_secret" not in shown
    assert "PRIVATE" not in shown


def test_what_a_token_leaves_undone_is_said(hub: GitHub, forge: GitHubForge) -> None:
    assert forge.notices == ()
    hub.login = "github-actions[bot]"
    workflow = open_forge(hub)
    assert "no workflow runs until somebody allows it" in workflow.notices[0]
    hub.login = "ada"
    personal = open_forge(hub)
    propose(personal)
    assert "does not sign the commits" in personal.notices[0]
