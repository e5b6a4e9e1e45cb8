"""The loop as a user meets it: a repository, a fleet with a history, the real commands."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.lab.demo.play import PICTURE, compare
from bot.lab.demo.reviewers import review
from bot.lab.demo.scene import MARKER, Scene, set_up
from bot.pulls.git import Git

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with set_up(tmp_path_factory.mktemp("demo"), connections=14, days=45) as scene:
        assert scene.trimtab("run").returncode == 0
        yield scene


def branches(scene: Scene) -> list[str]:
    listed = Git(scene.folder).text(
        "for-each-ref", "--format=%(refname:short)", "refs/heads/trimtab"
    )
    return listed.split()


def test_every_branch_changes_one_literal_and_nothing_else(scene: Scene) -> None:
    git = Git(scene.folder)
    assert branches(scene)
    for branch in branches(scene):
        diff = git.text("diff", "--unified=0", "main", branch).splitlines()
        removed = [line for line in diff if line.startswith("-") and not line.startswith("---")]
        added = [line for line in diff if line.startswith("+") and not line.startswith("+++")]
        assert len(removed) == len(added) == 1
        before, after = removed[0][1:].split('"'), added[0][1:].split('"')
        if len(before) > 1:
            assert (before[0], before[2:]) == (after[0], after[2:])
        subject = git.text("show", "-s", "--format=%s", branch)
        assert subject.startswith("perf(airbyte): ")


def test_the_repository_is_sound_and_its_main_branch_untouched(scene: Scene) -> None:
    git = Git(scene.folder)
    git.run("fsck", "--strict")
    assert git.text("rev-list", "--count", "main") == "1"
    assert git.text("status", "--porcelain") == ""


def test_a_second_run_does_nothing(scene: Scene) -> None:
    git = Git(scene.folder)
    refs = git.text("for-each-ref")
    assert scene.trimtab("plan", "--detailed-exitcode").returncode == 0
    assert scene.trimtab("run").returncode == 0
    assert git.text("for-each-ref") == refs


def test_no_secret_is_in_what_was_written(scene: Scene) -> None:
    secret = scene.lab.client_secret.encode()
    history = (scene.folder / ".trimtab" / "history.duckdb").read_bytes()
    assert secret not in history
    git = Git(scene.folder)
    for ref in git.text("for-each-ref", "--format=%(refname)").split():
        assert secret not in git.run("log", "-p", ref)


def test_what_people_merge_is_applied_by_terraform_and_changes_the_fleet(tmp_path: Path) -> None:
    with set_up(tmp_path / "demo", connections=14, days=45) as scene:
        assert scene.trimtab("run").returncode == 0
        before = {key: link.schedule for key, link in scene.lab.world.fleet.connections.items()}
        found = review(scene, first=True)
        assert found.merged
        applied = scene.terraform.apply()
        assert f"{len(found.merged)} changed" in applied.stdout
        after = {key: link.schedule for key, link in scene.lab.world.fleet.connections.items()}
        knobs = len(found.merged) - sum(before[key] != after[key] for key in before)
        assert 0 <= knobs < len(found.merged)

        scene.lab.advance(timedelta(days=1))
        again = scene.trimtab("run")
        assert again.returncode == 0
        pulls = scene.person("ada").forge.snapshot().pulls
        merged = {pull.branch for pull in pulls if pull.number in found.merged}
        opened = [pull.branch for pull in pulls if pull.number not in found.merged]
        assert merged.isdisjoint(opened)

        since = scene.lab.now
        scene.lab.advance(timedelta(days=3))
        assert "deadlines missed" in compare(scene, since)
        assert (scene.folder / MARKER / PICTURE).read_text().startswith("<svg")
