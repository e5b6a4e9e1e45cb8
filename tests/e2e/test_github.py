"""A run on GitHub, from Airbyte's job history to an approved pull request, over HTTP all the way."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli.main import main
from bot.lab.lab import Lab
from bot.pulls.git import Git
from bot.pulls.metadata import split
from tests.servers.github import GitHub
from tests.servers.github_contract import check
from tests.test_job import BLOCK, FLEET, HEAD

pytestmark = pytest.mark.slow
SETTINGS = """
version: 1
airbyte:
  url: ${env:AIRBYTE_URL}
  client_id: ${env:AIRBYTE_CLIENT_ID}
  client_secret: ${env:AIRBYTE_CLIENT_SECRET}
terraform: {roots: [{path: tf}]}
forge: {type: github, repository: acme/data, token: "${env:GITHUB_TOKEN}"}
"""
POLICY = """
version: 1
policies:
  - name: all
    phase: live
    limits: {schedule_shift: 30m}
    approval: team
    approvers: {team: ["@ada"]}
"""
NAMES = ("orders", "people", "visits")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    root = HEAD + "".join(BLOCK.format(name=name, cron="0 0 0 * * ? UTC") for name in NAMES)
    files = {"trimtab.yaml": SETTINGS, "policies/p.yaml": POLICY, "tf/main.tf": root}
    hub = GitHub.make(tmp_path / "hub.git", {path: text.encode() for path, text in files.items()})
    Git(tmp_path).run("clone", "--quiet", str(hub.git.folder), "checkout")
    with Lab.start(seed=3, fleet=FLEET, days=42) as lab:
        for name, value in {
            "AIRBYTE_URL": lab.url,
            "AIRBYTE_CLIENT_ID": lab.client_id,
            "AIRBYTE_CLIENT_SECRET": lab.client_secret,
            "GITHUB_API_URL": hub.url,
            "GITHUB_TOKEN": hub.token,
            "GITHUB_REPOSITORY": hub.repository,
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path / "checkout")
        yield hub
    hub.close()
    check(hub.requests)


def test_from_history_to_an_approved_pull_request(
    hub: GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run"]) == 0
    assert hub.pulls
    for pull in hub.pulls.values():
        changed = hub.git.text("diff", "--numstat", "main", pull.branch)
        assert changed.split() == ["1", "1", "tf/main.tf"]
        assert split(pull.body).metadata is not None
        assert "(`@ada`)" in pull.body
        assert f"{hub.url.removeprefix('http://')}/acme/data/blob/main/tf/main.tf#L" in pull.body
    before = len(hub.writes)
    assert main(["run"]) == 0
    assert len(hub.writes) == before
    number = min(hub.pulls)
    assert main(["check-approval", "--pull", str(number)]) == 0
    hub.review(number, "ada", "APPROVED")
    assert main(["check-approval", "--pull", str(number)]) == 0
    assert [status["state"] for status in hub.statuses] == ["pending", "success"]
    printed = capsys.readouterr()
    assert hub.token not in printed.out + printed.err
    assert "GITHUB_TOKEN" not in printed.err


def test_the_token_of_a_workflow_is_warned_of(
    hub: GitHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    hub.login = "github-actions[bot]"
    assert main(["plan"]) == 0
    assert "::warning title=trimtab::This is the GITHUB_TOKEN" in capsys.readouterr().err
    assert hub.writes == []
    hub.git.run("fsck", "--strict")
