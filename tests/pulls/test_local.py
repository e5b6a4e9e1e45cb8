from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.errors import ForgeError
from bot.domain.manners import Manners
from bot.pulls.change import Target
from bot.pulls.closing import Obsolete
from bot.pulls.draft import Draft
from bot.pulls.execution import Done, carry_out
from bot.pulls.forge import BranchMovedError
from bot.pulls.git import Git
from bot.pulls.local import LocalForge
from bot.pulls.metadata import CloseReason
from bot.pulls.people import Person
from bot.pulls.reconcile import Circumstances, reconcile
from bot.pulls.snapshot import PullState, Review
from tests.pulls.worlds import FILE, content, draft

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
BRANCH = "trimtab/ant/size"
GONE = {Target("ant", "size"): Obsolete(CloseReason.EVIDENCE_VANISHED, "it is fine as it is")}


@dataclass
class House:
    """A repository with a work tree on `main`, the forge in it, and a person."""

    git: Git
    now: datetime = NOW

    @property
    def forge(self) -> LocalForge:
        return LocalForge(self.git, "main", self.now)

    @property
    def ada(self) -> Person:
        return Person(self.forge, "ada")

    def draft(self, value: int = 20, evidence: int = 0) -> Draft:
        return draft(self.git.run("show", f"main:{FILE}"), "ant", value, evidence=evidence)

    def run(self, *drafts: Draft, gone: bool = False) -> Done:
        snapshot = self.forge.snapshot()
        circumstances = Circumstances(self.now, complete=True, obsolete=GONE if gone else {})
        planned = reconcile(snapshot, drafts, Manners(), circumstances)
        return carry_out(self.forge, planned.operations, snapshot.base)

    def refs(self) -> str:
        return self.git.text("for-each-ref")


@pytest.fixture
def house(git: Git) -> House:
    (git.folder / FILE).write_bytes(content({"ant": 1, "bee": 1}))
    git.run("add", "-A")
    git.run("commit", "--quiet", "-m", "values")
    return House(git)


def test_a_proposal_is_one_commit_whose_diff_is_the_promised_literal(house: House) -> None:
    house.run(house.draft())
    diff = house.git.text("diff", "--unified=0", "--no-color", "main", BRANCH)
    changed = [
        line for line in diff.splitlines() if line[0] in "+-" and line[:3] not in ("+++", "---")
    ]
    assert changed == ["-ant = 1", "+ant = 20"]
    assert house.git.text("diff", "--name-only", "main", BRANCH) == FILE
    assert house.git.text("rev-list", "--count", f"main..{BRANCH}") == "1"
    house.git.run("fsck", "--strict")


def test_git_reads_the_pull_request_as_files_with_a_history(house: House) -> None:
    house.run(house.draft())
    house.run(house.draft(evidence=9))
    body = house.git.run("show", "refs/trimtab/pulls/1:body.md").decode()
    assert "Because of 9 syncs." in body
    assert house.git.text("rev-list", "--count", "refs/trimtab/pulls/1") == "3"


def test_the_trailers_of_the_commit_name_what_an_audit_needs(house: House) -> None:
    house.run(house.draft())
    message = house.git.text("show", "-s", "--format=%B", BRANCH)
    tree = house.git.text("rev-parse", f"{BRANCH}^{{tree}}")
    assert f"Trimtab-Tree: {tree}" in message
    for name in ("Trimtab-Id: TT-", "Trimtab-Fingerprint: sha256:", "Evidence-Digest: sha256:"):
        assert name in message
    printed = house.git.text("log", "-1", "--format=%(trailers:key=Trimtab-Identity)", BRANCH)
    assert printed == "Trimtab-Identity: connection/ant/size"


def test_the_work_tree_and_the_index_are_not_touched(house: House) -> None:
    (house.git.folder / FILE).write_bytes(b"somebody is at work here\n")
    before = house.git.run("status", "--porcelain")
    house.run(house.draft())
    assert house.git.run("status", "--porcelain") == before
    assert (house.git.folder / FILE).read_bytes() == b"somebody is at work here\n"


def test_a_second_run_writes_nothing(house: House) -> None:
    house.run(house.draft())
    refs = house.refs()
    house.run(house.draft())
    assert house.refs() == refs


def test_modes_of_files_are_kept(house: House) -> None:
    tree = house.forge.write_tree(house.forge.tip(), {"run.sh": b"false\n"})
    assert house.git.text("ls-tree", tree, "--", "run.sh").startswith("100755")


