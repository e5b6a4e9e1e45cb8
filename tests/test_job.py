"""The job's own decisions, on a small lab and a real repository, in one process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.advise.schedule.advisor import ScheduleAdvisor
from bot.advise.situation import Beside
from bot.airbyte.access import Access, Application
from bot.airbyte.client import Airbyte
from bot.airbyte.transport import Patience
from bot.cli.outline import summarise
from bot.cli.progress import PlainProgress
from bot.domain.connection import Cron
from bot.domain.edit import Refusal, RefusalReason
from bot.domain.errors import ForgeError, TerraformError
from bot.domain.verdict import Deny
from bot.drafts import TerraformRoot
from bot.history.mining import MiningPlan
from bot.history.store import History
from bot.job import Job, carry_out, plan
from bot.lab.description import Description, GivenConnection, GivenEndpoint
from bot.lab.faults import Faults, Mishap
from bot.lab.lab import Lab
from bot.policy.judging import Judge
from bot.policy.rules import read_rules
from bot.pulls.git import Git
from bot.pulls.local import LocalForge
from bot.pulls.operations import OpenPull, WriteDashboard
from bot.report.summary import Fate

MIDNIGHT = Cron("0 0 0 * * ?")
FLEET = Description(
    sources=(GivenEndpoint("db", "postgres"),),
    destinations=(GivenEndpoint("wh", "snowflake"),),
    connections=tuple(
        GivenConnection(name, "db", "wh", MIDNIGHT) for name in ("orders", "people", "visits")
    ),
)
HEAD = (
    'terraform {\n  required_providers {\n    airbyte = { source = "airbytehq/airbyte" }\n  }\n}\n'
)
BLOCK = """
resource "airbyte_connection" "{name}" {{
  name           = "{name}"
  source_id      = "s"
  destination_id = "d"
  schedule = {{
    schedule_type   = "cron"
    cron_expression = "{cron}"
  }}
}}
"""
POLICY = "version: 1\npolicies:\n  - name: all\n    phase: live\n    guarantee: {source_concurrency: 1}\n    limits: {schedule_shift: 30m, blast: {share: 100%}}\n    approval: team\n"


@dataclass
class World:
    """A lab, a repository, and how to run the job on them."""

    lab: Lab
    folder: Path
    policy: str = POLICY

    @property
    def git(self) -> Git:
        return Git(self.folder / "repository")

    def commit(self, **crons: str) -> None:
        """Write the Terraform root and commit it on `main`."""
        text = HEAD + "".join(BLOCK.format(name=name, cron=cron) for name, cron in crons.items())
        root = self.git.folder / "tf"
        root.mkdir(parents=True, exist_ok=True)
        (root / "main.tf").write_text(text)
        self.git.run("init", "--quiet", "--initial-branch=main")
        self.git.run("add", "-A")
        self.git.run("commit", "--quiet", "-m", "terraform")

    @contextmanager
    def job(self) -> Iterator[Job]:
        policies = self.folder / "policies"
        policies.mkdir(exist_ok=True)
        (policies / "p.yaml").write_text(self.policy)
        credentials = Application(self.lab.client_id, self.lab.client_secret)
        with (
            Airbyte(Access.to(self.lab.url, credentials), Patience(attempts=1)) as airbyte,
            History.open(self.folder / "history.duckdb") as history,
            PlainProgress() as watcher,
        ):
            yield Job(
                airbyte=airbyte,
                history=history,
                beside=Beside(),
                mining=MiningPlan(),
                watcher=watcher,
                judge=Judge(read_rules(policies)),
                advisors=(ScheduleAdvisor(),),
                forge=LocalForge(self.git, "main", self.lab.now),
                roots=(TerraformRoot("tf"),),
                addresses={},
                now=self.lab.now,
            )


@dataclass(frozen=True, slots=True)
class Failing(Faults):
    """Every request after the first `after` meets a server error."""

    after: int = 0

    def mishap(self, request: int) -> Mishap | None:
        return Mishap.SERVER_ERROR if request > self.after else None


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Lab.start(seed=3, fleet=FLEET, days=42) as lab:
        yield World(lab, tmp_path)


def midnight(*names: str) -> dict[str, str]:
    return dict.fromkeys(names or ("orders", "people", "visits"), "0 0 0 * * ? UTC")


def test_two_of_three_that_start_together_are_moved(world: World) -> None:
    world.commit(**midnight())
    with world.job() as job:
        made = plan(job)
    assert made.mined.is_complete
    assert len(made.operations) == 2
    assert all(isinstance(operation, OpenPull) for operation in made.operations)
    assert not made.withheld


def test_planning_writes_nothing_to_the_repository(world: World) -> None:
    world.commit(**midnight())
    before = world.git.text("for-each-ref")
    with world.job() as job:
        plan(job)
    assert world.git.text("for-each-ref") == before


def test_a_mine_that_was_not_complete_changes_no_pull_request(world: World) -> None:
    world.commit(**midnight())
    with world.job() as job:
        made = plan(job)
    assert made.operations
    world.lab.advance(timedelta(days=1))
    with world.job() as job:
        # Long enough to mint a token and to list workspaces and connections.
        world.lab.server.faults = Failing(after=world.lab.server.requests + 3)
        again = plan(job)
    assert not again.mined.is_complete
    assert again.proposed
    assert again.operations == ()
    assert summarise(again).unread


def test_what_is_left_alone_is_said_by_the_advisor_that_leaves_it(world: World) -> None:
    world.commit(**midnight())
    with world.job() as job:
        made = plan(job)
    said = {each.advisor for each in made.advice}
    reasons = {reason for _name, reason in summarise(made).quiet}
    assert reasons
    assert {reason.partition(": ")[0] for reason in reasons} <= said


def test_what_policy_denies_is_withheld_with_its_line(world: World) -> None:
    world.commit(**midnight())
    world.policy = POLICY.replace("approval: team", "approval: blocked")
    with world.job() as job:
        made = plan(job)
    assert made.operations == ()
    assert [type(each.why) for each in made.withheld] == [Deny, Deny]
    (_, reason), *_ = summarise(made).withheld
    assert reason == "all denies it (policies/p.yaml:7): it may not be changed"


def test_a_connection_that_terraform_does_not_declare_is_reported(world: World) -> None:
    world.commit(**midnight("orders"))
    with world.job() as job:
        made = plan(job)
    absent = [each.why for each in made.withheld if each.connection.name != "orders"]
    assert absent
    assert all(isinstance(why, Refusal) and why.reason is RefusalReason.NOT_FOUND for why in absent)


def test_a_place_in_terraform_is_named_from_the_top_of_the_repository(world: World) -> None:
    world.commit(orders="0 0 0 * * ? UTC")
    main = world.git.folder / "tf" / "main.tf"
    main.write_text(main.read_text().replace('"0 0 0 * * ? UTC"', "var.cron"))
    world.git.run("commit", "--quiet", "-a", "-m", "a value from outside")
    with world.job() as job:
        refused = summarise(plan(job)).withheld
    assert any("(tf/main.tf:" in reason for _name, reason in refused), refused
    main.write_text(main.read_text() + 'module "more" {\n  source = "../away"\n}\n')
    world.git.run("commit", "--quiet", "-a", "-m", "a call that leads nowhere")
    with (
        world.job() as job,
        pytest.raises(TerraformError, match=r"^tf/main\.tf:\d+: the folder of"),
    ):
        plan(job)


def test_where_terraform_and_airbyte_disagree_a_person_decides(world: World) -> None:
    world.commit(**dict.fromkeys(("orders", "people", "visits"), "0 0 3 * * ? UTC"))
    with world.job() as job:
        made = plan(job)
    assert made.operations == ()
    for each in made.withheld:
        assert isinstance(each.why, Refusal)
        assert each.why.reason is RefusalReason.DRIFT
        assert "Airbyte does something else" in each.why.detail


def test_spelling_is_no_disagreement(world: World) -> None:
    world.commit(**dict.fromkeys(("orders", "people", "visits"), "0 0 0 ? * * UTC"))
    with world.job() as job:
        assert len(plan(job).operations) == 2


def test_what_is_merged_and_not_applied_is_not_proposed_again(world: World) -> None:
    world.commit(**midnight())
    with world.job() as job:
        made = plan(job)
        carry_out(job, made)
    for proposed in made.proposed:
        world.git.run("merge", "--quiet", "--no-ff", "-m", "approve", proposed.draft.branch)
    with world.job() as job:
        again = plan(job)
    assert again.operations == ()
    for each in again.withheld:
        assert isinstance(each.why, Refusal)
        assert "has not been applied yet" in each.why.detail


def test_a_second_run_finds_everything_as_it_was(world: World) -> None:
    world.commit(**midnight())
    with world.job() as job:
        carry_out(job, plan(job))
    with world.job() as job:
        again = plan(job)
    assert again.operations == ()
    assert {entry.fate for entry in summarise(again).entries} == {Fate.KEEP}


def test_newer_evidence_rewords_the_body_and_leaves_the_branch(world: World) -> None:
    world.commit(**midnight())
    with world.job() as job:
        carry_out(job, plan(job))
    heads = world.git.text("for-each-ref", "refs/heads/trimtab")
    world.lab.advance(timedelta(days=2))
    with world.job() as job:
        made = plan(job)
        carry_out(job, made)
    assert {entry.fate for entry in summarise(made).entries} == {Fate.REWORD}
    assert world.git.text("for-each-ref", "refs/heads/trimtab") == heads


def test_two_roots_share_the_work(world: World) -> None:
    world.commit(**midnight("orders", "people"))
    (world.git.folder / "tf2").mkdir()
    (world.git.folder / "tf2" / "main.tf").write_text(
        HEAD + BLOCK.format(name="visits", cron="0 0 0 * * ? UTC")
    )
    world.git.run("add", "-A")
    world.git.run("commit", "--quiet", "-m", "second root")
    with world.job() as job:
        made = plan(replace(job, roots=(TerraformRoot("tf"), TerraformRoot("tf2"))))
    assert len(made.operations) == 2
    assert not made.withheld


def test_what_there_is_no_time_for_is_left_to_the_next_run(world: World) -> None:
    world.commit(**midnight())
    with world.job() as job:
        made = plan(job)
        job.stages.budget = timedelta()
        done = carry_out(job, made)
        assert done.pulls == ()
        assert done.left == made.operations
        job.stages.budget = None
        assert len(carry_out(job, plan(job)).pulls) == 2


def test_only_what_was_opened_counts_as_opened(world: World) -> None:
    world.commit(**midnight())
    with world.job() as job:
        made = plan(job)
        job.stages.budget = timedelta()
        done = carry_out(job, made)
    found = summarise(made, done)
    assert {entry.fate for entry in found.entries} == {Fate.HELD}
    assert {entry.note for entry in found.entries} == {"no time was left; the next run does it"}
    assert found.proposed == ()


def test_what_the_forge_refuses_is_not_summed_up_as_opened(world: World) -> None:
    world.commit(**midnight())
    with world.job() as job:
        made = plan(job)
        refused = made.operations[0]
        assert isinstance(refused, OpenPull)
        world.git.run("update-ref", f"refs/heads/{refused.draft.branch}", "main")
        done = carry_out(job, made)
    entries = {entry.title: entry for entry in summarise(made, done).entries}
    assert sorted(entry.fate for entry in entries.values()) == [Fate.HELD, Fate.OPEN]
    assert "somebody has moved" in entries[refused.draft.title].note


def test_a_dashboard_that_is_refused_costs_neither_pull_requests_nor_the_summary(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise ForgeError("Issues are disabled for this repo")

    monkeypatch.setattr(LocalForge, "write_dashboard", refuse)
    world.commit(**midnight())
    with world.job() as job:
        done = carry_out(job, plan(job))
    assert len(done.pulls) == 2
    ((operation, error),) = done.failures
    assert isinstance(operation, WriteDashboard)
    assert error.message == "Issues are disabled for this repo"
