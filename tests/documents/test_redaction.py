import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.documents.redaction import Redactor


def test_known_values_are_hidden_longest_first() -> None:
    redact = Redactor(["token", "token-with-tail"])
    assert redact("a token-with-tail and a token") == "a *** and a ***"


def test_short_values_are_let_through() -> None:
    assert Redactor(["1", "no"])("1 is no secret") == "1 is no secret"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgres://u:p@ss/w?rd#x@host/db", "postgres://u:***@host/db"),
        ("Authorization: Bearer abcdefghijk.lmn", "Authorization: Bearer ***"),
        ("https://host/path:80", "https://host/path:80"),
    ],
)
def test_credentials_are_hidden_even_when_nobody_named_them(text: str, shown: str) -> None:
    assert Redactor()(text) == shown


@given(st.lists(st.text(min_size=4, max_size=12), min_size=1, max_size=5), st.text(max_size=20))
def test_no_known_secret_survives(secrets: list[str], glue: str) -> None:
    secrets = [secret for secret in secrets if "*" not in secret]
    shown = Redactor(secrets)(glue.join(["", *secrets, ""]))
    stripped = shown.replace("***", "")
    assert not any(secret in shown for secret in secrets) or not stripped.strip(glue)


def test_a_secret_is_hidden_as_addresses_write_it_too() -> None:
    redact = Redactor(["p@ss w/rd"])
    for written in ("p%40ss%20w%2Frd", "p%40ss+w%2Frd", "p%40ss%20w/rd"):
        assert redact(f"GET https://host/x?token={written}&a=1") == (
            "GET https://host/x?token=***&a=1"
        )


def test_a_secret_is_hidden_as_exceptions_and_json_write_it_too() -> None:
    secret = 'quo"te\\slash\nline é'
    redact = Redactor([secret])
    for written in (repr(KeyError(secret)), json.dumps(secret), str({"x": secret})):
        assert "slash" not in redact(written)