def test_the_same_input_gives_the_same_commits(house: House, tmp_path: Path) -> None:
    copy = Git(tmp_path / "copy")
    Git(tmp_path).run("clone", "--quiet", str(house.git.folder), "copy")
    for git in (house.git, copy):
        House(git).run(house.draft())
    assert house.git.text("rev-parse", BRANCH) == copy.text("rev-parse", BRANCH)


def test_a_branch_that_is_checked_out_is_not_moved_under_anybodys_feet(house: House) -> None:
    house.run(house.draft())
    house.git.run("switch", "--quiet", BRANCH)
    done = house.run(house.draft(30))
    ((_operation, error),) = done.failures
    assert isinstance(error, BranchMovedError)
    assert "is checked out" in error.message
    house.git.run("switch", "--quiet", "main")
    assert house.run(house.draft(30)).failures == ()
    assert b"ant = 30" in house.git.run("show", f"{BRANCH}:{FILE}")


def test_a_merge_by_hand_is_seen_with_its_time(house: House) -> None:
    house.run(house.draft())
    date = {"GIT_COMMITTER_DATE": "2026-03-05T10:00:00Z"}
    house.git.run("merge", "--quiet", "--no-ff", "-m", "merge", BRANCH, env=date)
    (pull,) = house.forge.snapshot().pulls
    assert (pull.state, pull.ended_by_us) == (PullState.MERGED, False)
    assert pull.ended_at == datetime(2026, 3, 5, 10, tzinfo=UTC)


def test_it_is_still_seen_when_the_branch_is_deleted_afterwards(house: House) -> None:
    house.run(house.draft())
    house.git.run("merge", "--quiet", "--no-ff", "-m", "merge", BRANCH)
    house.git.run("branch", "--quiet", "-D", BRANCH)
    assert house.forge.snapshot().pulls[0].state is PullState.MERGED


def test_a_branch_that_was_reset_to_the_base_was_not_merged(house: House) -> None:
    house.run(house.draft())
    house.git.run("branch", "--force", BRANCH, "main")
    assert house.forge.snapshot().pulls[0].state is PullState.OPEN


def test_a_conflict_is_seen_and_healed_by_the_next_run(house: House) -> None:
    house.run(house.draft())
    (house.git.folder / FILE).write_bytes(content({"ant": 7, "bee": 1}))
    house.git.run("commit", "--quiet", "-am", "base moves")
    assert house.forge.snapshot().pulls[0].conflicts
    house.run(house.draft())
    assert not house.forge.snapshot().pulls[0].conflicts


def test_closing_leaves_reason_and_comment_and_takes_the_branch(house: House) -> None:
    house.run(house.draft())
    house.run(gone=True)
    (pull,) = house.forge.snapshot().pulls
    assert (pull.state, pull.ended_by_us) == (PullState.CLOSED, True)
    assert house.git.resolve(BRANCH) is None
    comments = house.git.run("show", "refs/trimtab/pulls/1:comments.md").decode()
    assert "Closed by trimtab (evidence-vanished): it is fine as it is." in comments
    house.git.run("fsck", "--strict", "--no-dangling")


def test_labels_and_assignees_are_kept(house: House) -> None:
    house.run(replace(house.draft(), assignees=frozenset({"ada"})))
    record = house.forge.records.one(1).record
    assert record.labels == ("trimtab", "trimtab:risk-low")
    assert record.assignees == ("ada",)


def test_the_base_is_exported_as_it_is_committed(house: House, tmp_path: Path) -> None:
    (house.git.folder / FILE).write_bytes(b"dirty\n")
    target = tmp_path / "export"
    target.mkdir()
    house.forge.export(house.forge.tip(), target)
    assert (target / FILE).read_bytes() == content({"ant": 1, "bee": 1})


def test_links_that_lead_out_of_the_repository_are_no_reason_to_stop(
    house: House, tmp_path: Path
) -> None:
    for name, target in (("absolute", "/usr/share"), ("above", "../../x"), ("inside", FILE)):
        (house.git.folder / name).symlink_to(target)
    house.git.run("add", "-A")
    house.git.run("commit", "--quiet", "-m", "links")
    folder = tmp_path / "export"
    folder.mkdir()
    house.forge.export(house.forge.tip(), folder)
    assert sorted(path.name for path in folder.iterdir() if path.is_symlink()) == ["inside"]
    assert (folder / FILE).read_bytes() == content({"ant": 1, "bee": 1})


def test_a_missing_base_branch_says_what_to_set(git: Git) -> None:
    with pytest.raises(ForgeError, match="there is no branch 'trunk'") as caught:
        LocalForge(git, "trunk", NOW).snapshot()
    assert "forge.base" in caught.value.hint


