import json
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bot.domain.errors import InputError
from bot.report.page import Page, bars, read_accuracy, render_page
from bot.report.summary import Summary
from tests.report.summaries import EMPTY, FULL, KEPT, OPENED, UNPRICED, UNREAD

AT = datetime(2026, 11, 27, 2, tzinfo=UTC)


class Tags(HTMLParser):
    """Collect tags, the addresses in them, and what is shown."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.shown = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]

    def handle_data(self, data: str) -> None:
        self.shown += data


def page(summary: Summary) -> Tags:
    return Tags(render_page(Page(summary, AT, "1.2.3", {"mine": 2.0, "look": 1.0})))


def test_the_page_asks_nobody_for_anything() -> None:
    found = page(FULL)
    assert not found.addresses
    assert not {"script", "img", "link", "iframe"} & found.tags


def test_money_evidence_and_reasons_are_on_it() -> None:
    shown = page(FULL).shown
    for text in ("$5.00 to $100.00", "team approves (p.yaml:9)", "limit: 5 are open", "frozen until",
                 "2 connections: alone in its minute", "not known"):  # fmt: skip
        assert text in shown


def test_an_empty_run_and_an_unread_one_have_pages_too() -> None:
    assert "Nothing." in page(EMPTY).shown
    assert "workspace w: forbidden" in page(UNREAD).shown


def test_names_are_shown_and_not_executed() -> None:
    found = page(replace(EMPTY, entries=(replace(OPENED, title="<script>alert(1)</script>"),)))
    assert "script" not in found.tags
    assert "<script>alert(1)</script>" in found.shown


def test_intervals_share_one_scale_with_zero_on_it() -> None:
    first, second, third = bars([OPENED, KEPT, UNPRICED])
    assert third is None
    assert first is not None
    assert second is not None
    assert second.left == 0
    assert second.left + second.width == pytest.approx(100)
    assert first.zero == second.zero == pytest.approx(100 * 5 / 65, abs=0.01)
    assert first.left < first.median < first.left + first.width


def test_a_backtest_is_shown_beside_the_advice(tmp_path: Path) -> None:
    row = {"quantity": "duration", "ahead_days": 1, "method": "trimtab", "n": 900, "wape": 12.5,
           "interval": 0.91, "mape": None}  # fmt: skip
    path = tmp_path / "backtest.json"
    path.write_text(json.dumps({"forecasts": [row, row | {"method": "last"}], "failure": None}))
    accuracy = read_accuracy(path)
    assert len(accuracy) == 1
    shown = Tags(render_page(Page(EMPTY, AT, "1", accuracy=accuracy))).shown
    assert "91.0%" in shown
    assert "12.5 %" in shown


def test_another_file_is_refused_with_the_command_that_makes_the_right_one(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("[]")
    with pytest.raises(InputError, match="trimtab backtest -o json"):
        read_accuracy(path)
