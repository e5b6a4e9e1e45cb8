"""What holds for every workflow: clean under the auditors, pinned, and nothing left untried."""

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.workflows import test_fleet, test_recommend, test_release
from tests.workflows.steps import NOT_RUN, REPOSITORY, files, read, steps

BIN = Path(sys.executable).parent
EXAMPLES = sorted(
    path.relative_to(REPOSITORY).as_posix() for path in REPOSITORY.glob("examples/workflows/*.yml")
)
WORKFLOWS = [file for file in [*files(), *EXAMPLES] if "workflows/" in file]
SCHEMAS = {
    "vendor.github-workflows": WORKFLOWS,
    "vendor.github-actions": [file for file in files() if file.endswith("action.yml")],
    "vendor.dependabot": [".github/dependabot.yml"],
    "vendor.github-issue-forms": [
        f".github/ISSUE_TEMPLATE/{name}.yml"
        for name in ("bug", "feature", "recommendation-was-wrong")
    ],
    "vendor.github-issue-config": [".github/ISSUE_TEMPLATE/config.yml"],
}


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_finds_nothing_in_its_strictest_persona() -> None:
    inputs = (*files(), *EXAMPLES, ".github/dependabot.yml")
    run(str(BIN / "zizmor"), "--offline", "--quiet", "--persona", "pedantic", *inputs)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_fit_githubs_schemas(schema: str) -> None:
    run(str(BIN / "check-jsonschema"), "--builtin-schema", schema, *SCHEMAS[schema])


def test_every_step_is_executed_by_a_test_or_listed_with_the_reason() -> None:
    executed = test_recommend.RUN | test_fleet.RUN | test_release.RUN
    there = {step.key for file in files() for step in steps(file)}
    assert not executed & NOT_RUN.keys()
    assert executed | NOT_RUN.keys() == there


def test_no_expression_stands_in_a_script_where_it_could_become_code() -> None:
    assert [step.key for file in files() for step in steps(file) if "${{" in step.run] == []


def test_every_action_is_pinned_to_one_commit_with_its_tag_beside() -> None:
    pins = defaultdict(set)
    for file in files():
        for line in (REPOSITORY / file).read_text().splitlines():
            if match := re.search(r"uses: ([\w./-]+)@(.*)", line):
                pins[match[1]].add(match[2])
    assert pins
    for action, pinned in pins.items():
        (only,) = pinned
        assert re.fullmatch(r"[0-9a-f]{40} # v\d+\.\d+\.\d+", only), f"{action}@{only}"


def test_every_job_says_what_it_may_do_and_how_long() -> None:
    for file in files():
        if "workflows/" not in file:
            continue
        assert read(file)["permissions"] == {}, file
        for name, job in read(file)["jobs"].items():
            assert job["permissions"], f"{file}: {name}"
            assert "uses" in job or job["timeout-minutes"] <= 60, f"{file}: {name}"


def test_the_approval_check_of_one_pull_request_never_takes_the_turn_of_another() -> None:
    """On `pull_request_target` the ref is the base's: GitHub drops all but the newest that waits."""
    found = [
        file for file in WORKFLOWS if "pull_request_target:" in (REPOSITORY / file).read_text()
    ]
    assert len(found) == 2
    for file in found:
        group = read(file)["concurrency"]["group"]
        assert "github.event.pull_request.number" in group, file
        # Pushes and reviews take turns, so that the newer answer is posted last.
        assert "== 'pull_request' && 'what-if' || 'approval'" in group, file


@pytest.mark.parametrize("folder", [".github", "examples"])
def test_no_merge_loses_its_turn_to_be_applied(folder: str) -> None:
    """Its change would be in the plan of the next merge, whose pull request does not promise it."""
    turns = read(f"{folder}/workflows/apply.yml")["concurrency"]
    assert (turns["cancel-in-progress"], turns["queue"]) == (False, "max")


def test_the_nightly_job_runs_the_commands_of_the_readme() -> None:
    readme = set(
        re.findall(r"^\$ trimtab (\w+)", (REPOSITORY / "README.md").read_text(), re.MULTILINE)
    )
    called = [
        re.match(r"trimtab (\w+)", step.run)
        for step in steps(".github/workflows/optimize-reusable.yml")
    ]
    assert {match[1] for match in called if match} == readme == {"doctor", "plan", "run"}


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_calls_a_workflow_that_is_there_with_the_permissions_that_it_needs(
    example: str,
) -> None:
    (job,) = read(example)["jobs"].values()
    called = re.fullmatch(r"OWNER/trimtab/(\.github/workflows/[\w-]+\.yml)@COMMIT", job["uses"])
    assert called, job["uses"]
    workflow = read(called[1])
    assert "workflow_call" in workflow["on"]
    order = ["none", "read", "write"]
    for described in workflow["jobs"].values():
        for scope, level in described["permissions"].items():
            assert order.index(job["permissions"][scope]) >= order.index(level), scope
    inputs = (workflow["on"]["workflow_call"] or {}).get("inputs", {})
    required = {name for name, each in inputs.items() if each.get("required")}
    assert required <= job.get("with", {}).keys() <= inputs.keys()
