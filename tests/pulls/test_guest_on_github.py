"""The perfect guest on GitHub: the state machine of test_guest, over HTTP and with real git."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from bot.domain.manners import Manners
from bot.pulls.execution import carry_out
from bot.pulls.github import GitHubForge
from bot.pulls.github_access import Access, connect
from bot.pulls.reconcile import Circumstances, reconcile
from bot.pulls.ticks import tick
from tests.pulls.test_guest import BASE, Guest
from tests.pulls.worlds import FILE, START, World, content, draft
from tests.servers.github import Fault, GitHub
from tests.servers.github_contract import check


@dataclass
class GitHubWorld:
    """GitHub with the people around it."""

    hub: GitHub
    opened: GitHubForge = field(init=False)

    def __post_init__(self) -> None:
        self.hub.now = START
        access = Access(self.hub.repository, self.hub.url, self.hub.token)
        api = connect(access, seconds_between_writes=0, pause=lambda _seconds: None)
        self.opened = GitHubForge(api, "main", START)

    @classmethod
    def make(cls, folder: Path) -> "GitHubWorld":
        return cls(GitHub.make(folder, {FILE: content(BASE)}))

    @property
    def now(self) -> datetime:
        return self.hub.now

    @now.setter
    def now(self, now: datetime) -> None:
        self.hub.now = now

    @property
    def forge(self) -> GitHubForge:
        self.opened.now = self.now
        return self.opened

    def push(self, branch: str, files: Mapping[str, bytes]) -> None:
        self.hub.push(branch, dict(files))

    def amend(self, branch: str, files: Mapping[str, bytes]) -> None:
        git, head = self.hub.git, self.hub.tip(branch)
        assert head is not None
        message = git.text("show", "-s", "--format=%B", head)
        parent = git.text("rev-parse", f"{head}^")
        made = git.write_commit(git.write_tree(head, files), [parent], message, "1790000009 +0000")
        git.move_ref(f"refs/heads/{branch}", head, made)

    def delete_branch(self, branch: str) -> None:
        self.hub.delete_branch(branch)

    def close(self, number: int) -> None:
        self.hub.end(number, "ada")

    def reopen(self, number: int) -> bool:
        return self.hub.reopen(number)

    def merge(self, number: int) -> bool:
        return self.hub.merge(number)

    def edit_base(self, files: Mapping[str, bytes]) -> None:
        self.hub.push("main", dict(files))

    def retitle(self, number: int, title: str) -> None:
        self.hub.pulls[number].title = title

    def rewrite(self, number: int, body: str) -> None:
        self.hub.pulls[number].body = body

    def label(self, number: int, *labels: str) -> None:
        self.hub.pulls[number].labels = list(labels)

    def tick(self, number: int) -> bool:
        for issue in self.hub.issues.values():
            if (ticked := tick(issue.body, number)) is not None:
                issue.body = ticked
                return True
        return False

    def content(self, revision: str) -> Mapping[str, bytes]:
        return {FILE: self.hub.git.run("show", f"{revision}:{FILE}")}


class GitHubGuest(Guest):
    """Every request on the way is one that GitHub describes, every object one that git accepts."""

    def make_world(self) -> World:
        self.folder = tempfile.TemporaryDirectory(prefix="trimtab-guest-")
        return GitHubWorld.make(Path(self.folder.name, "hub.git"))

    def teardown(self) -> None:
        if hasattr(self, "world"):
            assert isinstance(self.world, GitHubWorld)
            self.world.hub.close()
            self.world.hub.git.run("fsck", "--strict", "--no-dangling")
            check(self.world.hub.requests)
            self.folder.cleanup()


TestGuestOnGitHub = GitHubGuest.TestCase
TestGuestOnGitHub.settings = settings(
    max_examples=3,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[GitHubWorld]:
    world = GitHubWorld.make(tmp_path / "hub.git")
    yield world
    world.hub.close()
    check(world.hub.requests)


def run(world: GitHubWorld, wanted: Mapping[str, int]) -> int:
    """Do what a run does, and return how many requests it took."""
    before = len(world.hub.requests)
    snapshot = world.forge.snapshot()
    base = world.content("main")[FILE]
    drafts = [draft(base, name, value) for name, value in wanted.items()]
    planned = reconcile(snapshot, drafts, Manners(), Circumstances(world.now, complete=True))
    assert carry_out(world.forge, planned.operations, snapshot.base).failures == ()
    return len(world.hub.requests) - before


def test_a_second_run_reads_once_and_writes_nothing(world: GitHubWorld) -> None:
    wanted = {"ant": 11, "bee": 12, "cat": 13}
    run(world, wanted)
    before = len(world.hub.writes)
    assert run(world, wanted) == 1
    assert len(world.hub.writes) == before


def test_three_new_pull_requests_cost_one_snapshot_and_six_calls_each_at_most(
    world: GitHubWorld,
) -> None:
    assert run(world, {"ant": 11, "bee": 12, "cat": 13}) <= 1 + 3 * 6
    assert len(world.hub.writes) == 3 * 5


def test_other_evidence_costs_one_write_for_each_body(world: GitHubWorld) -> None:
    run(world, {"ant": 11})
    world.now += timedelta(days=1)
    before = len(world.hub.writes)
    snapshot = world.forge.snapshot()
    fresher = draft(world.content("main")[FILE], "ant", 11, evidence=7)
    planned = reconcile(snapshot, [fresher], Manners(), Circumstances(world.now, complete=True))
    carry_out(world.forge, planned.operations, snapshot.base)
    assert [request.method for request in world.hub.writes[before:]] == ["PATCH"]


def test_every_write_of_a_run_may_fail_after_it_was_carried_out_and_nothing_is_made_twice(
    world: GitHubWorld,
) -> None:
    for match in ("trees", "commits", "MoveBranch", "POST .*pulls$", "PATCH .*issues"):
        world.hub.faults.append(Fault(match, 0, after=True))
    run(world, {"ant": 11})
    assert [pull.branch for pull in world.hub.pulls.values()] == ["trimtab/ant/size"]
    assert run(world, {"ant": 11}) == 1
