from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.documents.document import Position, parse_document, read_document
from bot.domain.errors import ConfigError

TEXT = """\
# a comment
name: nightly
sources:
  - kind: postgres
    ports: [1, 2]
"""


def test_every_value_knows_where_it_is_written() -> None:
    document = parse_document(TEXT, "x.yaml")
    assert document.data == {
        "name": "nightly",
        "sources": [{"kind": "postgres", "ports": [1, 2]}],
    }
    assert document.position(("sources", 0, "ports", 1)) == Position(5, 16)
    assert document.where(("sources", 0, "kind")) == "x.yaml:4:11"


def test_an_unknown_path_points_at_the_nearest_enclosing_value() -> None:
    document = parse_document(TEXT, "x.yaml")
    assert document.position(("sources", 0, "missing", "deeper")) == Position(4, 5)


def test_words_that_yaml_1_1_took_for_booleans_stay_words() -> None:
    assert parse_document("country: NO\nswitch: on\n", "x").data == {
        "country": "NO",
        "switch": "on",
    }


def test_dates_stay_as_they_are_written() -> None:
    assert parse_document("day: 2026-03-08\n", "x").data == {"day": "2026-03-08"}


def test_json_is_read_too() -> None:
    document = parse_document('{"a": {"b": [1, null, true]}}', "x.json")
    assert document.data == {"a": {"b": [1, None, True]}}
    assert document.position(("a", "b", 2)) == Position(1, 23)


def test_an_empty_file_says_nothing() -> None:
    assert parse_document("", "x").data is None
    assert parse_document("# only words\n", "x").data is None


def test_merged_mappings_lose_to_what_is_written() -> None:
    text = "base: &b {a: 1, c: 3}\nuse:\n  <<: *b\n  a: 2\n"
    assert parse_document(text, "x").data == {
        "base": {"a": 1, "c": 3},
        "use": {"a": 2, "c": 3},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "x.yaml:3:1: the key 'a' is written twice"),
        ("a:\n\t- 1\n", "x.yaml:2:1: not valid YAML"),
        ("a: [1, 2\n", "x.yaml:2:1: not valid YAML"),
        ("? [1, 2]\n: 3\n", "x.yaml:1:3: a key has to be plain text"),
        ("a: !!python/object:os.system x\n", "x.yaml:1:4:"),
        ("a: 1\n---\nb: 2\n", "x.yaml:2:1: not valid YAML"),
        ("a: &a [*a]\n", "x.yaml:1:4: this alias contains itself"),
        ("<<: 3\n", "x.yaml:1:5: '<<' can only merge mappings"),
    ],
)
def test_a_bad_file_gets_one_sentence_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_document(text, "x.yaml")
    assert message in caught.value.message


def test_tabs_are_named_as_the_cause() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_document("a:\n\tb: 1\n", "x.yaml")
    assert "tabs" in caught.value.hint


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    with pytest.raises(ConfigError, match="more than 200,000 values"):
        parse_document("\n".join(lines), "bomb.yaml")


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_bytes(b"#" * 5_000_000)
    with pytest.raises(ConfigError, match="5,000,000 bytes is too large"):
        read_document(path)


def test_missing_and_undecodable_files_say_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        read_document(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9\n")
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        read_document(tmp_path / "latin.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_document(tmp_path)


@given(st.text(max_size=60))
def test_no_text_escapes_as_another_exception(text: str) -> None:
    with suppress(ConfigError):
        parse_document(text, "x.yaml")


@pytest.mark.parametrize("text", ["[" * 20_000, "- " * 20_000, "a: !!bool maybe", "a: !!int ''"])
def test_what_cannot_be_read_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ConfigError, match=r"x\.yaml"):
        parse_document(text, "x.yaml")


def test_a_key_of_its_own_keeps_its_place_where_one_is_merged_in_below_it() -> None:
    document = parse_document("base: &base\n  a: 1\nown:\n  a: 2\n  <<: *base\n", "x")
    assert document.data == {"base": {"a": 1}, "own": {"a": 2}}
    assert document.position(("own", "a")) == Position(4, 6)
    assert document.position(("own",)) == Position(4, 3)
