import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.pulls.git import Git
from tests.servers.github import GitHub
from tests.servers.github_contract import check


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """Make a real repository with one commit on `main`."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git = Git(folder)
    git.run("init", "--quiet", "--initial-branch=main")
    (folder / "main.tf").write_bytes(b"x = 1\n")
    (folder / "run.sh").write_bytes(b"true\n")
    (folder / "run.sh").chmod(0o755)
    git.run("add", "-A")
    git.run("commit", "--quiet", "-m", "start")
    return git


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a bare repository with one commit on `main`, to be copied."""
    files = {"terraform/main.tf": b"x = 1\n", "README.md": b"hello\n", "terraform/ä.bin": b"\xff\n"}
    made = GitHub.make(tmp_path_factory.mktemp("github") / "hub.git", files)
    made.close()
    return made.git.folder


@pytest.fixture
def hub(bare: Path, tmp_path: Path) -> Iterator[GitHub]:
    """Serve a GitHub; whatever a test has sent there is one that the real one describes."""
    folder = tmp_path / "hub.git"
    shutil.copytree(bare, folder)
    hub = GitHub(folder)
    yield hub
    hub.close()
    check(hub.requests)
