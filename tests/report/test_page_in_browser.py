"""The page as a browser shows it, wide and narrow."""

import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from bot.report.page import Page, render_page
from tests.report.summaries import FULL, OPENED

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
AT: Final = datetime(2026, 11, 27, 2, tzinfo=UTC)
HOSTILE: Final = "<img src=x onerror=\"document.title='struck'\"> & " + "long_" * 60
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
"""It forbids every script: without it, escaping alone has to hold."""
PROBE: Final = """<script>addEventListener("load", () => {
  const page = document.scrollingElement;
  const seen = [page.scrollWidth - innerWidth, performance.getEntriesByType("resource").length];
  document.body.append(`probed ${seen} ${document.title}`);
})</script>"""

pytestmark = pytest.mark.skipif(BROWSER is None, reason=f"none of {', '.join(BROWSERS)} is there")


@pytest.mark.parametrize("width", [1200, 500])
def test_it_fits_the_window_fetches_nothing_and_runs_no_name(tmp_path: Path, width: int) -> None:
    summary = replace(FULL, entries=(*FULL.entries, replace(OPENED, title=HOSTILE)))
    text = render_page(Page(summary, AT, "1.2.3", {"mine": 2.0}))
    file = tmp_path / "page.html"
    assert POLICY in text
    file.write_text(text.replace(POLICY, "") + PROBE, encoding="utf-8")
    shown = subprocess.run(
        [
            str(BROWSER),
            "--headless",
            "--no-sandbox",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--window-size={width},900",
            "--dump-dom",
            file.as_uri(),
        ],
        capture_output=True,
        check=True,
        text=True,
        timeout=120,
    ).stdout
    probed = re.search(r"probed (-?\d+),(\d+) (.*?)<", shown)
    assert probed is not None, shown
    assert int(probed[1]) <= 0
    assert int(probed[2]) == 0
    assert "struck" not in probed[3]
