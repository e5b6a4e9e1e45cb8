import json

import hcl2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from bot.terraform.strings import quote_hcl, quote_json, quote_yaml, unescape

plain = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]))


@given(plain)
def test_an_hcl_string_means_what_was_written(value: str) -> None:
    assert unescape(quote_hcl(value)[1:-1]) == value


@pytest.mark.parametrize("value", ["${x}", "%{ if x }", 'a"b', "back\\slash", "tab\t", "a\nb"])
def test_python_hcl2_sees_one_plain_string(value: str) -> None:
    tree = hcl2.loads(f"x = {quote_hcl(value)}\n")
    assert next(iter(tree)) == "x"


@pytest.mark.parametrize(("raw", "value"), [(r"ä", "ä"), ("$${x}", "${x}"), (r"\q", None)])
def test_escapes(raw: str, value: str | None) -> None:
    assert unescape(raw) == value


@given(plain, st.booleans())
def test_a_json_string_means_what_was_written(value: str, template: bool) -> None:
    read = json.loads(quote_json(value, template=template))
    assert read == (value.replace("${", "$${").replace("%{", "%%{") if template else value)


@given(st.text("0123456789 *?,-/UTC:#'\"{}&abc", max_size=20), st.sampled_from(["", "'", '"']))
def test_a_yaml_scalar_means_what_was_written_or_is_not_written(value: str, style: str) -> None:
    text = quote_yaml(value, style)
    if text is not None and style:
        assert YAML(typ="safe", pure=True).load(f"k: {text}\n") == {"k": value}
    elif text is not None:
        read = YAML(typ="safe", pure=True).load(f"k: {text} # c\n")["k"]
        assert read == value or not isinstance(read, str)
