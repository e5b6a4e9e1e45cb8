from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cli.forges import access_to_github, open_forge
from bot.pulls.git import Git
from bot.pulls.github import GitHubForge
from bot.pulls.local import LocalForge
from bot.settings.reading import ReadSettings, read_settings

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SETTINGS = """
version: 1
airbyte: {url: "https://api.airbyte.com/v1", auth: none}
"""
GITHUB = "forge: {type: github, repository: acme/data, token: a-token}\n"


def read(folder: Path, text: str) -> ReadSettings:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trimtab.yaml").write_text(SETTINGS + text)
    return read_settings(folder / "trimtab.yaml", {})


@pytest.mark.parametrize("text", ["", GITHUB])
def test_a_folder_inside_a_checkout_knows_its_place(tmp_path: Path, text: str) -> None:
    Git(tmp_path).run("init", "--quiet", "--initial-branch=main")
    forge, place = open_forge(read(tmp_path / "data" / "airbyte", text), NOW, {})
    assert place == Path("data/airbyte")
    assert isinstance(forge, GitHubForge if text else LocalForge)


def test_github_works_without_a_checkout(tmp_path: Path) -> None:
    forge, place = open_forge(read(tmp_path, GITHUB), NOW, {})
    assert isinstance(forge, GitHubForge)
    assert forge.checkout is None
    assert place == Path()


@pytest.mark.parametrize(
    ("extra", "env", "url"),
    [
        ("", {}, "https://api.github.com"),
        ("", {"GITHUB_API_URL": "https://ghe.example/api/v3"}, "https://ghe.example/api/v3"),
        (
            ", url: 'https://other.example/api/v3'",
            {"GITHUB_API_URL": "https://ghe.example/api/v3"},
            "https://other.example/api/v3",
        ),
    ],
)
def test_an_enterprise_server_is_found_by_variable_or_setting(
    tmp_path: Path, extra: str, env: dict[str, str], url: str
) -> None:
    settings = read(tmp_path, GITHUB.replace("}", extra + "}")).settings.forge
    assert access_to_github(settings, env).url == url
