"""`trimtab pulls`: look at the pull requests of a local forge, and act on them as a person."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.domain.errors import InputError

if TYPE_CHECKING:
    from bot.pulls.local import LocalForge
    from bot.pulls.people import Person

_config = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Settings file.  [default: trimtab.yaml]",
)
_number = click.argument("number", type=click.IntRange(min=1))
_by = click.option("--by", help="Your name.  [default: git's user.name]")


@click.group("pulls", subcommand_metavar="list|show|approve|merge|close|reopen|again|dashboard")
def command() -> None:
    """List, show, approve, merge or close pull requests of a local forge.

    What is done here is a person's doing. For `forge.type: local` only; elsewhere the forge's own page is the place. `again N` ticks the
    box of pull request N on the dashboard, so that the next run proposes its change again.
    """


@command.command("list")
@_config
@click.option("--all", "everything", is_flag=True, help="Merged and closed ones too.")
def list_pulls(config: Path | None, everything: bool) -> None:
    """Print one line for each pull request."""
    from bot.pulls.snapshot import PullState

    pulls = sorted(_open(config).snapshot().pulls, key=lambda pull: pull.number)
    shown = [pull for pull in pulls if everything or pull.state is PullState.OPEN]
    for pull in shown:
        review = f", {pull.review}" if pull.review else ""
        conflicts = ", conflicts" if pull.conflicts else ""
        click.echo(f"{pull.number:>4}  {pull.state}{review}{conflicts}  {pull.title}")
        click.echo(f"      {pull.branch}")
    if not shown:
        click.echo(
            "No pull request." if everything else "No open pull request; --all shows others."
        )


@command.command("show")
@_config
@_number
def show(config: Path | None, number: int) -> None:
    """Print a pull request: title, body, comments, and its diff against the base."""
    forge = _open(config)
    entry = forge.records.one(number)
    pull = next(each for each in forge.snapshot().pulls if each.number == number)
    click.echo(f"#{number} {pull.title} ({pull.state})\n")
    click.echo(entry.body.rstrip())
    if entry.comments:
        click.echo(f"\n---\n{entry.comments.rstrip()}")
    head = forge.git.resolve(f"refs/heads/{pull.branch}")
    if head is not None:
        click.echo("\n---\n" + forge.git.text("diff", f"{forge.base}...{head}"))


@command.command("approve")
@_config
@_number
@_by
def approve(config: Path | None, number: int, by: str | None) -> None:
    """Approve the commit that its branch stands at."""
    _act(config, by, lambda person: person.approve(number))


@command.command("merge")
@_config
@_number
@_by
def merge(config: Path | None, number: int, by: str | None) -> None:
    """Merge it into the base with a merge commit."""
    _act(config, by, lambda person: click.echo(person.merge(number)))


@command.command("close")
@_config
@_number
@_by
def close(config: Path | None, number: int, by: str | None) -> None:
    """Close it; its change is not proposed again for a while."""
    _act(config, by, lambda person: person.close(number))


@command.command("reopen")
@_config
@_number
@_by
def reopen(config: Path | None, number: int, by: str | None) -> None:
    """Open a closed one again, and restore its branch."""
    _act(config, by, lambda person: person.reopen(number))


@command.command("again")
@_config
@_number
@_by
def again(config: Path | None, number: int, by: str | None) -> None:
    """Tick its box on the dashboard: the next run proposes its change again."""
    _act(config, by, lambda person: person.allow_again(number))


@command.command("dashboard")
@_config
def show_dashboard(config: Path | None) -> None:
    """Print the dashboard."""
    board = _open(config).records.dashboard()
    if board is None:
        raise InputError("there is no dashboard yet", "`trimtab run` writes it.")
    click.echo(f"{board[0]}\n\n{board[1].rstrip()}")


def _act(config: Path | None, by: str | None, act: Callable[["Person"], None]) -> None:
    from bot.pulls.people import Person

    forge = _open(config)
    act(Person(forge, by or _name(forge)))


def _name(forge: "LocalForge") -> str:
    name = forge.git.text("config", "--default", "somebody", "--get", "user.name")
    return name or "somebody"


def _open(config: Path | None) -> "LocalForge":
    """Open the forge alone: looking at pull requests needs no secret of Airbyte's."""
    from bot.cli.connect import SETTINGS_FILE
    from bot.pulls.git import Git
    from bot.pulls.local import LocalForge
    from bot.settings.base import read_base_settings

    path = config or SETTINGS_FILE
    forge = read_base_settings(path).forge
    if forge.type != "local":
        raise InputError(
            f"{path}: forge.type is {forge.type!r}, and these verbs are for a local forge",
            "Use the pages of the forge itself.",
        )
    git = Git(path.resolve().parent / forge.repository).at_top()
    return LocalForge(git, forge.base, datetime.now(UTC))
