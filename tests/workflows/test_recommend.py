"""The nightly job, the action, and a change of policies, on the demo's repository and lab."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.lab.demo.scene import Scene, set_up
from bot.pulls.git import Git
from tests.workflows.hub import NAME, serve
from tests.workflows.steps import REPOSITORY, Runner

pytestmark = pytest.mark.slow
OPTIMIZE = ".github/workflows/optimize-reusable.yml"
ACTION = "action.yml"
POLICY = ".github/workflows/policy.yml"
RUN = {
    (OPTIMIZE, "Run"),
    (OPTIMIZE, "Plan"),
    (OPTIMIZE, "Say what is missing, where that is why it failed"),
    (ACTION, "Run trimtab"),
    (POLICY, "Test"),
    (POLICY, "Comment"),
}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with set_up(tmp_path_factory.mktemp("team") / "repository", connections=8, days=30) as scene:
        yield scene


@pytest.fixture
def runner(scene: Scene, tmp_path: Path) -> Runner:
    contexts = {
        "secrets.AIRBYTE_CLIENT_ID": scene.lab.client_id,
        "secrets.AIRBYTE_CLIENT_SECRET": scene.lab.client_secret,
        "secrets.TRIMTAB_APP_KEY": "",
        "vars.TRIMTAB_APP_ID": "",
        "github.token": "ghs_0123456789",
        "inputs.config": "trimtab.yaml",
        "inputs.command": "plan",
        "inputs.report": "report.html",
    }
    return Runner(scene.folder, tmp_path / "runner", contexts, {"AIRBYTE_URL": scene.lab.url})


def test_a_night_opens_pull_requests_and_tells_the_job_page(scene: Scene, runner: Runner) -> None:
    done = runner.run(OPTIMIZE, "Run")
    assert done.returncode == 0, done.stderr
    opened = int(runner.outputs["opened"])
    branches = Git(scene.folder).text("for-each-ref", "refs/heads/trimtab").splitlines()
    assert opened == len(branches) > 0
    assert int(runner.outputs["proposals"]) >= opened
    summary = (runner.temp / "summary").read_text()
    assert summary.startswith("## trimtab")
    assert "| open |" in summary
    assert len(re.findall("^::notice", done.stderr, re.MULTILINE)) == min(opened, 10)
    page = (scene.folder / "trimtab-report.html").read_text()
    assert "<h2>Proposed</h2>" in page
    for written in (done.stdout, done.stderr, summary, page):
        assert scene.lab.client_secret not in written


def test_its_log_is_json_with_one_run_id(runner: Runner) -> None:
    done = runner.run(OPTIMIZE, "Plan")
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("{")]
    ids = {re.search('"run": "([^"]+)"', line) for line in lines}
    assert len({match[1] for match in ids if match}) == 1
    assert len(lines) >= 2


def test_a_failed_night_says_what_is_missing(runner: Runner) -> None:
    done = runner.run(OPTIMIZE, "Run", AIRBYTE_URL="http://127.0.0.1:1/v1")
    assert done.returncode == 1
    told = runner.run(
        OPTIMIZE,
        "Say what is missing, where that is why it failed",
        AIRBYTE_URL="http://127.0.0.1:1/v1",
    )
    assert told.returncode == 1
    assert "missing" in told.stdout


def test_the_action_plans_and_gives_outputs(scene: Scene, runner: Runner) -> None:
    # What a workflow gives the step that uses an action reaches the action's own steps.
    given = {
        "AIRBYTE_CLIENT_ID": scene.lab.client_id,
        "AIRBYTE_CLIENT_SECRET": scene.lab.client_secret,
    }
    runner.succeed(ACTION, "Run trimtab", **given)
    assert runner.outputs["opened"].isdigit()
    assert (runner.workspace / "report.html").exists()


def test_the_action_takes_no_command_that_it_does_not_know(runner: Runner) -> None:
    done = runner.run(ACTION, "Run trimtab", COMMAND="run; touch owned")
    assert done.returncode == 2
    assert not (runner.workspace / "owned").exists()


def test_a_change_of_policies_is_tested_and_what_it_does_becomes_a_comment(
    scene: Scene, runner: Runner, tmp_path: Path
) -> None:
    assert scene.trimtab("mine").returncode == 0
    folder = scene.folder / ".trimtab-base" / "policies"
    shutil.copytree(REPOSITORY / "policies", folder, dirs_exist_ok=True)
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7}}))
    runner.succeed(POLICY, "Test")
    with serve() as hub:
        env = {"GITHUB_REPOSITORY": NAME, "GITHUB_API_URL": hub.url}
        runner.succeed(POLICY, "Comment", GITHUB_EVENT_PATH=str(event), **env)
    (comment,) = hub.comments
    assert comment["body"].startswith("<!-- trimtab:policy -->\n### What this change")
