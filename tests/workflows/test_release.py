"""The release, up to the point where it is published."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflows.steps import REPOSITORY, Runner

RELEASE = ".github/workflows/release.yml"
TAG = "Tag and version agree, and the changelog speaks of it"
RUN = {(RELEASE, TAG), (RELEASE, "Build"), (RELEASE, "Install what was built, and run it")}


def release(tmp_path: Path, tag: str, changelog: str) -> "subprocess.CompletedProcess[str]":
    workspace = tmp_path / "checkout"
    workspace.mkdir()
    shutil.copy(REPOSITORY / "pyproject.toml", workspace)
    (workspace / "CHANGELOG.md").write_text(changelog)
    return Runner(workspace, tmp_path / "runner", {}).run(RELEASE, TAG, GITHUB_REF_NAME=tag)


def version() -> str:
    lines = (REPOSITORY / "pyproject.toml").read_text().splitlines()
    return next(line.split('"')[1] for line in lines if line.startswith("version = "))


def test_a_tag_has_to_be_the_version(tmp_path: Path) -> None:
    done = release(tmp_path, "v99.0.0", f"## [{version()}]\n")
    assert done.returncode == 1
    assert "::error::the tag is v99.0.0" in done.stdout


def test_a_release_has_to_be_in_the_changelog(tmp_path: Path) -> None:
    assert release(tmp_path, f"v{version()}", "## [Unreleased]\n").returncode == 1


def test_a_release_that_agrees_goes_on(tmp_path: Path) -> None:
    assert release(tmp_path, f"v{version()}", f"## [{version()}]\n").returncode == 0


@pytest.mark.slow
def test_what_is_built_runs_from_elsewhere(tmp_path: Path) -> None:
    workspace = tmp_path / "checkout"
    ignored = shutil.ignore_patterns(".git", ".venv", "node_modules", ".*_cache", "site", "demo")
    shutil.copytree(REPOSITORY, workspace, ignore=ignored)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        who = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
        subprocess.run(["git", *who, *command], cwd=workspace, check=True)
    runner = Runner(workspace, tmp_path / "runner", {})
    bin_folder = runner.temp / "build" / "bin"
    bin_folder.mkdir(parents=True)
    for name in ("python", "uv"):
        script = bin_folder / name
        script.write_text(f'#!/bin/sh\nexec {Path(sys.executable).parent / name} "$@"\n')
        script.chmod(0o755)
    runner.succeed(RELEASE, "Build")
    assert len(list((workspace / "dist").iterdir())) >= 2
    said = runner.succeed(RELEASE, "Install what was built, and run it")
    assert f"trimtab {version()}" in said
