from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.errors import ConfigError
from bot.domain.platform import Platform
from bot.settings.model import AirbyteSettings
from bot.settings.reading import read_settings

GOOD = """\
version: 1
airbyte:
  url: https://api.airbyte.com/v1
  client_id: ${env:ID}
  client_secret: ${env:SECRET}
"""
ENV = {"ID": "the-id", "SECRET": "the-secret"}


def write(folder: Path, text: str) -> Path:
    path = folder / "trimtab.yaml"
    path.write_text(text)
    return path


def test_defaults_suit_a_repository_with_one_root(tmp_path: Path) -> None:
    read = read_settings(write(tmp_path, GOOD), ENV)
    assert read.settings.terraform.roots[0].path == "."
    assert read.settings.policies == "policies"
    assert read.settings.forge.base == "main"
    assert read.folder == tmp_path.resolve()


def test_secrets_are_not_shown_by_repr_nor_by_the_redactor(tmp_path: Path) -> None:
    read = read_settings(write(tmp_path, GOOD), ENV)
    assert "the-secret" not in repr(read.settings)
    assert read.redact("failed with the-secret") == "failed with ***"
    assert read.settings.airbyte.client_secret is not None
    assert read.settings.airbyte.client_secret.get_secret_value() == "the-secret"


def test_every_unset_variable_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings(write(tmp_path, GOOD), {})
    assert "trimtab.yaml:4:14: the environment variable ID is not set" in caught.value.message
    assert "trimtab.yaml:5:18: the environment variable SECRET is not set" in caught.value.message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "  client_id: ${env:ID}\n",
            "trimtab.yaml:3:3: airbyte: auth 'application' needs client_id",
        ),
        ("version: 1\n", "trimtab.yaml:1:1: version is missing"),
    ],
)
def test_what_is_missing_is_said(tmp_path: Path, change: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings(write(tmp_path, GOOD.replace(change, "")), ENV)
    assert message in caught.value.message


def test_a_path_outside_the_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"trimtab\.yaml:6:11: policies: must be a path inside"):
        read_settings(write(tmp_path, GOOD + "policies: ../else\n"), ENV)


def test_a_resolved_secret_is_not_in_the_message_about_it(tmp_path: Path) -> None:
    text = GOOD.replace("https://api.airbyte.com/v1", "${env:SECRET}")
    with pytest.raises(ConfigError) as caught:
        read_settings(write(tmp_path, text), ENV)
    assert "the-secret" not in str(caught.value)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file") as caught:
        read_settings(tmp_path / "trimtab.yaml", {})
    assert "--config" in caught.value.hint


GITHUB = """
forge:
  type: github
  repository: acme/data
"""


def test_a_github_forge_takes_a_token_or_an_app_and_shows_neither(tmp_path: Path) -> None:
    token = read_settings(write(tmp_path, GOOD + GITHUB + "  token: ${env:SECRET}\n"), ENV)
    app = read_settings(
        write(tmp_path, GOOD + GITHUB + "  app: {id: '7', private_key: '${env:SECRET}'}\n"), ENV
    )
    for read in (token, app):
        assert "the-secret" not in repr(read.settings)
    assert token.settings.forge.token is not None
    assert app.settings.forge.app is not None


@pytest.mark.parametrize(
    ("forge", "message"),
    [
        (GITHUB, "needs one of token and app"),
        (GITHUB + "  token: t\n  app: {id: '7', private_key: k}\n", "needs one of token and app"),
        (GITHUB.replace("acme/data", "data") + "  token: t\n", "needs repository: owner/name"),
        ("\nforge: {token: t}\n", "token is for type: github"),
    ],
)
def test_a_forge_that_does_not_fit_together_is_refused(
    tmp_path: Path, forge: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        read_settings(write(tmp_path, GOOD + forge), ENV)


def test_cloud_is_told_by_its_address_and_a_plan_of_one_s_own_by_words() -> None:
    def platform(**given: object) -> Platform:
        return AirbyteSettings.model_validate({"auth": "none", **given}).platform

    assert platform(url="https://api.airbyte.com/v1") == Platform.cloud()
    assert platform(url="https://airbyte.example.com/api/public/v1") == Platform()
    quick = platform(url="https://api.airbyte.com/v1", shortest_interval="15m")
    assert quick == Platform(timedelta(minutes=15), jitters=True)
