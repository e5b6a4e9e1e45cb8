"""A run that is killed at any moment is finished by the next one, to the same end."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.lab.demo.scene import Scene, set_up
from bot.pulls.git import Git

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("TRIMTAB_KILLS", "4"))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with set_up(tmp_path_factory.mktemp("kill") / "demo", connections=10, days=30) as scene:
        yield scene


def start(scene: Scene, folder: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "bot.cli.main", "run"],
        cwd=folder,
        env=os.environ | scene.credentials,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def outcome(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return the tree of every branch, and the title of every pull request by its branch."""
    git = Git(folder)
    rows = git.text("for-each-ref", "--format=%(refname) %(tree)", "refs/heads").splitlines()
    trees = dict(row.split() for row in rows)
    pulls = git.text("for-each-ref", "--format=%(refname)", "refs/trimtab/pulls").split()
    titles: dict[str, str] = {}
    for ref in pulls:
        body = git.run("show", f"{ref}:body.md").decode()
        branch = git.run("show", f"{ref}:pull.json").decode()
        assert body
        assert branch not in titles
        titles[branch.split('"branch": "')[1].split('"')[0]] = ref.rpartition("/")[2]
    assert len(titles) == len(pulls), "no branch has two pull requests"
    return trees, titles


def test_killed_anywhere_and_run_again_ends_the_same(scene: Scene, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(scene.folder, whole)
    begun = time.monotonic()
    assert start(scene, whole).wait() == 0
    took = time.monotonic() - begun
    trees, titles = outcome(whole)
    assert titles
    dice = random.Random(20)
    for kill in range(KILLS):
        folder = tmp_path / f"killed-{kill}"
        shutil.copytree(scene.folder, folder)
        process = start(scene, folder)
        time.sleep(dice.uniform(0.1, 1.0) * took)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert start(scene, folder).wait() == 0
        found_trees, found_titles = outcome(folder)
        assert found_trees == trees
        assert found_titles.keys() == titles.keys()
        Git(folder).run("fsck", "--strict")
        shutil.rmtree(folder)
