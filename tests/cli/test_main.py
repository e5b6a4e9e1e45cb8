import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import click
import pytest

from bot.cli.main import VERBS, main, root
from bot.documents.redaction import Redactor
from bot.domain.errors import InputError


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot.cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", VERBS)
def test_the_table_says_what_each_verb_says_of_itself(name: str) -> None:
    verb = VERBS[name]
    command = getattr(import_module(verb.module), verb.attribute)
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.get_short_help_str(200) == verb.summary


def test_help_loads_no_heavy_module() -> None:
    code = (
        "import sys; from bot.cli.main import main; main(['--help']); "
        "heavy = {'httpx', 'duckdb', 'pandas', 'numpy', 'pyarrow', 'pydantic', 'rich', 'hcl2', 'github'}; "
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], int]:
    """Return a function that runs a command which raises what it is given."""

    def run_it(error: BaseException) -> int:
        @click.command("x")
        def command() -> None:
            raise error

        monkeypatch.setattr(root, "get_command", lambda ctx, name: command)
        return main(["x"])

    return run_it


def test_exit_codes_keep_their_meaning(
    raising: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert raising(InputError("x.yaml:3: no such thing", "Do this instead.")) == 1
    assert capsys.readouterr().err == "trimtab: x.yaml:3: no such thing\n  Do this instead.\n"
    assert raising(KeyboardInterrupt()) == 130
    assert raising(click.UsageError("odd")) == 2
    capsys.readouterr()
    assert raising(RuntimeError("boom")) == 3
    shown = capsys.readouterr().err
    assert "this is a bug in trimtab" in shown
    assert "Traceback" not in shown


def test_a_bug_report_holds_no_secret(
    raising: Callable[[BaseException], int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    Redactor(["of-the-settings"])
    bug = RuntimeError("http://ada:in-the-url@host/ of-the-settings of-the-environment")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("AIRBYTE_CLIENT_SECRET", "of-the-environment")
    assert raising(bug) == 3
    (report,) = tmp_path.iterdir()
    for text in (capsys.readouterr().err, report.read_text()):
        assert "RuntimeError" in text
        assert "http://ada:***@host/ *** ***" in text
        assert "in-the-url" not in text


def test_a_bug_is_reported_where_no_file_can_be_written(
    raising: Callable[[BaseException], int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    assert raising(RuntimeError("boom")) == 3
    assert "cannot be kept (No such file or directory)" in capsys.readouterr().err


def test_an_unknown_verb_is_a_usage_error() -> None:
    done = run("frobnicate")
    assert done.returncode == 2
    assert "No such command 'frobnicate'" in done.stderr
