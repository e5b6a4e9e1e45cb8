from pathlib import Path

import pytest

from bot.pulls.git import Git


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
