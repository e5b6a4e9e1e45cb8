import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    find_spec("mkdocs") is None, reason="mkdocs is in requirements/docs.txt; CI builds the site"
)


class Addresses(HTMLParser):
    """Collect what a browser fetches by itself to show a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"script", "img", "iframe"}:
            self.fetched.append(given.get("src") or "")
        elif tag == "link" and given.get("rel") in {"stylesheet", "icon", "preconnect"}:
            self.fetched.append(given.get("href") or "")


@pytest.mark.slow
def test_the_site_builds_strictly_and_asks_nobody_else_for_anything(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > 10
    for page in pages:
        elsewhere = [at for at in Addresses(page.read_text()).fetched if at.startswith("http")]
        assert elsewhere == [], page
