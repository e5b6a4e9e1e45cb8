import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import InputError
from bot.terraform.address import Address, ModuleStep, parse_address, parse_path, render

names = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True).filter(lambda n: n != "data")
keys = st.one_of(st.none(), st.integers(0, 99), st.text(max_size=8))
steps = st.builds(ModuleStep, names, keys)


@given(st.lists(steps, max_size=3), st.sampled_from(["resource", "data"]), names, names, keys)
def test_an_address_reads_back_as_it_prints(
    modules: list[ModuleStep], mode: str, kind: str, name: str, key: str | int | None
) -> None:
    if kind == "module":
        return
    address = Address(tuple(modules), mode, kind, name, key)
    text = str(address)
    if "${" in text or "%{" in text:
        return
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["", "x", "a.b.c", "a[0].b", "module.m", "data.x", 'a.b["c"', "a..b", "a.b[x]", "a b.c"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="not the address"):
        parse_address(text)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("schedule.cron_expression", ("schedule", "cron_expression")),
        ('a["b c"].d', ("a", "b c", "d")),
        ("a[0].b", ("a", 0, "b")),
        ("a.0.b", ("a", 0, "b")),
    ],
)
def test_paths(text: str, path: tuple[str | int, ...]) -> None:
    assert parse_path(text) == path


def test_a_path_prints_as_people_write_it() -> None:
    assert render(parse_path('a["b"].c[0]["x y"]')) == '.a["b"].c[0]["x y"]'


@pytest.mark.parametrize("text", ["", ".a", "a.", "a..b", "[0]", "a[", "a b"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="not a path"):
        parse_path(text)
