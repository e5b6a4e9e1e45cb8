"""Every shell snippet of the documentation is executed, or says why it is not.

Lines that start with `$` are run in the demo's repository, against the lab, and have to end well. A
comment before the fence, `<!-- not run: reason -->`, takes a snippet out; `ELSEWHERE` takes commands out that
no page can show in a way that works here.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from bot.lab.demo.scene import Scene, set_up

REPOSITORY = Path(__file__).parents[2]
_FENCE: Final = re.compile(
    r"(?:^ *<!-- not run: (?P<reason>.+?) -->\n)?^(?P<indent> *)```(?:console|sh|bash|shell)\n"
    r"(?P<body>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
ELSEWHERE: Final = {
    "trimtab load ": "tests/loader runs pipelines; those are written for somebody's own database",
    "trimtab forecast ": "speaks of a connection of a drawn fleet; tests/cli/test_forecast.py asks",
    "trimtab knobs scan ": "needs a connector's specification; tests/cli/test_knobs.py has one",
    "make ": "its targets set up an environment of their own; CI runs them",
    "trimtab pulls close ": "needs a second pull request; the demo's reviewers close some",
    "pip install ": "downloads every locked requirement",
}


@dataclass(frozen=True)
class Snippet:
    page: str
    line: int
    commands: tuple[str, ...]
    reason: str | None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def snippets() -> Iterator[Snippet]:
    pages = [*sorted((REPOSITORY / "docs").glob("*.md")), REPOSITORY / "README.md"]
    for page in [*pages, REPOSITORY / "CONTRIBUTING.md"]:
        text = page.read_text(encoding="utf-8")
        for match in _FENCE.finditer(text):
            line = text.count("\n", 0, match.start("body")) + 1
            lines = [each.strip() for each in match["body"].splitlines()]
            commands = tuple(
                each[2:].split("  #")[0].strip() for each in lines if each.startswith("$ ")
            )
            yield Snippet(page.relative_to(REPOSITORY).as_posix(), line, commands, match["reason"])


SNIPPETS = list(snippets())
WORKED: Final[set[str]] = set()
EXECUTED = [snippet for snippet in SNIPPETS if not snippet.reason]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with set_up(tmp_path_factory.mktemp("docs") / "repository", connections=8, days=30) as scene:
        assert scene.trimtab("run").returncode == 0  # so that each snippet stands alone
        yield scene


def test_there_are_snippets_and_most_are_executed() -> None:
    assert len(SNIPPETS) > 15
    assert len(EXECUTED) >= 10


def test_every_snippet_has_a_command() -> None:
    assert [str(snippet) for snippet in SNIPPETS if not snippet.commands] == []


@pytest.mark.slow
@pytest.mark.parametrize("snippet", EXECUTED, ids=str)
def test_what_the_documentation_tells_people_to_type_works(scene: Scene, snippet: Snippet) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = os.environ | scene.credentials | {"PATH": path}
    for command in snippet.commands:
        # Pages repeat each other: the same words in the same place are run once.
        if command in WORKED or command.startswith(tuple(ELSEWHERE)):
            continue
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=scene.folder,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{snippet}: {command}\n{done.stdout}\n{done.stderr}"
        WORKED.add(command)
