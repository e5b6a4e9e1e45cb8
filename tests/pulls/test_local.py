from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.errors import ForgeError
from bot.pulls.forge import Draft, OpenPull, PullState
from bot.pulls.git import Git
from bot.pulls.local import LocalForge
from bot.pulls.reconcile import reconcile

WHEN = "1790000000 +0000"
DRAFT = Draft(
    "trimtab/a/schedule", "Move a", "The body.\n", "perf: move a\n", {"main.tf": b"x = 2\n"}
)


@pytest.fixture
def forge(git: Git) -> LocalForge:
    return LocalForge(git, "main", WHEN)


def propose(forge: LocalForge, *drafts: Draft) -> int:
    snapshot = forge.snapshot()
    operations = reconcile(snapshot, drafts)
    for operation in operations:
        forge.execute(operation, snapshot.base)
    return len(operations)


def test_a_proposal_is_a_branch_with_one_commit_that_changes_just_that_file(
    forge: LocalForge, git: Git
) -> None:
    propose(forge, DRAFT)
    assert git.text("diff", "--name-only", "main", DRAFT.branch) == "main.tf"
    assert git.text("rev-list", "--count", f"main..{DRAFT.branch}") == "1"
    assert git.run("show", f"{DRAFT.branch}:main.tf") == b"x = 2\n"
    assert git.text("show", "-s", "--format=%s", DRAFT.branch) == "perf: move a"
    assert git.run("show", "refs/trimtab/pulls/1:body.md") == b"The body.\n"
    git.run("fsck", "--strict")


def test_the_work_tree_and_the_index_are_not_touched(forge: LocalForge, git: Git) -> None:
    (git.folder / "main.tf").write_bytes(b"x = 'somebody is at work here'\n")
    before = git.run("status", "--porcelain")
    propose(forge, DRAFT)
    assert git.run("status", "--porcelain") == before
    assert (git.folder / "main.tf").read_bytes() == b"x = 'somebody is at work here'\n"


def test_a_second_run_does_nothing(forge: LocalForge, git: Git) -> None:
    assert propose(forge, DRAFT) == 1
    refs = git.text("for-each-ref")
    assert propose(forge, DRAFT) == 0
    assert git.text("for-each-ref") == refs


def test_modes_of_files_are_kept(forge: LocalForge, git: Git) -> None:
    propose(forge, replace(DRAFT, files={"run.sh": b"false\n"}))
    assert git.text("ls-tree", DRAFT.branch, "--", "run.sh").startswith("100755")


def test_a_new_value_moves_the_branch_and_keeps_the_number(forge: LocalForge, git: Git) -> None:
    propose(forge, DRAFT)
    assert propose(forge, replace(DRAFT, files={"main.tf": b"x = 3\n"})) == 1
    (pull,) = forge.snapshot().pulls
    assert pull.number == 1
    assert git.run("show", f"{DRAFT.branch}:main.tf") == b"x = 3\n"
    assert git.text("rev-list", "--count", f"main..{DRAFT.branch}") == "1"


def test_a_merged_branch_is_seen_as_merged(forge: LocalForge, git: Git) -> None:
    propose(forge, DRAFT)
    git.run("merge", "--quiet", "--no-ff", "-m", "merge", DRAFT.branch)
    (pull,) = forge.snapshot().pulls
    assert pull.state is PullState.MERGED


def test_a_push_by_a_person_is_seen_and_never_overwritten(forge: LocalForge, git: Git) -> None:
    propose(forge, DRAFT)
    theirs = git.commit_files(DRAFT.branch, {"main.tf": b"x = 9\n"}, "mine", WHEN)
    git.run("update-ref", f"refs/heads/{DRAFT.branch}", theirs)
    propose(forge, replace(DRAFT, files={"main.tf": b"x = 3\n"}))
    assert git.text("rev-parse", DRAFT.branch) == theirs


def test_a_push_between_reading_and_writing_wins(forge: LocalForge, git: Git) -> None:
    propose(forge, DRAFT)
    snapshot = forge.snapshot()
    (operation,) = reconcile(snapshot, [replace(DRAFT, files={"main.tf": b"x = 3\n"})])
    theirs = git.commit_files(DRAFT.branch, {"main.tf": b"x = 9\n"}, "mine", WHEN)
    git.run("update-ref", f"refs/heads/{DRAFT.branch}", theirs)
    with pytest.raises(ForgeError, match="update-ref failed"):
        forge.execute(operation, snapshot.base)
    assert git.text("rev-parse", DRAFT.branch) == theirs


def test_a_run_that_died_after_making_the_branch_is_healed(forge: LocalForge, git: Git) -> None:
    propose(forge, DRAFT)
    git.run("update-ref", "-d", "refs/trimtab/pulls/1")
    assert propose(forge, DRAFT) == 1
    assert propose(forge, DRAFT) == 0


def test_a_branch_of_that_name_by_a_person_is_not_adopted(forge: LocalForge, git: Git) -> None:
    env = {"GIT_COMMITTER_EMAIL": "ada@example.com", "GIT_AUTHOR_EMAIL": "ada@example.com"}
    git.run("commit", "--allow-empty", "--quiet", "-m", "hers", env=env)
    git.run("branch", DRAFT.branch)
    with pytest.raises(ForgeError, match="exists and is not trimtab's"):
        forge.execute(OpenPull(DRAFT), forge.snapshot().base)


def test_the_base_is_exported_as_it_is_committed(
    forge: LocalForge, git: Git, tmp_path: Path
) -> None:
    (git.folder / "main.tf").write_bytes(b"dirty\n")
    target = tmp_path / "export"
    target.mkdir()
    forge.export(forge.snapshot().base, target)
    assert (target / "main.tf").read_bytes() == b"x = 1\n"


def test_a_missing_base_branch_says_what_to_set(git: Git) -> None:
    with pytest.raises(ForgeError, match="there is no branch 'trunk'") as caught:
        LocalForge(git, "trunk", WHEN).snapshot()
    assert "forge.base" in caught.value.hint


def test_the_same_input_gives_the_same_commits(git: Git, tmp_path: Path) -> None:
    copy = Git(tmp_path / "copy")
    Git(tmp_path).run("clone", "--quiet", str(git.folder), "copy")
    for each in (git, copy):
        propose(LocalForge(each, "main", WHEN), DRAFT)
    assert git.text("rev-parse", DRAFT.branch) == copy.text("rev-parse", DRAFT.branch)


def test_git_hooks_and_variables_of_the_caller_do_not_leak_in(
    git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert LocalForge(git, "main", WHEN).snapshot().pulls == ()
