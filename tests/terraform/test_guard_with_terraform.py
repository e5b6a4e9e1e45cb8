"""From an edit to a verdict, with the real terraform in between: honest branches and tampered ones."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.cli.main import main
from bot.terraform.binary import Terraform, find
from tests.roots import TYPED, make_root

SHIPPED = Path(__file__).parents[2] / "terraform"
BILLING = 'module.connection["stripe-billing"]'
CRON = (f"{BILLING}.airbyte_connection.this", "schedule.cron_expression")
WORKERS = (f"{BILLING}.data.airbyte_connector_configuration.source", "configuration.num_workers")

Check = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(scope="module")
def live(
    tmp_path_factory: pytest.TempPathFactory, terraform_environment: Mapping[str, str]
) -> Terraform:
    """Return the example root, applied, with the plan of its unchanged branch beside it."""
    folder = tmp_path_factory.mktemp("live")
    shutil.copytree(SHIPPED, folder / "terraform")
    given = {
        "TF_VAR_airbyte_url": (folder / "store.json").as_uri(),
        "TF_VAR_workspace_id": "33333333-3333-4333-8333-333333333333",
        "TF_VAR_source_secrets": '{"stripe-billing": {"client_secret": "hush-hush"}}',
    }
    made = find(folder / "terraform" / "examples" / "basic", {**terraform_environment, **given})
    made.init()
    made.apply()
    write_plan(made, "base")
    return made


def write_plan(made: Terraform, name: str, *options: str) -> Path:
    made.plan(made.root / name, *options)
    file = made.root / f"{name}.json"
    file.write_text(json.dumps(made.show(made.root / name)))
    return file


@pytest.fixture
def branch(live: Terraform) -> Iterator[Terraform]:
    """Return the applied root to make a branch of; what the test changes is put back."""
    kept = {file: file.read_bytes() for file in live.root.parents[1].rglob("*.tf")}
    yield live
    for file in live.root.parents[1].rglob("*.tf"):
        if file not in kept:
            file.unlink()
    for file, content in kept.items():
        file.write_bytes(content)


@pytest.fixture
def check(branch: Terraform, capsys: pytest.CaptureFixture[str]) -> Check:
    """Return a function that plans the branch and runs the guard over it."""

    def run(
        *changes: dict[str, Any], base: bool = True, refresh: bool = False, **given: str
    ) -> tuple[int, dict[str, Any]]:
        given_options = [f"-var={name}={value}" for name, value in given.items()]
        plan = write_plan(branch, "branch", f"-refresh={str(refresh).lower()}", *given_options)
        proposal = branch.root / "proposal.json"
        proposal.write_text(json.dumps({"version": 1, "changes": list(changes)}))
        options = ["--base", str(branch.root / "base.json")] if base else []
        capsys.readouterr()
        code = main(["check-plan", str(plan), "--proposal", str(proposal), "-o", "json", *options])
        printed = capsys.readouterr().out
        assert "hush-hush" not in printed
        assert "hush-hush" in plan.read_text(), "the plan does hold the secret"
        return code, json.loads(printed)

    return run


def edit(
    branch: Terraform, capsys: pytest.CaptureFixture[str], where: tuple[str, str], value: str
) -> dict[str, Any]:
    """Edit with the verb, and return the entry of the proposal."""
    arguments = ["terraform", "set", str(branch.root), *where, value, "--write", "-o", "json"]
    assert main(arguments) == 0
    done = json.loads(capsys.readouterr().out)
    return {"address": where[0], "path": where[1], "before": done["before"], "after": done["after"]}


def append(branch: Terraform, text: str) -> None:
    (branch.root / "tampered.tf").write_text(text)


def rewrite(branch: Terraform, file: str, before: str, after: str) -> None:
    path = branch.root / file
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


def found(report: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(one["rule"], one["address"], one["path"]) for one in report["findings"]}


def test_an_edited_schedule_passes_and_is_applied(
    branch: Terraform, check: Check, capsys: pytest.CaptureFixture[str]
) -> None:
    change = edit(branch, capsys, CRON, "0 20 0 * * ? UTC")
    code, report = check(change)
    assert (code, report["findings"]) == (0, [])
    assert [kept["path"] for kept in report["kept"]] == [CRON[1]]


def test_an_edited_tuning_option_passes_though_a_plan_only_shows_one_secret_text(
    branch: Terraform, check: Check, capsys: pytest.CaptureFixture[str]
) -> None:
    change = edit(branch, capsys, WORKERS, "4")
    code, report = check(change)
    assert (code, report["findings"]) == (0, [])
    text = branch.run("show", "-no-color", str(branch.root / "branch")).stdout
    assert "sensitive value" in text
    assert "num_workers" not in text


def test_two_edits_in_one_pull_request_pass_together(
    branch: Terraform, check: Check, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = [
        edit(branch, capsys, CRON, "0 20 0 * * ? UTC"),
        edit(branch, capsys, WORKERS, "4"),
    ]
    assert check(*changes)[0] == 0
    code, report = check(changes[0])
    assert code == 1
    source = f"{BILLING}.airbyte_source.this"
    assert found(report) == {("address", source, WORKERS[1])}


PROMISE = {
    "address": CRON[0],
    "path": CRON[1],
    "before": "0 0 0 * * ? UTC",
    "after": "0 20 0 * * ? UTC",
}
MODULE = "../../modules/airbyte-connection/main.tf"


def another_value(branch: Terraform) -> None:
    rewrite(branch, "connections.tf", '"0 20 0 * * ? UTC"', '"0 40 0 * * ? UTC"')


def a_second_attribute(branch: Terraform) -> None:
    status = 'var.name == "stripe-billing" ? "inactive" : "active"'
    rewrite(branch, MODULE, "= var.status", f"= {status}")


def an_unpromised_option(branch: Terraform) -> None:
    rewrite(branch, "connections.tf", "{ num_workers = 10 }", "{ num_workers = 11 }")


def a_resource_added(branch: Terraform) -> None:
    append(
        branch,
        """
