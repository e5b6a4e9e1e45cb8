"""Plan, guard, apply and drift: the real terraform moves the lab, and only as promised."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from bot.domain.connection import Cron
from bot.lab import Description, Lab
from bot.pulls.change import SettingChange
from bot.pulls.metadata import Metadata, join
from bot.terraform.binary import Terraform
from tests.roots import GENERIC, make_root
from tests.servers.github_contract import check
from tests.workflows.hub import NAME, Hub, serve
from tests.workflows.steps import Runner

pytestmark = pytest.mark.slow
PLAN, APPLY = ".github/workflows/plan.yml", ".github/workflows/apply.yml"
DRIFT = ".github/workflows/drift.yml"
BASE = "Plan the base, whose noise is not blamed on the pull request"
COMPARE = "Compare with what was approved"
CLEAN = "Remove the plan, which holds secrets in clear text"
RUN = {
    *((PLAN, name) for name in ("Format", "Plan", BASE, "Comment", "Guard")),
    *((APPLY, name) for name in ("Plan", COMPARE, "Apply", CLEAN)),
    (DRIFT, "Compare"),
}
WORKSPACE = "33333333-3333-4333-8333-333333333333"
BEFORE, AFTER = "0 0 6 * * ? UTC", "0 20 6 * * ? UTC"
MERGED = "a" * 40


@pytest.fixture
def lab() -> Iterator[Lab]:
    empty = Description((), (), (), workspace_id=WORKSPACE)
    with Lab.start(fleet=empty, days=2) as lab:
        yield lab


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serve() as hub:
        yield hub
    check(hub.requests)


@pytest.fixture
def root(lab: Lab, tmp_path: Path, terraform_environment: Mapping[str, str]) -> Terraform:
    """Apply a root in a checkout of its base, and lay the pull request's beside it."""
    base = tmp_path / "checkout" / ".trimtab-base"
    base.mkdir(parents=True)
    address = f'{lab.url}"\n  client_id = "{lab.client_id}"\n  client_secret = "{lab.client_secret}'
    root = make_root(base / "prod", terraform_environment, GENERIC, url=address)
    root.run("fmt")
    state = (tmp_path / "terraform.tfstate").as_posix()
    backend = f'terraform {{\n  backend "local" {{\n    path = "{state}"\n  }}\n}}\n'
    (root.root / "backend.tf").write_text(backend)
    root.init("-reconfigure")
    root.apply()
    shutil.copytree(root.root, tmp_path / "checkout" / "prod", symlinks=True)
    return root


def runner_on(tmp_path: Path, hub: Hub, env: Mapping[str, str]) -> Runner:
    contexts = {
        "inputs.root": "",
        "vars.TRIMTAB_ROOT": "prod",
        "secrets.AIRBYTE_CLIENT_ID": "unused",
        "secrets.AIRBYTE_CLIENT_SECRET": "unused",
        "github.token": "ghs_0123456789",
    }
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7}}))
    told = {
        "GITHUB_REPOSITORY": NAME,
        "GITHUB_API_URL": hub.url,
        "GITHUB_EVENT_PATH": str(event),
    }
    (tmp_path / "checkout" / ".trimtab-base").mkdir(parents=True, exist_ok=True)
    return Runner(tmp_path / "checkout", tmp_path / "runner", contexts, {**env, **told})


@pytest.fixture
def runner(
    root: Terraform, tmp_path: Path, terraform_environment: Mapping[str, str], hub: Hub
) -> Runner:
    return runner_on(tmp_path, hub, terraform_environment)


@pytest.fixture
def bare(tmp_path: Path, hub: Hub) -> Runner:
    """Return a runner without a root, for what is decided before any plan is looked at."""
    return runner_on(tmp_path, hub, {})


def change(runner: Runner, before: str, after: str) -> None:
    main = runner.workspace / "prod" / "main.tf"
    text = main.read_text()
    assert before in text
    main.write_text(text.replace(before, after))


