from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.cli.opening import open_job
from bot.domain.errors import ConfigError, ForgeError, PolicyError
from bot.drafts import TerraformRoot
from bot.lab import AuthMode, Lab
from bot.pulls.git import Git

SETTINGS = """\
version: 1
airbyte: {url: "URL", auth: none}
terraform:
  roots:
    - path: prod
      var_files: [envs/prod.tfvars]
"""
POLICY = "version: 1\npolicies: [{name: all}]\n"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.start(seed=1, connections=2, days=1, auth=AuthMode.NONE) as lab:
        yield lab


@pytest.fixture
def folder(tmp_path: Path, lab: Lab) -> Path:
    """Make a repository with settings and policies in a folder below its top."""
    folder = tmp_path / "repository" / "data" / "airbyte"
    (folder / "policies").mkdir(parents=True)
    (folder / "policies" / "p.yaml").write_text(POLICY)
    (folder / "trimtab.yaml").write_text(SETTINGS.replace("URL", lab.url))
    git = Git(tmp_path / "repository")
    git.run("init", "--quiet", "--initial-branch=main")
    git.run("add", "-A")
    git.run("commit", "--quiet", "-m", "start")
    return folder


def test_roots_start_from_the_settings_and_are_counted_from_the_top(folder: Path) -> None:
    with open_job(folder / "trimtab.yaml") as job:
        assert job.roots == [TerraformRoot("data/airbyte/prod", ("envs/prod.tfvars",))]
        exported = folder.parents[2] / "exported"
        exported.mkdir()
        job.forge.export(job.forge.snapshot().base, exported)
    assert (exported / "data" / "airbyte" / "trimtab.yaml").exists()


def test_a_run_goes_by_the_clock_of_airbyte(folder: Path, lab: Lab) -> None:
    with open_job(folder / "trimtab.yaml") as job:
        assert abs(job.now - lab.now) < timedelta(seconds=5)
        assert set(job.beside.workspaces.values()) == {"production"}


def test_the_history_is_kept_beside_the_settings(folder: Path) -> None:
    with open_job(folder / "trimtab.yaml"):
        pass
    assert (folder / ".trimtab" / "history.duckdb").exists()


def test_a_folder_that_is_no_repository_says_so(folder: Path, tmp_path: Path) -> None:
    away = tmp_path / "away"
    folder.rename(away)
    with (
        pytest.raises(ForgeError, match="not a git repository"),
        open_job(away / "trimtab.yaml"),
    ):
        pass


def test_missing_policies_stop_the_run_before_anything_is_read(folder: Path) -> None:
    (folder / "policies" / "p.yaml").unlink()
    with pytest.raises(PolicyError, match="no policy files"), open_job(folder / "trimtab.yaml"):
        pass
    assert not (folder / ".trimtab").exists()


def test_missing_settings_say_where_to_run(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigError, match="there is no such file"),
        open_job(tmp_path / "none.yaml"),
    ):
        pass
