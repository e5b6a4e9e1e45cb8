"""The verb, as a workflow runs it: everything over HTTP, nothing checked out."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.cli.main import main
from bot.pulls.approval import CONTEXT
from tests.pulls.proposed import BRANCH, FILE, ROOT, draft, propose, set_up
from tests.servers.github import GitHub
from tests.servers.github_contract import check

SETTINGS = """
version: 1
airbyte: {url: "${env:NOT_SET_HERE}", client_id: "${env:NOR_THIS}", client_secret: x}
terraform: {roots: [{path: terraform}]}
forge: {type: github, repository: acme/data, app: {id: "1", private_key: "${env:NOT_HERE}"}}
"""
POLICY = """
version: 1
policies: [{name: all, approval: team, approvers: {team: ["@acme/data"]}}]
"""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    files = {"trimtab.yaml": SETTINGS.encode(), "policies/p.yaml": POLICY.encode()}
    hub = GitHub.make(tmp_path / "hub.git", files)
    set_up(hub)
    monkeypatch.setenv("GITHUB_API_URL", hub.url)
    monkeypatch.setenv("GITHUB_REPOSITORY", hub.repository)
    monkeypatch.setenv("GITHUB_TOKEN", hub.token)
    monkeypatch.delenv("GITHUB_EVENT_PATH", raising=False)
    yield hub
    hub.close()
    check(hub.requests)


def run(*arguments: str) -> int:
    return main(["check-approval", *arguments])


def test_the_status_follows_the_reviews(
    hub: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    number = propose(hub)
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"action": "submitted", "pull_request": {"number": number}}))
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(event))
    assert run() == 0
    hub.review(number, "grace", "APPROVED")
    assert run() == 0
    states = [(each["context"], each["state"], each["sha"]) for each in hub.statuses]
    head = hub.tip(BRANCH)
    assert states == [(CONTEXT, "pending", head), (CONTEXT, "success", head)]
    assert "success: Approved by grace, as policy asks." in capsys.readouterr().out


def test_a_branch_that_holds_more_fails_and_ends_with_1(hub: GitHub) -> None:
    number = propose(hub, draft(text=ROOT.replace("0 0 6", "0 7 6") + "# more\n"))
    assert run("--pull", str(number)) == 1
    assert hub.statuses[0]["state"] == "failure"


def test_policies_of_the_branch_itself_are_not_read(hub: GitHub) -> None:
    given = draft()
    mine = POLICY.replace("@acme/data", "@mallory").encode()
    number = propose(hub, replace(given, files={**given.files, "policies/p.yaml": mine}))
    hub.review(number, "mallory", "APPROVED")
    assert run("--pull", str(number)) == 1
    assert "policies/p.yaml" in hub.statuses[0]["description"]


def test_what_is_not_trimtabs_passes_without_being_read(hub: GitHub) -> None:
    hub.push("feature/x", {FILE: b"anything\n"})
    hub.remember("feature/x", ended=False)
    (number,) = hub.pulls
    assert run("--pull", str(number)) == 0
    assert hub.statuses[0]["state"] == "success"
    assert not any("tarball" in request.path for request in hub.requests)


def test_a_dry_run_posts_nothing(hub: GitHub) -> None:
    assert run("--pull", str(propose(hub)), "--dry-run") == 0
    assert hub.statuses == []


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("GITHUB_TOKEN", "GITHUB_TOKEN is not set"),
        ("GITHUB_REPOSITORY", "no repository is named"),
        ("GITHUB_EVENT_PATH", "no pull request is named"),
    ],
)
def test_what_a_workflow_has_to_pass_is_said(
    hub: GitHub,
    missing: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv(missing, raising=False)
    assert run(*([] if missing == "GITHUB_EVENT_PATH" else ["--pull", "1"])) == 1
    assert words in capsys.readouterr().err


def test_without_settings_in_the_base_nothing_is_allowed(
    hub: GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--pull", str(propose(hub)), "--config", "elsewhere/trimtab.yaml") == 1
    assert hub.statuses == []
    assert "the base branch has no trimtab.yaml" in capsys.readouterr().err


def test_an_event_that_cannot_be_read_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "event.json"
    path.write_text('{"pull_request"')
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(path))
    assert run() == 1
    assert "the event cannot be read" in capsys.readouterr().err