def body() -> str:
    promised = SettingChange(
        connection="c-1",
        setting="schedule",
        before=BEFORE,
        after=AFTER,
        file="prod/main.tf",
        address="airbyte_connection.c",
        path="schedule.cron_expression",
        fingerprint="sha256:00",
    )
    record = Metadata(
        changes=(promised,),
        id="x",
        identity="x",
        fingerprint="x",
        risk="low",
        confidence="high",
        approval="team",
        evidence="x",
        policies="x",
        promise="x",
        title="x",
        text="x",
    )
    return join("Start at 06:20.", record)


def plan(runner: Runner) -> None:
    for name in ("Format", "Plan", BASE, "Comment"):
        runner.succeed(PLAN, name)


def test_a_pull_request_is_planned_guarded_merged_compared_and_applied(
    runner: Runner, hub: Hub, lab: Lab, tmp_path: Path
) -> None:
    hub.add(7, "trimtab/c/schedule", body())
    change(runner, BEFORE, AFTER)
    plan(runner)
    assert "nothing else" in runner.succeed(PLAN, "Guard")
    runner.succeed(PLAN, "Comment")
    (comment,) = hub.comments
    assert comment["body"].startswith("<!-- trimtab:plan -->\n### terraform plan")
    assert "1 to change" in comment["body"]
    assert "hush" not in comment["body"]

    (tmp_path / "event.json").write_text(json.dumps({"after": MERGED}))
    hub.merge(7, MERGED)
    for name in ("Plan", COMPARE, "Apply", CLEAN):
        runner.succeed(APPLY, name)
    (link,) = lab.world.fleet.connections.values()
    assert link.schedule == Cron("0 20 6 * * ?")
    assert not (runner.temp / "apply.tfplan").exists()

    runner.succeed(DRIFT, "Compare")
    assert runner.outputs["drift"] == "no"
    link.schedule = Cron("0 0 9 * * ?")
    runner.succeed(DRIFT, "Compare")
    assert runner.outputs["drift"] == "yes"


def test_a_pull_request_that_does_more_than_it_promises_is_stopped_before_and_after_the_merge(
    runner: Runner, hub: Hub, lab: Lab, tmp_path: Path
) -> None:
    hub.add(7, "trimtab/c/schedule", body())
    change(runner, BEFORE, AFTER)
    change(runner, "num_workers = 10", "num_workers = 20")
    plan(runner)
    done = runner.run(PLAN, "Guard")
    assert done.returncode == 1
    assert "num_workers" in done.stdout
    assert not list(runner.temp.glob("*.tfplan"))

    (tmp_path / "event.json").write_text(json.dumps({"after": MERGED}))
    hub.merge(7, MERGED)
    runner.succeed(APPLY, "Plan")
    assert runner.run(APPLY, COMPARE).returncode == 1


@pytest.mark.parametrize(
    ("branch", "repository"),
    [("raise-workers", NAME), ("trimtab/c/schedule", "mallory/data")],
    ids=["a person's", "a fork's"],
)
def test_the_pull_request_of_somebody_else_promises_nothing(
    bare: Runner, hub: Hub, branch: str, repository: str
) -> None:
    hub.add(7, branch, body(), repository)
    assert "nothing is promised" in bare.succeed(PLAN, "Guard")


def test_a_pull_request_of_ours_without_its_record_is_stopped(bare: Runner, hub: Hub) -> None:
    hub.add(7, "trimtab/c/schedule", "rewritten by hand")
    done = bare.run(PLAN, "Guard")
    assert done.returncode == 1
    assert "has lost trimtab's record" in done.stderr


def test_a_push_that_no_pull_request_is_behind_promises_nothing(
    bare: Runner, hub: Hub, tmp_path: Path
) -> None:
    (tmp_path / "event.json").write_text(json.dumps({"after": MERGED}))
    assert "nothing is promised" in bare.succeed(APPLY, COMPARE)
