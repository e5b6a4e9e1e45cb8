"""The `trimtab` command: the table of verbs, and the contract for errors and exit codes.

Verbs live in the modules beside this one and are imported when they are called, so that
`trimtab --help` costs no more than click itself.
"""

import gc
import os
import re
import sys
import tempfile
import traceback
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

import click

from bot.domain.errors import ExitCode, TrimtabError

_SECRET_NAME: Final = re.compile(r"secret|token|passw|credential|key$", re.IGNORECASE)
_SHORTEST_SECRET: Final = 8
"""Flags such as `TOKENIZERS_PARALLELISM=false` are no secrets."""
GARBAGE_AFTER: Final = 50_000
"""New objects between two searches for cycles. A verb makes few cycles and ends; with Python's 700
the searches are a tenth of its start."""


@dataclass(frozen=True, slots=True)
class Verb:
    """Where a verb is defined, and the line that `--help` shows for it."""

    module: str
    summary: str
    attribute: str = "command"


VERBS: dict[str, Verb] = {
    "run": Verb(
        "bot.cli.run", "Mine, advise, judge, edit, and open or update pull requests.", "run"
    ),
    "plan": Verb(
        "bot.cli.run",
        "Print what a run would do, and why; nothing but the history is written.",
        "plan",
    ),
    "pulls": Verb(
        "bot.cli.pulls", "List, show, approve, merge or close pull requests of a local forge."
    ),
    "mine": Verb("bot.cli.mine", "Read new and changed syncs from Airbyte into the history."),
    "doctor": Verb("bot.cli.doctor", "Say what works, what is missing, and what to do about it."),
    "history": Verb("bot.cli.history", "Show, check, prune, export or import the history."),
    "forecast": Verb("bot.cli.forecast", "Say what the next syncs will take, cost and risk."),
    "advise": Verb(
        "bot.cli.advise", "Say what should change, what should stay, and what is not known."
    ),
    "explain": Verb("bot.cli.explain", "Say what each advisor thinks of one connection, and why."),
    "backtest": Verb("bot.cli.backtest", "Hold forecasts of the past against what happened."),
    "terraform": Verb(
        "bot.cli.terraform",
        "Find the literal behind a value in a Terraform root, and change it with a proof.",
    ),
    "check-plan": Verb(
        "bot.cli.check_plan",
        "Check that a Terraform plan changes what was promised and nothing else.",
    ),
    "promise": Verb(
        "bot.cli.promise", "Write to FILE what a pull request of trimtab's promises to change."
    ),
    "comment": Verb(
        "bot.cli.comment",
        "Write FILE (`-` for stdin) as a comment on a pull request, or rewrite the one of its kind.",
    ),
    "check-approval": Verb(
        "bot.cli.check_approval",
        "Post the status trimtab/policy on a pull request: may it be merged as far as policy goes.",
    ),
    "policy": Verb("bot.cli.policy", "Check, explain, test and compare the team's policies."),
    "knobs": Verb(
        "bot.cli.knobs",
        "Print the tuning options that trimtab knows and may turn, with their limits.",
    ),
    "cron": Verb("bot.cli.cron", "Explain a Quartz cron, or list when it fires."),
    "demo": Verb(
        "bot.cli.demo", "Show the whole job on a simulated fleet: no account, no network."
    ),
    "lab": Verb(
        "bot.cli.lab",
        "Serve a simulated Airbyte over HTTP, to try things on without an account.",
    ),
    "load": Verb("bot.cli.load", "Run native pipelines that find their own write batch size."),
}


class LazyGroup(click.Group):
    """List verbs from the table; import one only to run it or to print its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name every verb, in the order of the table."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module that holds `cmd_name`, or return None when there is no such verb."""
        del ctx
        verb = VERBS.get(cmd_name)
        if verb is None:
            return None
        command = getattr(import_module(verb.module), verb.attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs with their summaries without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.summary) for name, verb in VERBS.items()])


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="trimtab", message="trimtab %(version)s")
def root() -> None:
    """Make an Airbyte fleet cheaper and more punctual, one reviewed pull request at a time."""


def main(argv: list[str] | None = None) -> int:
    """Run one verb and return its exit code (see `ExitCode`); nothing escapes as a traceback."""
    gc.set_threshold(GARBAGE_AFTER)
    try:
        result = root.main(args=argv, prog_name="trimtab", standalone_mode=False)
        code = result if isinstance(result, int) else ExitCode.OK
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo("trimtab: interrupted", err=True)
        code = ExitCode.INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except TrimtabError as error:
        click.echo(f"trimtab: {error}", err=True)
        code = error.exit_code
    except Exception:  # noqa: BLE001  the last line of defence: a bug is reported, never dumped
        click.echo(_report_bug(), err=True)
        code = ExitCode.BUG
    return code


def run() -> None:
    """Enter from the console script."""
    sys.exit(main())


def _report_bug() -> str:
    """Keep the traceback in a file of its own, for the issue, and say where it is."""
    said = f"trimtab: this is a bug in trimtab: {_hidden(repr(sys.exc_info()[1]))}\n"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="trimtab-bug-", suffix=".md", delete=False, encoding="utf-8"
        ) as file:
            # Argument values may hold secrets, so the report has the stack and no locals.
            file.write("```\n" + _hidden(traceback.format_exc()) + "```\n")
    except OSError as error:
        return f"{said}  Its traceback cannot be kept ({error.strerror}); please open an issue."
    return f"{said}  Please open an issue with the file {Path(file.name)} (check it for private names first)."


def _hidden(text: str) -> str:
    """Hide what settings and environment hold secret: an exception may quote a URL or a header."""
    from bot.documents.redaction import Redactor, told

    named = (value for name, value in os.environ.items() if _SECRET_NAME.search(name))
    return Redactor((*told(), *(value for value in named if len(value) >= _SHORTEST_SECRET)))(text)


if __name__ == "__main__":
    run()
