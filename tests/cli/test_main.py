import subprocess
import sys
from importlib import import_module

import click
import pytest

from bot.cli.main import VERBS, main, root
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


def test_exit_codes_keep_their_meaning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def raising(error: BaseException) -> int:
        @click.command("x")
        def command() -> None:
            raise error

        monkeypatch.setattr(root, "get_command", lambda ctx, name: command)
        return main(["x"])

    assert raising(InputError("x.yaml:3: no such thing", "Do this instead.")) == 1
    assert capsys.readouterr().err == "trimtab: x.yaml:3: no such thing\n  Do this instead.\n"
    assert raising(KeyboardInterrupt()) == 130
    assert raising(click.UsageError("odd")) == 2
    capsys.readouterr()
    assert raising(RuntimeError("boom")) == 3
    shown = capsys.readouterr().err
    assert "this is a bug in trimtab" in shown
    assert "Traceback" not in shown


def test_an_unknown_verb_is_a_usage_error() -> None:
    done = run("frobnicate")
    assert done.returncode == 2
    assert "No such command 'frobnicate'" in done.stderr