resource "airbyte_connection" "extra" {
  source_id      = module.sample_data.source_id
  destination_id = airbyte_destination.this["lake"].destination_id
}
""",
    )


def a_resource_destroyed(branch: Terraform) -> None:
    rewrite(branch, "connections.tf", "    stripe-payouts =", "    stripe-payouts-2 =")


def a_resource_replaced(branch: Terraform) -> None:
    rewrite(branch, "connections.tf", '= "warehouse"', '= "lake"')


def an_output_that_leaks(branch: Terraform) -> None:
    secret = 'nonsensitive(var.source_secrets["stripe-billing"].client_secret)'
    append(branch, f'output "leak" {{\n  value = {secret}\n}}\n')


def a_provisioner(branch: Terraform) -> None:
    provisioner = '  provisioner "local-exec" {\n    command = "true"\n  }\n'
    rewrite(branch, MODULE, "  lifecycle {", f"{provisioner}\n  lifecycle {{")


SOURCE = f"{BILLING}.airbyte_source.this"
PAYOUTS = 'module.connection["stripe-payouts"].airbyte_connection.this'
TAMPERED: list[tuple[Callable[[Terraform], None], tuple[str, str, str]]] = [
    (another_value, ("value", *CRON)),
    (a_second_attribute, ("attribute", CRON[0], "status")),
    (an_unpromised_option, ("address", SOURCE, "configuration.num_workers")),
    (a_resource_added, ("action", "airbyte_connection.extra", "")),
    (a_resource_destroyed, ("action", PAYOUTS, "")),
    (a_resource_replaced, ("action", CRON[0], "")),
    (an_output_that_leaks, ("output", "output.leak", "")),
    (a_provisioner, ("configuration", "configuration", "provisioners")),
]


@pytest.mark.slow
def test_an_edit_of_a_typed_source_of_provider_0_passes(
    tmp_path: Path,
    terraform_environment: Mapping[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = make_root(tmp_path / "root", terraform_environment, TYPED, version="0.13.0")
    made.apply()
    base = write_plan(made, "base")
    method = "replication_method.read_changes_using_write_ahead_log_cdc"
    change = edit(
        made, capsys, ("airbyte_source_postgres.app", f"configuration.{method}.queue_size"), "8000"
    )
    proposal = made.root / "proposal.json"
    proposal.write_text(json.dumps({"version": 1, "changes": [change]}))
    plan = write_plan(made, "branch")
    options = ["--proposal", str(proposal), "--base", str(base)]
    assert main(["check-plan", str(plan), *options]) == 0
    rewrite(made, "main.tf", '"reader"', '"owner"')
    assert main(["check-plan", str(write_plan(made, "branch")), *options]) == 1
    assert "configuration.username" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize(("tamper", "expected"), TAMPERED)
def test_a_tampered_branch_fails_and_is_named(
    tamper: Callable[[Terraform], None],
    expected: tuple[str, str, str],
    branch: Terraform,
    check: Check,
) -> None:
    rewrite(branch, "connections.tf", "0 0 0 * * ? UTC", "0 20 0 * * ? UTC")
    tamper(branch)
    code, report = check(PROMISE)
    assert code == 1
    rule, address, path = expected
    assert any(
        (one["rule"], one["address"]) == (rule, address) and one["path"].endswith(path)
        for one in report["findings"]
    ), report["findings"]


def test_a_changed_secret_is_named_without_being_shown(branch: Terraform, check: Check) -> None:
    rewrite(branch, "connections.tf", "0 0 0 * * ? UTC", "0 20 0 * * ? UTC")
    other = '{"stripe-billing": {"client_secret": "changed-one"}}'
    code, report = check(PROMISE, source_secrets=other)
    assert code == 1
    assert found(report) == {("address", SOURCE, "configuration.client_secret")}
    assert "changed-one" not in json.dumps(report)


@pytest.mark.slow
def test_a_change_made_outside_terraform_is_noise_with_the_base_plan_and_none_without(
    branch: Terraform, check: Check
) -> None:
    store = Path(str((branch.environment or {})["TF_VAR_airbyte_url"]).removeprefix("file://"))
    original, base = store.read_text(), (branch.root / "base.json").read_text()
    held = json.loads(original)
    (payouts,) = (one for one in held["connections"].values() if one["name"] == "stripe-payouts")
    payouts["status"] = "inactive"
    try:
        store.write_text(json.dumps(held))
        write_plan(branch, "base")
        rewrite(branch, "connections.tf", "0 0 0 * * ? UTC", "0 20 0 * * ? UTC")
        code, report = check(PROMISE, refresh=True)
        assert (code, report["findings"]) == (0, [])
        assert any("changed outside Terraform (status)" in note for note in report["notes"])
        code, report = check(PROMISE, refresh=True, base=False)
        assert code == 1
        assert found(report) == {("address", PAYOUTS, "status")}
    finally:
        store.write_text(original)
        (branch.root / "base.json").write_text(base)
