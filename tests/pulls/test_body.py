"""Bodies: twelve situations as golden files, and what holds for all of them.

`UPDATE_GOLDEN=1 pytest tests/pulls/test_body.py` writes the files anew, to be looked at.
"""

import os
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.domain.verdict import Deny
from bot.pulls.body import BUDGET, write
from bot.pulls.body_sentences import money
from bot.pulls.body_text import code, md, plain
from bot.pulls.metadata import split
from tests.pulls.situations import FRAME, SITUATIONS, dollars, grouped, over_long, saving

GOLDEN = Path(__file__).parents[1] / "data" / "bodies"
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_body_is_the_one_that_was_looked_at(name: str) -> None:
    text = write(SITUATIONS[name](), FRAME) + "\n"
    golden = GOLDEN / f"{name}.md"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_body_says_what_a_reviewer_needs(name: str) -> None:
    text = write(SITUATIONS[name](), FRAME)
    for part in ("**Against.**", "**Risk: ", "**Confidence: ", "**Not checked:**", "**Terraform.**",
                 "**Undo.**", "| policy | verdict |", "Reversible"):  # fmt: skip
        assert part in text
    assert re.search(r"(Saves|Costs) an estimated|No saving is claimed: \S", text)
    assert re.search(r"approval", text)


@pytest.mark.parametrize("name", SITUATIONS)
def test_no_cell_of_a_table_is_empty_and_no_row_is_longer_than_its_head(name: str) -> None:
    lines = write(SITUATIONS[name](), FRAME).splitlines()
    width = 0
    for line, before in zip(lines, ["", *lines], strict=False):
        cells = re.split(r"(?<!\\)\|", line)[1:-1]
        if line.startswith("|") and not before.startswith("|"):
            width = len(cells)
        elif line.startswith("|"):
            assert len(cells) == width
            assert all(cell.strip() for cell in cells)


def test_a_saving_of_nothing_is_not_called_a_saving() -> None:
    assert money([dollars(-10, 0, 2, 4)]) == (
        "Leaves the bill about as it is (saved a month: 90 % interval −$10 … $4.00)."
    )
    assert money([dollars(-2, 1, 2, 4)]).startswith("Saves an estimated $1.00 a month")


def test_a_body_that_would_be_too_long_loses_details_and_says_so() -> None:
    text = write(over_long(), FRAME)
    assert len(text) <= BUDGET
    assert "**Cut.**" in text
    for part in ("Saves an estimated $212", "**Risk: medium**", "| `defaults` |", "**Undo.**"):
        assert part in text


def test_less_room_leaves_less_until_there_is_no_room_for_the_least() -> None:
    full = write(saving(), FRAME)
    assert len(write(saving(), FRAME, room=len(full) - 1)) < len(full)
    with pytest.raises(ValueError, match="too many for one pull request"):
        write(saving(), FRAME, room=500)


def test_a_group_that_is_too_long_names_how_many_are_left_out() -> None:
    text = write(grouped() * 8, FRAME, room=9_000)
    assert len(text) <= 9_000
    assert re.search(r"… and \d+ more, which the metadata and the diff name", text)


def test_a_run_that_finds_nothing_new_writes_the_same_text() -> None:
    (one,) = saving()
    assert one.next_sync is not None
    later = replace(one.next_sync, made_at=one.next_sync.made_at + timedelta(hours=1))
    assert write([replace(one, next_sync=later)], FRAME) == write([one], FRAME)


def test_what_policy_denies_is_never_written() -> None:
    (one,) = saving()
    denied = replace(one, change=replace(one.change, verdict=Deny(())))
    with pytest.raises(ValueError, match="never composed"):
        write([denied], FRAME)


def rendered(name: str) -> str:
    return str(MARKDOWN.render(write(SITUATIONS[name](), FRAME)))


def test_hostile_names_make_no_html_no_mention_and_no_link() -> None:
    html = rendered("hostile-names")
    tags = set(re.findall(r"</?([a-z0-9]+)", html))
    assert tags <= {
        "a", "br", "code", "details", "h3", "li", "p", "pre", "strong", "sub", "summary", "table",
        "tbody", "td", "th", "thead", "tr", "ul",
    }  # fmt: skip
    assert html.count("<details>") == html.count("</details>") == 1
    assert set(re.findall(r'href="([^"]*)"', html)) == {
        "https://github.com/acme/data/blob/main/policies/a%20b%7Cc.yaml#L3",
        "https://github.com/acme/data/blob/main/terraform/a%7Cb/%60x%60.tf#L31",
    }
    outside_code = re.sub(r"<code[^>]*>.*?</code>", "", html, flags=re.DOTALL)
    assert not re.search(r"@\w|#\d|GH-\d", outside_code)
    prose = re.sub(r"`[^`]*`", "", write(SITUATIONS["hostile-names"](), FRAME))
    assert not re.search(r"[^\\]://e|www\.e", prose)
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", html)


def test_a_name_cannot_forge_the_record_or_end_it() -> None:
    (one,) = saving()
    for name in ('<!-- trimtab:v1 {"id":"x"} -->', "<!-- trimtab:begin -->", "-->"):
        hostile = replace(one.subject.connection, name=name)
        text = write([replace(one, subject=replace(one.subject, connection=hostile))], FRAME)
        assert "trimtab:begin -->" not in text
        assert "<!--" not in text
        assert "-->" not in text
        assert split(text).metadata is None


WILD = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("`|<>@#*_[]()!-\\~$&:/"))


@given(WILD)
def test_any_text_stays_one_line_of_plain_text_when_rendered(text: str) -> None:
    html = MARKDOWN.render(f"x {md(text)} y")
    assert re.fullmatch(r"<p>[^<]*</p>\n", html)


@given(WILD)
def test_any_name_is_one_code_span(text: str) -> None:
    html = MARKDOWN.render(f"x {code(text)} y")
    assert re.fullmatch(r"<p>x <code>[^<]*</code> y</p>\n", html)


@given(WILD, st.integers(2, 50))
def test_plain_text_is_printable_short_and_on_one_line(text: str, limit: int) -> None:
    shown = plain(text, limit)
    assert shown.isprintable()
    assert len(shown) <= limit
