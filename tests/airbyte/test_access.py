import pytest

from bot.airbyte.access import Access, Application
from bot.domain.errors import ConfigError


@pytest.mark.parametrize(
    ("written", "root", "configuration"),
    [
        ("https://api.airbyte.com/v1", "https://api.airbyte.com/v1", "cloud"),
        ("https://api.airbyte.com", "https://api.airbyte.com/v1", "cloud"),
        ("https://cloud.airbyte.com/workspaces/1", "https://api.airbyte.com/v1", "cloud"),
        ("http://localhost:8000", "http://localhost:8000/api/public/v1", "http://localhost:8000"),
        ("http://localhost:8000/", "http://localhost:8000/api/public/v1", "http://localhost:8000"),
        ("https://a.example/api/public/v1/", "https://a.example/api/public/v1", "https://a.example"),
        ("https://a.example/api/v1", "https://a.example/api/public/v1", "https://a.example"),
        ("https://a.example/x/api/public", "https://a.example/x/api/public/v1", "https://a.example/x"),
        ("http://old:8006/v1", "http://old:8006/v1", None),
    ],
)  # fmt: skip
def test_any_address_of_an_airbyte_finds_its_roots(
    written: str, root: str, configuration: str | None
) -> None:
    access = Access.to(written)
    assert access.root == root
    expected = (
        "https://cloud.airbyte.com/api/v1"
        if configuration == "cloud"
        else configuration and f"{configuration}/api/v1"
    )
    assert access.configuration_root == expected


@pytest.mark.parametrize("written", ["", "localhost:8000", "ftp://x/", "https://", "http://[::1"])
def test_what_is_no_address_is_refused_with_an_example(written: str) -> None:
    with pytest.raises(ConfigError, match="address") as caught:
        Access.to(written)
    assert "/api/public/v1" in caught.value.hint


def test_credentials_inside_an_address_are_refused_and_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        Access.to("https://me:hunter22@a.example")
    assert "hunter22" not in str(caught.value)


def test_a_secret_is_in_no_representation() -> None:
    access = Access.to("https://a.example", Application("me", "hunter22"))
    assert "hunter22" not in repr(access)
    assert access.secrets == {"hunter22"}
