"""`trimtab comment`: a sticky comment on a pull request."""

import re
from typing import TextIO

import click

from bot.domain.errors import InputError


@click.command("comment")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option(
    "--kind", required=True, help="Comments of one kind replace each other, as in `plan`."
)
@click.option("--pull", type=int, help="Its number.  [default: that of the workflow's event]")
@click.option("--fence", is_flag=True, help="Show FILE as a code block inside a fold.")
@click.option("--title", default="", help="First line.")
def command(file: TextIO, kind: str, pull: int | None, fence: bool, title: str) -> None:
    """Write FILE (`-` for stdin) as a comment on a pull request, or rewrite the one of its kind.

    Works on what GitHub Actions sets: GITHUB_REPOSITORY, GITHUB_EVENT_PATH, GITHUB_API_URL, and
    GITHUB_TOKEN with pull requests to write.
    """
    from bot.cli.workflow import connect_in_workflow, event, pull_of
    from bot.pulls.comments import write_comment

    number = pull if pull is not None else pull_of(event())
    if number is None:
        raise InputError("no pull request is named", "Name it with --pull NUMBER.")
    body = file.read()
    if fence:
        body = _folded(body)
    if title:
        body = f"### {title}\n\n{body}"
    click.echo(write_comment(connect_in_workflow(), number, kind, body))


def _folded(text: str) -> str:
    """Put text into a fence that is longer than any in it, inside a fold."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"<details><summary>Show</summary>\n\n{fence}\n{text.rstrip()}\n{fence}\n\n</details>\n"
