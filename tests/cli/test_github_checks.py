from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli.checks import State
from bot.cli.github_checks import github_findings
from bot.pulls.github import GitHubForge
from bot.pulls.github_access import Access, connect
from tests.servers.github import WHEN, GitHub
from tests.servers.github_contract import check


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[GitHub]:
    hub = GitHub.make(tmp_path / "hub.git", {"main.tf": b"x = 1\n"})
    yield hub
    hub.close()
    check(hub.requests)


def found(hub: GitHub) -> dict[str, tuple[State, str]]:
    access = Access(hub.repository, hub.url, hub.token)
    forge = GitHubForge(connect(access, seconds_between_writes=0), "main", WHEN)
    return {each.name: (each.state, each.detail) for each in github_findings(forge)}


def test_a_repository_that_enforces_approvals_works(hub: GitHub) -> None:
    hub.required = ["ci", "trimtab/policy"]
    findings = found(hub)
    assert {state for state, _detail in findings.values()} == {State.WORKS}
    assert findings["token"][1] == "GitHub knows us as trimtab-bot"
    assert hub.writes == []


def test_what_nobody_enforces_and_a_workflows_token_are_said(hub: GitHub) -> None:
    hub.login = "github-actions[bot]"
    findings = found(hub)
    assert findings["approvals"] == (State.LIMITED, "nothing on main enforces them")
    assert findings["token"][0] is State.LIMITED
    assert "GITHUB_TOKEN" in findings["token"][1]
