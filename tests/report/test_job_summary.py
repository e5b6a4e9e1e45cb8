from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.report.job_summary import LIMIT_BYTES, render_markdown
from bot.report.markdown import cut, escape
from tests.report.summaries import EMPTY, FULL, KEPT, OPENED, UNREAD


def test_the_headline_says_how_many_what_they_save_and_what_is_held_back() -> None:
    second = render_markdown(FULL).splitlines()[2]
    assert second == (
        "**3 pull requests**, predicted to save **$5.00 to $100.00** in 30 days (90 % intervals, "
        "added up). 2 held back. 18 connections, 1,200 new and 3 changed syncs."
    )


def test_a_saving_that_is_not_known_is_said_not_to_be() -> None:
    row = next(line for line in render_markdown(FULL).splitlines() if "crm" in line)
    assert "| not known |" in row


def test_what_could_not_be_read_comes_before_anything_else() -> None:
    shown = render_markdown(UNREAD)
    assert "Not read, so no pull request is touched" in shown
    assert "workspace w: forbidden" in shown


def test_stages_are_shown_with_their_times() -> None:
    assert "| mine | 1.2 s |" in render_markdown(EMPTY, {"mine": 1.234})


def test_ten_thousand_pull_requests_stay_within_what_github_takes() -> None:
    entries = tuple(replace(KEPT, title=f"é{n} " + "x" * 150) for n in range(10_000))
    shown = render_markdown(replace(FULL, entries=entries))
    assert len(shown.encode()) <= LIMIT_BYTES
    assert shown.endswith("has everything.*")
    assert "| é0 " in shown


@given(st.text())
def test_a_name_is_shown_as_it_is_and_never_becomes_markup(name: str) -> None:
    entry = replace(OPENED, title=f"x {name}")
    tokens = (
        MarkdownIt("gfm-like", {"linkify": False})
        .enable("table")
        .parse(render_markdown(replace(EMPTY, entries=(entry,))))
    )
    cells = [t for t in tokens if t.type == "inline"]
    (cell,) = [t for t in cells if t.content.startswith("x")]
    kinds = {child.type for child in cell.children or ()}
    assert kinds <= {"text", "text_special"}, kinds
    shown = "".join(child.content for child in cell.children or ())
    printable = "".join(c if c.isprintable() else " " for c in name)
    assert shown.replace("\u200b", "").split() == f"x {printable}".replace("\u200b", "").split()


def test_nobody_is_notified_by_a_name() -> None:
    assert "@\u200b" in escape("@acme/data")
    assert "#\u200b" in escape("#17")


@given(st.text(alphabet="aé\n", max_size=400), st.integers(60, 300))
def test_cutting_keeps_to_the_limit_and_whole_lines(text: str, limit: int) -> None:
    shown = cut(text, limit, "cut")
    assert len(shown.encode()) <= limit
    assert shown == text or shown.endswith("cut")


def test_an_address_in_a_name_is_no_link() -> None:
    assert escape("https://evil.example www.evil.example &lt;") == (
        r"https\://evil.example www\.evil.example \&lt;"
    )
