"""The walking skeleton as a user meets it: the demo's repository, lab and commands."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.lab.demo import Demo, set_up
from bot.pulls.git import Git

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with set_up(tmp_path_factory.mktemp("demo")) as demo:
        assert demo.trimtab("run") == 0
        yield demo


def branches(demo: Demo) -> list[str]:
    listed = Git(demo.folder).text(
        "for-each-ref", "--format=%(refname:short)", "refs/heads/trimtab"
    )
    return listed.split()


def test_connections_that_start_together_are_proposed_apart(demo: Demo) -> None:
    git = Git(demo.folder)
    assert len(branches(demo)) >= 8
    subjects = {git.text("show", "-s", "--format=%s", branch) for branch in branches(demo)}
    assert any(subject.startswith("perf(airbyte): ") for subject in subjects)


def test_every_branch_changes_one_cron_literal_and_nothing_else(demo: Demo) -> None:
    git = Git(demo.folder)
    for branch in branches(demo):
        diff = git.text("diff", "--unified=0", "main", branch).splitlines()
        removed = [line for line in diff if line.startswith("-") and not line.startswith("---")]
        added = [line for line in diff if line.startswith("+") and not line.startswith("+++")]
        assert len(removed) == len(added) == 1
        before, after = removed[0][1:].split('"'), added[0][1:].split('"')
        assert before[0] == after[0]
        assert before[2:] == after[2:]
        assert before[1].endswith(" UTC")
        assert before[1].split()[2:] == after[1].split()[2:]
        assert before[1].split()[1] != after[1].split()[1]


def test_the_repository_is_sound_and_its_main_branch_untouched(demo: Demo) -> None:
    git = Git(demo.folder)
    git.run("fsck", "--strict")
    assert git.text("rev-list", "--count", "main") == "1"
    assert git.text("status", "--porcelain") == ""


def test_a_second_run_does_nothing(demo: Demo) -> None:
    git = Git(demo.folder)
    refs = git.text("for-each-ref")
    assert demo.trimtab("plan", "--detailed-exitcode") == 0
    assert demo.trimtab("run") == 0
    assert git.text("for-each-ref") == refs


def test_no_secret_is_in_what_was_written(demo: Demo) -> None:
    secret = demo.lab.client_secret.encode()
    history = (demo.folder / ".trimtab" / "history.duckdb").read_bytes()
    assert secret not in history
    git = Git(demo.folder)
    for ref in git.text("for-each-ref", "--format=%(refname)").split():
        assert secret not in git.run("log", "-p", ref)


def test_after_a_merge_the_same_move_is_not_proposed_again(tmp_path: Path) -> None:
    with set_up(tmp_path / "demo") as demo:
        assert demo.trimtab("run") == 0
        first = branches(demo)[0]
        git = Git(demo.folder)
        git.run("merge", "--quiet", "--no-ff", "-m", "approve", first)
        head = git.text("rev-parse", first)
        assert demo.trimtab("run") == 0
        # Nothing has been applied, so Airbyte still has the old cron; the literal is new already.
        assert git.text("rev-parse", first) == head