def test_a_record_that_cannot_be_read_names_its_ref(house: House) -> None:
    house.run(house.draft())
    tree = house.git.write_flat_tree({"pull.json": "{", "body.md": ""})
    commit = house.git.write_commit(tree, [], "damage", "1790000000 +0000")
    house.git.run("update-ref", "refs/trimtab/pulls/1", commit)
    with pytest.raises(ForgeError, match="refs/trimtab/pulls/1 cannot be read"):
        house.forge.snapshot()


def test_variables_of_the_callers_git_do_not_leak_in(
    git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert LocalForge(git, "main", NOW).snapshot().pulls == ()


# What people do.


def test_an_approval_holds_for_the_commit_that_was_looked_at(house: House) -> None:
    house.run(house.draft())
    house.ada.approve(1)
    assert house.forge.snapshot().pulls[0].review is Review.APPROVED
    house.run(house.draft(evidence=3))
    assert house.forge.snapshot().pulls[0].review is Review.APPROVED
    house.run(house.draft(30))
    assert house.forge.snapshot().pulls[0].review is None


def test_merging_takes_the_work_tree_along(house: House) -> None:
    house.run(house.draft())
    house.ada.merge(1)
    assert b"ant = 20" in (house.git.folder / FILE).read_bytes()
    assert house.git.text("status", "--porcelain") == ""
    parents = house.git.text("rev-list", "--parents", "-1", "main").split()
    assert len(parents) == 3
    assert house.forge.snapshot().pulls[0].state is PullState.MERGED


def test_merging_over_uncommitted_work_is_refused_and_loses_nothing(house: House) -> None:
    house.run(house.draft())
    (house.git.folder / FILE).write_bytes(b"somebody is at work here\n")
    with pytest.raises(ForgeError, match="git merge failed"):
        house.ada.merge(1)
    assert (house.git.folder / FILE).read_bytes() == b"somebody is at work here\n"
    assert house.forge.snapshot().pulls[0].state is PullState.OPEN


def test_merging_works_beside_another_branch(house: House) -> None:
    house.run(house.draft())
    house.git.run("switch", "--quiet", "-c", "elsewhere")
    house.ada.merge(1)
    assert b"ant = 20" in house.git.run("show", f"main:{FILE}")
    assert b"ant = 1\n" in (house.git.folder / FILE).read_bytes()


def test_what_conflicts_is_not_merged(house: House) -> None:
    house.run(house.draft())
    (house.git.folder / FILE).write_bytes(content({"ant": 7, "bee": 1}))
    house.git.run("commit", "--quiet", "-am", "base moves")
    with pytest.raises(ForgeError, match="conflicts with main"):
        house.ada.merge(1)


def test_closing_and_reopening_by_a_person(house: House) -> None:
    house.run(house.draft())
    house.ada.close(1)
    assert house.run(house.draft()).pulls == ()
    with pytest.raises(ForgeError, match="closed, not open"):
        house.ada.close(1)
    house.ada.reopen(1)
    assert house.forge.snapshot().pulls[0].state is PullState.OPEN
    with pytest.raises(ForgeError, match="open, not closed"):
        house.ada.reopen(1)


def test_reopening_restores_the_branch_that_trimtab_deleted(house: House) -> None:
    house.run(house.draft())
    head = house.git.text("rev-parse", BRANCH)
    house.run(gone=True)
    house.ada.reopen(1)
    assert house.git.text("rev-parse", BRANCH) == head


def test_a_second_one_on_the_same_branch_is_not_opened(house: House) -> None:
    house.run(house.draft())
    house.ada.close(1)
    house.now += timedelta(days=31)
    house.run(house.draft())
    with pytest.raises(ForgeError, match="pull request 2 is open on its branch"):
        house.ada.reopen(1)


def test_an_unknown_number_is_named(house: House) -> None:
    with pytest.raises(ForgeError, match="there is no pull request 7"):
        house.ada.approve(7)


def test_a_box_that_is_not_there_cannot_be_ticked(house: House) -> None:
    with pytest.raises(ForgeError, match="no box for pull request 1"):
        house.ada.allow_again(1)


@pytest.mark.parametrize("names", [[], ["HEAD"], ["HEAD", "nothing", "HEAD:main.tf"]])
def test_many_objects_are_read_in_one_go(house: House, names: Sequence[str]) -> None:
    found = house.git.blobs(names)
    assert [content is None for content in found] == [name == "nothing" for name in names]
    if names[-1:] == ["HEAD:main.tf"]:
        assert found[-1] == content({"ant": 1, "bee": 1})
